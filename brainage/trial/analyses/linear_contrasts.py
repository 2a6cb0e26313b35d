"""Linear contrasts over arms and visits, spelt out from their weights or ready-made names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from brainage.trial.analyses.record import later_visits
from brainage.trial.options import TrialOptions
from brainage.trial.options.contrasts import (
    ACTIVE_ARMS,
    AVERAGES,
    DURABILITY,
    MARGINS,
    POOLED,
    ContrastOptions,
)

#: Weights that differ by less are the same.
_SAME = 1e-9


@dataclass(frozen=True)
class LinearContrast:
    """One linear contrast, spelt out.

    Parameters
    ----------
    name : str
        Unique among the contrasts.
    kind : str
        The ready-made name it comes from, or "own".
    arms : mapping of str to float
        Weights, which sum to zero.
    visits : mapping of str to float
        Weights.
    family : {"secondary", "exploratory", "none"}
        "none": equal to another contrast, and a member of no family.
    margin_years : float or None
        Planned margin of fading.
    same_as : str
        The other contrast that it equals; empty where it equals none.
    """

    name: str
    kind: str
    arms: Mapping[str, float]
    visits: Mapping[str, float]
    family: str
    margin_years: float | None = None
    same_as: str = ""


def linear_contrasts(options: TrialOptions) -> list[LinearContrast]:
    """Return the ready-made contrasts that these arms and visits have, and the named ones.

    A contrast that is a multiple of one that stands before it, or of a contrast with control, is
    named as such and enters no family: it is the same test.

    Parameters
    ----------
    options : TrialOptions
        Arms, visits, named contrasts, factors of the arms.

    Returns
    -------
    contrasts : list of LinearContrast
    """
    chosen = {each.name: each for each in options.contrasts if each.is_ready_made}
    found = [each for kind in _READY for each in _READY[kind](options, chosen.get(kind))]
    found += [_own(each, options) for each in options.contrasts if not each.is_ready_made]
    before = _with_control(options)
    kept = []
    for each in found:
        vector = _vector(each.arms, each.visits, options)
        twin = next((name for name, other in before.items() if _parallel(vector, other)), "")
        kept.append(_equal_to(each, twin) if twin else each)
        before.setdefault(each.name, vector)
    return kept


def differing_factors(arms: Mapping[str, float], options: TrialOptions) -> str:
    """Say what arms on the two sides of a contrast differ in, where it is more than one thing.

    Parameters
    ----------
    arms : mapping of str to float
        Weights of the arms.
    options : TrialOptions
        Holds `arm_factors`.

    Returns
    -------
    words : str
        Empty where the factors are not known, or only one differs.
    """
    sides = [
        [options.arm_factors[a] for a in arms if sign * arms[a] > 0 and a in options.arm_factors]
        for sign in (1, -1)
    ]
    if not all(sides):
        return ""
    words = []
    for factor in dict.fromkeys(name for side in sides for levels in side for name in levels):
        first, second = ({levels.get(factor, "none") for levels in side} for side in sides)
        if first != second:
            words.append(f"{factor} ({'/'.join(sorted(first))} against {'/'.join(sorted(second))})")
    return "; ".join(words) if len(words) > 1 else ""


def _active_arms(options: TrialOptions, chosen: ContrastOptions | None) -> list[LinearContrast]:
    return [
        _made(f"{high} - {low}, {visit}", ACTIVE_ARMS, {high: 1.0, low: -1.0}, {visit: 1.0}, chosen)
        for low, high in combinations(options.arms[1:], 2)
        for visit in later_visits(options)
    ]


def _pooled_arms(options: TrialOptions) -> dict[str, float]:
    active = options.arms[1:]
    return {options.control_arm: -1.0, **{arm: 1 / len(active) for arm in active}}


def _pooled(options: TrialOptions, chosen: ContrastOptions | None) -> list[LinearContrast]:
    if len(options.arms) < 3:
        return []
    name = f"all active arms - {options.control_arm}"
    return [
        _made(f"{name}, {visit}", POOLED, _pooled_arms(options), {visit: 1.0}, chosen)
        for visit in later_visits(options)
    ]


def _averages(options: TrialOptions, chosen: ContrastOptions | None) -> list[LinearContrast]:
    visits = later_visits(options)
    if len(visits) < 2 or len(options.arms) < 3:
        return []
    mean = {visit: 1 / len(visits) for visit in visits}
    pairs = [
        (f"{high} - {low}", {high: 1.0, low: -1.0})
        for low, high in combinations(options.arms[1:], 2)
    ]
    pairs.append((f"all active arms - {options.control_arm}", _pooled_arms(options)))
    return [
        _made(f"{name}, average over visits", AVERAGES, arms, mean, chosen) for name, arms in pairs
    ]


def _durability(options: TrialOptions, chosen: ContrastOptions | None) -> list[LinearContrast]:
    visits = later_visits(options)
    if len(visits) < 2:
        return []
    earlier, last = visits[-2:]
    pairs = [
        (f"{arm} - {options.control_arm}", {arm: 1.0, options.control_arm: -1.0})
        for arm in options.arms[1:]
    ]
    return [
        _made(
            f"{name}, {last} minus {earlier}", DURABILITY, arms, {last: 1.0, earlier: -1.0}, chosen
        )
        for name, arms in pairs
    ]


def _margins(options: TrialOptions, chosen: ContrastOptions | None) -> list[LinearContrast]:
    """Return the main effect of each factor of a full factorial of two levels or more each."""
    factors = options.arm_factors
    names = list(dict.fromkeys(name for levels in factors.values() for name in levels))
    if set(factors) != set(options.arms) or len(names) < 2:
        return []
    levels = {name: list(dict.fromkeys(f.get(name) for f in factors.values())) for name in names}
    cells = {tuple(f.get(name) for name in names) for f in factors.values()}
    if None in {level for own in levels.values() for level in own} or cells != set(
        product(*levels.values())
    ):
        return []
    found = []
    for name in names:
        first, *others = levels[name]
        for other in others:
            weights = {arm: _side(f[name], str(other), str(first)) for arm, f in factors.items()}
            size = sum(value for value in weights.values() if value > 0)
            arms = {arm: value / size for arm, value in weights.items() if value}
            found += [
                _made(f"{name}: {other} - {first}, {visit}", MARGINS, arms, {visit: 1.0}, chosen)
                for visit in later_visits(options)
            ]
    return found


def _side(level: str, other: str, first: str) -> float:
    return float(level == other) - float(level == first)


_READY = {
    ACTIVE_ARMS: _active_arms,
    POOLED: _pooled,
    DURABILITY: _durability,
    AVERAGES: _averages,
    MARGINS: _margins,
}


def _made(
    name: str,
    kind: str,
    arms: Mapping[str, float],
    visits: Mapping[str, float],
    chosen: ContrastOptions | None,
) -> LinearContrast:
    family = "exploratory" if chosen is None else chosen.family
    margin = None if chosen is None else chosen.margin_years
    return LinearContrast(name, kind, arms, visits, family, margin)


def _own(each: ContrastOptions, options: TrialOptions) -> LinearContrast:
    visits = each.visits or {options.primary_visit: 1.0}
    return LinearContrast(each.name, "own", each.arms, visits, each.family)


def _equal_to(each: LinearContrast, twin: str) -> LinearContrast:
    return LinearContrast(
        each.name, each.kind, each.arms, each.visits, "none", each.margin_years, twin
    )


def _with_control(options: TrialOptions) -> dict[str, np.ndarray]:
    """Return the weights of the contrasts with control, which every comparison has."""
    found = {}
    visits = later_visits(options)
    mean = {visit: 1 / len(visits) for visit in visits}
    for arm in options.arms[1:]:
        arms = {arm: 1.0, options.control_arm: -1.0}
        named: Iterable = [(visit, {visit: 1.0}) for visit in visits]
        if len(visits) > 1:
            named = [*named, ("average over visits", mean)]
        for words, weights in named:
            found[f"{arm} - {options.control_arm}, {words}"] = _vector(arms, weights, options)
    return found


def _vector(
    arms: Mapping[str, float], visits: Mapping[str, float], options: TrialOptions
) -> np.ndarray:
    rows = np.array([arms.get(arm, 0.0) for arm in options.arms])
    columns = np.array([visits.get(visit, 0.0) for visit in later_visits(options)])
    return np.outer(rows, columns).ravel()


def _parallel(first: np.ndarray, second: np.ndarray) -> bool:
    sizes = np.linalg.norm(first) * np.linalg.norm(second)
    return bool(abs(abs(first @ second) - sizes) < _SAME * sizes)
