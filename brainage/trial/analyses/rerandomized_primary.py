"""The primary contrast under redrawn allocations."""

from __future__ import annotations

import numpy as np

from brainage.trial.analyses.record import (
    Analysis,
    AnalysisInputs,
    AnalysisResult,
    EffectRow,
    RowName,
)
from brainage.trial.analyses.repeated_measures import (
    COVARIATE_SETTINGS,
    CROSSED,
    baseline_covariates,
    model_data,
)
from brainage.trial.analyses.rerandomize import rerandomization_test
from brainage.trial.models.lsmeans import Estimate
from brainage.trial.options import TrialOptions


def _rows(options: TrialOptions) -> list[RowName]:
    arm = options.primary_arm or options.arms[-1]
    return [(arm, options.control_arm, options.primary_visit)]


def _rerandomized(inputs: AnalysisInputs) -> AnalysisResult:
    design, changes = inputs.design, inputs.changes
    scheme = design.options.randomization
    order = {label: index for index, label in enumerate(design.later_visits)}
    used = changes.iloc[changes["visit"].map(order).argsort(kind="stable")]
    if scheme.statistic == "ancova":
        used = used[used["visit"] == design.primary_visit]
    data = model_data(used, design)
    found = rerandomization_test(
        design.allocation,
        data,
        response="change",
        arm=design.primary_arm,
        control=design.control_arm,
        visit=design.primary_visit,
        covariates=baseline_covariates(data, design),
        crossed_with_visit=CROSSED,
        scheme=scheme.scheme,
        block_size=scheme.block_size,
        strata=design.options.strata,
        n_draws=scheme.n_draws,
        seed=inputs.seed,
        statistic=scheme.statistic,
        replayed=design.replayed,
        interval=True,
    )
    se = abs(found.estimate / found.statistic) if found.statistic else np.nan
    estimate = Estimate(
        found.estimate, se, np.nan, found.statistic, found.p_value, found.ci_low, found.ci_high
    )
    two = (design.primary_arm, design.control_arm)
    there = used["arm"].isin(two) & (used["visit"] == design.primary_visit)
    n_at_visit = min(int(there.sum()), found.n_compared)
    row = EffectRow(
        *two, design.primary_visit, estimate, found.n_compared, n_at_visit, found.method
    )
    return AnalysisResult((row,), covariates=found.covariates, notes=(found.note,))


RERANDOMIZATION = Analysis(
    key="rerandomization",
    title=lambda _: "re-randomisation",
    words="re-randomisation test of the primary contrast",
    settings=(*COVARIATE_SETTINGS, "randomization"),
    rows=_rows,
    run=_rerandomized,
)
