"""What a clock's own record says of its accuracy and of the share of a shift that it shows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
        ICC(A,1) of scans soon repeated, or what the noise of halves leaves of the gap's variance.
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
        found |= _of_halves(known)
        found |= {each.name: known[each.name] for each in fields(cls) if each.name in known}
        return cls(**{name: value for name, value in found.items() if value is not None})


def shares_of_one_kind(
    clocks: Mapping[str, Mapping[str, Any]], *, given: Collection[str] = ()
) -> dict[str, Mapping[str, Any]]:
    """Return what is known of clocks, with shares that can be compared with one another.

    A planted share and one within sites differ by more than error: a network's change over the
    one beside the whole brain's over the other would differ where no change does. Planted shares
    are therefore used where every clock has one, else those within sites.

    Parameters
    ----------
    clocks : mapping of str to mapping
        Network -> what its clock keeps of its training.
    given : collection of str, default=()
        Networks whose share the plan gives; it stays.

    Returns
    -------
    clocks : dict of str to mapping
    """
    kinds = {ClockFacts.of(known).share_kind for known in clocks.values()}
    if kinds <= {"planted"}:
        return dict(clocks)
    unknown = {"share": np.nan, "share_se": np.nan, "share_kind": ""}
    return {
        network: known
        if network in given or ClockFacts.of(known).share_kind != "planted"
        else {**known, **unknown, **_share_within_sites(known.get("gap_slope_within_sites") or {})}
        for network, known in clocks.items()
    }


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


def _of_halves(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the noise within scans and the planted share that halves of scans told of a clock."""
    rows = {row["measure"]: row for row in known.get("efficiency") or []}
    found: dict[str, Any] = {}
    noise = rows.get("within_scan_noise_years", {})
    if noise.get("estimate") is not None:
        found["retest_sem_years"] = noise["estimate"]
        found["retest_df"] = max(float(noise["n"]) - 1, 1.0)
        found["retest_icc"] = _left_of_gap(noise["estimate"], known)
    planted = rows.get("share_planted", {})
    if planted.get("estimate") is not None:
        found |= {"share": planted["estimate"], "share_kind": "planted", "share_se": None}
        if planted.get("low") is not None and planted.get("high") is not None:
            width = planted["high"] - planted["low"]
            found["share_se"] = width / (2 * float(stats.norm.ppf(0.975)))
    return found


def _left_of_gap(noise_years: float, known: Mapping[str, Any]) -> float | None:
    """Return 1 - noise variance over the corrected gap's, as training left it; None: not known.

    The corrected gap's variance is the raw one's less what its slope on age makes of the ages'
    spread; that spread follows from the error and R2 of the same folds.
    """
    first: dict[str, float] = {}
    for row in known.get("metrics") or ():
        first.setdefault(row["metric"], row["estimate"])
    slope = ((known.get("gap_slope_out_of_fold") or {}).get("before") or {}).get("slope")
    raw, explained = first.get("RMSE"), first.get("R2")
    if raw is None or explained is None or slope is None or not explained < 1:
        return None
    variance = raw**2 * (1 - slope**2 / (1 - explained))
    return float(1 - noise_years**2 / variance) if variance > noise_years**2 else None
