"""What a clock's own record says of its accuracy and of the share of a shift that it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import stats

from brainage.showing import Shown

#: Metric as the clock keeps it -> field of `ClockFacts`.
_METRICS = {
    "MAE": "mae_years",
    "MAE_median": "mae_of_median_years",
    "r": "r",
}


@dataclass(frozen=True, repr=False)
class ClockFacts(Shown):
    """What is known of one network's clock; NaN where it is not.

    Parameters
    ----------
    mae_years, mae_of_median_years, r : float, default=nan
        Accuracy out of fold, uncorrected, beside that of the median predictor.
    gap_slope : float, default=nan
        Of the uncorrected gap on age, in left-out people.
    share, share_se : float, default=nan
        Share of a true shift within people that the clock shows, and its standard error.
    share_kind : str, default=""
        "planted", "within site" or "pooled"; empty where not known.
    retest_icc : float, default=nan
        ICC(A,1) of scans soon repeated.
    retest_sem_years, retest_df : float, default=nan
        Standard error of measurement of one scan from scans soon repeated or halves, and its
        degrees of freedom.

    Examples
    --------
    >>> facts = ClockFacts(mae_years=4.2, mae_of_median_years=12.9, r=0.91)
    >>> facts.mae_years < facts.mae_of_median_years
    True
    """

    mae_years: float = np.nan
    mae_of_median_years: float = np.nan
    r: float = np.nan
    gap_slope: float = np.nan
    share: float = np.nan
    share_se: float = np.nan
    share_kind: str = ""
    retest_icc: float = np.nan
    retest_sem_years: float = np.nan
    retest_df: float = np.nan

    @classmethod
    def of(cls, known: Mapping[str, Any] | None) -> ClockFacts:
        """Return the facts of a clock.

        Parameters
        ----------
        known : mapping or None
            What the clock keeps of its training (metrics, slopes of the gap out of fold), or values
            under the names of these fields, which come first; anything else is not read.
        """
        if known is None:
            return cls()
        found: dict[str, Any] = _accuracy(known.get("metrics") or ())
        slope = (known.get("gap_slope_out_of_fold") or {}).get("before") or {}
        found["gap_slope"] = slope.get("slope")
        found |= _share_within_sites(known.get("gap_slope_within_sites") or {})
        found |= {each.name: known[each.name] for each in fields(cls) if each.name in known}
        return cls(**{name: value for name, value in found.items() if value is not None})


def _accuracy(metrics: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the accuracy of the first validation, the folds'; a new site's comes after it."""
    found: dict[str, Any] = {}
    for row in metrics:
        name = _METRICS.get(row["metric"])
        if name is not None and name not in found:
            found[name] = row["estimate"]
    return found


def _share_within_sites(slope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the share of a difference in age that the clock shows among people of one site."""
    found = [slope.get(name) for name in ("slope", "low", "high")]
    bounds = [float(bound) for bound in found if bound is not None]
    if len(bounds) < len(found):
        return {}
    middle, low, high = bounds
    quantile = float(stats.t.ppf(0.975, max(int(slope["n"]) - 2, 1)))
    return {
        "share": 1 + middle,
        "share_se": (high - low) / (2 * quantile),
        "share_kind": "within site",
    }
