"""Seconds of scan kept, by arm and visit: a shorter scan moves some clocks by years."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from brainage.tables import Column, TableSchema
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
    ),
    key=("arm", "visit"),
)


def _kept(inputs: AnalysisInputs) -> AnalysisResult:
    features = inputs.more.features
    if features is None or "retained_s" not in features.rows:
        raise NothingToDo("the time kept of each scan is not known (no features of the scans)")
    times = features.rows[["participant_id", "session_id", "retained_s"]].dropna()
    if times.empty:
        raise NothingToDo("the time kept is not known of any scan")
    scans = inputs.scans.drop(columns="retained_s", errors="ignore").merge(
        times, on=["participant_id", "session_id"], how="left"
    )
    design = inputs.design
    wide = scans.pivot_table(index=["participant_id", "arm"], columns="visit", values="retained_s")
    wide = wide.reindex(columns=[design.baseline, *design.later_visits]).reset_index(level="arm")
    table, notes = _table(wide, inputs)
    changes = inputs.changes.merge(
        scans[["participant_id", "visit", "retained_s"]], on=["participant_id", "visit"], how="left"
    ).assign(
        baseline_retained_s=lambda t: t["participant_id"].map(wide[design.baseline]).to_numpy()
    )
    names = ("retained_s", "baseline_retained_s")
    known = changes[changes[list(names)].notna().all(axis=1)]
    if len(known) and (np.ptp(known[list(names)].to_numpy(), axis=0) == 0).all():
        return AnalysisResult(tables={KEPT.name: table}, notes=tuple(notes))
    found = fit_adjusted(inputs, known, names)
    return replace(found, tables={KEPT.name: table}, notes=(*found.notes, *notes))


def _table(wide: pd.DataFrame, inputs: AnalysisInputs) -> tuple[pd.DataFrame, list[str]]:
    design = inputs.design
    rows, differ = [], []
    for arm in design.arms:
        for visit in (design.baseline, *design.later_visits):
            own = wide.loc[wide["arm"] == arm, visit].dropna()
            row = {
                "arm": arm,
                "visit": visit,
                "n": len(own),
                "mean_retained_s": float(own.mean()) if len(own) else np.nan,
                "sd_retained_s": float(own.std(ddof=1)) if len(own) > 1 else np.nan,
                **dict.fromkeys(("change_s", "change_minus_control_s", "p_value"), np.nan),
            }
            if visit != design.baseline:
                change = (wide[visit] - wide[design.baseline]).dropna()
                mine = change[wide.loc[change.index, "arm"] == arm]
                other = change[wide.loc[change.index, "arm"] == design.control_arm]
                row["change_s"] = float(mine.mean()) if len(mine) else np.nan
                if arm != design.control_arm and _comparable(mine, other):
                    found = welch_difference(mine, other)
                    row |= {"change_minus_control_s": found.estimate, "p_value": found.p_value}
                    share = abs(found.estimate) / float(wide[design.baseline].mean())
                    if share > _DIFFER_SHARE and found.p_value < _DIFFER_P:
                        differ.append(f"{arm} at {visit} {found.estimate:+.0f} s")
            rows.append(row)
    notes = []
    if differ:
        notes.append(
            "the time of scan kept changed otherwise than in control ("
            + "; ".join(differ)
            + "): a shorter scan moves some clocks by years; see the adjusted row, and the clock's "
            "length curve"
        )
    return pd.DataFrame(rows, columns=list(KEPT.names)), notes


def _comparable(mine: pd.Series, other: pd.Series) -> bool:
    return all(len(each) > 1 and each.std(ddof=1) > 0 for each in (mine, other))


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
