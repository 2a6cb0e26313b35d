"""Who has no scan at a visit, and how wrong the likelihood's guess of them would have to be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from brainage.errors import DesignError
from brainage.number_words import signed
from brainage.tables import Column, TableSchema
from brainage.trial.analyses.change import welch_difference
from brainage.trial.analyses.record import Analysis, AnalysisInputs, AnalysisResult, NothingToDo
from brainage.trial.analyses.repeated_measures import MODEL_SETTINGS, main_model
from brainage.trial.models.lsmeans import CONFIDENCE_LEVEL, Estimate, t_estimate
from brainage.trial.results.schemas import ESTIMATE_COLUMNS
from brainage.trial.results.tables import ResultTable

#: Years added to unseen gaps, in the grid of each side.
GRID_YEARS = (-4.0, -3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0)
WHO = TableSchema(
    "who_is_missing",
    (
        Column("visit", "text", "Visit."),
        Column("variable", "text", "Compared between those with and without a score there."),
        Column("level", "text", "Level of a category; n/a for a number.", nullable=True),
        Column("n_seen", "integer", "People with a score at the visit (in the level)."),
        Column("n_missing", "integer", "People without one (in the level)."),
        Column("seen", "number", "Mean of those seen; of a level, percent seen.", nullable=True),
        Column("missing", "number", "Mean of those missing.", nullable=True),
        Column("difference", "number", "Missing minus seen.", nullable=True),
        Column("ci_low", "number", "Lower end of its 95 % interval.", nullable=True),
        Column("ci_high", "number", "Upper end of its 95 % interval.", nullable=True),
        Column("p_value", "number", "Welch's t, or chi-square over levels.", nullable=True),
        Column("test", "text", "Which test.", nullable=True),
    ),
)
TIPPING = TableSchema(
    "tipping_point",
    (
        Column("added_active_years", "number", "Added to unseen gaps of the active arm.", "years"),
        Column("added_control_years", "number", "Added to unseen gaps of control.", "years"),
        *ESTIMATE_COLUMNS,
        Column("df", "number", "Degrees of freedom, of the model."),
        Column("p_value", "number", "Two-sided p.", low=0, high=1),
        Column("significant", "boolean", "Whether p < .05."),
        Column("share_missing_active", "number", "Share of the arm without a score there."),
        Column("share_missing_control", "number", "Share of control without a score there."),
    ),
    key=("added_active_years", "added_control_years"),
)


def _missing_scans(inputs: AnalysisInputs) -> AnalysisResult:
    seen = seen_at_visits(inputs)
    later = list(inputs.design.later_visits)
    if seen[later].all(axis=None):
        raise NothingToDo("everybody with a baseline score has one at every visit")
    who = pd.DataFrame(_who_rows(inputs, seen), columns=list(WHO.names))
    tables = {WHO.name: who}
    notes: tuple[str, ...] = ()
    try:
        tables[TIPPING.name], notes = _tipping(inputs, seen)
    except NothingToDo as nothing:
        notes = (f"no tipping point: {nothing}",)
    return AnalysisResult(tables=tables, notes=notes)


def seen_at_visits(inputs: AnalysisInputs) -> pd.DataFrame:
    """Return who, of the people with a baseline score, has a score at each visit.

    Parameters
    ----------
    inputs : AnalysisInputs
        Of one network.

    Returns
    -------
    seen : DataFrame
        One row a person, index participant_id: arm, and a boolean for each visit.
    """
    design, scans = inputs.design, inputs.scans
    first = scans[scans["visit"] == design.baseline].set_index("participant_id")
    seen = first[["arm"]].copy()
    for visit in (design.baseline, *design.later_visits):
        there = set(scans.loc[scans["visit"] == visit, "participant_id"])
        seen[visit] = seen.index.isin(there)
    return seen


def _who_rows(inputs: AnalysisInputs, seen: pd.DataFrame) -> Iterator[dict]:
    design = inputs.design
    first = inputs.scans[inputs.scans["visit"] == design.baseline].set_index("participant_id")
    numbers = {
        "baseline gap (years)": first[design.options.outcome],
        "age at baseline (years)": first["age_years"],
        "framewise displacement at baseline (mm)": first["mean_fd_mm"],
    }
    categories = {"arm": seen["arm"], "sex": first["sex"]}
    for visit in design.later_visits:
        there = seen[visit]
        if there.all():
            continue
        for name, values in categories.items():
            yield from _levels(visit, name, values.loc[seen.index], there)
        for name, values in numbers.items():
            yield _number(visit, name, values.loc[seen.index].astype(float), there)


def _levels(visit: str, name: str, values: pd.Series, there: pd.Series) -> Iterator[dict]:
    text = values.astype(object).where(values.notna(), "not recorded").astype(str)
    counts = pd.crosstab(text, there).reindex(columns=[False, True], fill_value=0)
    p_value = levels_test(counts.to_numpy()) if len(counts) > 1 else np.nan
    for level, row in counts.iterrows():
        yield {
            "visit": visit,
            "variable": name,
            "level": str(level),
            "n_seen": int(row[True]),
            "n_missing": int(row[False]),
            "seen": 100 * float(row[True] / row.sum()),
            **dict.fromkeys(("missing", "difference", "ci_low", "ci_high"), np.nan),
            "p_value": p_value,
            "test": "chi-square over levels" if len(counts) > 1 else None,
        }


def levels_test(counts: np.ndarray) -> float:
    """Return the p of a chi-square test that being seen does not depend on the level.

    Parameters
    ----------
    counts : ndarray of shape (n_levels, 2)
        People missing and seen. Yates' correction of two levels, none of more, as in R.
    """
    return float(stats.chi2_contingency(counts).pvalue)


def _number(visit: str, name: str, values: pd.Series, there: pd.Series) -> dict:
    own, gone = values[there].dropna(), values[~there].dropna()
    row = {
        "visit": visit,
        "variable": name,
        "level": None,
        "n_seen": len(own),
        "n_missing": len(gone),
        "seen": float(own.mean()) if len(own) else np.nan,
        "missing": float(gone.mean()) if len(gone) else np.nan,
        **dict.fromkeys(("difference", "ci_low", "ci_high", "p_value"), np.nan),
        "test": None,
    }
    try:
        found = welch_difference(gone, own)
    except DesignError:
        # Too few are missing for a test; their mean is shown all the same.
        return row
    return row | {
        "difference": found.estimate,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
        "p_value": found.p_value,
        "test": "Welch t",
    }


def _tipping(inputs: AnalysisInputs, seen: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    design, visit = inputs.design, inputs.design.primary_visit
    fit = main_model(inputs)
    plain = fit.contrast(design.primary_arm, visit)
    shares = [
        float((~seen.loc[seen["arm"] == arm, visit]).mean())
        for arm in (design.primary_arm, design.control_arm)
    ]
    if not any(shares):
        raise NothingToDo(f"nobody of the two arms is missing at {visit}")
    rows = [
        _tipped(plain, (active, control), shares) for active in GRID_YEARS for control in GRID_YEARS
    ]
    return pd.DataFrame(rows, columns=list(TIPPING.names)), (_words(plain, shares, inputs),)


def delta_adjusted(plain: Estimate, added: tuple[float, float], shares: list[float]) -> Estimate:
    """Return a contrast when years are added to the gaps that were not seen.

    What delta-adjusted multiple imputation gives with ever more imputations: the unseen share of
    each arm moves by the years added, the error stays that of the likelihood model.

    Parameters
    ----------
    plain : Estimate
        The contrast under missing at random.
    added : tuple of float
        Years added to unseen gaps of the active arm, and of control.
    shares : list of float
        Share of each of the two arms that was not seen.
    """
    moved = plain.estimate + shares[0] * added[0] - shares[1] * added[1]
    return t_estimate(moved, plain.se, plain.df)


def _tipped(plain: Estimate, added: tuple[float, float], shares: list[float]) -> dict:
    found = delta_adjusted(plain, added, shares)
    return {
        "added_active_years": added[0],
        "added_control_years": added[1],
        "estimate_years": found.estimate,
        "se_years": found.se,
        "ci_low_years": found.ci_low,
        "ci_high_years": found.ci_high,
        "df": found.df,
        "p_value": found.p_value,
        "significant": found.p_value < 1 - CONFIDENCE_LEVEL,
        "share_missing_active": shares[0],
        "share_missing_control": shares[1],
    }


def _words(plain: Estimate, shares: list[float], inputs: AnalysisInputs) -> str:
    """Say how many years, added to the active arm alone, make p equal .05."""
    design = inputs.design
    where = f"{design.primary_arm} at {design.primary_visit}"
    edge = float(stats.t.ppf(0.5 + CONFIDENCE_LEVEL / 2, plain.df)) * plain.se
    if abs(plain.estimate) < edge:
        return f"tipping point: the contrast of {where} does not reach p < .05 to begin with"
    if not shares[0]:
        return f"tipping point: nobody of {where} is missing"
    needed = (np.sign(plain.estimate) * edge - plain.estimate) / shares[0]
    return (
        f"tipping point: {signed(needed)} years added to each unseen gap of {where} ("
        f"{100 * shares[0]:.0f} % of the arm), control as the model has it, bring p to .05"
    )


MISSING_SCANS = Analysis(
    key="missing_scans",
    title=lambda _: "missing scans",
    words="who has no score at a visit (arm, sex, baseline gap, age, motion; tested), and the "
    "primary contrast with years added to unseen gaps, active arm and control separately (tipping "
    "point)",
    settings=(*MODEL_SETTINGS, "primary_arm", "primary_visit"),
    run=_missing_scans,
    tables=(
        ResultTable(WHO, "Who has no score at a visit, of those with a baseline score."),
        ResultTable(
            TIPPING,
            "Tipping point: the primary contrast when years are added to the gaps that were not "
            "seen, in the active arm and in control.",
            shown="folded",
        ),
    ),
)
