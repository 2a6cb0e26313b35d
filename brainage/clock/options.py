"""Choices of the clock room."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from brainage.options import Listed, Options
from brainage.wording import did_you_mean

TangentMap = Literal["log_euclidean", "affine_invariant"]
TangentReference = Literal["log_euclidean", "affine_invariant", "euclidean"]
#: Regressors of this package; every other estimator is an import path of scikit-learn's. A study
#: file may name no other module: importing one runs its code.
ESTIMATORS = ("ridge", "svr", "elastic_net", "gaussian_process", "stacked")
_IMPORT_PATH = re.compile(r"sklearn(\.[A-Za-z][A-Za-z0-9_]*)+")
#: Highest degree of a polynomial kernel that an option or a file may ask for.
MAX_DEGREE = 10
#: Penalties of ridge tried, relative to the mean squared length of a centred scan.
PENALTIES: tuple[float, ...] = tuple(np.geomspace(1e-4, 1e4, 41).tolist())
#: The second, strong penalty of a stack's views, in the same unit; chosen on ABIDE and LEMON,
#: where 1 to 10 are alike (docs/accuracy.md).
STRONG_PENALTY = 3.0
Share = Annotated[float, Field(gt=0, le=1)]


class HarmonizationOptions(Options):
    """Site effects, fitted inside training folds only.

    Parameters
    ----------
    method : {"none", "center", "combat"}, default="none"
        Location per site, or empirical-Bayes location and scale.
    preserve_age : bool, default=False
        Keep the age trend while removing sites; uses the target, so inside the fold only.
    unseen_site : {"refuse", "pass_through", "calibrate"}, default="pass_through"
        What a site unseen in training gets; see docs/harmonisation.md.

    Examples
    --------
    >>> ba.HarmonizationOptions(method="combat", unseen_site="refuse")
    HarmonizationOptions(method='combat', unseen_site='refuse')
    """

    method: Literal["none", "center", "combat"] = "none"
    preserve_age: bool = False
    unseen_site: Literal["refuse", "pass_through", "calibrate"] = "pass_through"


class TangentOptions(Options):
    """Tangent space of the "tangent" view, fitted inside training folds only.

    Parameters
    ----------
    reference : {"log_euclidean", "affine_invariant", "euclidean"}, default="log_euclidean"
        Mean of the training scans at which the space touches.
    log_map : {"log_euclidean", "affine_invariant"}, default="log_euclidean"
        How scans are mapped to it. "affine_invariant" is nilearn's (with that reference as well);
        the other agrees to first order, shares each scan's logarithm over folds and is several
        times faster.

    Examples
    --------
    >>> ba.TangentOptions(reference="euclidean")
    TangentOptions(reference='euclidean')
    """

    reference: TangentReference = "log_euclidean"
    log_map: TangentMap = "log_euclidean"


class ValidationOptions(Options):
    """How out-of-fold predictions of the reference cohort are made.

    Parameters
    ----------
    n_folds : int, default=10
        Outer folds; a person's scans (and family) stay in one.
    n_repeats : int, default=1
        Repeats with other fold draws.
    inner_folds : int, default=5
        Inner folds of tuned estimators (ridge uses exact leave-one-out instead).
    stratify_age : bool, default=False
        Balance ages over folds.
    leave_one_site_out : bool, default=False
        Also hold out each site in turn.
    n_bootstrap : int, default=1000
        Bootstrap draws over people behind the metrics' intervals.

    Examples
    --------
    >>> ba.ValidationOptions(n_folds=5, n_repeats=15)
    ValidationOptions(n_folds=5, n_repeats=15)
    """

    n_folds: int = Field(default=10, ge=2)
    n_repeats: int = Field(default=1, ge=1)
    inner_folds: int = Field(default=5, ge=2)
    stratify_age: bool = False
    leave_one_site_out: bool = False
    n_bootstrap: int = Field(default=1000, ge=0)


class EvaluationOptions(Options):
    """What is measured of a clock beside its accuracy; changes none of its predictions.

    Parameters
    ----------
    n_permutations : int, default=0
        Shuffles of age in the permutation test, every step repeated on each; 0: no test.
    learning_curve : tuple of float, default=()
        Shares of the reference's people to cross-validate on; empty: no curve.
    learning_curve_draws : int, default=3
        Random parts of each size below the whole.
    efficiency : bool, default=True
        What the clock asks of a trial (docs/efficiency.md), by `train`, `evaluate` and sweeps:
        noise within a scan, shares, people per arm, from out-of-fold predictions of half scans.
    efficiency_scans : int, default=500
        Most scans that are cut in two, drawn by the study's seed: what halves cost does not grow
        with the cohort. Their number stands in the table.
    length_curve_scans : int, default=60
        Reference scans, spread over the ages, of which `train` scores parts for the length curve:
        how far predictions move when 1/4 to 3/4 of a scan are kept. 0: no curve.
    trial_ages_years : tuple of float, optional
        Youngest and oldest age of the planned trial, for the share there; the trial's own table is
        never read for it.

    Examples
    --------
    >>> EvaluationOptions(n_permutations=99, learning_curve=[0.5, 1.0])
    EvaluationOptions(n_permutations=99, learning_curve=(0.5, 1.0))
    """

    n_permutations: int = Field(default=0, ge=0)
    learning_curve: Listed[Share] = ()
    learning_curve_draws: int = Field(default=3, ge=1)
    efficiency: bool = True
    efficiency_scans: int = Field(default=500, ge=10)
    length_curve_scans: int = Field(default=60, ge=0)
    trial_ages_years: Annotated[tuple[float, float], Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _ages_ascend(self) -> Self:
        ages = self.trial_ages_years
        if ages is not None and not 0 <= ages[0] < ages[1]:
            raise ValueError(f"trial_ages_years, the youngest first (found {list(ages)})")
        return self


class ClockOptions(Options):
    """One brain clock: features, estimator, harmonisation, bias correction, validation.

    Parameters
    ----------
    estimator : str, default="ridge"
        The regression: "ridge", "svr", "elastic_net", "gaussian_process", "stacked", or the import
        path of a scikit-learn regressor ("sklearn.cross_decomposition.PLSRegression"). A study
        file that says neither estimator, views nor kinds has those of the preset ``recommended``,
        a stack of six views.
    estimator_options : dict, default={}
        Only for an import path: options of that regressor ("n_components": 3).
    views : tuple of str, default=("fisher_z",)
        Feature views it sees; more than one only for "stacked".
    age_scale : {"auto", "years", "sqrt", "log"}, default="auto"
        Only for "stacked": the scale on which ages are predicted; "auto" takes, in each training
        set, the one with the smallest leave-one-out error in years. Predictions are in years.
    penalties : tuple of float, optional
        Only for "ridge" and "stacked": 41 candidates from 1e-4 to 1e4, relative to the mean squared
        length of a centred scan; a single one is not tuned.
    strong_views : tuple of str, default=()
        Only for "stacked": those of `views` that enter a second time, under a strong penalty (3
        times the mean squared length of a centred scan).
    svr_kernel : {"linear", "poly"}, default="linear"
        Only for "svr".
    svr_degree : int, default=2
        Only for the polynomial kernel (its gamma is scikit-learn's "scale", its coef0 is 0).
    svr_c : tuple of float, default=(0.0001, 0.001, 0.01, 0.1, 1.0)
        Candidates for C; a single one is not tuned.
    svr_epsilon : float, default=0.0001
        Width of the insensitive tube, years.
    missing_edges : {"mean", "zero"}, default="mean"
        What the edges of a scan's missing parcels become: the training fold's mean, or 0 (no
        connection), as lisa_like has it. The tangent space completes matrices itself.
    half_scans : {"off", "half_weight", "full_weight"}, default="off"
        Only for "ridge" and "stacked" on series: train on each person's whole scan and its two
        halves, so that a shorter scan looks no older. Each half counts half as much as a whole
        scan, or as much. Off, because it may cost a trial people: on the ABIDE controls 15 %
        fewer for a ridge on Fisher z, 20 % more on the logarithm (docs/scan_length.md).
    ensemble : bool, default=False
        Keep every fold model of every repeat and average, instead of refitting on everyone.
    harmonization : HarmonizationOptions
        Site effects.
    tangent : TangentOptions
        Only for the view "tangent".
    bias_correction : {"none", "offset", "slope", "spline", "in_sample"}, default="offset"
        How the gap is freed from age; "in_sample" only to reproduce lisa_like.
    gap_freed_of_age_and_sex : {"none", "reference", "baselines", "everyone"}, default="none"
        Subtract the corrected gap's regression on age and sex, fitted on the reference (frozen in
        the clock), on the trial's baselines or on all its scans, blind to arm. "everyone" is what
        that group's comparison did: it takes part of each arm's change off with it.
    validation : ValidationOptions
        How out-of-fold predictions are made.
    networks : bool, default=True
        Also one clock per network of the atlas.

    Examples
    --------
    >>> ba.ClockOptions()
    ClockOptions()
    >>> ba.ClockOptions(estimator="svr", views=["fisher_z"], bias_correction="none")
    ClockOptions(estimator='svr', bias_correction='none')
    """

    estimator: str = "ridge"
    estimator_options: dict[str, bool | int | float | str | None] = {}
    views: Listed[str] = ("fisher_z",)
    age_scale: Literal["auto", "years", "sqrt", "log"] = "auto"
    penalties: Listed[float] = PENALTIES
    strong_views: Listed[str] = ()
    svr_kernel: Literal["linear", "poly"] = "linear"
    svr_degree: int = Field(default=2, ge=1, le=MAX_DEGREE)
    svr_c: Listed[float] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    svr_epsilon: float = Field(default=1e-4, ge=0)
    missing_edges: Literal["mean", "zero"] = "mean"
    half_scans: Literal["off", "half_weight", "full_weight"] = "off"
    ensemble: bool = False
    harmonization: HarmonizationOptions = HarmonizationOptions()
    tangent: TangentOptions = TangentOptions()
    bias_correction: Literal["none", "offset", "slope", "spline", "in_sample"] = "offset"
    gap_freed_of_age_and_sex: Literal["none", "reference", "baselines", "everyone"] = "none"
    validation: ValidationOptions = ValidationOptions()
    networks: bool = True

    @model_validator(mode="after")
    def _read_as_written(self) -> Self:
        problems = self._estimator_problems()
        stacked = self.estimator == "stacked"
        if not self.views or len(set(self.views)) < len(self.views):
            problems.append(f"at least one view, and each view once (found {list(self.views)})")
        elif len(self.views) > 1 and not stacked:
            problems.append(
                f"one view for estimator '{self.estimator}'; 'stacked' takes several "
                f"(found {len(self.views)})"
            )
        if self.age_scale in ("sqrt", "log") and not stacked:
            problems.append(
                f"age_scale '{self.age_scale}' only with estimator 'stacked' (found "
                f"'{self.estimator}')"
            )
        unknown = [view for view in self.strong_views if view not in self.views]
        if self.strong_views and not stacked:
            problems.append(
                f"strong_views only with estimator 'stacked' (found '{self.estimator}'; studies "
                "that extend recommended have some: extend fisher_z_ridge, or set strong_views: [])"
            )
        elif unknown or len(set(self.strong_views)) < len(self.strong_views):
            problems.append(
                f"strong_views among views, each once (found {list(self.strong_views)}; set "
                "strong_views: [] for other views than the preset's)"
            )
        if self.half_scans != "off" and self.estimator not in ("ridge", "stacked"):
            problems.append(
                f"half_scans only with estimator 'ridge' or 'stacked' (found '{self.estimator}')"
            )
        if self.half_scans != "off" and (self.ensemble or self.bias_correction == "in_sample"):
            problems.append("half_scans without ensemble and without bias_correction 'in_sample'")
        if not self.svr_c or min(self.svr_c) <= 0:
            problems.append(f"svr_c above 0 (found {list(self.svr_c) or 'none'})")
        rising = all(a < b for a, b in pairwise(self.penalties))
        if not self.penalties or self.penalties[0] <= 0 or not rising:
            problems.append(f"penalties above 0 and rising (found {list(self.penalties)})")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _estimator_problems(self) -> list[str]:
        named = self.estimator in ESTIMATORS
        problems = []
        if not named and not _IMPORT_PATH.fullmatch(self.estimator):
            problems.append(
                f"estimator among {list(ESTIMATORS)}, or the import path of a scikit-learn "
                f"regressor (found '{self.estimator}').{did_you_mean(self.estimator, ESTIMATORS)}"
            )
        if named and self.estimator_options:
            problems.append(
                f"estimator_options only with an import path (found estimator '{self.estimator}')"
            )
        return problems


def as_clock_options(options: ClockOptions | str) -> ClockOptions:
    """Return options as they are, or those of an estimator by its name, with every default.

    Parameters
    ----------
    options : ClockOptions or str
        Options, or ``"ridge"``, ``"svr"``, ...
    """
    return ClockOptions(estimator=options) if isinstance(options, str) else options
