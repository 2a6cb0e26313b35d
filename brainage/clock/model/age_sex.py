"""A gap freed of age and sex, as that group's comparison had it: an option, off by default."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainage.clock.stored import number, record, text, whole
from brainage.errors import BrainAgeError, ClockFileError
from brainage.number_words import signed
from brainage.showing import Shown

#: On whom the line is fitted.
FITTED_ON = ("reference", "baselines", "everyone")
_WORDS = {
    "reference": "out-of-fold gaps of the reference cohort, frozen in the clock",
    "baselines": "the trial's baseline scans, blind to arm",
    "everyone": "every scan of the trial, follow-ups among them, blind to arm",
}


@dataclass(frozen=True, repr=False)
class AgeSexLine(Shown):
    """The gap that age and sex lead one to expect, years.

    Parameters
    ----------
    intercept : float
        At age 0, for the cohort's mix of sexes.
    per_year : float
        Years of gap per year of age.
    by_sex : dict of str to float
        Added for each sex; their mean over the scans fitted on is 0, which a scan of unknown sex
        gets.
    n_scans : int
        Scans that the line was fitted on.
    fitted_on : {"reference", "baselines", "everyone"}
        Whose they were.

    Examples
    --------
    >>> age, gap = np.array([60.0, 64.0, 68.0, 66.0]), np.array([0.0, -2.0, -4.0, -3.0])
    >>> sex = pd.Series(["F", "F", "F", "F"])
    >>> line = AgeSexLine.fit(age, gap, sex, fitted_on="reference")
    >>> round(line.per_year, 3)
    -0.5
    """

    intercept: float
    per_year: float
    by_sex: dict[str, float]
    n_scans: int
    fitted_on: str

    @classmethod
    def fit(
        cls, age_years: np.ndarray, gap_years: np.ndarray, sex: Iterable[object], *, fitted_on: str
    ) -> AgeSexLine:
        """Fit by least squares.

        Parameters
        ----------
        age_years, gap_years : ndarray of shape (n_scans,)
            Ages and gaps.
        sex : iterable of (str or missing)
            One a scan.
        fitted_on : {"reference", "baselines", "everyone"}
            For the record.

        Raises
        ------
        BrainAgeError
            Too few scans, or of one age.

        Examples
        --------
        >>> age = np.array([20.0, 30, 40, 50])
        >>> line = AgeSexLine.fit(age, 5 - 0.1 * age, "FFMM", fitted_on="reference")
        >>> round(line.per_year, 6)
        -0.1
        """
        labels = [None if pd.isna(one) else str(one) for one in sex]
        sexes = sorted({label for label in labels if label is not None})
        if len(age_years) < len(sexes) + 2 or np.ptp(age_years) == 0:
            raise BrainAgeError(
                f"gap freed of age and sex: expected at least {len(sexes) + 2} scans of different "
                f"ages, found {len(age_years)}. Set clock.gap_freed_of_age_and_sex: none."
            )
        is_sex = np.array([[label == one for one in sexes] for label in labels], dtype=float)
        is_sex = is_sex.reshape(len(labels), len(sexes))
        centre = is_sex.mean(axis=0)
        design = np.column_stack([np.ones(len(labels)), age_years, is_sex - centre])
        weights = np.linalg.lstsq(design, gap_years, rcond=None)[0]
        effects = weights[2:] - float(centre @ weights[2:])
        by_sex = {one: float(effect) for one, effect in zip(sexes, effects, strict=True)}
        return cls(float(weights[0]), float(weights[1]), by_sex, len(labels), fitted_on)

    def expected(self, age_years: np.ndarray, sex: Iterable[object]) -> np.ndarray:
        """Return the gap expected of scans, years."""
        offset = np.array([self.by_sex.get(str(one), 0.0) for one in sex], dtype=float)
        return self.intercept + self.per_year * np.asarray(age_years, dtype=float) + offset

    def words(self) -> str:
        """Return what was done, and what it does to a trial."""
        sexes = ", ".join(f"{signed(effect)} for {one}" for one, effect in self.by_sex.items())
        per_year = signed(self.per_year, 3)
        said = (
            f"gap minus a line on age ({per_year} a year) and sex ({sexes or 'none'}), "
            f"fitted on {_WORDS[self.fitted_on]} ({self.n_scans} scans)"
        )
        if self.fitted_on == "everyone":
            said += (
                f"; the line has seen the follow-ups, so {per_year} years of each year's "
                "change within an arm are taken off with it, a true change shared by the arms "
                "among them"
            )
        return said

    def to_dict(self) -> dict:
        """Return JSON-able values."""
        return {
            "intercept": self.intercept,
            "per_year": self.per_year,
            "by_sex": self.by_sex,
            "n_scans": self.n_scans,
            "fitted_on": self.fitted_on,
        }

    @classmethod
    def from_dict(cls, stored: object) -> AgeSexLine:
        """Rebuild what `to_dict` gave; ClockFileError where it makes no sense."""
        names = ("intercept", "per_year", "by_sex", "n_scans", "fitted_on")
        values = record(stored, "age and sex line", names)
        if not isinstance(values["by_sex"], dict):
            raise ClockFileError("age and sex line: expected effects by sex")
        return cls(
            number(values["intercept"], "age and sex line"),
            number(values["per_year"], "age and sex line"),
            {one: number(effect, f"sex {one!r:.40}") for one, effect in values["by_sex"].items()},
            whole(values["n_scans"], "age and sex line n_scans", low=2),
            text(values["fitted_on"], "age and sex line", among=FITTED_ON),
        )


def free_scores(
    scores: pd.DataFrame, line_on: np.ndarray, *, fitted_on: str
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return scores whose corrected gaps are freed of age and sex, and what was done in words.

    Parameters
    ----------
    scores : DataFrame
        Schema `brainage.tables.SCORES`.
    line_on : ndarray of shape (n_rows,), bool
        Rows that the lines are fitted on (one line a network).
    fitted_on : {"baselines", "everyone"}
        For the record.

    Returns
    -------
    freed : DataFrame
        ``gap_corrected_years`` is what the line leaves.
    words : dict of str to str
        Network -> what was done.

    Examples
    --------
    >>> from brainage.tables import complete_scores
    >>> scores = examples.scores()
    >>> first = (scores["session_id"] == "baseline").to_numpy()
    >>> freed, words = free_scores(scores, first, fitted_on="baselines")
    >>> freed.shape == scores.shape
    True
    """
    freed, words = scores.copy(), {}
    for network in dict.fromkeys(scores["network"]):
        own = (scores["network"] == network).to_numpy()
        fit = scores[own & line_on]
        line = AgeSexLine.fit(
            fit["age_years"].to_numpy(float),
            fit["gap_corrected_years"].to_numpy(float),
            fit["sex"],
            fitted_on=fitted_on,
        )
        rows = scores[own]
        expected = line.expected(rows["age_years"].to_numpy(float), rows["sex"])
        freed.loc[own, "gap_corrected_years"] = rows["gap_corrected_years"] - expected
        words[network] = line.words()
    return freed, words
