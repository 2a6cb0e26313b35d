"""Per-scan prediction intervals of the uncorrected predicted age (CV+ and jackknife+).

They cover the age of a new person exchangeable with the reference cohort. They are no
measurement error of a brain age and never weight a trial analysis.
"""

from __future__ import annotations

import math

import numpy as np

from brainage.blocks import blocks
from brainage.clock.stored import array, ascending, only
from brainage.errors import BrainAgeError, ClockFileError


class CvPlusIntervals:
    """Intervals from fold models and the residuals of the people each did not see.

    With K folds this is CV+; with one fold per scan it is jackknife+. For ordinary cross-validation
    the interval at level 1 - a is [a-quantile of (prediction of i's fold model - |residual i|),
    (1 - a)-quantile of (the same + |residual i|)] over reference scans i. It covers at least
    1 - 2a of exchangeable new people whatever the clock, and about 1 - a in practice.

    Attributes
    ----------
    residuals_years_ : list of ndarray
        Absolute out-of-fold residuals of each fold, sorted: no ids, no ages, no order of scans.
    n_folds_, n_residuals_ : int
        Fold models (columns of `fold_predictions`), and residuals of all folds.

    References
    ----------
    .. [1] Barber, Candes, Ramdas & Tibshirani (2021), Ann. Stat. 49:486-507, sec. 1.2 and 3.
    """

    def fit(self, fold_of_each: np.ndarray, oof_residual: np.ndarray) -> CvPlusIntervals:
        """Keep the residuals by fold.

        Parameters
        ----------
        fold_of_each : ndarray of shape (n_scans,), int
            Which fold model did *not* see this scan: 0 ... K - 1, each at least once. Repeated
            cross-validation counts its folds on (repeat 2 begins at K); its residuals are pooled.
        oof_residual : ndarray of shape (n_scans,)
            Out-of-fold prediction minus age, or its absolute value, years.

        Returns
        -------
        intervals : CvPlusIntervals

        Raises
        ------
        BrainAgeError
            A fold without scans, or residuals that are not finite.
        """
        fold = np.asarray(fold_of_each)
        residual = np.abs(np.asarray(oof_residual, dtype=float))
        if fold.ndim != 1 or fold.shape != residual.shape or not len(fold):
            raise ValueError(
                f"intervals: expected two equally long vectors, found shapes "
                f"{fold.shape} and {residual.shape}."
            )
        if not np.isfinite(residual).all():
            raise BrainAgeError(
                f"intervals: expected finite residuals, found "
                f"{np.sum(~np.isfinite(residual))} that are not."
            )
        if not np.array_equal(np.unique(fold), np.arange(fold.max() + 1)):
            raise BrainAgeError(
                f"intervals: expected folds 0 to {fold.max()}, each with scans, "
                f"found {np.unique(fold).tolist()[:20]}."
            )
        self.residuals_years_ = [np.sort(residual[fold == k]) for k in range(int(fold.max()) + 1)]
        return self

    @property
    def n_folds_(self) -> int:
        """Number of fold models."""
        return len(self.residuals_years_)

    @property
    def n_residuals_(self) -> int:
        """Number of residuals in all folds."""
        return sum(map(len, self.residuals_years_))

    def interval(
        self, fold_predictions: np.ndarray, level: float = 0.9
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the bounds of each scan's interval.

        Parameters
        ----------
        fold_predictions : ndarray of shape (n_scans, K)
            Prediction of each fold model, years, in the order of the folds given to `fit`.
        level : float, default=0.9
            Nominal coverage.

        Returns
        -------
        low, high : ndarray of shape (n_scans,)
            Years. Each row depends on its own predictions alone.

        Raises
        ------
        BrainAgeError
            Too few residuals for the level: the bound would be infinite.
        """
        predictions = np.asarray(fold_predictions, dtype=float)
        if predictions.ndim != 2 or predictions.shape[1] != self.n_folds_:
            raise ValueError(
                f"intervals: expected predictions of {self.n_folds_} fold models, "
                f"found shape {predictions.shape}."
            )
        low_rank, high_rank = self._ranks(level)
        fold = np.repeat(np.arange(self.n_folds_), [len(r) for r in self.residuals_years_])
        residual = np.concatenate(self.residuals_years_)
        low, high = np.empty(len(predictions)), np.empty(len(predictions))
        for rows in blocks(len(predictions), len(residual)):
            centre = predictions[rows][:, fold]
            low[rows] = np.partition(centre - residual, low_rank, axis=1)[:, low_rank]
            high[rows] = np.partition(centre + residual, high_rank, axis=1)[:, high_rank]
        return low, high

    def _ranks(self, level: float) -> tuple[int, int]:
        """Return the positions, from zero, of the two bounds among sorted values."""
        if not 0 < level < 1:
            raise ValueError(f"intervals: expected a level between 0 and 1, found {level}.")
        n = self.n_residuals_
        # 1e-9 keeps (1 - level)(n + 1) = 10 from becoming 9 by rounding.
        rank = math.floor((1 - level) * (n + 1) + 1e-9)
        if rank < 1:
            raise BrainAgeError(
                f"intervals: a level of {level:g} needs at least "
                f"{math.ceil(1 / (1 - level) - 1e-9) - 1} out-of-fold residuals, "
                f"found {n}. Ask for a lower level."
            )
        return rank - 1, n - rank

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return arrays for a clock file: sorted residuals by fold and the fold sizes."""
        return {
            "residuals_years": np.concatenate(self.residuals_years_),
            "fold_sizes": np.array([len(r) for r in self.residuals_years_], dtype=np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> CvPlusIntervals:
        """Rebuild intervals from `to_arrays`; ClockFileError where they make no sense."""
        only(arrays, ("residuals_years", "fold_sizes"), "arrays of the intervals")
        residuals = array(arrays, "residuals_years", (None,), low=0)
        sizes = array(arrays, "fold_sizes", (None,), low=1, high=len(residuals), kind="i")
        if not len(sizes) or int(sizes.sum()) != len(residuals):
            raise ClockFileError(
                f"intervals: expected residuals of {int(sizes.sum())} scans, found {len(residuals)}"
            )
        intervals = cls()
        intervals.residuals_years_ = [
            ascending(part, "residuals of a fold")
            for part in np.split(np.asarray(residuals), np.cumsum(sizes)[:-1])
        ]
        return intervals
