"""The same contrasts under other choices: fewer covariates, other people, a robust fit."""

from __future__ import annotations

import numpy as np

from brainage.errors import DesignError
from brainage.trial.analyses.record import (
    Analysis,
    AnalysisInputs,
    AnalysisResult,
    EffectRow,
    NothingToDo,
    between_arms,
)
from brainage.trial.analyses.repeated_measures import (
    COVARIATE_SETTINGS,
    MODEL_SETTINGS,
    average_between,
    baseline_covariates,
    contrasts_of,
    fit_changes,
    model_data,
)
from brainage.trial.models.model_frame import build_model_frame
from brainage.trial.models.robust_regression import HUBER_K, fit_huber

#: Share of the changes that a subset must keep to say anything of the whole.
_LEAST_SHARE = 0.5


def _baseline_only(inputs: AnalysisInputs) -> AnalysisResult:
    return contrasts_of(
        fit_changes(inputs.changes, inputs.design, covariates=("baseline_gap",)), inputs.design
    )


def _no_covariates(inputs: AnalysisInputs) -> AnalysisResult:
    return contrasts_of(fit_changes(inputs.changes, inputs.design, covariates=()), inputs.design)


def _strict_motion(inputs: AnalysisInputs) -> AnalysisResult:
    most = inputs.design.options.strict_fd_mm
    changes = inputs.changes
    known = changes[["fd_mm", "baseline_fd_mm"]].notna().all(axis=1)
    if not known.any():
        raise NothingToDo("framewise displacement is not known of any scan")
    still = known & (changes["fd_mm"] <= most) & (changes["baseline_fd_mm"] <= most)
    if still.all():
        raise NothingToDo(f"every scan moved {most:g} mm or less")
    if still.sum() < _LEAST_SHARE * len(changes):
        raise DesignError(
            f"{int(still.sum())} of {len(changes)} changes have {most:g} mm of mean framewise "
            "displacement or less at both scans; more than half are needed."
        )
    return contrasts_of(fit_changes(changes[still], inputs.design), inputs.design)


def _robust(inputs: AnalysisInputs) -> AnalysisResult:
    design = inputs.design
    rows = []
    covariates: tuple[str, ...] = ()
    for visit in design.later_visits:
        data = model_data(inputs.changes[inputs.changes["visit"] == visit], design)
        frame = build_model_frame(
            data,
            response="change",
            arms=design.arms,
            visits=(visit,),
            covariates=baseline_covariates(data, design),
        )
        fit = fit_huber(frame.design, frame.response)
        covariates = frame.covariates
        low = int((fit.weights < 1).sum())
        counts = np.bincount(frame.arm, minlength=len(frame.arms))
        for arm in design.active_arms:
            weights = frame.weights_of(arm, visit) - frame.weights_of(design.control_arm, visit)
            n = int(counts[frame.arms.index(arm)] + counts[0])
            method = f"ANCOVA by Huber's M-estimate (k = {HUBER_K}), {low} people weighted down"
            row = (arm, design.control_arm, visit)
            rows.append(EffectRow(*row, fit.estimate(weights), n, n, method))
    return AnalysisResult(tuple(rows), covariates=covariates)


BASELINE_GAP_ONLY = Analysis(
    key="baseline_gap_only",
    title=lambda _: "covariate: baseline gap only",
    words="sensitivity: the model with the baseline gap as its only covariate",
    settings=("degrees_of_freedom", "covariance_by_arm"),
    rows=average_between,
    run=_baseline_only,
)
NO_COVARIATES = Analysis(
    key="no_covariates",
    title=lambda _: "no covariates",
    words="sensitivity: the model without covariates",
    settings=("degrees_of_freedom", "covariance_by_arm"),
    rows=average_between,
    run=_no_covariates,
)
STRICT_MOTION = Analysis(
    key="strict_motion",
    title=lambda options: f"scans of at most {options.strict_fd_mm:g} mm motion",
    words="sensitivity: changes whose two scans have little mean framewise displacement",
    settings=(*MODEL_SETTINGS, "strict_fd_mm"),
    rows=average_between,
    run=_strict_motion,
    after_randomisation=True,
)
ROBUST_REGRESSION = Analysis(
    key="robust_regression",
    title=lambda _: "robust regression",
    words="sensitivity: analysis of covariance at each visit by Huber's M-estimate",
    settings=COVARIATE_SETTINGS,
    rows=between_arms,
    run=_robust,
)
