"""What a site that is new to a frozen harmoniser has to bring, and what is kept on record of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from brainage.errors import BrainAgeError

#: Ages of a cohort are told by these percentiles.
QUARTILES = (0, 25, 50, 75, 100)


def check_new_site(
    X: np.ndarray, age_years: np.ndarray, *, site: Any, known: Sequence[str], n_features: int
) -> None:
    """Refuse a site that is known, or scans and ages that nothing can be learnt from."""
    if site in known:
        raise BrainAgeError(
            f"calibrate: site {site!r} is already known; a frozen effect is not learnt twice."
        )
    if X.ndim != 2 or X.shape[1] != n_features or age_years.shape != (len(X),):
        raise ValueError(
            f"calibrate: expected edges (n_scans, {n_features}) and "
            f"as many ages, found {X.shape} and {age_years.shape}."
        )
    if len(X) < 2 or not (np.isfinite(X).all() and np.isfinite(age_years).all()):
        raise BrainAgeError(
            f"calibrate: expected at least two scans of site {site!r}, all finite, found {len(X)}."
        )


def new_site_record(
    site: Any, age_years: np.ndarray, *, reference_ages: np.ndarray, location_only: bool
) -> dict[str, Any]:
    """Return what a clock file says of a site that was learnt after training.

    Parameters
    ----------
    site : str
        Its name.
    age_years : ndarray of shape (n_scans,)
        Ages of the scans that it was learnt from.
    reference_ages : ndarray of shape (5,)
        `QUARTILES` of the reference's ages, years.
    location_only : bool
        Whether its scale was left alone.
    """
    low, high = reference_ages[0], reference_ages[-1]
    return {
        "site": site,
        "n_scans": len(age_years),
        "location_only": location_only,
        "age_years": [float(q) for q in np.percentile(age_years, QUARTILES)],
        "reference_age_years": [float(q) for q in reference_ages],
        "n_outside_reference_ages": int(np.sum((age_years < low) | (age_years > high))),
    }
