"""What the page shows and no other stage keeps: who was in which arm at which visit, and how."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from brainage.errors import DesignError
from brainage.trial import TrialOptions, score_reliability

_KEYS = ["participant_id", "session_id"]


def baseline_table(
    scans: pd.DataFrame, allocation: pd.DataFrame, options: TrialOptions
) -> pd.DataFrame:
    """Return who was scanned at baseline, arm by arm, as text: mean (SD) or n (%).

    Parameters
    ----------
    scans : DataFrame
        From `scans_by_arm`.
    allocation : DataFrame
        For the numbers randomised.
    options : TrialOptions
        Names strata and covariates.
    """
    first = scans[scans["visit"] == options.visits[0].label]
    columns = {arm: first[first["arm"] == arm] for arm in options.arms} | {"all": first}
    randomised = {arm: int((allocation["arm"] == arm).sum()) for arm in options.arms}
    randomised["all"] = sum(randomised.values())
    rows: list[dict[str, str]] = []

    def add(words: str, shown: Mapping[str, str]) -> None:
        rows.append({"characteristic": words, **shown})

    add("randomised", {name: f"{n:,}" for name, n in randomised.items()})
    add("scored at baseline", {name: f"{len(part):,}" for name, part in columns.items()})
    numbers = {
        "age_years": "age (years)",
        "predicted_age_years": "predicted age (years)",
        "gap": "brain-age gap (years)",
        "mean_fd_mm": "mean framewise displacement (mm)",
    }
    numbers |= {name: name.replace("_", " ") for name in options.covariates}
    for name, words in numbers.items():
        if (
            name in first
            and pd.api.types.is_numeric_dtype(first[name])
            and first[name].notna().any()
        ):
            add(words, {arm: _mean(part[name]) for arm, part in columns.items()})
    for name in ("sex", "site", *options.strata):
        if name not in first:
            continue
        levels = sorted(map(str, first[name].dropna().unique()))
        for level in levels if len(levels) <= 12 else ():
            counts = {arm: _share(part[name], level) for arm, part in columns.items()}
            add(f"{name.replace('_', ' ')}: {level}", counts)
    return pd.DataFrame(rows, columns=["characteristic", *columns])


def quality_by_arm(
    scans: pd.DataFrame, extracted: pd.DataFrame | None, options: TrialOptions
) -> pd.DataFrame:
    """Return median and quartiles of motion and of minutes kept, by arm and visit.

    Parameters
    ----------
    scans : DataFrame
        From `scans_by_arm`.
    extracted : DataFrame or None
        The trial's ``scans.tsv``; None: nothing is known of minutes.
    options : TrialOptions
        Arms and visits.
    """
    own = scans.assign(fd_mm=scans.get("mean_fd_mm", np.nan))
    own["minutes"] = np.nan
    if extracted is not None:
        done = extracted[extracted["status"] == "done"]
        minutes = done.groupby(_KEYS, as_index=False)["retained_s"].sum(min_count=1)
        kept = own[_KEYS].merge(minutes, on=_KEYS, how="left")["retained_s"]
        own["minutes"] = kept.to_numpy(float) / 60
    rows = []
    for arm in options.arms:
        for visit in options.visits:
            here = own[(own["arm"] == arm) & (own["visit"] == visit.label)]
            row: dict[str, object] = {"arm": arm, "visit": visit.label, "n": len(here)}
            for what in ("fd_mm", "minutes"):
                values = here[what].dropna()
                low, middle, high = (
                    values.quantile([0.25, 0.5, 0.75]) if len(values) else [np.nan] * 3
                )
                row |= {f"{what}_median": middle, f"{what}_low": low, f"{what}_high": high}
            rows.append(row)
    table = pd.DataFrame(rows)
    return table.dropna(axis="columns", how="all")


def missing_scans(flow: pd.DataFrame) -> pd.DataFrame:
    """Return how many planned scans have no score, by arm and visit, with reasons known."""
    table = pd.DataFrame(
        {
            "arm": flow["arm"],
            "visit": flow["visit"],
            "randomised": flow["randomised"],
            "scored": flow["scored"],
            "without a score": flow["randomised"] - flow["scored"],
            "not scanned": flow["not_scanned"],
            "scanned, without a score": flow["excluded"],
            "reasons of the latter": flow["reasons"],
        }
    )
    return table[table["without a score"] > 0].reset_index(drop=True)


def site_table(predictions: pd.DataFrame) -> pd.DataFrame | None:
    """Return ages and mean out-of-fold gap of each site; None where sites are not known."""
    if "site" not in predictions or predictions["site"].notna().sum() == 0:
        return None
    gap = predictions["predicted_age_years"] - predictions["age_years"]
    rows = []
    for site, own in predictions.assign(gap=gap).groupby("site", sort=True):
        half = np.nan
        if len(own) > 1:
            half = stats.t.ppf(0.975, len(own) - 1) * stats.sem(own["gap"])
        rows.append(
            {
                "site": str(site),
                "n": len(own),
                "youngest_years": own["age_years"].min(),
                "oldest_years": own["age_years"].max(),
                "mean_gap_years": own["gap"].mean(),
                "low_years": own["gap"].mean() - half,
                "high_years": own["gap"].mean() + half,
            }
        )
    return pd.DataFrame(rows)


def reliability_table(scans: pd.DataFrame, options: TrialOptions) -> pd.DataFrame | None:
    """Return the reliability of the gap over the control arm's visits; None where it has no two.

    Between visits people change as well: the agreement is a lower bound of the ruler's own.
    """
    control = scans[scans["arm"] == options.control_arm]
    wide = control.pivot_table(index="participant_id", columns="visit", values="gap")
    order = [visit.label for visit in options.visits if visit.label in wide]
    wide = wide[order].dropna()
    if wide.shape[0] < 3 or wide.shape[1] < 2:
        return None
    try:
        found = score_reliability(wide.to_numpy(float))
    except DesignError:
        # Gaps that do not vary have no reliability to speak of.
        return None
    rows = [
        ("participants with every visit", found.n_people, np.nan, np.nan),
        (
            "ICC(2,1), absolute agreement",
            found.icc_agreement,
            found.icc_agreement_low,
            found.icc_agreement_high,
        ),
        (
            "ICC(3,1), consistency",
            found.icc_consistency,
            found.icc_consistency_low,
            found.icc_consistency_high,
        ),
        ("standard error of measurement (years)", found.sem_years, np.nan, np.nan),
        ("minimal detectable change of one person (years)", found.mdc95_years, np.nan, np.nan),
    ]
    return pd.DataFrame(rows, columns=["measure", "value", "95 % low", "95 % high"])


def _mean(values: pd.Series) -> str:
    values = values.dropna()
    if values.empty:
        return "n/a"
    spread = f" ({values.std():.2f})" if len(values) > 1 else ""
    return f"{values.mean():.2f}{spread}"


def _share(values: pd.Series, level: str) -> str:
    known = values.dropna().astype(str)
    n = int((known == level).sum())
    return f"{n:,} ({100 * n / len(known):.0f} %)" if len(known) else "n/a"
