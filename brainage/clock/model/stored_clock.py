"""The parts of a clock as JSON and arrays, and back: each checked alone, then together."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np

from brainage.clock.model.age_sex import AgeSexLine
from brainage.clock.model.bias import AgeBiasCorrector
from brainage.clock.model.distance import ReferenceDistance
from brainage.clock.model.intervals import CvPlusIntervals
from brainage.clock.model.parts import ClockParts
from brainage.clock.model.self_test import n_features_of
from brainage.clock.model.stored_facts import checked_facts
from brainage.clock.options import ClockOptions
from brainage.clock.preparation.steps import Preparation
from brainage.clock.regressors.age_scale import AgeScale
from brainage.clock.regressors.stored_regression import regression_from_stored
from brainage.clock.stored import array, record, text, texts
from brainage.connectivity import LAYOUTS, ViewSpec
from brainage.errors import ClockFileError

Arrays = dict[str, np.ndarray]
_META = (
    "network",
    "fold_scales",
    "specs",
    "preparations",
    "regression",
    "bias",
    "facts",
    "fold_preparations",
)


def clock_to_stored(parts: ClockParts) -> tuple[dict, Arrays]:
    """Return a clock as JSON-able facts and arrays."""
    regression_meta, arrays = parts.regression.to_stored()
    arrays = {f"regression_{k}": v for k, v in arrays.items()}
    preparation_meta, own = _preparations_to_stored(parts.preparations, "preparation")
    arrays |= own
    fold_meta = []
    for k, preparations in enumerate(parts.fold_preparations):
        steps, own = _preparations_to_stored(preparations, f"fold{k}_preparation")
        fold_meta.append(steps)
        arrays |= own
    arrays |= {f"intervals_{k}": v for k, v in parts.intervals.to_arrays().items()}
    arrays |= {f"distance_{k}": v for k, v in parts.distance.to_arrays().items()}
    arrays["fold_weights"] = parts.fold_weights
    arrays["fold_intercepts"] = parts.fold_intercepts
    meta = {
        "network": parts.network,
        "fold_scales": list(parts.fold_scales),
        "specs": [spec.to_dict() for spec in parts.specs],
        "preparations": preparation_meta,
        "regression": regression_meta,
        "bias": parts.bias.to_dict(),
        "facts": parts.facts,
        "fold_preparations": fold_meta,
    }
    if parts.age_sex is not None:
        meta["age_sex"] = parts.age_sex.to_dict()
    return meta, arrays


def _preparations_to_stored(
    preparations: tuple[Preparation, ...], prefix: str
) -> tuple[list[dict], Arrays]:
    metas: list[dict] = []
    arrays: Arrays = {}
    for i, preparation in enumerate(preparations):
        meta, own = preparation.to_stored()
        metas.append(meta)
        arrays |= {f"{prefix}{i}_{k}": v for k, v in own.items()}
    return metas, arrays


def parts_from_stored(meta: dict, arrays: Arrays) -> dict[str, Any]:
    """Return the values of `ClockParts` that `clock_to_stored` took apart.

    Raises
    ------
    ClockFileError
        A part that is absent, too many, makes no sense, or does not fit the others.
    """
    record(meta, "clock", _META, optional=("age_sex",))
    network = text(meta["network"], "network")
    specs = _specs(meta["specs"])
    sizes = [n_features_of(spec, network) for spec in specs]
    shelves = _Shelves(arrays)
    preparations = _preparations(meta["preparations"], shelves, "preparation", specs, sizes)
    parts: dict[str, Any] = {
        "network": network,
        "specs": specs,
        "preparations": preparations,
        "regression": regression_from_stored(
            meta["regression"], shelves.take("regression_"), n_features=sum(sizes)
        ),
        "bias": AgeBiasCorrector.from_dict(meta["bias"]),
        "intervals": CvPlusIntervals.from_arrays(shelves.take("intervals_")),
        "distance": ReferenceDistance.from_arrays(shelves.take("distance_"), sum(sizes)),
        "facts": checked_facts(meta["facts"]),
        "age_sex": AgeSexLine.from_dict(meta["age_sex"]) if "age_sex" in meta else None,
    }
    n_folds = parts["intervals"].n_folds_
    parts |= _fold_models(meta, shelves, n_folds, sum(sizes))
    parts["fold_preparations"] = _fold_preparations(meta, shelves, specs, sizes)
    shelves.refuse_rest()
    _check_together(parts)
    return parts


class _Shelves:
    """The arrays of a file by prefix; what nobody takes is refused."""

    def __init__(self, arrays: Arrays):
        self._left = dict(arrays)

    def take(self, prefix: str) -> Arrays:
        names = [name for name in self._left if name.startswith(prefix)]
        return {name.removeprefix(prefix): self._left.pop(name) for name in names}

    def refuse_rest(self) -> None:
        if self._left:
            raise ClockFileError(
                f"arrays that no part of a clock reads: {sorted(self._left)!r:.300}"
            )


def _specs(stored: object) -> tuple[ViewSpec, ...]:
    if not isinstance(stored, list) or not stored:
        raise ClockFileError(f"specs: expected a list of views, found {stored!r:.80}")
    specs = []
    for one in stored:
        record(one, "view spec", ViewSpec.__dataclass_fields__)
        kind = text(one["kind"], "view kind", among=LAYOUTS)
        text(one["layout"], f"layout of {kind}", among=(LAYOUTS[kind],))
        for name in ("shrinkage", "atlas", "cleaning_fingerprint"):
            text(one[name], f"view {name}")
        names = texts(one["parcel_names"], "parcel names")
        networks = one["networks"]
        if not isinstance(networks, list) or len(networks) != len(names) or not names:
            raise ClockFileError(f"networks: expected one for each of {len(names)} parcels")
        if not all(network is None or isinstance(network, str) for network in networks):
            raise ClockFileError("networks: expected names or null, found others")
        specs.append(ViewSpec.from_dict(one))
    shared = {(s.parcel_names, s.networks, s.atlas, s.cleaning_fingerprint) for s in specs}
    if len(shared) > 1 or len({spec.kind for spec in specs}) < len(specs):
        raise ClockFileError("specs: expected different views of one atlas and cleaning")
    return tuple(specs)


def _preparations(
    metas: object, shelves: _Shelves, prefix: str, specs: tuple[ViewSpec, ...], sizes: list[int]
) -> tuple[Preparation, ...]:
    if not isinstance(metas, list) or len(metas) != len(specs):
        raise ClockFileError(f"{prefix}: expected one for each of {len(specs)} views")
    return tuple(
        Preparation.from_stored(
            meta, shelves.take(f"{prefix}{i}_"), spec=specs[i], n_features=sizes[i]
        )
        for i, meta in enumerate(metas)
    )


def _fold_models(meta: dict, shelves: _Shelves, n_folds: int, n_features: int) -> dict[str, Any]:
    own = shelves.take("fold_")
    n_models = n_folds if array(own, "intercepts", (None,)).size else 0
    scales = meta["fold_scales"]
    if not isinstance(scales, list) or len(scales) != n_models:
        raise ClockFileError(f"fold_scales: expected {n_models}, found {scales!r:.80}")
    return {
        "fold_weights": array(own, "weights", (n_models, n_features if n_models else 0)),
        "fold_intercepts": array(own, "intercepts", (n_models,)),
        "fold_scales": tuple(
            text(scale, "fold scale", among=get_args(AgeScale)) for scale in scales
        ),
    }


def _fold_preparations(
    meta: dict, shelves: _Shelves, specs: tuple[ViewSpec, ...], sizes: list[int]
) -> tuple[tuple[Preparation, ...], ...]:
    metas = meta["fold_preparations"]
    if not isinstance(metas, list):
        raise ClockFileError(f"fold_preparations: expected a list, found {metas!r:.80}")
    return tuple(
        _preparations(one, shelves, f"fold{k}_preparation", specs, sizes)
        for k, one in enumerate(metas)
    )


def _check_together(parts: dict[str, Any]) -> None:
    options = ClockOptions.model_validate(parts["facts"]["options"])
    kinds = tuple(spec.kind for spec in parts["specs"])
    if options.views != kinds:
        raise ClockFileError(f"options: views {options.views}, but the clock sees {kinds}")
    if options.bias_correction != parts["bias"].kind:
        raise ClockFileError(
            f"options: bias correction '{options.bias_correction}', but the line is of "
            f"'{parts['bias'].kind}'"
        )
    if (options.gap_freed_of_age_and_sex == "reference") != (parts["age_sex"] is not None):
        raise ClockFileError("options: a line on age and sex that was not asked for, or none")
    for preparation in parts["preparations"]:
        harmonizer = preparation.harmonizer
        method = "none" if harmonizer is None else harmonizer.method
        if method != options.harmonization.method:
            raise ClockFileError(
                f"options: harmonisation '{options.harmonization.method}', but a view is prepared "
                f"by '{method}'"
            )
    n_models, of_folds = len(parts["fold_weights"]), parts["fold_preparations"]
    learnt = any(not preparation.learns_nothing for preparation in parts["preparations"])
    if len(of_folds) != (n_models if learnt else 0):
        raise ClockFileError(
            f"fold_preparations: expected one for each of {n_models if learnt else 0} fold models, "
            f"found {len(of_folds)}"
        )
    for steps in of_folds:
        for own, final in zip(steps, parts["preparations"], strict=True):
            if [s is None for s in own.steps] != [s is None for s in final.steps]:
                raise ClockFileError("fold_preparations: expected the steps of the clock itself")
