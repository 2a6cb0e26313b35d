"""Seconds of scan kept, by arm and visit: a shorter scan moves some clocks by years."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.number_words import signed
from brainage.tables import LOSSES, Column, LengthCurve, TableSchema
from brainage.trial.analyses.adjusted import fit_adjusted
from brainage.trial.analyses.change import welch_difference
from brainage.trial.analyses.record import Analysis, AnalysisInputs, AnalysisResult, NothingToDo
from brainage.trial.analyses.repeated_measures import MODEL_SETTINGS, average_between
from brainage.trial.results.tables import ResultTable

#: Difference between arms in the change of time kept, as a share of the time at baseline, and
#: the p below which a note says so.
_DIFFER_SHARE = 0.02
_DIFFER_P = 0.05
KEPT = TableSchema(
    "time_kept",
    (
        Column("arm", "text", "Arm."),
        Column("visit", "text", "Visit."),
        Column("n", "integer", "Scans with a value."),
        Column("mean_retained_s", "number", "Mean time kept after censoring.", "s", nullable=True),
        Column("sd_retained_s", "number", "Its standard deviation.", "s", nullable=True),
        Column(
            "change_s",
            "number",
            "Mean change from baseline of those with both.",
            "s",
            nullable=True,
        ),
        Column(
            "change_minus_control_s",
            "number",
            "That change minus control's.",
            "s",
            nullable=True,
        ),
        Column("p_value", "number", "Welch's p of it.", nullable=True, low=0, high=1),
        *(
            Column(
                f"{name}_years",
                "number",
                f"What the change of time alone does to the prediction where volumes are lost "
                f"{how}, by the clock's length curve: mean of those with both scans.",
                "years",
                nullable=True,
            )
            for name, how in (
                ("shift_if_scattered", "in bursts"),
                ("shift_if_contiguous", "at the end"),
            )
        ),
        Column(
            "n_beyond_curve",
            "integer",
            "Of those, people whose shorter scan lies below the curve's smallest part.",
            nullable=True,
        ),
    ),
    key=("arm", "visit"),
)


def _kept(inputs: AnalysisInputs) -> AnalysisResult:
    scans = _with_times(inputs)
    design = inputs.design
    wide = scans.pivot_table(index=["participant_id", "arm"], columns="visit", values="retained_s")
    wide = wide.reindex(columns=[design.baseline, *design.later_visits]).reset_index(level="arm")
    curve, age_years = _curve(inputs), float(scans["age_years"].mean())
    rows = [
        _row(wide, inputs, arm, visit)
        | _shifts(wide, curve, arm, visit, design.baseline, age_years=age_years)
        for arm in design.arms
        for visit in (design.baseline, *design.later_visits)
    ]
    table = pd.DataFrame(rows, columns=list(KEPT.names))
    changes = inputs.changes.merge(
        scans[["participant_id", "visit", "retained_s"]], on=["participant_id", "visit"], how="left"
    ).assign(
        baseline_retained_s=lambda t: t["participant_id"].map(wide[design.baseline]).to_numpy()
    )
    names = ("retained_s", "baseline_retained_s")
    known = changes[changes[list(names)].notna().all(axis=1)]
    tables = {KEPT.name: table}
    if len(known) and (np.ptp(known[list(names)].to_numpy(), axis=0) == 0).all():
        return AnalysisResult(tables=tables, notes=tuple(_notes(table, wide, inputs, curve)))
    try:
        found = fit_adjusted(inputs, known, names)
    except DesignError as error:
        # Where the arm determines the time kept nothing can be adjusted for, and the warning
        # matters most.
        notes = _notes(table, wide, inputs, curve, no_row=str(error))
        if not notes:
            raise
        return AnalysisResult(tables=tables, notes=tuple(notes))
    notes = _notes(table, wide, inputs, curve)
    return replace(found, tables=tables, notes=(*found.notes, *notes))


def _with_times(inputs: AnalysisInputs) -> pd.DataFrame:
    """Return the network's scans with the time kept of each, from features or the scores."""
    features = inputs.more.features
    keys = ["participant_id", "session_id"]
    if features is not None and "retained_s" in features.rows:
        times = features.rows[[*keys, "retained_s"]].dropna()
        scans = inputs.scans.drop(columns="retained_s", errors="ignore")
        scans = scans.merge(times, on=keys, how="left")
    else:
        scans = inputs.scans
    if "retained_s" not in scans:
        raise NothingToDo("the time kept of each scan is not known (no features of the scans)")
    if scans["retained_s"].isna().all():
        raise NothingToDo("the time kept is not known of any scan")
    return scans


def _curve(inputs: AnalysisInputs) -> LengthCurve | None:
    stored = inputs.more.clocks.get(inputs.network, {}).get("length_curve")
    return None if stored is None else LengthCurve.from_dict(stored)


