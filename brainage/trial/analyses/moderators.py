"""Does the effect of an arm depend on what people were like at baseline?

Each moderator enters the repeated-measures model with a slope at every visit, and with a slope
of its own in every active arm and visit. The interaction is the difference of slopes; the
effect is shown at stated values, or in each level. Exploratory: people were not randomised to
their baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.tables import Column, TableSchema
from brainage.trial.analyses.record import Analysis, AnalysisInputs, AnalysisResult, later_visits
from brainage.trial.analyses.repeated_measures import (
    CROSSED,
    MODEL_SETTINGS,
    baseline_covariates,
    model_data,
)
from brainage.trial.design.join import TrialDesign
from brainage.trial.models.joint_test import joint_test
from brainage.trial.models.mmrm import Errors, fit_mmrm
from brainage.trial.models.mmrm_fit import MmrmFit
from brainage.trial.options import ModeratorOptions, TrialOptions
from brainage.trial.results.tables import ResultTable

_FEWEST = 2
_EVERY_VISIT = "all visits"
_EVERY_ARM = "all arms"
MODERATORS = TableSchema(
    "moderators",
    (
        Column("moderator", "text", "Baseline variable."),
        Column(
            "row",
            "text",
            "'interaction' (per unit, or a level against the first), 'effect' (of the arm at a "
            "value or in a level), or 'joint test' (no interaction at all).",
        ),
        Column("arm", "text", "Arm, against control; 'all arms' for the joint test."),
        Column("versus", "text", "Control arm."),
        Column("visit", "text", "Visit; 'all visits' for the joint test."),
        Column("at", "text", "Value or level; n/a for the joint test.", nullable=True),
        Column(
            "estimate",
            "number",
            "Years (effect), years per unit of a continuous moderator, or years between two levels "
            "(interaction).",
            nullable=True,
        ),
        Column("se", "number", "Standard error, same unit.", nullable=True),
        Column("ci_low", "number", "Lower end of the 95 % interval.", nullable=True),
        Column("ci_high", "number", "Upper end of the 95 % interval.", nullable=True),
        Column("statistic", "number", "t, or F of the joint test."),
        Column("numerator_df", "number", "Of F; 1 for a t."),
        Column("df", "number", "Degrees of freedom (of F: the denominator's)."),
        Column("p_value", "number", "Two-sided p, not adjusted.", low=0, high=1),
        Column("n_model", "integer", "Participants the model used."),
        Column("method", "text", "How it was estimated."),
    ),
)


@dataclass(frozen=True)
class _Coded:
    """A moderator as columns: centred numbers, or one indicator for each level but the first."""

    columns: Mapping[str, np.ndarray]
    points: tuple[tuple[str, tuple[float, ...]], ...]
    steps: tuple[str, ...]


def _moderators(inputs: AnalysisInputs) -> AnalysisResult:
    rows: list[dict] = []
    notes: list[str] = []
    for each in inputs.design.options.moderators:
        try:
            rows += moderator_rows(inputs.changes, inputs.design, each)
        except DesignError as error:
            notes.append(f"moderator '{each.variable}' was not done: {error}")
    if not rows:
        raise DesignError("; ".join(notes))
    table = pd.DataFrame(rows, columns=list(MODERATORS.names))
    return AnalysisResult(tables={MODERATORS.name: table}, notes=tuple(notes))


def moderator_rows(
    changes: pd.DataFrame,
    design: TrialDesign,
    moderator: ModeratorOptions,
    *,
    errors: Errors = "automatic",
) -> list[dict]:
    """Estimate the interaction of arm and a baseline variable, and the effect at its values.

    Parameters
    ----------
    changes : DataFrame
        One network's changes from baseline.
    design : TrialDesign
        Arms, visits, covariates.
    moderator : ModeratorOptions
        The variable, and where to show the effect.
    errors : {"automatic", "model", "cluster_robust", "small_sample"}, default="automatic"
        As in `fit_mmrm`.

    Returns
    -------
    rows : list of dict
        Of the schema `MODERATORS`.

    Raises
    ------
    DesignError
        The variable is not known for anyone, or has fewer than two levels in an arm at a visit;
        see also `fit_mmrm`.
    """
    name = moderator.variable
    data = model_data(_with_variable(changes, design, name), design)
    data = data[data[name].notna()]
    _refuse_one_level(data, design, name)
    coded = _coded(data, moderator)
    columns = {f"{name} {step}": values for step, values in coded.columns.items()}
    own = {
        (arm, step): f"{name} {step} in {arm}"
        for arm in design.active_arms
        for step in coded.columns
    }
    arm_of = data["arm"].to_numpy()
    for (arm, step), column in own.items():
        columns[column] = np.where(arm_of == arm, coded.columns[step], 0.0)
    others = tuple(each for each in baseline_covariates(data, design) if each != name)
    fit = fit_mmrm(
        data.assign(**columns),
        response="change",
        arms=design.arms,
        visits=design.later_visits,
        covariates=(*others, *columns),
        crossed_with_visit=(*CROSSED, *columns),
        degrees_of_freedom=design.options.degrees_of_freedom,
        covariance_by_arm=design.options.covariance_by_arm,
        errors=errors,
    )
    return _rows(fit, design, coded, (name, own))


def _rows(
    fit: MmrmFit,
    design: TrialDesign,
    coded: _Coded,
    named: tuple[str, Mapping[tuple[str, str], str]],
) -> list[dict]:
    name, own = named
    shared = {
        "moderator": name,
        "versus": design.control_arm,
        "n_model": fit.n_participants,
        "method": fit.method,
    }
    rows = []
    for arm in design.active_arms:
        for visit in design.later_visits:
            slopes = np.stack([_slope(fit, own[arm, step], visit) for step in coded.columns])
            where = {"arm": arm, "visit": visit, **shared}
            for step, weights in zip(coded.steps, slopes, strict=True):
                rows.append(_estimated(fit, weights, {"row": "interaction", "at": step, **where}))
            plain = fit.contrast_weights(arm, visit)
            for words, point in coded.points:
                weights = plain + np.asarray(point) @ slopes
                rows.append(_estimated(fit, weights, {"row": "effect", "at": words, **where}))
    every = [_slope(fit, column, visit) for column in own.values() for visit in design.later_visits]
    found = joint_test(
        np.stack(every),
        fit.coefficients.to_numpy(),
        fit.vcov.to_numpy(),
        error_of=fit.errors.error_of,
    )
    joint = {
        "row": "joint test",
        "arm": _EVERY_ARM,
        "visit": _EVERY_VISIT,
        "at": None,
        **dict.fromkeys(("estimate", "se", "ci_low", "ci_high"), np.nan),
        "statistic": found.statistic,
        "numerator_df": found.numerator_df,
        "df": found.denominator_df,
        "p_value": found.p_value,
    }
    return [*rows, {**joint, **shared}]


def _estimated(fit: MmrmFit, weights: np.ndarray, row: dict) -> dict:
    found = fit.estimate(weights)
    return {
        **row,
        "estimate": found.estimate,
        "se": found.se,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
        "statistic": found.statistic,
        "numerator_df": 1.0,
        "df": found.df,
        "p_value": found.p_value,
    }


def _slope(fit: MmrmFit, column: str, visit: str) -> np.ndarray:
    """Return the weights of an arm's own slope on the moderator at a visit."""
    one_visit = len(fit.frame.visits) == 1
    wanted = column if one_visit else f"{column} at {visit}"
    if wanted not in fit.frame.column_names:
        raise DesignError(
            f"'{wanted}' cannot be estimated: it follows from the other covariates of the model."
        )
    return (np.array(fit.frame.column_names) == wanted).astype(float)


