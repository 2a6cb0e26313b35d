"""When a scan is not used: the rules, and the one that was broken, in words."""

from __future__ import annotations

import numpy as np

from brainage.imaging.options import ExclusionRules
from brainage.series import ScanQuality


def judge_scan(
    rules: ExclusionRules,
    *,
    mean_fd_mm: float | None,
    n_volumes: int,
    n_kept: int,
    t_r_s: float,
    coverage: np.ndarray,
    missing: np.ndarray,
) -> ScanQuality:
    """Measure a scan against the exclusion rules.

    Parameters
    ----------
    rules : ExclusionRules
        The rules.
    mean_fd_mm : float or None
        Mean framewise displacement; where it is unknown its rule is not applied.
    n_volumes, n_kept : int
        Volumes in the file, and left.
    t_r_s : float
        Repetition time.
    coverage : ndarray of shape (p,)
        Share of each parcel that was seen.
    missing : ndarray of shape (p,), bool
        Parcels without a signal.

    Returns
    -------
    quality : ScanQuality
        `exclusion` holds every broken rule, or is None.
    """
    retained_s = n_kept * t_r_s
    reasons = []
    most = rules.max_mean_fd_mm
    if mean_fd_mm is not None and most is not None and mean_fd_mm > most:
        reasons.append(f"mean framewise displacement {mean_fd_mm:.2f} mm, more than "
                           f"{most:g} mm")  # fmt: skip
    if n_kept < rules.min_retained_share * n_volumes:
        reasons.append(f"{n_kept} of {n_volumes} volumes kept, less than "
                       f"{100 * rules.min_retained_share:.0f} %")  # fmt: skip
    if retained_s < rules.min_retained_s:
        reasons.append(f"{retained_s:.0f} s kept, less than {rules.min_retained_s:g} s")
    present = 1 - missing.mean()
    if present < rules.min_parcels_share:
        reasons.append(f"{100 * present:.0f} % of parcels seen, less than "
                       f"{100 * rules.min_parcels_share:.0f} %")  # fmt: skip
    return ScanQuality(mean_fd_mm, n_volumes, n_kept, retained_s, coverage,
                       "; ".join(reasons) or None)  # fmt: skip
