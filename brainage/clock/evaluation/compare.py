"""Two clocks on identical folds; one clock against chance, and against smaller cohorts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from brainage.clock.options import ClockOptions, as_clock_options
from brainage.clock.training.folds import groups_of
from brainage.clock.training.validation import CrossValidation, cross_validate_clock
from brainage.connectivity import FeatureTable
from brainage.errors import BrainAgeError
from brainage.progress import Progress, silent
from brainage.showing import Shown


@dataclass(frozen=True, repr=False)
class Comparison(Shown):
    """Difference in mean absolute error of two clocks on the same folds.

    Parameters
    ----------
    difference_years : float
        First minus second; negative: the first errs less.
    low, high : float
        95 % bootstrap bounds over people.
    p_bootstrap : float
        Two-sided, (b + 1) / (m + 1), b draws on the other side of zero, doubled.
    t, df, p_corrected_t : float
        Corrected resampled t test over folds; one observation a fold and repeat.
    n_people, n_draws : int
        People and bootstrap draws.

    Examples
    --------
    >>> ridge, svr = examples.cross_validation(), examples.cross_validation()
    >>> comparison = compare_clocks(ridge, svr, n_draws=100)
    >>> comparison.difference_years
    0.0
    """

    difference_years: float
    low: float
    high: float
    p_bootstrap: float
    t: float
    df: int
    p_corrected_t: float
    n_people: int
    n_draws: int


def compare_clocks(
    first: CrossValidation, second: CrossValidation, *, n_draws: int = 2000, seed: int = 0
) -> Comparison:
    """Compare two clocks by their errors on the same people, held out in the same folds.

    Parameters
    ----------
    first, second : CrossValidation
        Of the same scans, folds and repeats.
    n_draws : int, default=2000
        Bootstrap draws over people.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    comparison : Comparison

    Raises
    ------
    BrainAgeError
        Scans, folds or repeats differ.

    References
    ----------
    .. [1] Nadeau & Bengio (2003), Mach. Learn. 52:239-281 (corrected resampled t).

    Examples
    --------
    >>> features, options = examples.features(), examples.clock_options()
    >>> ridge = examples.cross_validation()
    >>> mean = options.model_copy(update={"penalties": (1e6,)})
    >>> shrunken = ba.cross_validate_clock(features, mean)
    >>> ba.compare_clocks(ridge, shrunken, n_draws=200).difference_years < 0
    True
    """
    rows = first.predictions
    keys = ["participant_id", "session_id", "repeat", "fold", "age_years"]
    if not rows[keys].equals(second.predictions[keys]):
        raise BrainAgeError(
            "compare_clocks: expected the same scans in the same folds and order, found others. "
            "Cross-validate both on the same features with the same validation options and seed."
        )
    difference = _absolute_error(first) - _absolute_error(second)
    people, person = np.unique(rows["participant_id"].astype(str), return_inverse=True)
    n = len(people)
    sums = np.bincount(person, weights=difference, minlength=n)
    counts = np.bincount(person, minlength=n)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n, np.full(n, 1 / n), n_draws)
    means = drawn @ sums / (drawn @ counts)
    low, high = np.percentile(means, [2.5, 97.5])
    beyond = min(np.sum(means <= 0), np.sum(means >= 0))
    p_bootstrap = min(1.0, 2 * (beyond + 1) / (n_draws + 1))
    t, df, p = _corrected_t(rows, difference)
    return Comparison(
        float(difference.mean()), float(low), float(high), float(p_bootstrap), t, df, p, n, n_draws
    )


def permutation_test(
    features: FeatureTable,
    options: ClockOptions | str,
    *,
    n_permutations: int = 199,
    seed: int = 0,
    n_jobs: int = 1,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Test whether a clock predicts better than clocks trained on shuffled ages.

    Parameters
    ----------
    features : FeatureTable
        The reference cohort.
    options : ClockOptions or str
        The clock; every step is repeated on each shuffle.
    n_permutations : int, default=199
        Shuffles. People with as many scans exchange their ages, first scan for first, so that
        repeated scans keep belonging together.
    seed : int, default=0
        Of folds and shuffles.
    n_jobs : int, default=1
        Threads over folds.
    progress : Progress, optional
        Told of every shuffle.

    Returns
    -------
    result : DataFrame
        metric (MAE, r), estimate, p_value = (b + 1) / (m + 1) with b the shuffles at least as
        good, n_permutations.

    Examples
    --------
    >>> table = ba.permutation_test(
    ...     examples.features(), examples.clock_options(), n_permutations=2
    ... )
    >>> list(table.columns)
    ['metric', 'estimate', 'p_value', 'n_permutations']
    """
    options = as_clock_options(options)
    options = _without_intervals(options)
    age = features.ages
    observed = _mae_and_r(cross_validate_clock(features, options, seed=seed, n_jobs=n_jobs))
    rng = np.random.default_rng(seed)
    at_least_as_good = np.zeros(2, dtype=int)
    for number in range(n_permutations):
        rows = features.rows.assign(age_years=age[_exchange(features.rows, rng)])
        shuffled = replace(features, rows=rows)
        found = _mae_and_r(cross_validate_clock(shuffled, options, seed=seed, n_jobs=n_jobs))
        at_least_as_good += [found[0] <= observed[0], found[1] >= observed[1]]
        progress(number + 1, n_permutations, "permutations")
    return pd.DataFrame(
        {
            "metric": ["MAE", "r"],
            "estimate": observed,
            "p_value": (at_least_as_good + 1) / (n_permutations + 1),
            "n_permutations": n_permutations,
        }
    )


