"""Freeing the brain-age gap from age, with a line that never saw its own training error.

A shrunken clock pulls every prediction towards the reference's mean age, so its gap falls with
age. The correctors here are fitted on *out-of-fold* predictions of the reference cohort and then
frozen: the same line serves every scan, arm and visit. Corrected values describe gaps; accuracy
is always that of the uncorrected prediction.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Literal, NamedTuple, cast, get_args

import numpy as np
from scipy import stats
from sklearn.exceptions import NotFittedError

from brainage.clock.preparation.age_trend import AgeTrend
from brainage.clock.stored import ascending, number, optional_number, record, text, whole
from brainage.errors import BrainAgeError, BrainAgeWarning, ClockFileError
from brainage.showing import Shown

BiasKind = Literal["none", "offset", "slope", "spline", "in_sample"]

IN_SAMPLE_WARNING = (
    "bias correction 'in_sample' fits its line on training predictions, which a flexible clock has "
    "already pulled to the truth: the gap keeps most of its slope on age and then drifts in every "
    "arm as people grow older. Use it only to reproduce lisa_like; 'offset' has no such drift."
)


class GapSlope(NamedTuple):
    """Slope of the gap on age in years per year; zero: the gap does not depend on age.

    `low` and `high` bound it at the stated level; all three are NaN where fewer than five scans
    or one single age lie in the window. `n` counts the scans used.
    """

    slope: float
    low: float
    high: float
    n: int

    def to_dict(self) -> dict:
        """Return the four numbers by name, NaN as None (for JSON)."""
        return {key: None if value != value else value for key, value in self._asdict().items()}

    @classmethod
    def from_dict(cls, stored: dict, where: str) -> GapSlope:
        """Rebuild what `to_dict` gave; ClockFileError where it makes no sense."""
        record(stored, where, cls._fields)
        slope, low, high = (optional_number(stored[key], where) for key in cls._fields[:3])
        if low > high:
            raise ClockFileError(f"{where}: expected low <= high, found {low:g} and {high:g}")
        return cls(slope, low, high, whole(stored["n"], where))


def gap_slope(
    age_years: np.ndarray,
    gap_years: np.ndarray,
    *,
    people: np.ndarray | None = None,
    level: float = 0.95,
    window_years: tuple[float, float] | None = None,
) -> GapSlope:
    """Estimate the slope of the gap on age with an interval that allows unequal spread.

    Parameters
    ----------
    age_years : ndarray of shape (n_scans,)
        Age at the scan.
    gap_years : ndarray of shape (n_scans,)
        Predicted age minus age, corrected or not.
    people : ndarray of shape (n_scans,) or None, default=None
        Person of each scan: several scans of one say less than as many people. None: each scan
        its own.
    level : float, default=0.95
        Coverage of the interval.
    window_years : tuple of float or None, default=None
        Only ages from low to high, both included: a line fitted over 18-90 need not have the
        slope that a trial of people aged 62-70 meets.

    Returns
    -------
    slope : GapSlope
        Ordinary least squares; interval from standard errors that allow unequal spread and alike
        scans of a person (CR3, which is HC3 where everyone has one scan) and Student's t with
        two degrees of freedom less than people.

    References
    ----------
    .. [1] MacKinnon & White (1985), J. Econometrics 29:305-325 (HC3).
    .. [2] Bell & McCaffrey (2002), Surv. Methodol. 28:169-181 (its form for clusters).

    Examples
    --------
    >>> mean = examples.cross_validation().mean_predictions()
    >>> gap = mean["predicted_age_years"] - mean["age_years"]
    >>> slope = ba.gap_slope(mean["age_years"].to_numpy(), gap.to_numpy())
    >>> slope.low < slope.slope < slope.high, slope.n
    (True, 40)
    """
    age, gap = _checked_pair(age_years, gap_years, least=0)
    person = np.arange(len(age)) if people is None else np.asarray(people)
    if window_years is not None:
        inside = (age >= window_years[0]) & (age <= window_years[1])
        age, gap, person = age[inside], gap[inside], person[inside]
    _, person = np.unique(person, return_inverse=True)
    n_people = int(person.max()) + 1 if len(person) else 0
    if n_people < 5 or np.ptp(age) == 0:
        return GapSlope(np.nan, np.nan, np.nan, len(age))
    centred = age - age.mean()
    sum_of_squares = centred @ centred
    slope = centred @ gap / sum_of_squares
    residual = gap - gap.mean() - slope * centred
    error = np.sqrt(np.sum(_left_out_scores(centred, residual, person) ** 2)) / sum_of_squares
    reach = stats.t.ppf((1 + level) / 2, n_people - 2) * error
    return GapSlope(float(slope), float(slope - reach), float(slope + reach), len(age))


def _left_out_scores(centred: np.ndarray, residual: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Return each person's ``c' (I - H)^-1 r``: what the slope owes to them, times sum c^2."""

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(person, weights=values)

    # H is Z Z' with two columns, so that each person's inverse is one of a 2 x 2 matrix.
    length = np.array([np.sqrt(len(centred)), np.sqrt(centred @ centred)])
    basis = np.stack([np.ones_like(centred), centred]) / length[:, None]
    inner = np.array([[total(a * b) for b in basis] for a in basis])
    own = np.eye(2)[:, :, None] - inner
    determinant = own[0, 0] * own[1, 1] - own[0, 1] ** 2
    # One person who alone carries the line has no residual that others could confirm.
    determinant = np.maximum(determinant, 1e-12)
    right = np.array([total(b * residual) for b in basis])
    solved = (
        np.array(
            [
                own[1, 1] * right[0] - own[0, 1] * right[1],
                own[0, 0] * right[1] - own[0, 1] * right[0],
            ]
        )
        / determinant
    )
    left = np.array([total(b * centred) for b in basis])
    return total(centred * residual) + np.sum(left * solved, axis=0)


