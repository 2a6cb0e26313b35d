"""Who was compared: baseline by arm, and raw means and standard deviations by visit.

No test of baseline differences: arms were randomised, and whatever differs does so by chance.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from brainage.tables import Column, TableSchema
from brainage.trial.analyses.record import Analysis, AnalysisInputs, AnalysisResult
from brainage.trial.options import TrialOptions
from brainage.trial.results.tables import ResultTable

BASELINE_TABLE = TableSchema(
    "baseline_by_arm",
    (
        Column("variable", "text", "What is described."),
        Column("level", "text", "Level of a category; n/a for a number.", nullable=True),
        Column("arm", "text", "Arm of randomisation."),
        Column("n", "integer", "People with a value (of a category: in the level)."),
        Column("of", "integer", "People of the arm with a baseline score (strata: randomised)."),
        Column("mean", "number", "Mean of a number.", nullable=True),
        Column("sd", "number", "Standard deviation of a number.", nullable=True),
        Column("percent", "number", "Share of a level.", "percent", nullable=True, low=0, high=100),
    ),
)
RAW_MEANS = TableSchema(
    "raw_means",
    (
        Column("network", "text", "'whole_brain' or the network of the clock."),
        Column("arm", "text", "Arm."),
        Column("visit", "text", "Visit."),
        Column("n", "integer", "People with a score."),
        Column("mean_gap_years", "number", "Mean gap (of the outcome).", "years", nullable=True),
        Column("sd_gap_years", "number", "Its standard deviation.", "years", nullable=True),
        Column("n_change", "integer", "People with a change from baseline."),
        Column("mean_change_years", "number", "Mean change.", "years", nullable=True),
        Column("sd_change_years", "number", "Its standard deviation.", "years", nullable=True),
    ),
    key=("network", "arm", "visit"),
)


def _describe(inputs: AnalysisInputs) -> AnalysisResult:
    baseline = pd.DataFrame(_baseline_rows(inputs), columns=list(BASELINE_TABLE.names))
    means = pd.DataFrame(_raw_rows(inputs), columns=list(RAW_MEANS.names))
    return AnalysisResult(tables={BASELINE_TABLE.name: baseline, RAW_MEANS.name: means})


def _baseline_rows(inputs: AnalysisInputs) -> Iterator[dict]:
    design, options = inputs.design, inputs.design.options
    scans = inputs.scans[inputs.scans["visit"] == design.baseline]
    of_scan = {
        "age (years)": "age_years",
        "brain-age gap (years)": options.outcome,
        "mean framewise displacement (mm)": "mean_fd_mm",
    }
    for words, column in of_scan.items():
        for arm in design.arms:
            yield _number(words, arm, scans.loc[scans["arm"] == arm, column])
    for column in ("sex", "site"):
        if scans[column].notna().any():
            yield from _levels(column, scans, design.arms)
    own = dict.fromkeys((*options.strata, *options.covariates, *_of_moderators(options)))
    for name in own:
        if name not in design.allocation:
            continue
        values = design.allocation[name]
        if pd.api.types.is_numeric_dtype(values) and name not in options.strata:
            for arm in design.arms:
                yield _number(name, arm, values[design.allocation["arm"] == arm])
        else:
            yield from _levels(name, design.allocation, design.arms)


def _of_moderators(options: TrialOptions) -> list[str]:
    return [each.variable for each in options.moderators]


def _number(words: str, arm: str, values: pd.Series) -> dict:
    known = values.dropna().to_numpy(dtype=float)
    return {
        "variable": words,
        "level": None,
        "arm": arm,
        "n": len(known),
        "of": len(values),
        **dict(zip(("mean", "sd"), _moments(known), strict=True)),
        "percent": np.nan,
    }


def _levels(name: str, table: pd.DataFrame, arms: tuple[str, ...]) -> Iterator[dict]:
    values = table[name].astype(object).where(table[name].notna(), "not recorded").astype(str)
    for level in sorted(values.unique()):
        for arm in arms:
            mine = values[table["arm"] == arm]
            n = int((mine == level).sum())
            yield {
                "variable": name,
                "level": level,
                "arm": arm,
                "n": n,
                "of": len(mine),
                "mean": np.nan,
                "sd": np.nan,
                "percent": 100 * n / len(mine) if len(mine) else np.nan,
            }


def _raw_rows(inputs: AnalysisInputs) -> Iterator[dict]:
    design, data = inputs.design, inputs.data
    for network in dict.fromkeys(data.scans["network"]):
        scans = data.scans[data.scans["network"] == network]
        changes = data.changes[data.changes["network"] == network]
        for arm in design.arms:
            for visit in (design.baseline, *design.later_visits):
                seen = scans[(scans["arm"] == arm) & (scans["visit"] == visit)]
                moved = changes[(changes["arm"] == arm) & (changes["visit"] == visit)]
                gap = _moments(seen[design.options.outcome].to_numpy(dtype=float))
                change = _moments(moved["change"].to_numpy(dtype=float))
                yield {
                    "network": network,
                    "arm": arm,
                    "visit": visit,
                    "n": len(seen),
                    "mean_gap_years": gap[0],
                    "sd_gap_years": gap[1],
                    "n_change": len(moved),
                    "mean_change_years": change[0],
                    "sd_change_years": change[1],
                }


def _moments(values: np.ndarray) -> tuple[float, float]:
    mean = float(values.mean()) if len(values) else np.nan
    return mean, float(values.std(ddof=1)) if len(values) > 1 else np.nan


DESCRIPTION = Analysis(
    key="description",
    title=lambda _: "description",
    words="baseline by arm (age, sex, site, strata, gap, motion), and raw means and standard "
    "deviations by visit; nothing is tested",
    settings=(),
    run=_describe,
    tables=(
        ResultTable(
            BASELINE_TABLE,
            "Baseline by arm; not tested, because arms were randomised.",
            shown="folded",
            describes=True,
        ),
        ResultTable(
            RAW_MEANS,
            "Raw means and standard deviations by arm and visit.",
            shown="folded",
            describes=True,
        ),
    ),
)
