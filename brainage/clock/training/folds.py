"""Who is held out together: people, families, sites; ages balanced on request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import KFold

from brainage.clock.options import ValidationOptions
from brainage.errors import LeakageError

Folds = list[tuple[np.ndarray, np.ndarray]]


def groups_of(rows: pd.DataFrame) -> np.ndarray:
    """Return the group of each scan: scans of one person, and of one family, share a group.

    Parameters
    ----------
    rows : DataFrame
        participant_id and family_id (missing: no family).

    Returns
    -------
    groups : ndarray of shape (n_scans,), int
        Numbered by first appearance.
    """
    person, _ = pd.factorize(rows["participant_id"])
    family, _ = pd.factorize(rows["family_id"]) if "family_id" in rows else (-np.ones(len(rows)), 0)
    n = person.max() + 1
    # Person and family are nodes, a scan is an edge: connected people stay together even where
    # the family is written on one of their scans only.
    known = family >= 0
    n_nodes = n + int(family.max()) + 1 if known.any() else n
    graph = coo_array(
        (np.ones(known.sum()), (person[known], n + family[known])), shape=(n_nodes, n_nodes)
    )
    _, component = connected_components(graph, directed=False)
    return pd.factorize(component[person])[0]


def make_folds(rows: pd.DataFrame, options: ValidationOptions, *, seed: int) -> list[Folds]:
    """Return the outer folds of every repeat.

    One scan a person and no families: the folds equal scikit-learn's
    ``KFold(n_folds, shuffle=True, random_state=seed + repeat)`` in stored order.

    Parameters
    ----------
    rows : DataFrame
        Row table of the features.
    options : ValidationOptions
        Number of folds and repeats, age stratification.
    seed : int
        Of the first repeat.

    Returns
    -------
    repeats : list of list of (train, test)

    Raises
    ------
    LeakageError
        Fewer groups than folds.

    Examples
    --------
    >>> folds = make_folds(examples.features().rows, ba.ValidationOptions(n_folds=5), seed=0)
    >>> len(folds), [len(test) for _, test in folds[0]]
    (1, [8, 8, 8, 8, 8])
    """
    groups = groups_of(rows)
    n_groups = groups.max() + 1
    if n_groups < options.n_folds:
        raise LeakageError(
            f"validation.n_folds: expected at most as many folds as independent people or "
            f"families, found {options.n_folds} folds and {n_groups} of them."
        )
    age = pd.Series(rows["age_years"].to_numpy(float)).groupby(groups).mean().to_numpy()
    repeats = []
    for repeat in range(options.n_repeats):
        fold_of = np.empty(n_groups, dtype=int)
        for k, members in enumerate(_group_folds(age, options, seed + repeat)):
            fold_of[members] = k
        repeats.append(_as_pairs(fold_of[groups], options.n_folds))
    return repeats


def site_folds(rows: pd.DataFrame) -> tuple[list[str], Folds]:
    """Return leave-one-site-out folds; people scanned at two sites are never in both halves.

    Examples
    --------
    >>> sites, folds = site_folds(examples.features().rows)
    >>> len(sites), [len(test) for _, test in folds]
    (2, [20, 20])
    """
    site = rows["site"].fillna("(no site)").to_numpy(str)
    groups = groups_of(rows)
    names, folds = sorted(set(site)), []
    if len(names) < 2:
        raise LeakageError(f"leave_one_site_out: expected two sites at least, found {names}.")
    for name in names:
        test = np.flatnonzero(site == name)
        train = np.flatnonzero((site != name) & ~np.isin(groups, groups[test]))
        folds.append((train, test))
    return names, folds


def check_disjoint(
    reference_ids: Iterable[str],
    trial_ids: Iterable[str],
    *,
    same_people: Mapping[str, str | None] | None = None,
) -> None:
    """Refuse a trial participant who is also in the reference cohort.

    Parameters
    ----------
    reference_ids, trial_ids : iterable of str
        Participants of each, one or more times.
    same_people : mapping of str to str or None, optional
        Trial id -> who that is in the reference: another id, or None for someone who is not in it
        although an id there is equal. Ids that are not mapped mean the same in both.

    Raises
    ------
    LeakageError
        Naming up to five of them.

    Examples
    --------
    >>> check_disjoint(["R01", "R02"], ["T01"])
    >>> check_disjoint(["R01", "R02"], ["R02"])
    Traceback (most recent call last):
        ...
    brainage.errors.LeakageError: 1 participant(s) are in the reference cohort and in th...
    """
    mapped = {str(mine): theirs for mine, theirs in (same_people or {}).items()}
    reference = set(map(str, reference_ids))
    shared = sorted(
        mine for mine in set(map(str, trial_ids)) if mapped.get(mine, mine) in reference
    )
    if shared:
        more = f" and {len(shared) - 5} more" if len(shared) > 5 else ""
        named = [
            mine if mapped.get(mine, mine) == mine else f"{mine} ({mapped[mine]} in the reference)"
            for mine in shared[:5]
        ]
        raise LeakageError(
            f"{len(shared)} participant(s) are in the reference cohort and in the trial: "
            f"{', '.join(named)}{more}. A clock must not be trained on people it scores: "
            "remove them from the reference, or, if they are other people, say so in the table "
            "paths.same_people (an empty reference_id)."
        )


def check_no_copies(values: np.ndarray, rows: pd.DataFrame) -> None:
    """Refuse equal scans under two participant ids: a copy in another fold is no new person.

    Raises
    ------
    LeakageError
        Naming the first pair.
    """
    seen: dict[bytes, str] = {}
    for key, person in zip(_scan_keys(values), rows["participant_id"], strict=True):
        other = seen.setdefault(key, person)
        if other != person:
            raise LeakageError(
                f"participants {other} and {person} have the same scan: it would be in training "
                "and held out at once. Remove one, or give both one participant_id."
            )


def check_no_shared_scans(
    reference_values: np.ndarray,
    reference: pd.DataFrame,
    trial_values: np.ndarray,
    trial: pd.DataFrame,
) -> None:
    """Refuse a scan that stands in the reference and in the trial, under whatever ids.

    Parameters
    ----------
    reference_values, trial_values : ndarray of shape (n_scans, n_features)
        The same view of each.
    reference, trial : DataFrame
        Their row tables.

    Raises
    ------
    LeakageError
        Naming the first pair.

    Examples
    --------
    >>> reference, trial = examples.features(), examples.features("trial")
    >>> check_no_shared_scans(
    ...     reference["fisher_z"].values, reference.rows, trial["fisher_z"].values, trial.rows
    ... )
    """
    known = dict(zip(_scan_keys(reference_values), reference["participant_id"], strict=True))
    for key, person in zip(_scan_keys(trial_values), trial["participant_id"], strict=True):
        if key in known:
            raise LeakageError(
                f"trial participant {person} has the same scan as {known[key]} of the reference: "
                "the clock was trained on it. Remove that person from the reference."
            )


def _scan_keys(values: np.ndarray) -> Iterator[bytes]:
    # The whole row: the first edges of two scans are equal where both lack the first parcel.
    for row in values:
        yield hashlib.blake2b(np.ascontiguousarray(row).data, digest_size=16).digest()


def _group_folds(age: np.ndarray, options: ValidationOptions, seed: int) -> list[np.ndarray]:
    if not options.stratify_age:
        splitter = KFold(options.n_folds, shuffle=True, random_state=seed)
        return [test for _, test in splitter.split(age)]
    # Sorted by age, each run of n_folds people is dealt one to a fold in random order.
    rng = np.random.default_rng(seed)
    order = np.argsort(age, kind="stable")
    fold_of = np.empty(len(age), dtype=int)
    for start in range(0, len(age), options.n_folds):
        members = order[start : start + options.n_folds]
        fold_of[members] = rng.permutation(options.n_folds)[: len(members)]
    return [np.flatnonzero(fold_of == k) for k in range(options.n_folds)]


def _as_pairs(fold: np.ndarray, n_folds: int) -> Folds:
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)]
