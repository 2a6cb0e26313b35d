"""Motion and scanner by arm and visit: what could pass for an effect."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.trial.design.join import TrialDesign
from brainage.trial.results.schemas import MOTION


def motion_by_arm(scans: pd.DataFrame, design: TrialDesign, *, outcome: str) -> pd.DataFrame:
    """Describe framewise displacement by arm and visit.

    Parameters
    ----------
    scans : DataFrame
        One network's scans with arm and visit.
    design : TrialDesign
        Arms and visits.
    outcome : str
        Column of the gap that motion is correlated with.

    Returns
    -------
    motion : DataFrame
        Schema `MOTION`; values are missing where fewer than three scans have both.
    """
    rows = []
    for arm in design.arms:
        for visit in (design.baseline, *design.later_visits):
            mine = scans[(scans["arm"] == arm) & (scans["visit"] == visit)]
            known = mine[mine["mean_fd_mm"].notna()]
            fd = known["mean_fd_mm"].to_numpy(dtype=float)
            rows.append(
                {
                    "arm": arm,
                    "visit": visit,
                    "n": len(fd),
                    "mean_fd_mm": float(fd.mean()) if len(fd) else np.nan,
                    "sd_fd_mm": float(fd.std(ddof=1)) if len(fd) > 1 else np.nan,
                    "correlation_with_gap": _correlation(fd, known[outcome].to_numpy(dtype=float)),
                }
            )
    return pd.DataFrame(rows, columns=list(MOTION.names))


def scanner_notes(changes: pd.DataFrame, design: TrialDesign) -> list[str]:
    """Say how many people of each arm were scanned elsewhere at a visit than at baseline."""
    moved = changes[~changes["same_scanner"]]
    if not len(moved):
        return []
    parts = []
    for visit in design.later_visits:
        here = moved[moved["visit"] == visit]
        counts = ", ".join(f"{arm} {int((here['arm'] == arm).sum())}" for arm in design.arms)
        if len(here):
            parts.append(f"{visit}: {counts}")
    return [
        "scanner or software at the visit is not the one of baseline ("
        + "; ".join(parts)
        + "); see the sensitivity row adjusted for it"
    ]


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return np.nan
    return float(np.clip(np.corrcoef(first, second)[0, 1], -1, 1))
