"""Is more better? Trend over ordered arms, dose within an arm, and what the dose did.

Only the trend is protected by randomisation. Sessions attended are chosen: within an arm they
describe, and the two-stage estimate (`complier`) rests on assumptions that stand in every row.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.tables import Column, TableSchema
from brainage.trial.analyses.complier import WEAK_F, ComplierEffect, complier_effect
from brainage.trial.analyses.robust_lines import covariate_columns, fit_robust_line
from brainage.trial.models.lsmeans import Estimate

TREND = "trend over arms"
WITHIN_ARM = "sessions within the arm"
INTENTION_TO_TREAT = "intention to treat"
PER_SESSION = "complier average, per session"
THRESHOLD = "complier average, threshold"

_TREND_WORDS = "randomised: arms in their planned order, equally spaced"
_OBSERVATIONAL = (
    "observational: people chose how often they came, and what made them come may move the brain"
)
_ASSUMPTIONS = (
    "assumes exclusion (arm acts through sessions alone), monotonicity (nobody attends less for "
    "being in the arm) and {access}"
)
_AVERAGE = "a weighted average over sessions of the effect of one more (Angrist & Imbens 1995)"
_NO_EFFECT_BELOW = (
    "no effect below {level:g} sessions is assumed: sessions under the threshold that do something "
    "breach exclusion, and the estimate is then too large"
)

DOSE = TableSchema(
    "dose",
    (
        Column("network", "text", "'whole_brain' or the network of the clock."),
        Column("analysis", "text", "Which question of dose."),
        Column("arm", "text", "Arm; 'all arms' for the trend."),
        Column("versus", "text", "Arm compared with; 'n/a' within an arm.", nullable=True),
        Column("visit", "text", "Visit."),
        Column(
            "estimate_years",
            "number",
            "Years per unit; below zero is younger.",
            "years",
            nullable=True,
        ),
        Column("se_years", "number", "Standard error.", "years", nullable=True),
        Column("ci_low_years", "number", "Lower end of the 95 % interval.", "years", nullable=True),
        Column(
            "ci_high_years", "number", "Upper end of the 95 % interval.", "years", nullable=True
        ),
        Column("unit", "text", "What one unit is."),
        Column("df", "number", "Degrees of freedom.", nullable=True),
        Column("statistic", "number", "t.", nullable=True),
        Column("p_value", "number", "Two-sided p.", nullable=True, low=0, high=1),
        Column("first_stage_f", "number", "Robust F of arm on sessions.", nullable=True),
        Column(
            "anderson_rubin_low_years",
            "number",
            "Lower end of the weak-instrument region.",
            "years",
            nullable=True,
        ),
        Column(
            "anderson_rubin_high_years",
            "number",
            "Upper end of the weak-instrument region.",
            "years",
            nullable=True,
        ),
        Column(
            "anderson_rubin_region",
            "text",
            "interval; two rays (the region is outside the ends); every value; empty.",
            nullable=True,
        ),
        Column("mean_sessions", "number", "Mean sessions of the arm's analysed.", nullable=True),
        Column("n", "integer", "Participants analysed."),
        Column("same_as", "text", "Contrast that this is a multiple of.", nullable=True),
        Column("reads", "text", "What the number rests on, or why it was not run."),
    ),
)


def trend_weights(
    arms: tuple[str, ...], doses: tuple[float, ...] | None = None
) -> dict[str, float]:
    """Return the weight of each arm in the linear trend, in units of one step of dose.

    Parameters
    ----------
    arms : tuple of str
        In rising order of dose, control first.
    doses : tuple of float or None, default=None
        Dose of each arm; None: 0, 1, 2, ... (equal steps).

    Returns
    -------
    weights : dict of str to float
        They sum to zero; applied to means that rise by b a step they give b.

    Raises
    ------
    DesignError
        As many doses as arms are not given, or they do not rise.

    Examples
    --------
    >>> trend_weights(("CON", "MIT", "HRT"))
    {'CON': -0.5, 'MIT': 0.0, 'HRT': 0.5}
    """
    step = np.arange(len(arms), dtype=float) if doses is None else np.asarray(doses, dtype=float)
    if len(step) != len(arms) or len(arms) < 2 or (np.diff(step) <= 0).any():
        raise DesignError(
            f"trend over arms: expected a rising dose for each of {', '.join(arms)}, found "
            f"{list(step)}."
        )
    centred = step - step.mean()
    return dict(zip(arms, (centred / (centred @ centred)).tolist(), strict=True))


def equal_contrast(weights: dict[str, float]) -> str | None:
    """Name the contrast of two arms that these weights are a multiple of; None where of none.

    Parameters
    ----------
    weights : dict of str to float
        Of each arm.

    Examples
    --------
    >>> equal_contrast(trend_weights(("CON", "MIT", "HRT")))
    'HRT - CON'
    """
    largest = max(abs(weight) for weight in weights.values())
    used = {arm: weight for arm, weight in weights.items() if abs(weight) > 1e-12 * largest}
    if len(used) != 2:
        return None
    up, down = sorted(used, key=lambda arm: -used[arm])
    return f"{up} - {down}"


def dose_response(
    people: pd.DataFrame,
    *,
    dose: str,
    response: str = "change",
    covariates: tuple[str, ...] = (),
    what: str = "dose within the arm",
) -> Estimate:
    """Regress the change on the dose taken among people of one arm.

    Parameters
    ----------
    people : DataFrame
        One row a person of one arm and visit, none missing.
    dose : str
        Column of sessions attended.
    response : str, default="change"
        Years for a brain-age gap.
    covariates : tuple of str, default=()
        Measured before randomisation.
    what : str, default="dose within the arm"
        For messages.

    Returns
    -------
    slope : Estimate
        Response per unit of dose, HC3 errors. Observational.

    Raises
    ------
    DesignError
        Too few people, or the same dose in all of them.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"sessions": [1, 2, 3, 4, 5], "change": [0.9, 2.1, 2.9, 4.2, 5.0]})
    >>> round(dose_response(people, dose="sessions").estimate, 2)
    1.03
    """
    taken = people[dose].to_numpy(dtype=float)
    if len(taken) < 4 or np.ptp(taken) <= 1e-12 * max(1.0, float(np.abs(taken).max())):
        raise DesignError(
            f"{what}: expected four people or more with different {dose}, found {len(taken)} with "
            f"{len(np.unique(taken))} value(s)."
        )
    first = np.column_stack([np.ones(len(taken)), taken - taken.mean()])
    design = np.column_stack([first, covariate_columns(people, covariates, first)])
    return fit_robust_line(design, people[response].to_numpy(dtype=float), what=what).coefficient(1)


def dose_rows_of_arm(
    here: pd.DataFrame,
    *,
    arm: str,
    control: str,
    dose: str,
    covariates: tuple[str, ...] = (),
    thresholds: tuple[float, ...] = (),
) -> list[dict]:
    """Return the rows of one active arm at one visit: intention to treat first.

    Parameters
    ----------
    here : DataFrame
        One visit's people with arm, change, dose (n/a: not known) and covariates.
    arm, control : str
        Compared; a control without recorded sessions attended none (one-sided access).
    dose : str
        Column of sessions attended.
    covariates : tuple of str, default=()
        In both stages.
    thresholds : tuple of float, default=()
        Prespecified numbers of sessions that count as treated.

    Returns
    -------
    rows : list of dict
        Keys of `DOSE` without network and visit. What cannot be run is a row that says why.
    """
    known, access, unknown = known_doses(here, arm=arm, control=control, dose=dose)
    own = known[known["arm"] == arm]
    mean = float(own[dose].mean()) if len(own) else np.nan
    rows = []
    questions: list[tuple[str, float | None]] = [(PER_SESSION, None)]
    questions += [(THRESHOLD, level) for level in thresholds]
    for name, level in questions:
        unit = "one session" if level is None else f"{level:g} sessions or more against fewer"
        try:
            found = complier_effect(
                known if level is None else _cut(known, dose, level),
                arm=arm,
                control=control,
                dose=dose,
                covariates=covariates,
            )
        except DesignError as error:
            rows.append(_not_run(name, arm, error, versus=control, unit=unit, n=len(known)))
            continue
        if not rows:
            rows.append(_intention(found, arm, control, unknown) | {"mean_sessions": mean})
        row = _complier_row(found, level, access + unknown)
        named = {"analysis": name, "arm": arm, "versus": control, "unit": unit}
        rows.append(row | named | {"mean_sessions": mean})
    try:
        slope = dose_response(own, dose=dose, covariates=covariates, what=f"sessions within {arm}")
    except DesignError as error:
        rows.append(_not_run(WITHIN_ARM, arm, error, versus=None, unit="one session", n=len(own)))
    else:
        row = _row(WITHIN_ARM, arm, None, slope, unit="one session")
        rows.append(row | {"n": len(own), "mean_sessions": mean, "reads": _OBSERVATIONAL + unknown})
    return rows


def known_doses(
    here: pd.DataFrame, *, arm: str, control: str, dose: str
) -> tuple[pd.DataFrame, str, str]:
    """Return the people of two arms whose dose is known, and what was assumed of it.

    Parameters
    ----------
    here : DataFrame
        People with arm and dose.
    arm, control : str
        The two arms.
    dose : str
        Column of sessions.

    Returns
    -------
    known : DataFrame
        Controls without a record have dose 0.
    access : str
        The assumption on access, in words.
    unknown : str
        How many of the arm were left out; empty where none.
    """
    two = here[here["arm"].isin([arm, control])]
    taken = pd.to_numeric(two[dose], errors="coerce")
    is_control = two["arm"] == control
    crossed = int((taken[is_control] > 0).sum())
    access = (
        f"with {crossed} of {control} who attended sessions, access is not one-sided"
        if crossed
        else f"one-sided access (nobody of {control} attended)"
    )
    filled = two.assign(**{dose: taken.where(~(is_control & taken.isna()), 0.0)})
    lost = int(filled[dose].isna().sum())
    unknown = f"; {lost} of {arm} left out, sessions not recorded" if lost else ""
    return filled[filled[dose].notna()], access, unknown


def trend_row(found: Estimate, weights: dict[str, float], *, n: int) -> dict:
    """Return the trend's row, named after the contrast it equals if it equals one.

    Parameters
    ----------
    found : Estimate
        Of the trend, from the model of the primary contrast.
    weights : dict of str to float
        From `trend_weights`.
    n : int
        Participants analysed.
    """
    same = equal_contrast(weights)
    words = _TREND_WORDS
    if same is not None:
        words += f"; this is {same} divided by its steps, no second test of it, and in no family"
    row = _row(TREND, "all arms", None, found, unit="one step of dose between arms")
    return row | {"n": n, "same_as": same, "reads": words}


def _cut(known: pd.DataFrame, dose: str, level: float) -> pd.DataFrame:
    return known.assign(**{dose: (known[dose] >= level).astype(float)})


def _row(analysis: str, arm: str, versus: str | None, found: Estimate, *, unit: str) -> dict:
    return _empty(analysis, arm, versus, unit) | {
        "estimate_years": found.estimate,
        "se_years": found.se,
        "ci_low_years": found.ci_low,
        "ci_high_years": found.ci_high,
        "df": found.df,
        "statistic": found.statistic,
        "p_value": found.p_value,
    }


def _empty(analysis: str, arm: str, versus: str | None, unit: str) -> dict:
    absent = {c.name: (None if c.kind == "text" else np.nan) for c in DOSE.columns if c.nullable}
    named = {"analysis": analysis, "arm": arm, "unit": unit, "n": 0, "reads": ""}
    return absent | named | {"versus": versus}


def _not_run(
    analysis: str, arm: str, error: DesignError, *, versus: str | None, unit: str, n: int
) -> dict:
    return _empty(analysis, arm, versus, unit) | {"n": n, "reads": f"not run: {error}"}


def _intention(found: ComplierEffect, arm: str, control: str, unknown: str) -> dict:
    row = _row(
        INTENTION_TO_TREAT, arm, control, found.intention_to_treat, unit="allocation to the arm"
    )
    words = "randomised: what allocation to the arm did, whatever was attended"
    return row | {"n": found.n_arm + found.n_control, "reads": words + unknown}


def _complier_row(found: ComplierEffect, level: float | None, access: str) -> dict:
    words = _ASSUMPTIONS.format(access=access)
    words += "; " + (_AVERAGE if level is None else _NO_EFFECT_BELOW.format(level=level))
    if found.first_stage_f < WEAK_F:
        words += f"; weak instrument (F below {WEAK_F:g}): read the Anderson-Rubin region alone"
    return _row("", "", None, found.effect, unit="") | {
        "first_stage_f": found.first_stage_f,
        "anderson_rubin_low_years": found.anderson_rubin_low,
        "anderson_rubin_high_years": found.anderson_rubin_high,
        "anderson_rubin_region": found.anderson_rubin_region,
        "n": found.n_arm + found.n_control,
        "reads": words,
    }
