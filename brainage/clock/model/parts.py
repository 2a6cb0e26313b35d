"""What a frozen clock is made of: values alone, for the file, the card and the scoring to read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from brainage.clock.model.age_sex import AgeSexLine
from brainage.clock.model.bias import AgeBiasCorrector
from brainage.clock.model.distance import ReferenceDistance
from brainage.clock.model.intervals import CvPlusIntervals
from brainage.clock.preparation.steps import Preparation
from brainage.clock.regressors.age_scale import AgeScale
from brainage.clock.regressors.frozen import Regression
from brainage.connectivity import ViewSpec
from brainage.tables import LengthCurve


@dataclass(frozen=True)
class ClockParts:
    """The parts of a brain clock trained on a reference cohort and frozen.

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
    age_sex : AgeSexLine or None, default=None
        What is taken off the corrected gap of every scan, where that was asked for.
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
    age_sex: AgeSexLine | None = None

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
    def shows_nothing(self) -> str:
        """Why it shows nothing of age, by its out-of-fold accuracy; empty where it shows some."""
        return self.facts["shows_nothing"]

    @property
    def length_curve(self) -> LengthCurve | None:
        """How far its predictions move with the length of a scan; None: never measured."""
        stored = self.facts.get("length_curve")
        return None if stored is None else LengthCurve.from_dict(stored)

    def corrected_gap(
        self, age_years: np.ndarray, predicted_age_years: np.ndarray, sex: Iterable[object]
    ) -> np.ndarray:
        """Return gaps after the frozen age-bias line, freed of age and sex where that was asked."""
        gap = self.bias.corrected_gap(age_years, predicted_age_years)
        return gap if self.age_sex is None else gap - self.age_sex.expected(age_years, sex)

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
