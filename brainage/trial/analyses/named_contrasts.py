"""Named contrasts of the repeated-measures model, and its joint tests.

Active arm against active arm is the only evidence for "heavier is better"; whether an effect is
still there when training has ended is the contrast at the last visit, and beside it stands how
much of it faded since the visit before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from brainage.tables import Column, TableSchema
from brainage.trial.analyses.linear_contrasts import (
    LinearContrast,
    differing_factors,
    linear_contrasts,
)
from brainage.trial.analyses.record import Analysis, AnalysisInputs, AnalysisResult, later_visits
from brainage.trial.analyses.repeated_measures import MODEL_SETTINGS, main_model
from brainage.trial.models.joint_test import JointTest, joint_test
from brainage.trial.models.lsmeans import Estimate
from brainage.trial.models.mmrm_fit import MmrmFit
from brainage.trial.options import TrialOptions
from brainage.trial.options.contrasts import DURABILITY
from brainage.trial.results.schemas import ESTIMATE_COLUMNS, TEST_COLUMNS
from brainage.trial.results.tables import ResultTable

NAMED_CONTRASTS = TableSchema(
    "named_contrasts",
    (
        Column("name", "text", "Name of the contrast."),
        Column("kind", "text", "The ready-made name it comes from, or 'own'."),
        Column("arms", "text", "Weight of each arm."),
        Column("visits", "text", "Weight of each visit."),
        *ESTIMATE_COLUMNS,
        *TEST_COLUMNS,
        Column("family", "text", "'secondary', 'exploratory', or 'none': the same as another."),
        Column("same_as", "text", "The contrast that it is a multiple of.", nullable=True),
        Column("margin_years", "number", "Planned margin of fading.", "years", nullable=True),
        Column("reading", "text", "What the interval says against the margin.", nullable=True),
        Column("also_differ_in", "text", "What else its arms differ in.", nullable=True),
        Column("n_model", "integer", "Participants of its arms that the model used."),
        Column("n_at_visits", "integer", "Of those, with a score at one of its visits."),
        Column("method", "text", "How it was estimated."),
    ),
    key=("name",),
)
JOINT_TESTS = TableSchema(
    "joint_tests",
    (
        Column("name", "text", "What is tested."),
        Column("hypothesis", "text", "What the null says."),
        Column("statistic", "number", "F."),
        Column("numerator_df", "number", "Numerator degrees of freedom."),
        Column("denominator_df", "number", "Denominator degrees of freedom."),
        Column("p_value", "number", "p.", low=0, high=1),
        Column("method", "text", "How it was tested."),
    ),
    key=("name",),
)


def contrast_weights_of(
    fit: MmrmFit, arms: Mapping[str, float], visits: Mapping[str, float]
) -> np.ndarray:
    """Return the coefficients' weights in a linear contrast over arms and visits.

    Parameters
    ----------
    fit : MmrmFit
        A fitted model.
    arms, visits : mapping of str to float
        Weights; a label that the model does not have is an error.
    """
    parts = [
        a * v * fit.frame.weights_of(arm, visit)
        for arm, a in arms.items()
        for visit, v in visits.items()
    ]
    return np.sum(parts, axis=0)


def _named(inputs: AnalysisInputs) -> AnalysisResult:
    fit = main_model(inputs)
    rows = [_row(each, fit, inputs) for each in linear_contrasts(inputs.design.options)]
    tests = [
        {"name": name, "hypothesis": words, **vars(found), "method": fit.method}
        for name, words, found in joint_tests(fit)
    ]
    return AnalysisResult(
        tables={
            NAMED_CONTRASTS.name: pd.DataFrame(rows, columns=list(NAMED_CONTRASTS.names)),
            JOINT_TESTS.name: pd.DataFrame(tests, columns=list(JOINT_TESTS.names)),
        }
    )


def joint_tests(fit: MmrmFit) -> list[tuple[str, str, JointTest]]:
    """Test arm by visit, any arm at each visit, and any arm at any visit.

    Parameters
    ----------
    fit : MmrmFit
        A fitted model.

    Returns
    -------
    tests : list of (name, hypothesis, JointTest)
    """
    visits, active = fit.frame.later_visits, fit.frame.arms[1:]
    at = {t: np.stack([fit.contrast_weights(arm, t) for arm in active]) for t in visits}
    asked = [(f"any arm, {t}", f"no arm differs from {fit.frame.arms[0]}", at[t]) for t in visits]
    if len(visits) > 1:
        asked.append(
            (
                "any arm, any visit",
                f"no arm differs from {fit.frame.arms[0]} at any visit",
                np.vstack(list(at.values())),
            )
        )
        later = [at[t] - at[visits[0]] for t in visits[1:]]
        asked.append(
            ("arm x visit", "differences between arms are the same at all visits", np.vstack(later))
        )
    return [
        (
            name,
            words,
            joint_test(
                weights,
                fit.coefficients.to_numpy(),
                fit.vcov.to_numpy(),
                error_of=fit.errors.error_of,
            ),
        )
        for name, words, weights in asked
    ]


def _row(each: LinearContrast, fit: MmrmFit, inputs: AnalysisInputs) -> dict:
    found = fit.estimate(contrast_weights_of(fit, each.arms, each.visits))
    options = inputs.design.options
    return {
        "name": each.name,
        "kind": each.kind,
        "arms": _weights_in_words(each.arms),
        "visits": _weights_in_words(each.visits),
        "estimate_years": found.estimate,
        "se_years": found.se,
        "ci_low_years": found.ci_low,
        "ci_high_years": found.ci_high,
        "df": found.df,
        "statistic": found.statistic,
        "p_value": found.p_value,
        "p_adjusted": math.nan,
        "family": each.family,
        "same_as": each.same_as or None,
        "margin_years": math.nan if each.margin_years is None else each.margin_years,
        "reading": durability_reading(found, each.margin_years) if _fades(each) else None,
        "also_differ_in": differing_factors(each.arms, options) or None,
        **_people(fit, each),
        "method": fit.method,
    }


def _people(fit: MmrmFit, each: LinearContrast) -> dict[str, int]:
    frame = fit.frame
    arms = [frame.arms.index(arm) for arm, weight in each.arms.items() if weight]
    visits = [frame.visits.index(visit) for visit, weight in each.visits.items() if weight]
    mine = np.isin(frame.arm, arms)
    there = mine & np.isin(frame.visit, visits)
    return {
        "n_model": len(np.unique(frame.person[mine])),
        "n_at_visits": len(np.unique(frame.person[there])),
    }


def _fades(each: LinearContrast) -> bool:
    return each.kind == DURABILITY


def durability_reading(found: Estimate, margin_years: float | None) -> str:
    """Say what later minus earlier shows; below zero the effect grew, above zero it faded.

    Parameters
    ----------
    found : Estimate
        The contrast at the later visit minus the one at the earlier visit, in years.
    margin_years : float or None
        Planned margin, above zero; None: none was planned, and nothing is called maintained.

    Returns
    -------
    words : str
    """
    if found.ci_low > 0:
        return "fading: the interval lies above zero"
    if margin_years is None:
        return "no margin planned: not significant is not maintained"
    if found.ci_high < margin_years:
        return f"maintained: fading by {margin_years:g} years or more is excluded"
    return f"not shown: fading by {margin_years:g} years or more is not excluded"


def _weights_in_words(weights: Mapping[str, float]) -> str:
    return "; ".join(f"{name} {weight:+.4g}" for name, weight in weights.items())


def _promised(options: TrialOptions) -> list[dict[str, str]]:
    return [
        {"table": NAMED_CONTRASTS.name, "name": each.name, "family": each.family}
        for each in linear_contrasts(options)
    ]


def _apply(options: TrialOptions) -> bool:
    return bool(linear_contrasts(options)) or len(later_visits(options)) > 1


NAMED = Analysis(
    key="named_contrasts",
    title=lambda _: "named contrasts",
    words="named linear contrasts of the repeated-measures model (active arm against active arm, "
    "pooled arms, durability, averages, factorial margins, and those of the plan), and its joint "
    "tests (F, the model's degrees of freedom)",
    settings=(
        *MODEL_SETTINGS,
        "contrasts",
        "arm_factors",
        "multiplicity",
        "primary_arm",
        "primary_visit",
    ),
    run=_named,
    tables=(
        ResultTable(
            NAMED_CONTRASTS,
            "Named contrasts. Exploratory ones are not adjusted; secondary ones are adjusted "
            "together with the contrasts with control. Of later minus earlier, above zero is "
            "fading.",
            planned_by=("name", "family"),
        ),
        ResultTable(JOINT_TESTS, "Joint tests of the repeated-measures model."),
    ),
    table_rows=_promised,
    asked=_apply,
)
