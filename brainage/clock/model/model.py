"""A fitted clock: frozen, in one file, the same number for a scan alone as among a thousand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.clock.model.card import card_of, drift_words, length_words, summary_of
from brainage.clock.model.clockfile import content_hash, read_clock_file, write_clock_file
from brainage.clock.model.mismatch import advice
from brainage.clock.model.networks import network_edges
from brainage.clock.model.packaged import find_clock_file
from brainage.clock.model.parts import ClockParts
from brainage.clock.model.predict import ScanNumbers, numbers_of, prepared_features
from brainage.clock.model.self_test import check_self_test, self_test
from brainage.clock.model.stored_clock import clock_to_stored, parts_from_stored
from brainage.connectivity import FeatureTable, ViewSpec
from brainage.errors import BrainAgeError, ClockFileError, FeatureMismatchError
from brainage.showing import as_table
from brainage.tables import SCORES, WHOLE_BRAIN

#: How the estimator of a clock that was fitted in passes is told from others.
BY_INNER_FOLDS = "inner folds of people"


@dataclass(frozen=True, repr=False)
class BrainClock(ClockParts):
    """A brain clock trained on a reference cohort and frozen; made by `fit_clock` or `load`.

    Examples
    --------
    >>> clock = examples.clock()
    >>> clock.save(folder / "reference.clock")
    >>> same = ba.BrainClock.load(folder / "reference.clock")
    >>> same.clock_id == clock.clock_id
    True
    >>> scores = same.score(examples.features("trial"))
    >>> scores[["participant_id", "session_id", "gap_corrected_years"]].shape
    (64, 3)
    """

    @cached_property
    def clock_id(self) -> str:
        """First 16 digits of the content hash: equal for equal clocks."""
        return content_hash(*clock_to_stored(self))[:16]

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
        columns = [self._columns_of(spec) for spec in self.specs]
        records = [self._score_one(blocks, columns, rows, i) for i in range(len(rows))]
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
                "retained_s": rows["retained_s"].to_numpy(float),
                "network": self.network,
                "predicted_age_years": predicted,
                "gap_years": predicted - age,
                "gap_corrected_years": self.corrected_gap(age, predicted, rows["sex"]),
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
        return card_of(self, clock_id=self.clock_id)

    @property
    def drift_words(self) -> str:
        """How far its corrected gap moves with elapsed time alone, in words."""
        return drift_words(self.facts)

    @property
    def length_words(self) -> str:
        """How far its predictions move when a part of a scan is kept, in words."""
        return length_words(self)

    @property
    def by_inner_folds(self) -> bool:
        """Whether its penalties were chosen by inner folds of people, not by leave-one-out."""
        return BY_INNER_FOLDS in str(self.facts.get("estimator"))

    def save(self, path: str | Path) -> None:
        """Write one file of JSON and arrays (see docs/clock_file.md)."""
        meta, arrays = clock_to_stored(self)
        write_clock_file(path, meta | {"self_test": self_test(self)}, arrays)

    @classmethod
    def load(cls, path: str | Path) -> BrainClock:
        """Read a clock; runs no code of the file, checks sizes, hash and every value first.

        Parameters
        ----------
        path : str or Path
            Its file, or the name of a packaged clock (`brainage.packaged_clocks`).

        Raises
        ------
        ClockFileError
            Not a clock, truncated, tampered with, of a newer format, or of content that makes no
            sense.
        """
        path = find_clock_file(path)
        meta, arrays = read_clock_file(path)
        try:
            tested = meta.pop("self_test", None)
            clock = cls(**parts_from_stored(meta, arrays))
            # Numbers that overflow are told by the self-test, which finds no years in them.
            with np.errstate(all="ignore"):
                check_self_test(clock, tested)
            clock.card()
        except (
            ClockFileError,
            ArithmeticError,
            AttributeError,
            BrainAgeError,
            LookupError,
            RecursionError,
            TypeError,
            ValueError,
            np.linalg.LinAlgError,
        ) as error:
            raise ClockFileError(
                f"{path}: a whole file, but not a brain clock: {_in_words(error)}. Get the file "
                "again, or train the clock again."
            ) from error
        return clock

    def __repr__(self) -> str:
        """Return clock, cohort, features and accuracy in a few lines."""
        return summary_of(self, clock_id=self.clock_id)

    def _repr_html_(self) -> str:
        """Return the card as a table, for notebooks."""
        return as_table(self.card().items())

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

    def _columns_of(self, spec: ViewSpec) -> np.ndarray | slice:
        whole = self.network == WHOLE_BRAIN
        return slice(None) if whole else network_edges(spec, self.network)

    def _score_one(
        self,
        blocks: list[np.ndarray],
        columns: list[np.ndarray | slice],
        rows: pd.DataFrame,
        i: int,
    ) -> ScanNumbers:
        # One scan at a time: a product over a batch rounds differently with the batch's size.
        row = rows.iloc[[i]]
        ones = []
        for values, own, preparation in zip(blocks, columns, self.preparations, strict=True):
            one = np.asarray(values[i : i + 1], dtype=np.float64)[:, own]
            if preparation.imputer is None and preparation.geometry is None and np.isnan(one).any():
                raise FeatureMismatchError(
                    f"sub-{row['participant_id'].iloc[0]} session {row['session_id'].iloc[0]}: "
                    "lacks parcels that every reference scan had, so the clock has no rule to fill "
                    "them. Exclude such scans (connectivity.incomplete_scans: exclude)."
                )
            ones.append(one)
        return numbers_of(self, *prepared_features(self, ones, row))


def _in_words(error: Exception) -> str:
    # A KeyError's text is the key alone.
    return str(error).rstrip(".") if isinstance(error, BrainAgeError) else repr(error)[:300]
