"""Which volumes are lost where a plan leaves an arm a share of its scans."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.connectivity import Cut
from brainage.synthetic.options import ArmPlan, SyntheticOptions, TrialPlan


def kept_volumes(options: SyntheticOptions, row: pd.Series) -> np.ndarray:
    """Return the volumes that are left of a scan, ascending; nearly always all.

    Parameters
    ----------
    options : SyntheticOptions
        How many volumes a scan has, and how they are lost.
    row : Series
        A row of the truth.
    """
    if row["share_kept"] == 1 or options.trial is None:
        return np.arange(options.n_volumes)
    loss = options.trial.loss
    where = f"{row['participant_id']}_{row['session_id']}"
    return Cut(loss, loss, row["share_kept"]).rows(options.n_volumes, where)


def losses_in_words(plan: TrialPlan, arm: ArmPlan) -> str:
    """Say what an arm's scans lose; empty where nothing is lost."""
    if not arm.shares_kept:
        return ""
    pairs = zip(plan.visits[1:], arm.shares_kept, strict=True)
    left = ", ".join(f"{visit.session_id} {share:.0%}" for visit, share in pairs)
    return f"; of every scan is left ({plan.loss} losses): {left}"
