"""Making a series ready for `nilearn.signal.clean` with a sample mask.

nilearn 0.14 fills censored volumes by ``volumes[~sample_mask]`` with a mask of integers, which
names the volumes as far from the end as the kept ones are from the start. So a censored volume
whose mirror image is censored too keeps its motion, which the filter then spreads; and volumes
censored at both ends are not cut off, which shifts what is kept. Cutting the ends and filling
the gaps beforehand, by the same spline, gives what nilearn means, and its own numbers wherever
its indices do no harm.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicSpline


def cut_and_fill(
    values: np.ndarray, kept_volumes: np.ndarray, *, fill: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a series to its first and last kept volume, and fill the gaps between.

    Parameters
    ----------
    values : ndarray of shape (n_volumes, k)
        Signals or confounds; not modified.
    kept_volumes : ndarray of int
        Ascending.
    fill : bool
        Replace censored volumes by a cubic spline through the kept ones (before a filter).

    Returns
    -------
    cut : ndarray of shape (last - first + 1, k)
    kept : ndarray of int
        `kept_volumes` counted from the first of them.
    """
    first, last = int(kept_volumes[0]), int(kept_volumes[-1])
    cut = np.array(values[first : last + 1], dtype=float)
    kept = kept_volumes - first
    if fill and 1 < len(kept) < len(cut):
        gaps = np.setdiff1d(np.arange(len(cut)), kept)
        cut[gaps] = CubicSpline(kept, cut[kept], extrapolate=False)(gaps)
    return cut, kept
