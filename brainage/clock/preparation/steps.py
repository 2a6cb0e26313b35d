"""What must be learnt of the features before a regression may see them: fitted in the fold.

In order: missing parcels are filled, SPD matrices meet their tangent space or logarithm, a
direction from the mean is taken, site effects are removed. A view that needs none of it is
prepared by nothing, and then one Gram matrix serves every fold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd

from brainage.blocks import blocks
from brainage.clock.options import ClockOptions, TangentMap, TangentReference
from brainage.clock.preparation.harmonize import SiteHarmonizer
from brainage.clock.preparation.stored_harmonizer import (
    harmonizer_from_stored,
    harmonizer_to_stored,
)
from brainage.clock.stored import array, only, record, text
from brainage.connectivity import (
    KINDS,
    DirectionTransformer,
    MissingParcelImputer,
    TangentTransformer,
    ViewSpec,
    spd,
)
from brainage.errors import ClockFileError

#: Views whose features are learnt in the training fold whatever the options.
LEARNT_KINDS = tuple(name for name, kind in KINDS.items() if kind.learnt_in_fold is not None)

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
        Of a view of directions.
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
        return all(step is None for step in self.steps)

    @property
    def steps(self) -> tuple:
        """The steps in order, None for those that are not needed."""
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
            meta["harmonizer"], stored = harmonizer_to_stored(self.harmonizer)
            arrays |= {f"{_HARMONIZER}{name}": values for name, values in stored.items()}
        return meta, arrays

    @classmethod
    def from_stored(
        cls, meta: dict, arrays: dict[str, np.ndarray], *, spec: ViewSpec, n_features: int
    ) -> Preparation:
        """Rebuild what `to_stored` gave.

        Parameters
        ----------
        meta, arrays : dict
            Of one view.
        spec : ViewSpec
            That view: a tangent view has a tangent space, a direction its mean, others neither.
        n_features : int
            Columns of it that the clock sees.

        Raises
        ------
        ClockFileError
            A step that is absent, too many, or makes no sense.
        """
        record(meta, "preparation", (), optional=("tangent", "harmonizer"))
        _check_steps(meta, arrays, spec)
        new = cls()
        if "fill" in arrays:
            new.imputer = MissingParcelImputer()
            new.imputer.fill_ = array(arrays, "fill", (n_features,))
            new.imputer.n_features_in_ = n_features
        if "tangent" in meta:
            new.geometry = _tangent_from_stored(meta["tangent"], arrays, n_features)
        if "direction_mean" in arrays:
            new.direction = DirectionTransformer()
            new.direction.mean_ = array(arrays, "direction_mean", (n_features,))
            new.direction.n_features_in_ = n_features
        if "harmonizer" in meta:
            own = {k.removeprefix(_HARMONIZER): v for k, v in arrays.items() if _HARMONIZER in k}
            new.harmonizer = harmonizer_from_stored(meta["harmonizer"], own, n_features=n_features)
        return new


_HARMONIZER = "harmonizer_"


def _check_steps(meta: dict, arrays: dict[str, np.ndarray], spec: ViewSpec) -> None:
    learnt = KINDS[spec.kind].learnt_in_fold
    for step, there in (("tangent", "tangent" in meta), ("direction", "direction_mean" in arrays)):
        if there != (learnt == step):
            word = "with" if there else "without"
            raise ClockFileError(f"preparation: a view of {spec.kind} {word} a {step} step")
    if spec.kind == "tangent" and "fill" in arrays:
        raise ClockFileError("preparation: a tangent space completes matrices itself; found a fill")
    harmonized = [name for name in arrays if name.startswith(_HARMONIZER)]
    if harmonized and "harmonizer" not in meta:
        raise ClockFileError("preparation: arrays of a harmoniser without its description")
    known = ("fill", "tangent_reference", "direction_mean", *harmonized)
    only(arrays, known, "arrays of a preparation")


def _tangent_from_stored(
    meta: object, arrays: dict[str, np.ndarray], n_features: int
) -> TangentTransformer:
    n_parcels = spd.n_parcels_of(n_features)
    kinds = {"reference": TangentReference, "log_map": TangentMap}
    named = record(meta, "tangent", kinds)
    for name, known in kinds.items():
        text(named[name], f"tangent {name}", among=get_args(known))
    new = TangentTransformer(named["reference"], log_map=named["log_map"])
    new.reference_ = array(arrays, "tangent_reference", (n_parcels, n_parcels))
    spread = np.linalg.eigvalsh(new.reference_)
    symmetric = np.allclose(new.reference_, new.reference_.T, rtol=1e-9, atol=1e-12)
    if not symmetric or spread[0] <= 0:
        raise ClockFileError(
            "tangent reference: expected a positive definite matrix, found another"
        )
    new.n_features_in_ = n_features
    return new


def needs_learning(spec: ViewSpec, options: ClockOptions, *, incomplete: bool) -> bool:
    """Return whether a view must be prepared anew in every training fold."""
    return spec.kind in LEARNT_KINDS or options.harmonization.method != "none" or incomplete


def seen_in_passes(kind: str, *, incomplete: bool) -> bool:
    """Return whether what is learnt of a view can be seen without writing its features anew.

    Directions and site effects; no tangent space and no missing parcels.
    """
    # Views of other names hold what nothing is learnt of.
    learnt = KINDS[kind].learnt_in_fold if kind in KINDS else None
    return learnt in (None, "direction") and not incomplete


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
    if 8 * math.prod(values.shape) > _MAX_SHARED_BYTES:
        return None
    logs = np.full(values.shape, np.nan)
    there = [np.isfinite(values[rows]).all(axis=1) for rows in blocks(*values.shape)]
    complete = np.flatnonzero(np.concatenate([np.zeros(0, dtype=bool), *there]))
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
        if options.missing_edges == "zero":
            new.imputer.fill_ = np.zeros_like(new.imputer.fill_)
        values = new.imputer.transform(values)
    if KINDS[spec.kind].learnt_in_fold == "direction":
        new.direction = DirectionTransformer().fit(values)
        values = new.direction.transform(values)
    sites = options.harmonization
    if sites.method != "none":
        new.harmonizer = SiteHarmonizer(sites.method, sites.preserve_age, sites.unseen_site)
        age = rows["age_years"].to_numpy(float)
        new.harmonizer.fit_inside_fold(values, age, site=rows["site"])
        values = new.harmonizer.transform(values, site=rows["site"])
    return new, values
