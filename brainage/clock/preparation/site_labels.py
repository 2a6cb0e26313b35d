"""Site labels of scans, as text, with missing ones kept apart from every site; and their ages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from brainage.errors import BrainAgeError, FeatureMismatchError


def site_labels(site: Any, n_scans: int) -> list[str | None]:
    """Return site labels as text, None where missing; one nameless site if there is no column."""
    if site is None:
        return [""] * n_scans
    values = list(np.asarray(site, dtype=object).ravel())
    if len(values) != n_scans:
        raise ValueError(f"harmonisation: expected {n_scans} sites, found {len(values)}.")
    return [None if pd.isna(v) else str(v) for v in values]


def site_codes(labels: list[str | None], sites: list[str]) -> np.ndarray:
    """Return the position of each label among sites, -1 for one without an effect."""
    position = {site: i for i, site in enumerate(sites)}
    return np.array(
        [-1 if label is None else position.get(label, -1) for label in labels], dtype=int
    )


def rows_by_site(code: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the rows of each site that has an effect, with the site's position."""
    for s in np.unique(code[code >= 0]):
        yield np.flatnonzero(code == s), int(s)


def refuse_missing_sites(labels: list[str | None], method: str, unseen_site: str) -> None:
    """Refuse scans without a site, where every scan must have one."""
    n_missing = sum(label is None for label in labels)
    if n_missing and unseen_site == "refuse" and method != "none":
        raise FeatureMismatchError(
            f"harmonisation {method!r}: expected a site for every scan, found "
            f"{n_missing} without. Fill the column 'site', or choose unseen_site: pass_through."
        )


def refuse_unseen_sites(
    labels: list[str | None], known: set[str], method: str, *, may_calibrate: bool
) -> None:
    """Refuse sites that training did not have."""
    unseen = sorted({label for label in labels if label is not None} - known)
    if not unseen:
        return
    advice = (
        "Calibrate the clock on baseline scans of this site, blind to arm"
        if may_calibrate
        else "Choose unseen_site: calibrate (with baseline scans) or pass_through"
    )
    raise FeatureMismatchError(
        f"harmonisation {method!r}: expected sites {sorted(known)}, found {unseen}. {advice}."
    )


def checked_ages(age_years: np.ndarray | None, n_scans: int) -> np.ndarray:
    """Return the ages that a trend is learnt on; ValueError or BrainAgeError without them."""
    if age_years is None:
        raise ValueError("harmonisation: preserve_age and unseen_site='calibrate' need ages (y).")
    age = np.asarray(age_years, dtype=float)
    if age.shape != (n_scans,) or not np.isfinite(age).all():
        raise BrainAgeError(
            f"harmonisation: expected {n_scans} finite ages, found {age.shape} "
            f"with {np.sum(~np.isfinite(age))} missing."
        )
    return age
