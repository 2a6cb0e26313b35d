"""The 2-SD rule of the LISA group: gaps far from their arm's mean dropped. An option, off."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.tables import Column, TableSchema
from brainage.trial.analyses.change import paired_change, welch_difference
from brainage.trial.analyses.record import (
    Analysis,
    AnalysisInputs,
    AnalysisResult,
    EffectRow,
    NothingToDo,
    between_arms,
)
from brainage.trial.design.join import TrialDesign
from brainage.trial.options import TrialOptions
from brainage.trial.results.tables import ResultTable

#: Standard deviations of an arm at a visit beyond which a gap is dropped.
BEYOND_SD = 2.0
OUTLIERS = TableSchema(
    "without_outliers",
    (
        Column("arm", "text", "Arm."),
        Column("visit", "text", "Visit."),
        Column("n", "integer", "Scans with a gap."),
        Column("dropped", "integer", "Of those, beyond 2 SD of the arm's mean at the visit."),
        Column("n_paired", "integer", "People left with both scans.", nullable=True),
        Column(
            "mean_change_years",
            "number",
            "Their mean change from baseline.",
            "years",
            nullable=True,
        ),
        Column("p_value", "number", "Paired t of it, two-sided.", nullable=True, low=0, high=1),
    ),
    key=("arm", "visit"),
)


def _without_outliers(inputs: AnalysisInputs) -> AnalysisResult:
    design = inputs.design
    scans = inputs.scans
    gap = scans[design.options.outcome].astype(float)
    of_group = gap.groupby([scans["arm"], scans["visit"]])
    # Group by group and once: a rule that is repeated on what it leaves drops ever more.
    far = (gap - of_group.transform("mean")).abs() > BEYOND_SD * of_group.transform("std")
    if not far.any():
        raise NothingToDo("no gap lies beyond 2 SD of its arm and visit")
    dropped = scans.loc[far, ["participant_id", "visit"]]
    gone = set(dropped.itertuples(index=False, name=None))
    changes = inputs.changes
    first = [(person, design.baseline) in gone for person in changes["participant_id"]]
    pairs = zip(changes["participant_id"], changes["visit"], strict=True)
    later = [pair in gone for pair in pairs]
    kept = changes[~(np.array(first) | np.array(later))]
    counts = scans.assign(far=far).groupby(["arm", "visit"])["far"].agg(["size", "sum"])
    by_arm = scans.assign(far=far).groupby("arm")["far"].sum().reindex(design.arms)
    words = ", ".join(f"{arm} {int(n)}" for arm, n in by_arm.items())
    rows = [row for visit in design.later_visits for row in _between(kept, design, visit)]
    note = (
        f"gaps beyond 2 SD of their arm and visit were dropped for one row (scans: {words}): an "
        "exclusion by outcome after randomisation, which rejects a true null too often"
    )
    return AnalysisResult(
        tuple(rows),
        tables={OUTLIERS.name: _table(kept, counts, design)},
        notes=(note,),
        title=f"gaps beyond 2 SD dropped ({words})",
    )


def _between(kept: pd.DataFrame, design: TrialDesign, visit: str) -> list[EffectRow]:
    here = kept[kept["visit"] == visit]
    control = here.loc[here["arm"] == design.control_arm, "change"]
    rows = []
    for arm in design.active_arms:
        own = here.loc[here["arm"] == arm, "change"]
        n = len(own) + len(control)
        found = welch_difference(own, control)
        method = "change scores, Welch t, gaps beyond 2 SD dropped"
        rows.append(EffectRow(arm, design.control_arm, visit, found, n, n, method))
    return rows


def _table(kept: pd.DataFrame, counts: pd.DataFrame, design: TrialDesign) -> pd.DataFrame:
    rows = []
    for arm in design.arms:
        for visit in (design.baseline, *design.later_visits):
            if (arm, visit) not in counts.index:
                continue
            n, far = counts.loc[(arm, visit)]
            row = {"arm": arm, "visit": visit, "n": int(n), "dropped": int(far)}
            mine = kept[(kept["arm"] == arm) & (kept["visit"] == visit)]
            if visit != design.baseline:
                row["n_paired"] = len(mine)
                try:
                    found = paired_change(mine["baseline_gap"], mine["gap"])
                    row |= {"mean_change_years": found.mean, "p_value": found.test.p_value}
                except DesignError:
                    # Fewer than two people are left: the count says so.
                    pass
            rows.append(row)
    table = pd.DataFrame(rows, columns=list(OUTLIERS.names))
    return table.astype({"n_paired": "Int64", "mean_change_years": float, "p_value": float})


def _asked(options: TrialOptions) -> bool:
    return options.outliers == "beyond_2_sd_dropped"


WITHOUT_OUTLIERS = Analysis(
    key="without_outliers",
    title=lambda _: "gaps beyond 2 SD dropped",
    words="reproduction of a rule of the LISA group: gaps beyond 2 SD of their arm and visit "
    "dropped, an exclusion by outcome after randomisation that does not hold its level",
    settings=("outliers",),
    rows=between_arms,
    run=_without_outliers,
    tables=(
        ResultTable(
            OUTLIERS,
            "Gaps beyond 2 SD of their arm and visit, and paired tests without them: an exclusion "
            "by outcome after randomisation, which rejects a true null too often.",
            shown="folded",
        ),
    ),
    asked=_asked,
    after_randomisation=True,
)