class AgeBiasCorrector(Shown):
    """Remove the dependence of the gap on age with a frozen curve.

    Parameters
    ----------
    kind : {"none", "offset", "slope", "spline", "in_sample"}, default="offset"
        ``none``: the gap as it is. ``offset``: gap - (a + b age). ``slope``:
        (predicted - a') / b', which rescales noise and effect alike. ``spline``: gap minus a
        natural cubic spline of age, a line beyond its outer knots. ``in_sample``: gap minus the
        mean of lines fitted on training predictions (only to reproduce lisa_like; warns).

    Attributes
    ----------
    coefficients_ : ndarray
        ``offset``, ``in_sample``: (a, b) of the gap on age. ``slope``: (a', b') of the prediction
        on age. ``spline``: weights of the age trend. ``none``: empty.
    knots_years_ : ndarray
        Knots of the spline; empty for the others.
    slope_before_, slope_after_ : GapSlope
        Slope of the fitting gaps on age, raw and corrected.

    References
    ----------
    .. [1] Beheshti et al. (2019), NeuroImage Clin. 24:102063 (offset).
    .. [2] de Lange & Cole (2020), NeuroImage Clin. 26:102229 (slope).

    Examples
    --------
    >>> mean = examples.cross_validation().mean_predictions()
    >>> age, predicted = mean["age_years"].to_numpy(), mean["predicted_age_years"].to_numpy()
    >>> corrector = AgeBiasCorrector("offset").fit(age, predicted)
    >>> corrector.slope_before_.slope < 0, round(corrector.slope_after_.slope, 6) == 0
    (True, True)
    """

    def __init__(self, kind: BiasKind = "offset"):
        if kind not in get_args(BiasKind):
            raise ValueError(
                f"bias correction: expected one of {get_args(BiasKind)}, found {kind!r}."
            )
        self.kind = kind

    def fields_shown(self) -> Iterator[tuple[str, str]]:
        """Yield the kind and, once fitted, the coefficients and both slopes, per year of age."""
        yield "kind", self.kind
        if hasattr(self, "coefficients_"):
            yield "coefficients", ", ".join(f"{each:.4g}" for each in self.coefficients_)
            yield "slope before", f"{self.slope_before_.slope:.4f} per year of age"
            yield "slope after", f"{self.slope_after_.slope:.4f} per year of age"

    def fit(
        self,
        age_years: np.ndarray,
        predicted_age_years: np.ndarray,
        *,
        model: np.ndarray | None = None,
        people: np.ndarray | None = None,
    ) -> AgeBiasCorrector:
        """Learn the curve from reference predictions.

        Parameters
        ----------
        age_years : ndarray of shape (n_scans,)
            Age at the scan.
        predicted_age_years : ndarray of shape (n_scans,)
            Out-of-fold predictions of the reference cohort; for ``in_sample`` those of each
            model for the people it was trained on.
        model : ndarray of shape (n_scans,) or None, default=None
            Only for ``in_sample``: which model made each row. One line per model is fitted and
            the lines are averaged, which equals averaging the models' corrected predictions.
        people : ndarray of shape (n_scans,) or None, default=None
            Person of each row, for the intervals of the slopes; the curve does not change.

        Returns
        -------
        corrector : AgeBiasCorrector

        Raises
        ------
        BrainAgeError
            Fewer than three scans, one single age, values that are not finite, or (``slope``)
            predictions that do not rise with age.
        """
        age, predicted = _checked_pair(age_years, predicted_age_years, least=3)
        if self.kind != "none" and np.ptp(age) == 0:
            raise BrainAgeError(
                f"bias correction {self.kind!r}: expected more than one age, found "
                f"only {age[0]:g} years. Use kind 'none'."
            )
        self.knots_years_ = np.empty(0)
        if self.kind == "none":
            self.coefficients_ = np.empty(0)
        elif self.kind == "offset":
            self.coefficients_ = _line(age, predicted - age)
        elif self.kind == "slope":
            self.coefficients_ = _rising_line(age, predicted)
        elif self.kind == "spline":
            trend = AgeTrend.fit(age, (predicted - age)[:, None])
            self.coefficients_, self.knots_years_ = trend.weights[:, 0], trend.knots_years
        else:
            warnings.warn(IN_SAMPLE_WARNING, BrainAgeWarning, stacklevel=2)
            self.coefficients_ = _mean_line(age, predicted - age, model)
        self.n_scans_ = len(age)
        self.slope_before_ = gap_slope(age, predicted - age, people=people)
        corrected = self.corrected_gap(age, predicted)
        self.slope_after_ = gap_slope(age, corrected, people=people)
        return self

    def corrected_gap(self, age_years: np.ndarray, predicted_age_years: np.ndarray) -> np.ndarray:
        """Return the corrected gap in years; positive: looks older than others of that age."""
        return self.corrected_predicted(age_years, predicted_age_years) - np.asarray(age_years)

    def corrected_predicted(
        self, age_years: np.ndarray, predicted_age_years: np.ndarray
    ) -> np.ndarray:
        """Return age plus corrected gap; never a basis of accuracy, because it contains age."""
        self._check_fitted()
        age = np.asarray(age_years, dtype=float)
        predicted = np.asarray(predicted_age_years, dtype=float)
        if self.kind == "none":
            return predicted + 0.0 * age
        if self.kind == "slope":
            return (predicted - self.coefficients_[0]) / self.coefficients_[1] + 0.0 * age
        return predicted - self.expected_gap(age)

    def expected_gap(self, age_years: np.ndarray) -> np.ndarray:
        """Return the raw gap in years that the clock gives an average person of that age."""
        self._check_fitted()
        age = np.asarray(age_years, dtype=float)
        if self.kind == "none":
            return np.zeros_like(age)
        if self.kind == "spline":
            trend = AgeTrend(self.knots_years_, self.coefficients_[:, None])
            return trend.expected(age.ravel())[:, 0].reshape(age.shape)
        intercept, slope = self.coefficients_
        return intercept + (slope - 1.0 if self.kind == "slope" else slope) * age

    def _check_fitted(self) -> None:
        if not hasattr(self, "coefficients_"):
            raise NotFittedError("AgeBiasCorrector: call fit before asking for corrected values.")

    def to_dict(self) -> dict:
        """Return the frozen curve as JSON-able values; no scan's data are in it."""
        self._check_fitted()
        return {
            "kind": self.kind,
            "coefficients": self.coefficients_.tolist(),
            "knots_years": self.knots_years_.tolist(),
            "n_scans": self.n_scans_,
            "slope_before": self.slope_before_.to_dict(),
            "slope_after": self.slope_after_.to_dict(),
        }

    @classmethod
    def from_dict(cls, stored: dict) -> AgeBiasCorrector:
        """Rebuild a corrector from `to_dict`; ClockFileError where it makes no sense."""
        record(stored, "bias correction", _STORED)
        kind = text(stored["kind"], "bias correction", among=get_args(BiasKind))
        corrector = cls(cast(BiasKind, kind))
        numbers = {name: _numbers(stored[name], f"bias {name}") for name in _CURVE}
        knots = ascending(numbers["knots_years"], "bias knots", strictly=True)
        coefficients = numbers["coefficients"]
        shapes = {"none": ((0, 0),), "spline": ((2, 0), (4, 4))}.get(kind, ((2, 0),))
        if (len(coefficients), len(knots)) not in shapes:
            raise ClockFileError(
                f"bias correction '{kind}': expected coefficients and knots {shapes}, found "
                f"{len(coefficients)} and {len(knots)}"
            )
        if kind == "slope" and coefficients[1] <= 0:
            raise ClockFileError("bias correction 'slope': expected a slope above 0")
        corrector.coefficients_, corrector.knots_years_ = coefficients, knots
        corrector.n_scans_ = whole(stored["n_scans"], "bias n_scans", low=3)
        for name in ("slope_before", "slope_after"):
            setattr(corrector, f"{name}_", GapSlope.from_dict(stored[name], f"bias {name}"))
        return corrector


