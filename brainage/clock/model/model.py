"""A fitted clock: frozen, in one file, the same number for a scan alone as among a thousand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.clock.model.bias import AgeBiasCorrector
from brainage.clock.model.card import card_of
from brainage.clock.model.clockfile import content_hash, read_clock_file, write_clock_file
from brainage.clock.model.distance import ReferenceDistance
from brainage.clock.model.intervals import CvPlusIntervals
from brainage.clock.model.mismatch import advice
from brainage.clock.model.networks import network_edges
from brainage.clock.preparation.steps import Preparation
from brainage.clock.regressors.age_scale import AgeScale, to_years
from brainage.clock.regressors.frozen import Regression, regression_from_stored
from brainage.connectivity import FeatureTable, ViewSpec
from brainage.errors import ClockFileError, FeatureMismatchError
from brainage.tables import SCORES, WHOLE_BRAIN


@dataclass(frozen=True)
class BrainClock:
    """A brain clock trained on a reference cohort and frozen.

    Parameters
    ----------
    network : str
        "whole_brain", the network within which its edges lie, or two joined by " - ".
    specs : tuple of ViewSpec
        The views it needs, whole; a network's edges are chosen from them.
    preparations : tuple of Preparation
        What is done to each view before the regression.
    regression : Regression
        Features to predicted age.
    bias : AgeBiasCorrector
        Frozen line of the gap on age.
    fold_weights : ndarray of shape (n_folds, n_features), float64
        Weights of the CV+ fold models, views side by side; empty where they cannot be stored.
    fold_intercepts : ndarray of shape (n_folds,)
        On each fold model's age scale.
    fold_scales : tuple of {"years", "sqrt", "log"}
        Age scale of each fold model.
    intervals : CvPlusIntervals
        Sorted residuals by fold.
    distance : ReferenceDistance
        Low-rank summary of the reference cohort's features.
    facts : dict
        What the model card says: cohort, accuracy, options, versions. JSON-able.
    fold_preparations : tuple of tuple of Preparation, default=()
        What each CV+ fold model does to each view, where that is learnt of its training scans
        (tangent space, missing parcels); empty where all do as the clock itself.
    """

    network: str
    specs: tuple[ViewSpec, ...]
    preparations: tuple[Preparation, ...]
    regression: Regression
    bias: AgeBiasCorrector
    fold_weights: np.ndarray
    fold_intercepts: np.ndarray
    fold_scales: tuple[AgeScale, ...]
    intervals: CvPlusIntervals
    distance: ReferenceDistance
    facts: dict
    fold_preparations: tuple[tuple[Preparation, ...], ...] = ()

    @cached_property
    def clock_id(self) -> str:
        """First 16 digits of the content hash: equal for equal clocks."""
        return content_hash(*self._stored())[:16]

    @property
    def parcel_names(self) -> tuple[str, ...]:
        """Parcels of the atlas it was trained on, in order."""
        return self.specs[0].parcel_names

    @property
    def age_range_years(self) -> tuple[float, float]:
        """Youngest and oldest reference scan."""
        low, high = self.facts["cohort"]["age_range_years"]
        return low, high

    @property
    def calibrates(self) -> bool:
        """Whether a site it does not know must be learnt by `calibrate_clock` first."""
        steps = [p.harmonizer for p in self.preparations]
        return any(h is not None and h.unseen_site == "calibrate" for h in steps)

    @property
    def known_sites(self) -> tuple[str, ...]:
        """Sites of the reference, and those it was calibrated for."""
        return tuple(self.facts["cohort"]["sites"]) + tuple(
            known["site"] for known in self.facts.get("calibrations", [])
        )

    def score(self, features: FeatureTable) -> pd.DataFrame:
        """Predict every scan's age; each row depends on that scan alone.

        Parameters
        ----------
        features : FeatureTable
            Made with the atlas, cleaning and estimators the clock was trained on.

        Returns
        -------
        scores : DataFrame
            Schema `brainage.tables.SCORES`.

        Raises
        ------
        FeatureMismatchError
            A view is absent or differs; the message names the difference and the fix.
        """
        blocks = self.blocks(features)
        rows = features.rows
        clock_id = self.clock_id
        records = [self._score_one(blocks, rows, i) for i in range(len(rows))]
        numbers = pd.DataFrame(records)
        age = rows["age_years"].to_numpy(float)
        low, high = self.age_range_years
        predicted = numbers["predicted"].to_numpy(float)
        frame = pd.DataFrame(
            {
                "participant_id": rows["participant_id"].to_numpy(),
                "session_id": rows["session_id"].to_numpy(),
                "age_years": age,
                "sex": rows["sex"].to_numpy(),
                "site": rows["site"].to_numpy(),
                "scanner": rows["scanner"].to_numpy(),
                "mean_fd_mm": rows["mean_fd_mm"].to_numpy(float),
                "network": self.network,
                "predicted_age_years": predicted,
                "gap_years": predicted - age,
                "gap_corrected_years": self.bias.corrected_gap(age, predicted),
                "interval_low_years": numbers["low"].to_numpy(float),
                "interval_high_years": numbers["high"].to_numpy(float),
                "in_age_range": (age >= low) & (age <= high),
                "distance_percentile": numbers["percentile"].to_numpy(float),
                "clock_id": clock_id,
            }
        )
        return frame[[name for name in SCORES.names if name in frame]]

    def card(self) -> dict:
        """Return the model card as a flat mapping of words to values."""
        return card_of(self)

    def save(self, path: str | Path) -> None:
        """Write one file of JSON and arrays (see docs/clock_file.md)."""
        write_clock_file(path, *self._stored())

    @classmethod
    def load(cls, path: str | Path) -> BrainClock:
        """Read a clock; runs no code of the file, checks sizes and hash first.

        Raises
        ------
        ClockFileError
            Not a clock, truncated, tampered with, or of a newer format.
        """
        meta, arrays = read_clock_file(path)
        try:
            clock = _from_stored(meta, arrays)
            _check_parts_fit(clock)
        except (
            KeyError,
            TypeError,
            IndexError,
            AttributeError,
            ValueError,
            OverflowError,
            FeatureMismatchError,
        ) as error:
            raise ClockFileError(
                f"{path}: a whole file, but not a brain clock: {error!r} is "
                "missing or of another kind."
            ) from error
        return clock

    def blocks(self, features: FeatureTable) -> list[np.ndarray]:
        """Return the values of each view the clock needs, refusing those of another making."""
        blocks = []
        for spec in self.specs:
            if spec.kind not in features.views:
                raise FeatureMismatchError(
                    f"clock {self.clock_id}: expected the view '{spec.kind}', found "
                    f"{list(features.views)}. Add it to science.connectivity.kinds and build the "
                    "features again."
                )
            view = features.views[spec.kind]
            differences = spec.differences(view.spec)
            if differences:
                fix = advice(spec, view.spec, cleaning=self.facts.get("cleaning", ""))
                raise FeatureMismatchError(
                    f"clock {self.clock_id}: these features are of another making: "
                    f"{'; '.join(differences)}. {fix}"
                )
            blocks.append(view.values)
        return blocks

    def _score_one(self, blocks: list[np.ndarray], rows: pd.DataFrame, i: int) -> dict:
        # One scan at a time: a product over a batch rounds differently with the batch's size.
        row = rows.iloc[[i]]
        ones = []
        for values, spec, preparation in zip(blocks, self.specs, self.preparations, strict=True):
            one = np.asarray(values[i : i + 1], dtype=np.float64)
            if self.network != WHOLE_BRAIN:
                one = one[:, network_edges(spec, self.network)]
            if preparation.imputer is None and preparation.geometry is None and np.isnan(one).any():
                raise FeatureMismatchError(
                    f"sub-{row['participant_id'].iloc[0]} session {row['session_id'].iloc[0]}: "
                    "lacks parcels that every reference scan had, so the clock has no rule to fill "
                    "them. Exclude such scans (connectivity.incomplete_scans: exclude)."
                )
            ones.append((one, preparation.logarithms(one)))
        x, *of_folds = [
            np.concatenate(
                [
                    step.transform(one, row, logs=logs)[0]
                    for step, (one, logs) in zip(steps, ones, strict=True)
                ]
            )
            for steps in (self.preparations, *self.fold_preparations)
        ]
        return self._numbers_of(x, of_folds)

    def _numbers_of(self, x: np.ndarray, of_folds: list[np.ndarray]) -> dict:
        """Return prediction, interval and percentile of one scan's prepared features.

        `of_folds` are the features as each fold model prepares them; empty where as the clock does.
        """
        predicted = self.regression.predict_one(x)
        if len(self.fold_weights):
            own = np.array(of_folds) if of_folds else x
            sums = np.sum(self.fold_weights * own, axis=1) + self.fold_intercepts
            pairs = zip(sums, self.fold_scales, strict=True)
            folds = np.array([to_years(value, scale) for value, scale in pairs])
        else:
            folds = np.full(self.intervals.n_folds_, predicted)
        low, high = self.intervals.interval(folds[None, :], level=0.9)
        return {
            "predicted": predicted,
            "low": low[0],
            "high": high[0],
            "percentile": self.distance.percentile(x[None, :])[0],
        }

    def _stored(self) -> tuple[dict, dict[str, np.ndarray]]:
        regression_meta, arrays = self.regression.to_stored()
        arrays = {f"regression_{k}": v for k, v in arrays.items()}
        preparation_meta, own = _preparations_to_stored(self.preparations, "preparation")
        arrays |= own
        fold_meta = []
        for k, preparations in enumerate(self.fold_preparations):
            meta, own = _preparations_to_stored(preparations, f"fold{k}_preparation")
            fold_meta.append(meta)
            arrays |= own
        arrays |= {f"intervals_{k}": v for k, v in self.intervals.to_arrays().items()}
        arrays |= {f"distance_{k}": v for k, v in self.distance.to_arrays().items()}
        arrays["fold_weights"] = self.fold_weights
        arrays["fold_intercepts"] = self.fold_intercepts
        meta = {
            "network": self.network,
            "fold_scales": list(self.fold_scales),
            "specs": [spec.to_dict() for spec in self.specs],
            "preparations": preparation_meta,
            "regression": regression_meta,
            "bias": self.bias.to_dict(),
            "facts": self.facts,
        }
        if fold_meta:
            meta["fold_preparations"] = fold_meta
        return meta, arrays


def _preparations_to_stored(preparations: tuple[Preparation, ...], prefix: str):
    metas, arrays = [], {}
    for i, preparation in enumerate(preparations):
        meta, own = preparation.to_stored()
        metas.append(meta)
        arrays |= {f"{prefix}{i}_{k}": v for k, v in own.items()}
    return metas, arrays


def _check_parts_fit(clock: BrainClock) -> None:
    """Use every part once, on the mean reference scan: an edited file fails here, not later."""
    sizes = [
        spec.n_features
        if clock.network == WHOLE_BRAIN
        else int(network_edges(spec, clock.network).sum())
        for spec in clock.specs
    ]
    mean = np.asarray(clock.distance.mean_, dtype=np.float64)
    if mean.shape != (sum(sizes),):
        raise ValueError(f"{sum(sizes)} features, but a reference of shape {mean.shape}")
    for preparations in (clock.preparations, *clock.fold_preparations):
        for size, preparation in zip(sizes, preparations, strict=True):
            preparation.check_size(size)
    if clock.fold_preparations and len(clock.fold_preparations) != len(clock.fold_weights):
        raise ValueError(
            f"{len(clock.fold_weights)} fold models, but "
            f"{len(clock.fold_preparations)} preparations of them"
        )
    numbers = clock._numbers_of(mean, [mean] * len(clock.fold_preparations))
    clock.bias.corrected_gap(np.array(clock.age_range_years), numbers["predicted"])
    if not np.isfinite(list(numbers.values())).all():
        raise ValueError(f"scores that are not finite: {numbers}")
    clock.card()


def _from_stored(meta: dict, arrays: dict[str, np.ndarray]) -> BrainClock:
    def own(prefix: str) -> dict[str, np.ndarray]:
        return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}

    def prepared_by(metas: list[dict], prefix: str) -> tuple[Preparation, ...]:
        return tuple(
            Preparation.from_stored(stored, own(f"{prefix}{i}_")) for i, stored in enumerate(metas)
        )

    return BrainClock(
        network=meta["network"],
        specs=tuple(ViewSpec.from_dict(spec) for spec in meta["specs"]),
        preparations=prepared_by(meta["preparations"], "preparation"),
        regression=regression_from_stored(meta["regression"], own("regression_")),
        bias=AgeBiasCorrector.from_dict(meta["bias"]),
        fold_weights=arrays["fold_weights"],
        fold_intercepts=arrays["fold_intercepts"],
        # Files of before age scales predicted in years.
        fold_scales=tuple(meta.get("fold_scales", ["years"] * len(arrays["fold_intercepts"]))),
        intervals=CvPlusIntervals.from_arrays(own("intervals_")),
        distance=ReferenceDistance.from_arrays(own("distance_")),
        facts=meta["facts"],
        # Older files have none: their learnt clocks are centred on the final prediction.
        fold_preparations=tuple(
            prepared_by(metas, f"fold{k}_preparation")
            for k, metas in enumerate(meta.get("fold_preparations", []))
        ),
    )
