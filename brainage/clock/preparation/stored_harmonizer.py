"""A harmoniser in a clock file, and back: every value checked on the way in."""

from __future__ import annotations

from typing import cast, get_args

import numpy as np
from sklearn.utils.validation import check_is_fitted

from brainage.clock.preparation.age_trend import AgeTrend
from brainage.clock.preparation.harmonize import QUARTILES, Method, SiteHarmonizer, UnseenSite
from brainage.clock.stored import (
    ABOVE_ZERO,
    MAX_AGE_YEARS,
    array,
    ascending,
    flag,
    number,
    only,
    record,
    text,
    texts,
    whole,
)
from brainage.errors import ClockFileError

_ARRAYS = ("shift", "scale", "centre", "age_slope", "site_age_years")
_TREND = ("trend_knots_years", "trend_weights", "trend_sd", "trend_age_range_years")
_STORED = (
    "method",
    "preserve_age",
    "unseen_site",
    "sites",
    "unestimated_sites",
    "known_sites",
    "calibrations",
    "n_features",
)
_CALIBRATION = (
    "site",
    "n_scans",
    "location_only",
    "age_years",
    "reference_age_years",
    "n_outside_reference_ages",
)


def harmonizer_to_stored(harmonizer: SiteHarmonizer) -> tuple[dict, dict[str, np.ndarray]]:
    """Return a fitted harmoniser as JSON-able facts and arrays."""
    check_is_fitted(harmonizer, "shift_")
    meta = {
        "method": harmonizer.method,
        "preserve_age": harmonizer.preserve_age,
        "unseen_site": harmonizer.unseen_site,
        "sites": harmonizer.sites_,
        "unestimated_sites": harmonizer.unestimated_sites_,
        "known_sites": harmonizer.known_sites_,
        "calibrations": harmonizer.calibrations_,
        "n_features": int(harmonizer.n_features_in_),
    }
    arrays = {name: getattr(harmonizer, f"{name}_") for name in _ARRAYS}
    if hasattr(harmonizer, "trend_"):
        arrays |= {
            "trend_knots_years": harmonizer.trend_.knots_years,
            "trend_weights": harmonizer.trend_.weights,
            "trend_sd": harmonizer.trend_sd_,
            "trend_age_range_years": harmonizer.trend_age_range_years_,
        }
    return meta, arrays


def harmonizer_from_stored(
    meta: dict, arrays: dict[str, np.ndarray], *, n_features: int
) -> SiteHarmonizer:
    """Rebuild what `harmonizer_to_stored` gave; ClockFileError where it makes no sense."""
    record(meta, "harmonizer", _STORED)
    new = SiteHarmonizer(
        cast(Method, text(meta["method"], "harmonizer method", among=get_args(Method))),
        flag(meta["preserve_age"], "harmonizer preserve_age"),
        cast(
            UnseenSite,
            text(meta["unseen_site"], "harmonizer unseen_site", among=get_args(UnseenSite)),
        ),
    )
    for name in ("sites", "unestimated_sites", "known_sites"):
        setattr(new, f"{name}_", texts(meta[name], f"harmonizer {name}"))
    whole(meta["n_features"], "harmonizer n_features", low=n_features, high=n_features)
    new.n_features_in_, n_sites = n_features, len(new.sites_)
    for name in ("shift", "centre"):
        setattr(new, f"{name}_", array(arrays, name, (n_sites, n_features)))
    new.scale_ = array(arrays, "scale", (n_sites, n_features), low=ABOVE_ZERO)
    new.age_slope_ = array(arrays, "age_slope", (n_features,))
    new.site_age_years_ = array(arrays, "site_age_years", (n_sites,))
    new.calibrations_ = calibrations_from_stored(meta["calibrations"])
    learns = new.unseen_site == "calibrate" and new.method != "none"
    only(arrays, (*_ARRAYS, *(_TREND if learns else ())), "arrays of a harmoniser")
    if learns:
        knots = ascending(array(arrays, "trend_knots_years", (None,)), "knots", strictly=True)
        size = {0: 2, 4: 4}.get(len(knots), 0)
        new.trend_ = AgeTrend(knots, array(arrays, "trend_weights", (size, n_features)))
        new.trend_sd_ = array(arrays, "trend_sd", (n_features,), low=ABOVE_ZERO)
        ages = array(arrays, "trend_age_range_years", (5,), low=0, high=MAX_AGE_YEARS)
        new.trend_age_range_years_ = ascending(ages, "ages of the trend")
    return new


def calibrations_from_stored(stored: object) -> list[dict]:
    """Return the records of calibrated sites; ClockFileError where they make no sense."""
    if not isinstance(stored, list):
        raise ClockFileError(f"calibrations: expected a list, found {stored!r:.80}")
    for one in stored:
        record(one, "calibration", _CALIBRATION)
        text(one["site"], "calibrated site")
        n_scans = whole(one["n_scans"], "calibration n_scans", low=2)
        flag(one["location_only"], "calibration location_only")
        whole(one["n_outside_reference_ages"], "calibration scans outside", high=n_scans)
        for name in ("age_years", "reference_age_years"):
            if not isinstance(one[name], list) or len(one[name]) != len(QUARTILES):
                raise ClockFileError(f"calibration {name}: expected five ages")
            ages = [number(age, name, low=0, high=MAX_AGE_YEARS) for age in one[name]]
            ascending(np.array(ages), name)
    return stored