def _row(wide: pd.DataFrame, inputs: AnalysisInputs, arm: str, visit: str) -> dict:
    design = inputs.design
    own = wide.loc[wide["arm"] == arm, visit].dropna()
    row = {
        "arm": arm,
        "visit": visit,
        "n": len(own),
        "mean_retained_s": float(own.mean()) if len(own) else np.nan,
        "sd_retained_s": float(own.std(ddof=1)) if len(own) > 1 else np.nan,
        **dict.fromkeys(("change_s", "change_minus_control_s", "p_value"), np.nan),
    }
    if visit == design.baseline:
        return row
    change = (wide[visit] - wide[design.baseline]).dropna()
    mine = change[wide.loc[change.index, "arm"] == arm]
    other = change[wide.loc[change.index, "arm"] == design.control_arm]
    row["change_s"] = float(mine.mean()) if len(mine) else np.nan
    if arm != design.control_arm and len(mine) > 1 and len(other) > 1:
        row["change_minus_control_s"] = float(mine.mean() - other.mean())
        # Where everyone of an arm lost the same there is no test, but the difference is there.
        if mine.std(ddof=1) > 0 and other.std(ddof=1) > 0:
            row["p_value"] = welch_difference(mine, other).p_value
    return row


def _shifts(
    wide: pd.DataFrame,
    curve: LengthCurve | None,
    arm: str,
    visit: str,
    baseline: str,
    *,
    age_years: float,
) -> dict[str, float]:
    """Return what the change of time alone does to the arm's mean prediction.

    At the mean age of the trial's scans: the reference, whose mean the curve is of, may be younger.
    """
    names = {"scattered": "shift_if_scattered_years", "contiguous": "shift_if_contiguous_years"}
    if curve is None or visit == baseline:
        return dict.fromkeys((*names.values(), "n_beyond_curve"), np.nan)
    both = wide.loc[wide["arm"] == arm, [baseline, visit]].dropna()
    both = both[(both > 0).all(axis=1)]
    # Shares are of the whole scans that the curve was made of; where their length is not known,
    # each person's baseline stands for it.
    whole = both[baseline] if curve.retained_s is None else curve.retained_s
    found: dict[str, float] = {}
    beyond = np.zeros(len(both), dtype=bool)
    for loss in LOSSES:
        later, first = (
            curve.shifts_years((both[name] / whole).to_numpy(float), loss=loss, age_years=age_years)
            for name in (visit, baseline)
        )
        moved = later - first
        beyond |= np.isnan(moved)
        known = moved[np.isfinite(moved)]
        found[names[loss]] = float(known.mean()) if len(known) else np.nan
    return {**found, "n_beyond_curve": int(beyond.sum())}


def _notes(
    table: pd.DataFrame,
    wide: pd.DataFrame,
    inputs: AnalysisInputs,
    curve: LengthCurve | None,
    *,
    no_row: str = "",
) -> list[str]:
    """Say where the arms' time kept changed otherwise than control's, in seconds and in years.

    `no_row` is why there is no adjusted row, where there is none.
    """
    at_baseline = float(wide[inputs.design.baseline].mean())
    control = table[table["arm"] == inputs.design.control_arm].set_index("visit")
    differ = []
    for row in table.to_dict("records"):
        share = abs(row["change_minus_control_s"]) / at_baseline
        if not share > _DIFFER_SHARE or row["p_value"] >= _DIFFER_P:
            continue
        words = f"{row['arm']} at {row['visit']} {signed(row['change_minus_control_s'], 0)} s"
        names = ("shift_if_scattered_years", "shift_if_contiguous_years")
        years = [row[name] - control.at[row["visit"], name] for name in names]
        if curve is not None and np.isfinite(years).all():
            words += (
                f", which alone moves it by {signed(years[0], 1)} years if volumes were lost in "
                f"bursts and {signed(years[1], 1)} if scans ended early"
            )
        differ.append(words)
    if not differ:
        return []
    known = (
        "the clock keeps no length curve, so by how many is not known"
        if curve is None
        else f"years by the clock's length curve ({curve.cut})"
    )
    end = f"{known}; " + (
        f"the contrast adjusted for it could not be fitted ({no_row.rstrip('.')})"
        if no_row
        else "see the adjusted row"
    )
    return [
        "the time of scan kept changed otherwise than in control ("
        + "; ".join(differ)
        + f"): a shorter scan moves some clocks by years. {end[0].upper()}{end[1:]}"
    ]


TIME_KEPT = Analysis(
    key="time_kept",
    title=lambda _: "adjusted for the time of scan kept",
    words="sensitivity: time of scan kept by arm and visit, and the model adjusted for it at both "
    "scans",
    settings=MODEL_SETTINGS,
    rows=average_between,
    run=_kept,
    tables=(
        ResultTable(KEPT, "Time of scan kept after censoring, by arm and visit.", shown="folded"),
    ),
    after_randomisation=True,
)