def _with_variable(changes: pd.DataFrame, design: TrialDesign, name: str) -> pd.DataFrame:
    if name in changes:
        return changes
    if name not in design.allocation:
        raise DesignError(
            f"expected a column '{name}' in the allocation, which has "
            f"{', '.join(map(str, design.allocation.columns))}."
        )
    of_person = design.allocation.set_index("participant_id")[name]
    return changes.assign(**{name: changes["participant_id"].map(of_person)})


def _refuse_one_level(data: pd.DataFrame, design: TrialDesign, name: str) -> None:
    for arm in design.arms:
        for visit in design.later_visits:
            here = data.loc[(data["arm"] == arm) & (data["visit"] == visit), name]
            if here.nunique() < _FEWEST:
                found = ", ".join(map(str, here.unique())) or "nobody"
                raise DesignError(
                    f"{arm} at {visit} has fewer than two values of '{name}' ({found}): whether "
                    "the effect depends on it cannot be told."
                )


def _coded(data: pd.DataFrame, moderator: ModeratorOptions) -> _Coded:
    name = moderator.variable
    values = data[name]
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        of_people = data.drop_duplicates("participant_id")[name].astype(float)
        mean, sd = float(of_people.mean()), float(of_people.std(ddof=1))
        shown = moderator.values or (mean - sd, mean, mean + sd)
        return _Coded(
            {"(centred)": values.to_numpy(dtype=float) - mean},
            tuple((f"{value:.6g}", (value - mean,)) for value in shown),
            ("per unit",),
        )
    text = values.astype(str)
    levels = sorted(text.unique())
    if moderator.values:
        raise DesignError(f"'values' are for numbers; '{name}' has the levels {', '.join(levels)}.")
    columns = {f"[{level}]": (text == level).to_numpy(dtype=float) for level in levels[1:]}
    points = [(level, tuple(float(level == other) for other in levels[1:])) for level in levels]
    return _Coded(columns, tuple(points), tuple(f"{each} - {levels[0]}" for each in levels[1:]))


def _promised(options: TrialOptions) -> list[dict[str, str]]:
    active = options.arms[1:]
    return [
        {"table": MODERATORS.name, "moderator": each.variable, "arm": arm, "visit": visit}
        for each in options.moderators
        for arm, visit in [
            *((arm, visit) for arm in active for visit in later_visits(options)),
            (_EVERY_ARM, _EVERY_VISIT),
        ]
    ]


MODERATED = Analysis(
    key="moderators",
    title=lambda _: "moderators",
    words="interaction of arm, visit and a baseline variable in the repeated-measures model, and "
    "the effect at its values or in its levels; exploratory",
    settings=(*MODEL_SETTINGS, "moderators"),
    run=_moderators,
    tables=(
        ResultTable(
            MODERATORS,
            "Moderators: the interaction with its interval, and the effect at values of the "
            "moderator. Exploratory, not adjusted.",
            planned_by=("moderator", "arm", "visit"),
        ),
    ),
    table_rows=_promised,
    asked=lambda options: bool(options.moderators),
)
