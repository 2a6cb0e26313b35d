"""The scale on which a linear clock predicts age: years, or a concave function of them.

Development is fast in the young and slows down, and cohorts of volunteers are skewed, so errors
are often even on the logarithm and not in years. Which scale holds for a cohort is learnt from
its training scans alone (`stacked.fit_stack_on_grams`); predictions leave in years.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from brainage.errors import BrainAgeError

AgeScale = Literal["years", "sqrt", "log"]
AgeScaleChoice = Literal["auto", "years", "sqrt", "log"]

#: The scales as powers of age, 0 standing for the logarithm: numbers for the table of choices.
AGE_POWER: dict[str, float] = {"years": 1.0, "sqrt": 0.5, "log": 0.0}

# Far beyond any age, yet finite: a scan unlike all others must not overflow.
_MOST_LOG = np.log(1000.0)


def to_scale(age_years: np.ndarray, scale: AgeScale) -> np.ndarray:
    """Return ages on a scale; increasing in age.

    Parameters
    ----------
    age_years : ndarray
        Above 0 unless the scale is "years".
    scale : {"years", "sqrt", "log"}
        The scale.
    """
    age_years = np.asarray(age_years, dtype=float)
    if scale == "years":
        return age_years
    if not np.all(age_years > 0):
        raise BrainAgeError(
            f"age_scale '{scale}': expected ages above 0, found {age_years.min():g}. Use "
            "age_scale: years."
        )
    return np.sqrt(age_years) if scale == "sqrt" else np.log(age_years)


def to_years(values: np.ndarray, scale: AgeScale) -> np.ndarray:
    """Undo `to_scale`: the median age, where errors on the scale are symmetric.

    Values below 0 on the square-root scale become 0 years; ages stop at 1,000 years on the
    logarithm.
    """
    if scale == "years":
        return values
    if scale == "sqrt":
        return np.maximum(values, 0.0) ** 2
    return np.exp(np.minimum(values, _MOST_LOG))


def candidate_scales(age_years: np.ndarray, choice: AgeScaleChoice) -> tuple[AgeScale, ...]:
    """Return the scales to compare on these ages: one, or with "auto" all that exist for them.

    Raises
    ------
    BrainAgeError
        A choice that is not known.
    """
    if choice == "auto":
        return get_args(AgeScale) if np.all(np.asarray(age_years) > 0) else ("years",)
    if choice not in get_args(AgeScale):
        raise BrainAgeError(
            f"age_scale: expected one of {get_args(AgeScaleChoice)}, found {choice!r}."
        )
    return (choice,)
