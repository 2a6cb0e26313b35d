"""Whether a clock shows anything of age at all: the one rule, read by files, cards and stages."""

from __future__ import annotations

import numpy as np
import pandas as pd


def why_it_shows_nothing(metrics: pd.DataFrame) -> str:
    """Say why a clock of this accuracy shows nothing of age; empty where it shows something.

    A clock is no better than the median age where its predictions do not rise with age (r <= 0,
    or undefined because they are all equal), or where the 95 % bootstrap interval of its skill
    reaches 0 (without a bootstrap: skill <= 0). Changes within an arm on such a clock are elapsed
    time and noise.

    Parameters
    ----------
    metrics : DataFrame
        From `accuracy`, of one way of holding out: columns metric, estimate, low.

    Returns
    -------
    reason : str
        "r = -0.40 is not above 0" and the like.

    Examples
    --------
    >>> rows = [("r", 0.3, 0.1), ("skill", 0.02, -0.01)]
    >>> why_it_shows_nothing(pd.DataFrame(rows, columns=["metric", "estimate", "low"]))
    'its skill of 0.02 reaches 0 (95 % interval from -0.01)'
    """
    rows = metrics.set_index("metric")
    r, skill = float(rows.loc["r", "estimate"]), float(rows.loc["skill", "estimate"])
    low = float(rows.loc["skill", "low"])
    if not np.isfinite(r):
        return "its predictions do not differ, so r is undefined"
    if r <= 0:
        return f"r = {r:.2f} is not above 0"
    if np.isfinite(low) and low <= 0 < skill:
        return f"its skill of {skill:.2f} reaches 0 (95 % interval from {low:.2f})"
    return "" if skill > 0 else f"its skill of {skill:.2f} is not above 0"
