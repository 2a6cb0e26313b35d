"""What must be learnt of the features before a regression may see them: fitted in the fold.

In order: missing parcels are filled, SPD matrices meet their tangent space or logarithm, a
direction from the mean is taken, site effects are removed. A view that needs none of it is
prepared by nothing, and then one Gram matrix serves every fold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd

from brainage.clock.options import ClockOptions, TangentMap
from brainage.clock.preparation.harmonize import SiteHarmonizer
from brainage.connectivity import (
    DirectionTransformer,
    MissingParcelImputer,
    TangentTransformer,
    ViewSpec,
    spd,
)
from brainage.errors import ClockFileError

#: Views whose features are learnt in the training fold whatever the options.
LEARNT_KINDS = ("tangent", "log_correlation_direction")

#: Largest table of logarithms that folds share, bytes; beyond, each fold makes its own.
_MAX_SHARED_BYTES = 1_000_000_000


@dataclass
class Preparation:
    """Steps fitted on training scans, applied alike to every scan.

    Parameters
    ----------
    imputer : MissingParcelImputer or None, default=None
        None where no scan of the cohort lacked a parcel, and for the tangent space, which
        completes matrices itself.
    geometry : TangentTransformer or None, default=None
        Of the "tangent" view.
    direction : DirectionTransformer or None, default=None
        Of the "log_correlation_direction" view.
    harmonizer : SiteHarmonizer or None, default=None
        Site effects.
    """

    imputer: MissingParcelImputer | None = None
    geometry: TangentTransformer | None = None
    direction: DirectionTransformer | None = None
    harmonizer: SiteHarmonizer | None = None

    @property
    def learns_nothing(self) -> bool:
        """Whether prepared values are the values themselves."""
        return all(step is None for step in self._steps)

    @property
    def _steps(self) -> tuple:
        return self.imputer, self.geometry, self.direction, self.harmonizer

    def transform(
        self,
        values: np.ndarray,
        rows: pd.DataFrame,
        *,
        validating: bool = False,
        logs: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return prepared values of scans, each as it would be alone.

        With `validating`, scans of sites that the training fold did not have pass through
        unharmonised: nothing could have been learnt of them. `logs` are the scans' logarithms
        (`shared_logarithms`), where they are known.
        """
        if self.imputer is not None:
            values = self.imputer.transform(values)
        if self.geometry is not None:
            values = self.geometry.transform(values, logs=logs)
        if self.direction is not None:
            values = self.direction.transform(values)
        if self.harmonizer is not None:
            values = self.harmonizer.transform(
                values, site=rows["site"], unseen_site="pass_through" if validating else None
            )
        return values

    def logarithms(self, values: np.ndarray) -> np.ndarray | None:
        """Return logarithms of scans for every tangent map of the same scans to share.

        None where there is no such map, or scans lack parcels that only a reference can fill.
        """
        if self.geometry is None or self.geometry.log_map != "log_euclidean":
            return None
        return spd.log_rows(values) if np.isfinite(values).all() else None

    def check_size(self, n_features: int) -> None:
        """Raise ValueError where a step was fitted on another number of features."""
        for step in self._steps:
            if step is not None and step.n_features_in_ != n_features:
                raise ValueError(
                    f"{n_features} features, but {type(step).__name__} was fitted on "
                    f"{step.n_features_in_}"
                )

    def to_stored(self) -> tuple[dict, dict[str, np.ndarray]]:
        """Return JSON-able facts and arrays for a clock file."""
        meta, arrays = {}, {}
        if self.imputer is not None:
            arrays["fill"] = self.imputer.fill_
        if self.geometry is not None:
            arrays["tangent_reference"] = self.geometry.reference_
            meta["tangent"] = {
                "reference": self.geometry.reference,
                "log_map": self.geometry.log_map,
            }
        if self.direction is not None:
            arrays["direction_mean"] = self.direction.mean_
        if self.harmonizer is not None:
            meta["harmonizer"] = self.harmonizer.to_dict()
            stored = self.harmonizer.to_arrays()
            arrays |= {f"harmonizer_{name}": array for name, array in stored.items()}
        return meta, arrays

    @classmethod
    def from_stored(cls, meta: dict, arrays: dict[str, np.ndarray]) -> Preparation:
        """Rebuild what `to_stored` gave."""
        new = cls()
        if "fill" in arrays:
            new.imputer = MissingParcelImputer()
            new.imputer.fill_ = arrays["fill"]
            new.imputer.n_features_in_ = len(arrays["fill"])
        if "tangent_reference" in arrays:
            reference = np.asarray(arrays["tangent_reference"])
            # Files of before the choice have the affine-invariant map.
            kind = meta.get(
                "tangent", {"reference": "log_euclidean", "log_map": "affine_invariant"}
            )
            if kind["log_map"] not in get_args(TangentMap):
                raise ClockFileError(
                    f"a clock with the tangent map '{kind['log_map']}', which "
                    "this version does not know; update brainage."
                )
            new.geometry = TangentTransformer(kind["reference"], log_map=kind["log_map"])
            new.geometry.reference_ = reference
            new.geometry.n_features_in_ = len(reference) * (len(reference) + 1) // 2
        if "direction_mean" in arrays:
            new.direction = DirectionTransformer()
            new.direction.mean_ = arrays["direction_mean"]
            new.direction.n_features_in_ = len(arrays["direction_mean"])
        if "harmonizer" in meta:
            prefix = "harmonizer_"
            own = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
            new.harmonizer = SiteHarmonizer.from_arrays(meta["harmonizer"], own)
        return new


