"""How far a clock's prediction moves, in years, when only a part of a scan is kept.

A table of the clock, read by the trial as well: an arm that loses more of its scans than another
seems to age on a clock that reads short scans as older.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from brainage.errors import TableError
from brainage.showing import Shown
from brainage.tables.schema import Column, TableSchema

#: A scan that ends early, or one that censoring has gone through.
Loss = Literal["contiguous", "scattered"]
LOSSES: tuple[Loss, ...] = get_args(Loss)
LENGTH_CURVE = TableSchema(
    "length curve",
    (
        Column("loss", "text", "'contiguous': the scan ends early; 'scattered': bursts are lost."),
        Column("share_kept", "number", "Share of the volumes kept.", low=0, high=1),
        Column("n", "integer", "Scans with a prediction of this part."),
        Column(
            "shift_years",
            "number",
            "Mean prediction of the part minus that of the whole scan.",
            "years",
            nullable=True,
        ),
        Column("shift_low_years", "number", "Lower 95 % bound.", "years", nullable=True),
        Column("shift_high_years", "number", "Upper 95 % bound.", "years", nullable=True),
        Column("slope_on_age", "number", "Of the shift, years a year of age.", nullable=True),
        Column("slope_low", "number", "Lower 95 % bound.", nullable=True),
        Column("slope_high", "number", "Upper 95 % bound.", nullable=True),
    ),
    # No key: key columns are read as text.
)


@dataclass(frozen=True, repr=False)
class LengthCurve(Shown):
    """Mean shift of a clock's prediction with the share of a scan that is kept.

    Parameters
    ----------
    rows : DataFrame
        Schema `LENGTH_CURVE`.
    cut : str
        How parts were made, in words ("cut after filtering").
    mean_age_years : float
        Of the scans behind it: at other ages the slope is added.
    sd_age_years : float
        Of the same scans.
    retained_s : float or None
        Median length of the whole scans in seconds; None where it is not known.

    Examples
    --------
    >>> rows = pd.DataFrame(
    ...     {"loss": "contiguous", "share_kept": [0.5], "shift_years": 2.0, "slope_on_age": 0.0}
    ... )
    >>> curve = LengthCurve(rows, "cut after filtering", 40.0, 10.0, 480.0)
    >>> curve.shift_years(0.5, loss="contiguous")
    2.0
    """

    rows: pd.DataFrame
    cut: str
    mean_age_years: float
    sd_age_years: float
    retained_s: float | None

    def shift_years(
        self, share_kept: float, *, loss: Loss, age_years: float | None = None
    ) -> float:
        """Return the expected shift of a scan of which a share is kept, against the whole scan.

        Between measured shares it is a line over 1 / share, as a bias that falls with the number
        of volumes is; at a share of 1 it is zero.

        Parameters
        ----------
        share_kept : float
            Length of the scan over the length of the one that it is compared with. Above 1 the
            two change places, and so does the sign.
        loss : {"contiguous", "scattered"}
            How the rest was lost.
        age_years : float or None, default=None
            For people of that age; None: of the mean age of the curve's scans.

        Returns
        -------
        shift_years : float
            Positive: the shorter scan looks older. NaN below the smallest share measured: the
            curve ends there.

        Raises
        ------
        TableError
            A share that is not above 0, or another kind of loss.

        Examples
        --------
        >>> rows = pd.DataFrame(
        ...     {"loss": "contiguous", "share_kept": [0.5], "shift_years": 2.0, "slope_on_age": 0.0}
        ... )
        >>> curve = LengthCurve(rows, "cut after filtering", 40.0, 10.0, 480.0)
        >>> round(curve.shift_years(2 / 3, loss="contiguous"), 3)
        1.0
        """
        found = self.shifts_years(np.array([share_kept], float), loss=loss, age_years=age_years)
        return float(found[0])

    def shifts_years(
        self, shares_kept: np.ndarray, *, loss: Loss, age_years: float | None = None
    ) -> np.ndarray:
        """Return `shift_years` of many scans at once.

        Parameters
        ----------
        shares_kept : ndarray of shape (n_scans,)
            As of `shift_years`; NaN where it is not known, and NaN then.
        loss : {"contiguous", "scattered"}
            How the rest was lost.
        age_years : float or None, default=None
            For people of that age; None: of the mean age of the curve's scans.

        Returns
        -------
        shifts_years : ndarray of shape (n_scans,)

        Raises
        ------
        TableError
            A share that is not above 0, or another kind of loss.
        """
        if loss not in LOSSES:
            raise TableError(f"length curve: expected a loss among {LOSSES}, found {loss!r}.")
        if (shares_kept <= 0).any():
            raise TableError(
                f"length curve: expected a share above 0, found {np.nanmin(shares_kept)!r}."
            )
        own = self.rows[(self.rows["loss"] == loss) & self.rows["shift_years"].notna()]
        if not len(own):
            return np.full(len(shares_kept), np.nan)
        own = own.sort_values("share_kept", ascending=False)
        shift = own["shift_years"].to_numpy(float)
        if age_years is not None:
            slope = np.nan_to_num(own["slope_on_age"].to_numpy(float))
            shift = shift + slope * (age_years - self.mean_age_years)
        inverse = 1 / own["share_kept"].to_numpy(float)
        # Of a scan longer than the one it is compared with, the two change places.
        longer = shares_kept > 1
        at = np.where(longer, shares_kept, 1 / shares_kept)
        found = np.interp(at, [1.0, *inverse], [0.0, *shift])
        found = np.where(at <= inverse[-1] * (1 + 1e-9), found, np.nan)
        return np.where(longer, -found, found)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able values, NaN as None: figures only."""
        clean = self.rows.astype(object).where(self.rows.notna(), None)
        return {
            "cut": self.cut,
            "mean_age_years": self.mean_age_years,
            "sd_age_years": self.sd_age_years,
            "retained_s": self.retained_s,
            "rows": clean.to_dict("records"),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> LengthCurve:
        """Rebuild what `to_dict` gave, as a clock's facts keep it under "length_curve"."""
        rows = pd.DataFrame(stored["rows"], columns=list(LENGTH_CURVE.names))
        numbers = [column.name for column in LENGTH_CURVE.columns if column.kind == "number"]
        rows = rows.astype(dict.fromkeys(numbers, float))
        return cls(
            rows,
            stored["cut"],
            stored["mean_age_years"],
            stored["sd_age_years"],
            stored["retained_s"],
        )
