"""What the headline's model is made of: coefficients, covariance of the visits, adjusted means."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.tables import Column, TableSchema
from brainage.trial.analyses.record import Analysis, AnalysisInputs, AnalysisResult
from brainage.trial.analyses.repeated_measures import MODEL_SETTINGS, main_model
from brainage.trial.results.schemas import ESTIMATE_COLUMNS, TEST_COLUMNS
from brainage.trial.results.tables import ResultTable

_OF_TEST = tuple(column for column in TEST_COLUMNS if column.name != "p_adjusted")
FIXED_EFFECTS = TableSchema(
    "fixed_effects",
    (
        Column(
            "term",
            "text",
            "Coefficient: 'ARM at VISIT' is that cell's mean at observed margins; covariates are "
            "centred, a category is a level against the first.",
        ),
        Column("estimate", "number", "Years, or years per unit of the covariate."),
        Column("se", "number", "Standard error, same unit."),
        *_OF_TEST,
    ),
    key=("term",),
)
COVARIANCES = TableSchema(
    "covariance_matrices",
    (
        Column("arm", "text", "Arm, or 'all arms' that share one matrix."),
        Column("visit", "text", "Visit of the row."),
        Column("other_visit", "text", "Visit of the column."),
        Column("covariance", "number", "Residual covariance.", "years squared"),
        Column("correlation", "number", "Residual correlation.", low=-1.0000001, high=1.0000001),
    ),
    key=("arm", "visit", "other_visit"),
)
LSMEANS = TableSchema(
    "lsmeans",
    (
        Column("arm", "text", "Arm."),
        Column("visit", "text", "Visit."),
        *ESTIMATE_COLUMNS,
        Column("df", "number", "Degrees of freedom."),
        Column("n_at_visit", "integer", "Participants of the arm in the model at the visit."),
    ),
    key=("arm", "visit"),
)


def _details(inputs: AnalysisInputs) -> AnalysisResult:
    fit = main_model(inputs)
    terms = [
        (name, fit.estimate(weights))
        for name, weights in zip(fit.coefficients.index, np.eye(len(fit.coefficients)), strict=True)
    ]
    effects = [
        {
            "term": name,
            "estimate": found.estimate,
            "se": found.se,
            "df": found.df,
            "statistic": found.statistic,
            "p_value": found.p_value,
        }
        for name, found in terms
    ]
    matrices = []
    for arm, matrix in fit.covariance.items():
        sd = np.sqrt(np.diag(matrix))
        matrices += [
            {
                "arm": arm,
                "visit": row,
                "other_visit": column,
                "covariance": float(matrix.iloc[i, j]),
                "correlation": float(matrix.iloc[i, j] / (sd[i] * sd[j])),
            }
            for i, row in enumerate(matrix.index)
            for j, column in enumerate(matrix.columns)
        ]
    means = []
    for a, arm in enumerate(fit.frame.arms):
        for visit in fit.frame.later_visits:
            found = fit.lsmean(arm, visit)
            there = (fit.frame.arm == a) & (fit.frame.visit == fit.frame.visits.index(visit))
            means.append(
                {
                    "arm": arm,
                    "visit": visit,
                    "estimate_years": found.estimate,
                    "se_years": found.se,
                    "ci_low_years": found.ci_low,
                    "ci_high_years": found.ci_high,
                    "df": found.df,
                    "n_at_visit": int(there.sum()),
                }
            )
    return AnalysisResult(
        tables={
            FIXED_EFFECTS.name: pd.DataFrame(effects, columns=list(FIXED_EFFECTS.names)),
            COVARIANCES.name: pd.DataFrame(matrices, columns=list(COVARIANCES.names)),
            LSMEANS.name: pd.DataFrame(means, columns=list(LSMEANS.names)),
        }
    )


MODEL_DETAILS = Analysis(
    key="model_details",
    title=lambda _: "model details",
    words="coefficients, covariance of the visits and least-squares means of the repeated-measures "
    "model",
    settings=MODEL_SETTINGS,
    run=_details,
    tables=(
        ResultTable(
            LSMEANS,
            "Least-squares means of change from baseline at observed margins.",
            shown="folded",
            describes=True,
        ),
        ResultTable(
            FIXED_EFFECTS,
            "Coefficients of the repeated-measures model.",
            shown="folded",
            describes=True,
        ),
        ResultTable(
            COVARIANCES,
            "Residual covariance of a person's visits.",
            shown="folded",
            describes=True,
        ),
    ),
)
