"""Questions of dose for every active arm and visit, as one table of the registry."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.trial.analyses.dose import DOSE, dose_rows_of_arm, trend_row, trend_weights
from brainage.trial.analyses.record import Analysis, AnalysisInputs, AnalysisResult
from brainage.trial.analyses.repeated_measures import (
    MODEL_SETTINGS,
    baseline_covariates,
    main_model,
    model_data,
)
from brainage.trial.results.tables import ResultTable


def dose_table(inputs: AnalysisInputs) -> pd.DataFrame:
    """Return trend, intention to treat, complier effects and dose-response, visit by visit.

    Parameters
    ----------
    inputs : AnalysisInputs
        The design names `dose_column`, sessions attended.

    Returns
    -------
    table : DataFrame
        Schema `DOSE`.

    Raises
    ------
    DesignError
        The allocation has no such column, or no sessions of anybody.
    """
    design, options = inputs.design, inputs.design.options
    column = options.dose_column
    if column is None or column not in design.allocation:
        raise DesignError(
            "questions of dose: expected the column of sessions attended in the allocation "
            f"(science.trial.dose_column), found {column or 'no name of one'}."
        )
    doses = pd.to_numeric(design.allocation[column], errors="coerce")
    if not (doses > 0).any():
        raise DesignError(
            f"questions of dose: no sessions attended are recorded in column '{column}'."
        )
    taken = design.allocation.assign(**{column: doses})[["participant_id", column]]
    thresholds = () if options.dose is None else options.dose.thresholds
    rows = _trend_rows(inputs)
    for visit in design.later_visits:
        here = inputs.changes[inputs.changes["visit"] == visit]
        here = here.drop(columns=column, errors="ignore").merge(taken, on="participant_id")
        here = model_data(here, design)
        names = tuple(name for name in baseline_covariates(here, design) if name != column)
        here = here[here[list(names)].notna().all(axis=1)]
        for arm in design.active_arms:
            found = dose_rows_of_arm(
                here,
                arm=arm,
                control=design.control_arm,
                dose=column,
                covariates=names,
                thresholds=tuple(thresholds),
            )
            rows += [row | {"visit": visit} for row in found]
    table = pd.DataFrame(rows).assign(network=inputs.network)
    return table[list(DOSE.names)]


def _trend_rows(inputs: AnalysisInputs) -> list[dict]:
    """Return the trend over arms at each visit, from the repeated-measures model."""
    design = inputs.design
    if len(design.arms) < 3:
        return []
    fit = main_model(inputs)
    weights = trend_weights(design.arms)
    rows = []
    for visit in design.later_visits:
        means = np.stack([fit.frame.weights_of(arm, visit) for arm in weights])
        combined = np.array(list(weights.values())) @ means
        rows.append(
            trend_row(fit.estimate(combined), weights, n=fit.n_participants) | {"visit": visit}
        )
    return rows


def _run(inputs: AnalysisInputs) -> AnalysisResult:
    return AnalysisResult(tables={DOSE.name: dose_table(inputs)})


DOSE_QUESTIONS = Analysis(
    key="dose",
    title=lambda _: "dose",
    words=(
        "trend over ordered arms; sessions within each arm (observational); complier-average "
        "effect of each active arm against control by two-stage least squares"
    ),
    settings=(*MODEL_SETTINGS, "dose", "dose_column"),
    run=_run,
    tables=(
        ResultTable(
            DOSE,
            "Dose. Randomisation protects trend and intention to treat; sessions within an arm "
            "are observational, and complier effects rest on the assumptions in the last column.",
        ),
    ),
    asked=lambda options: options.dose is not None,
)