def learning_curve(
    features: FeatureTable,
    options: ClockOptions | str,
    *,
    shares: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8, 1.0),
    n_draws: int = 3,
    seed: int = 0,
    n_jobs: int = 1,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Cross-validate on random parts of the cohort.

    Parameters
    ----------
    features : FeatureTable
        The reference cohort.
    options : ClockOptions or str
        The clock.
    shares : tuple of float, default=(0.2, 0.4, 0.6, 0.8, 1.0)
        Shares of people (families stay whole), above 0 and at most 1.
    n_draws : int, default=3
        Random parts of each size; the whole cohort once.
    seed : int, default=0
        Of parts and folds.
    n_jobs : int, default=1
        Threads over folds.
    progress : Progress, optional
        Told of every part.

    Returns
    -------
    curve : DataFrame
        share, draw, n_people (groups), n_scans, MAE, r, skill: uncorrected, out of fold.

    Examples
    --------
    >>> curve = ba.learning_curve(
    ...     examples.features(), examples.clock_options(), shares=(0.5, 1.0), n_draws=1
    ... )
    >>> list(curve.columns)
    ['share', 'draw', 'n_people', 'n_scans', 'MAE', 'r', 'skill']
    """
    options = as_clock_options(options)
    groups = groups_of(features.rows)
    n_groups = int(groups.max()) + 1
    rng = np.random.default_rng(seed)
    parts = [(share, draw) for share in shares for draw in range(n_draws if share < 1 else 1)]
    records = []
    for share, draw in parts:
        size = round(share * n_groups)
        chosen = np.isin(groups, rng.choice(n_groups, size, replace=False))
        part = features if share >= 1 else features.select(chosen)
        cv = cross_validate_clock(part, _without_intervals(options), seed=seed, n_jobs=n_jobs)
        metrics = cv.metrics.drop_duplicates("metric").set_index("metric")["estimate"]
        records.append(
            {"share": share, "draw": draw, "n_people": size, "n_scans": int(chosen.sum())}
            | metrics[["MAE", "r", "skill"]].to_dict()
        )
        progress(len(records), len(parts), "learning curve")
    return pd.DataFrame(records)


def _absolute_error(cv: CrossValidation) -> np.ndarray:
    rows = cv.predictions
    return np.abs(rows["predicted_age_years"] - rows["age_years"]).to_numpy(float)


def _corrected_t(rows: pd.DataFrame, difference: np.ndarray) -> tuple[float, int, float]:
    """Return t, df, p: the variance of the mean grows by n_test / n_train, as folds overlap."""
    by_fold = pd.Series(difference).groupby([rows["repeat"], rows["fold"]])
    means, sizes = by_fold.mean().to_numpy(), by_fold.size().to_numpy()
    n_scans = int((rows["repeat"] == rows["repeat"].iloc[0]).sum())
    overlap = float(np.mean(sizes / (n_scans - sizes)))
    variance = float(means.var(ddof=1)) * (1 / len(means) + overlap)
    df = len(means) - 1
    if variance == 0:
        return 0.0, df, 1.0
    t = float(means.mean() / np.sqrt(variance))
    return t, df, float(2 * student_t.sf(abs(t), df))


def _without_intervals(options: ClockOptions) -> ClockOptions:
    validation = options.validation.model_copy(
        update={"n_bootstrap": 0, "leave_one_site_out": False}
    )
    return options.model_copy(update={"validation": validation})


def _mae_and_r(cv: CrossValidation) -> np.ndarray:
    metrics = cv.metrics.set_index("metric")["estimate"]
    # A constant prediction has no correlation: that is as good as none.
    return np.array([metrics["MAE"], np.nan_to_num(metrics["r"], nan=0.0)])


def _exchange(rows: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Return for each scan the scan whose age it gets: people of as many scans change places."""
    person = pd.factorize(rows["participant_id"])[0]
    own = [np.flatnonzero(person == k) for k in range(person.max() + 1)]
    source = np.arange(len(rows))
    counts = np.array([len(scans) for scans in own])
    for count in np.unique(counts):
        alike = np.flatnonzero(counts == count)
        for receiver, giver in zip(alike, rng.permutation(alike), strict=True):
            source[own[receiver]] = own[giver]
    return source
