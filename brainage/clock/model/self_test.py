"""What a clock says of scans that it makes up itself: written with the file, compared on reading.

A file whose arrays were edited, with its hash renewed, is a whole file and may still look like a
clock. It then no longer says what it said when it was written, and neither does one that is read
by software that computes otherwise: both are refused before a trial is scored.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.clock.model.networks import network_edges
from brainage.clock.model.parts import ClockParts
from brainage.clock.model.predict import fold_predictions, numbers_of, prepared_features
from brainage.clock.preparation.steps import Preparation
from brainage.clock.stored import number, record
from brainage.connectivity import ViewSpec
from brainage.errors import ClockFileError
from brainage.tables import WHOLE_BRAIN

#: Relative difference that machines and library versions may make.
TOLERANCE = 1e-4
#: Of means of what the file holds: no machine computes these otherwise but in their last digits.
_STORED, _TOLERANCE_STORED = ("residuals", "reference_distances"), 1e-9
#: Predictions, intervals and corrected gaps of the made-up scans beyond this are no years.
_MOST_YEARS = 10_000.0
_YEARS = ("predicted", "low", "high", "gap_youngest", "gap_oldest")
_NUMBERS = (*_YEARS, "fold_models", "distance", "residuals", "reference_distances")


def self_test(parts: ClockParts) -> list[dict[str, float]]:
    """Return what a clock says of made-up scans, one for each site that it harmonises.

    Where missing parcels are filled, one more lacks them all. The scans lie around the
    reference's mean, every feature moved up or down by a fixed pattern, so that every weight, axis
    and site effect has its part in some number.
    """
    harmonizers = [step.harmonizer for step in parts.preparations if step.harmonizer is not None]
    sites: list[str | None] = [*harmonizers[0].sites_] if harmonizers else []
    found = [_numbers(parts, site) for site in sites or [None]]
    if any(step.imputer is not None for step in parts.preparations):
        found.append(_numbers(parts, None, lacking=True))
    return found


def check_self_test(parts: ClockParts, stored: object) -> None:
    """Compare a file's `self_test` with what its clock says now.

    Raises
    ------
    ClockFileError
        The numbers differ, or are no years.
    """
    found = self_test(parts)
    if not isinstance(stored, list) or len(stored) != len(found):
        raise ClockFileError(f"self-test: expected {len(found)} made-up scans")
    for one, now in zip(stored, found, strict=True):
        record(one, "self-test", _NUMBERS)
        for name in _NUMBERS:
            then = number(one[name], f"self-test {name}")
            if name in _YEARS and not abs(now[name]) <= _MOST_YEARS:
                raise ClockFileError(f"self-test {name}: expected years, found {now[name]:g}")
            tolerance = _TOLERANCE_STORED if name in _STORED else TOLERANCE
            if not abs(now[name] - then) <= tolerance * (1 + abs(then)):
                raise ClockFileError(
                    f"self-test {name}: the clock said {then:g} of a made-up scan when it was "
                    f"written, and says {now[name]:g} now: its content was edited, or this "
                    "machine computes otherwise"
                )


def _numbers(parts: ClockParts, site: str | None, *, lacking: bool = False) -> dict[str, float]:
    row, scan = pd.DataFrame({"site": [site]}), _made_up_scan(parts)
    if lacking:
        pairs = zip(scan, parts.preparations, strict=True)
        scan = [one if step.imputer is None else np.full_like(one, np.nan) for one, step in pairs]
    x, of_folds = prepared_features(parts, scan, row, validating=True)
    numbers = numbers_of(parts, x, of_folds)
    sexes = list(parts.age_sex.by_sex) if parts.age_sex is not None else []
    # The first sex at the youngest age, the last at the oldest.
    youngest, oldest = parts.corrected_gap(
        np.array(parts.age_range_years),
        np.full(2, numbers.predicted),
        [sexes[0], sexes[-1]] if sexes else [None, None],
    )
    return {
        "predicted": numbers.predicted,
        "low": numbers.low,
        "high": numbers.high,
        "gap_youngest": float(youngest),
        "gap_oldest": float(oldest),
        "fold_models": float(np.sum(fold_predictions(parts, x, of_folds))),
        "distance": float(parts.distance.distance(x[None, :])[0]),
        "residuals": float(np.mean(np.concatenate(parts.intervals.residuals_years_))),
        "reference_distances": float(np.mean(parts.distance.reference_distances_)),
    }


def _made_up_scan(parts: ClockParts) -> list[np.ndarray]:
    ones, start = [], 0
    for spec, step in zip(parts.specs, parts.preparations, strict=True):
        size = n_features_of(spec, parts.network)
        mean = np.asarray(parts.distance.mean_[start : start + size], dtype=np.float64)
        energy = parts.distance.residual_energy_
        ones.append(_around(step, _off(parts) * mean, energy)[None, :])
        start += size
    return ones


def _off(parts: ClockParts) -> float:
    # A kernel clock looks at the scan less a mean of its own: were both means edited alike, and the
    # made-up scan with them, it would say the same.
    return 1.0 if len(parts.fold_weights) else 0.9


def _around(step: Preparation, mean: np.ndarray, energy: float) -> np.ndarray:
    signs = np.random.default_rng(0).choice([-1.0, 1.0], len(mean))
    if step.geometry is not None:
        # So that no element of its tangent vector is about zero, whatever the reference: a weight
        # on it could be edited unseen.
        size = 0.5 / np.sqrt(len(step.geometry.reference_))
        return step.geometry.inverse_transform(size * signs[None, :])[0]
    centre = mean if step.direction is None else step.direction.mean_
    return centre + np.sqrt(energy / len(mean)) * signs


def n_features_of(spec: ViewSpec, network: str) -> int:
    """Return how many columns of a view a clock of a network sees."""
    if network == WHOLE_BRAIN:
        return spec.n_features
    return int(network_edges(spec, network).sum())
