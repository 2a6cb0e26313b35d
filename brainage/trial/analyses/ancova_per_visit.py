"""Analysis of covariance at each visit by itself."""

from __future__ import annotations

from brainage.trial.analyses.record import (
    Analysis,
    AnalysisInputs,
    AnalysisResult,
    EffectRow,
    between_arms,
)
from brainage.trial.analyses.repeated_measures import (
    COVARIATE_SETTINGS,
    baseline_covariates,
    model_data,
)
from brainage.trial.models.ancova import fit_ancova
from brainage.trial.models.model_frame import FEW_PEOPLE


def _ancova(inputs: AnalysisInputs) -> AnalysisResult:
    design = inputs.design
    rows: list[EffectRow] = []
    notes: list[str] = []
    covariates: tuple[str, ...] = ()
    for visit in design.later_visits:
        data = model_data(inputs.changes[inputs.changes["visit"] == visit], design)
        fit = fit_ancova(
            data, response="change", arms=design.arms, covariates=baseline_covariates(data, design)
        )
        covariates = fit.covariates
        notes += [f"{visit}: {note}" for note in fit.notes]
        for arm in design.active_arms:
            n = fit.n_by_arm[arm] + fit.n_by_arm[design.control_arm]
            row = (arm, design.control_arm, visit)
            rows.append(EffectRow(*row, fit.contrast(arm), n, n, fit.method))
    return AnalysisResult(tuple(rows), covariates=covariates, notes=tuple(notes))


ANCOVA = Analysis(
    key="ancova",
    title=lambda _: "ancova per visit",
    words="analysis of covariance at each visit with HC3 errors (HC2 with Bell-McCaffrey "
    f"degrees of freedom where an arm has fewer than {FEW_PEOPLE} people)",
    settings=COVARIATE_SETTINGS,
    rows=between_arms,
    run=_ancova,
)