_CURVE = ("coefficients", "knots_years")
_STORED = ("kind", *_CURVE, "n_scans", "slope_before", "slope_after")


def _numbers(stored: object, where: str) -> np.ndarray:
    if not isinstance(stored, list) or len(stored) > 4:
        raise ClockFileError(f"{where}: expected at most 4 numbers, found {stored!r:.80}")
    return np.array([number(one, where) for one in stored], dtype=float)


def _checked_pair(
    age_years: np.ndarray, other_years: np.ndarray, *, least: int
) -> tuple[np.ndarray, np.ndarray]:
    age = np.asarray(age_years, dtype=float)
    other = np.asarray(other_years, dtype=float)
    if age.ndim != 1 or age.shape != other.shape:
        raise ValueError(
            f"bias: expected two equally long vectors, found shapes {age.shape} and {other.shape}."
        )
    if not (np.isfinite(age).all() and np.isfinite(other).all()):
        raise BrainAgeError(
            "bias: expected finite ages and predictions, found "
            f"{np.sum(~np.isfinite(age) | ~np.isfinite(other))} rows that are not. "
            "Leave out scans without age before fitting."
        )
    if len(age) < least:
        raise BrainAgeError(f"bias: expected at least {least} scans, found {len(age)}.")
    return age, other


def _line(age: np.ndarray, response: np.ndarray) -> np.ndarray:
    centred = age - age.mean()
    slope = centred @ response / (centred @ centred)
    return np.array([response.mean() - slope * age.mean(), slope])


def _rising_line(age: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    line = _line(age, predicted)
    if line[1] <= 0:
        raise BrainAgeError(
            f"bias correction 'slope': expected predictions that rise with age, found slope "
            f"{line[1]:.3g} over {len(age)} scans; dividing by it would turn the gap round. "
            "Use 'offset', or a clock that predicts age."
        )
    return line


def _mean_line(age: np.ndarray, gap: np.ndarray, model: np.ndarray | None) -> np.ndarray:
    if model is None:
        return _line(age, gap)
    model = np.asarray(model)
    return np.mean([_line(age[model == m], gap[model == m]) for m in np.unique(model)], axis=0)