def needs_learning(spec: ViewSpec, options: ClockOptions, *, incomplete: bool) -> bool:
    """Return whether a view must be prepared anew in every training fold."""
    return spec.kind in LEARNT_KINDS or options.harmonization.method != "none" or incomplete


def has_missing(values: np.ndarray) -> bool:
    """Return whether any scan of a view lacks a parcel, reading a block of scans at a time."""
    return any(np.isnan(values[start : start + 256]).any() for start in range(0, len(values), 256))


def shared_logarithms(values: np.ndarray) -> np.ndarray | None:
    """Return the logarithm of every scan of a tangent view, for all folds to share.

    A logarithm is of its own scan alone, so that sharing carries nothing from fold to fold.

    Parameters
    ----------
    values : ndarray of shape (n_scans, p (p + 1) / 2)
        Half-vectorised matrices.

    Returns
    -------
    logs : ndarray of shape (n_scans, p (p + 1) / 2), float64, or None
        NaN rows for scans with missing parcels; None where the table would be too large.
    """
    if 8 * values.size > _MAX_SHARED_BYTES:
        return None
    logs = np.full(values.shape, np.nan)
    complete = np.flatnonzero([np.isfinite(row).all() for row in values])
    logs[complete] = spd.log_rows(values, complete)
    return logs


def fit_preparation(
    values: np.ndarray,
    rows: pd.DataFrame,
    *,
    spec: ViewSpec,
    options: ClockOptions,
    incomplete: bool,
    logs: np.ndarray | None = None,
) -> tuple[Preparation, np.ndarray]:
    """Fit every step on training scans; return the steps and the prepared training values.

    Parameters
    ----------
    values : ndarray of shape (n_train, n_features)
        Training scans of one view.
    rows : DataFrame
        Their row table (site, age_years).
    spec : ViewSpec
        Kind and layout of the view.
    options : ClockOptions
        Tangent space and site effects.
    incomplete : bool
        Whether any scan of the cohort lacks a parcel: then every fold learns how to fill it, also
        one whose own training scans are complete, since the scan may be held out.
    logs : ndarray of shape (n_train, n_features), optional
        Of a tangent view, where they are known (`shared_logarithms`).
    """
    new = Preparation()
    if spec.kind == "tangent":
        tangent = options.tangent
        new.geometry = TangentTransformer(tangent.reference, log_map=tangent.log_map)
        values = new.geometry.fit_transform(values, logs=logs)
    elif incomplete:
        new.imputer = MissingParcelImputer().fit(values)
        values = new.imputer.transform(values)
    if spec.kind == "log_correlation_direction":
        new.direction = DirectionTransformer().fit(values)
        values = new.direction.transform(values)
    sites = options.harmonization
    if sites.method != "none":
        new.harmonizer = SiteHarmonizer(sites.method, sites.preserve_age, sites.unseen_site)
        age = rows["age_years"].to_numpy(float)
        new.harmonizer.fit_inside_fold(values, age, site=rows["site"])
        values = new.harmonizer.transform(values, site=rows["site"])
    return new, values
