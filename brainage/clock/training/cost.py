"""What training a clock will need, told from its size: by which way, how much memory, how long.

Rates are of this package on one core of the machine that docs/scale.md names: a machine of today is
within a factor of three of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brainage.clock.options import ClockOptions
from brainage.clock.preparation.steps import LEARNT_KINDS, seen_in_passes
from brainage.clock.regressors.age_scale import AgeScale, candidate_scales
from brainage.clock.regressors.contract import Needs, Prepared, TrainingShape
from brainage.clock.regressors.registry import regressor_of
from brainage.errors import BrainAgeError
from brainage.showing import Shown

#: Scans beyond which no Gram matrix is made (7 GB).
MAX_GRAM_SCANS = 30_000

#: Products of large matrices, floating-point operations a second.
_PRODUCTS_A_S = 2.5e10
#: Decomposing a square matrix of n rows takes this times n cubed, seconds.
_DECOMPOSED_S = 1e-10
#: One SVR on a matrix of n scans takes this times n squared, seconds.
_SVR_S = 2.2e-8
#: A pass takes the first for every value that is read, and the second for each of its columns.
_READ_S, _COLUMN_S = 2.1e-9, 7.1e-11
#: Passes that a choice of penalties and a fit take (scripts/bench_ridge_in_passes.py).
_CHOICE_PASSES, _FIT_PASSES = 33, 44
_STARTED_BYTES = 3e8


@dataclass(frozen=True, repr=False)
class TrainingCost(Shown):
    """What training needs.

    Parameters
    ----------
    way : {"grams", "moments", "features", "passes"}
        What the regressor is fitted on.
    memory_bytes : float
        Anonymous memory at the peak.
    cpu_s : float or None
        Seconds of one core; None where the estimator was not measured.

    Examples
    --------
    >>> cost = ba.clock.training_cost(ba.clock.ClockOptions(), n_scans=2433, n_features=[44850])
    >>> round(cost.memory_bytes / 1e9, 1)
    0.5
    >>> cost
    TrainingCost...
    """

    way: Needs
    memory_bytes: float
    cpu_s: float | None


def how_prepared(*, learns: bool, seen: bool) -> Prepared:
    """Return how training sets meet features.

    Parameters
    ----------
    learns : bool
        Whether features are prepared anew in every fold.
    seen : bool
        Whether solvers can see them so prepared, and none is rewritten (`seen_in_passes`).
    """
    if not learns:
        return "shared"
    return "seen" if seen else "rewritten"


def refuse_too_many(n_rows: int, way: Needs, *, learns: bool, name: str, halved: bool) -> None:
    """Refuse Gram matrices that no machine here could hold, before one is begun.

    `n_rows` counts scans, and where `halved` the halves of each beside it.
    """
    if way != "grams" or n_rows <= MAX_GRAM_SCANS:
        return
    scans = f"{n_rows} rows (scans and their halves)" if halved else f"{n_rows} scans"
    reason = (
        "features that are prepared anew in every fold (tangent space, missing parcels; all else "
        "too, unless the estimator is ridge or stacked)"
        if learns
        else f"the estimator '{name}'"
    )
    raise BrainAgeError(
        f"clock: {scans} with {reason} need a matrix of all their pairs, "
        f"{8e-9 * n_rows * n_rows:.0f} GB and days of work; expected at most {MAX_GRAM_SCANS}. "
        "Use ridge or stacked on views of which no more than site effects and directions is "
        "learnt, without missing parcels (incomplete_scans: exclude), or fewer scans."
    )


def training_cost(
    options: ClockOptions, *, n_scans: int, n_features: Sequence[int], n_sites: int = 1
) -> TrainingCost:
    """Return what cross-validating and fitting a clock of the whole brain needs.

    Parameters
    ----------
    options : ClockOptions
        Estimator, views, harmonisation and folds.
    n_scans : int
        Of the reference.
    n_features : sequence of int
        Edges of each view.
    n_sites : int, default=1
        For leaving one site out.

    Raises
    ------
    BrainAgeError
        More scans than the estimator can be fitted on.

    Examples
    --------
    >>> options = ba.clock.ClockOptions()
    >>> ba.clock.training_cost(options, n_scans=40_000, n_features=[44850]).way
    'passes'
    """
    regressor = regressor_of(options)
    halved = options.half_scans != "off"
    n_scans *= 3 if halved else 1
    learns = options.harmonization.method != "none" or bool(set(options.views) & set(LEARNT_KINDS))
    seen = all(seen_in_passes(kind, incomplete=False) for kind in options.views)
    prepared = how_prepared(learns=learns, seen=seen)
    way = regressor.needs(TrainingShape(n_scans, n_features[0], prepared, weighted=halved))
    refuse_too_many(n_scans, way, learns=learns, name=regressor.name, halved=halved)
    folds = options.validation
    n_fits = folds.n_folds * folds.n_repeats + 1
    n_fits += n_sites if folds.leave_one_site_out else 0
    memory = {"grams": _gram_bytes, "moments": _moment_bytes, "passes": _pass_bytes}
    seconds = {"grams": _gram_s, "moments": _moment_s, "passes": _pass_s}
    size = _Size(options, n_scans, tuple(n_features), n_fits, learns)
    if way == "features":
        return TrainingCost(way, _STARTED_BYTES + 24.0 * n_scans * max(n_features), None)
    return TrainingCost(way, _STARTED_BYTES + memory[way](size), seconds[way](size))


@dataclass(frozen=True)
class _Size:
    options: ClockOptions
    n: int
    features: tuple[int, ...]
    n_fits: int
    learns: bool

    @property
    def scales(self) -> tuple[AgeScale, ...]:
        stacked = self.options.estimator == "stacked"
        return candidate_scales(np.ones(1), self.options.age_scale) if stacked else ("years",)

    @property
    def columns(self) -> int:
        """Vectors of a pass that chooses penalties."""
        return self.n_fits * self.options.validation.inner_folds * len(self.scales)


def _gram_bytes(size: _Size) -> float:
    prepared = 16.0 * size.n * max(size.features) if size.learns else 0.0
    return 8.0 * size.n**2 * (len(size.features) + 4) + prepared


def _gram_s(size: _Size) -> float | None:
    made = sum(2.0 * size.n**2 * p for p in size.features) / _PRODUCTS_A_S
    made *= size.n_fits if size.learns else 1
    options = size.options
    if options.estimator in ("ridge", "stacked"):
        views = len(size.features) + len(options.strong_views)
        return made + size.n_fits * views * _DECOMPOSED_S * size.n**3
    if options.estimator == "svr":
        tried = len(options.svr_c)
        each = 1 + (tried * options.validation.inner_folds if tried > 1 else 0)
        return made + size.n_fits * each * _SVR_S * size.n**2
    return None


def _moment_bytes(size: _Size) -> float:
    return 8.0 * 4 * size.features[0] ** 2


def _moment_s(size: _Size) -> float:
    p = size.features[0]
    return 4.0 * size.n * p**2 / _PRODUCTS_A_S + size.n_fits * _DECOMPOSED_S * p**3


def _pass_bytes(size: _Size) -> float:
    vectors = 8.0 * size.columns * (8 * max(size.features) + 4 * size.n)
    left_out = size.n / size.options.validation.inner_folds * len(size.options.penalties)
    return vectors + 24.0 * size.columns * left_out


def _pass_s(size: _Size) -> float:
    choice = _CHOICE_PASSES * (_READ_S + _COLUMN_S * size.columns)
    strong = len(size.options.strong_views) / len(size.features)
    fit = _FIT_PASSES * (_READ_S + _COLUMN_S * size.n_fits * (1 + strong))
    return sum(size.n * p * (choice + fit) for p in size.features)
