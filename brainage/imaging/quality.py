"""When a parcel or a scan is not used: the rules, and the one that was broken, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from brainage.imaging.options import ExclusionRules
from brainage.series import ScanQuality


def explain_missing(
    parcel_names: Sequence[str],
    *,
    coverage: np.ndarray,
    min_coverage: float,
    empty: np.ndarray,
    broken: np.ndarray,
    constant: np.ndarray,
) -> dict[str, str]:
    """Name the parcels that have no usable signal, each with the first rule that it breaks.

    Parameters
    ----------
    parcel_names : sequence of str
        All p parcels.
    coverage : ndarray of shape (p,)
        Share of each parcel that was seen.
    min_coverage : float
        Smallest share.
    empty, broken, constant : ndarray of shape (p,), bool
        Without a voxel (or grayordinate); not finite in some volumes; without variation in the
        kept volumes.

    Returns
    -------
    reasons : dict of str to str
        Of the missing parcels only, in atlas order.
    """
    # A share such as 1/2 is a sum of many weights: rounding must not decide.
    under = coverage < min_coverage - 1e-9
    reasons = {}
    for i in np.flatnonzero(empty | under | broken | constant):
        if empty[i]:
            words = "nothing of it in mask and field of view"
        elif under[i] and coverage[i] == 0:
            words = "no finite value in mask and field of view"
        elif under[i]:
            words = f"coverage {coverage[i]:.3g}, under {min_coverage:g}"
        else:
            words = "not finite in some volumes" if broken[i] else "constant"
        reasons[parcel_names[int(i)]] = words
    return reasons


def judge_scan(
    rules: ExclusionRules,
    *,
    mean_fd_mm: float | None,
    n_volumes: int,
    n_kept: int,
    t_r_s: float,
    coverage: np.ndarray,
    missing_reasons: Mapping[str, str],
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
    missing_reasons : mapping of str to str
        Parcels without a signal, by name, and why.

    Returns
    -------
    quality : ScanQuality
        `exclusion` holds every broken rule, or is None.
    """
    retained_s = n_kept * t_r_s
    reasons = []
    most = rules.max_mean_fd_mm
    if mean_fd_mm is not None and most is not None and mean_fd_mm > most:
        reasons.append(f"mean framewise displacement {mean_fd_mm:.2f} mm, more than {most:g} mm")
    if n_kept < rules.min_retained_share * n_volumes:
        reasons.append(
            f"{n_kept} of {n_volumes} volumes kept, less than "
            f"{100 * rules.min_retained_share:.0f} %"
        )
    if retained_s < rules.min_retained_s:
        reasons.append(f"{retained_s:.0f} s kept, less than {rules.min_retained_s:g} s")
    present = 1 - len(missing_reasons) / len(coverage)
    if present < rules.min_parcels_share:
        reasons.append(
            f"{100 * present:.0f} % of parcels seen, less than "
            f"{100 * rules.min_parcels_share:.0f} %"
        )
    return ScanQuality(
        mean_fd_mm,
        n_volumes,
        n_kept,
        retained_s,
        coverage,
        "; ".join(reasons) or None,
        missing_reasons,
    )
