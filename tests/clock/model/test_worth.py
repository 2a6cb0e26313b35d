"""A clock no better than the median age shows nothing, and says why."""

import numpy as np
import pandas as pd
import pytest

from brainage.clock import ClockOptions, ValidationOptions, cross_validate_clock
from brainage.clock.model.worth import why_it_shows_nothing


def _table(r, skill, low):
    rows = [("r", r, np.nan), ("skill", skill, low)]
    return pd.DataFrame(rows, columns=["metric", "estimate", "low"])


@pytest.mark.parametrize(
    ("r", "skill", "low", "words"),
    [
        (-0.4, 0.1, 0.05, "r = -0.40 is not above 0"),
        (0.0, 0.1, 0.05, "r = 0.00 is not above 0"),
        (np.nan, 0.0, np.nan, "do not differ"),
        (0.3, 0.02, -0.01, "reaches 0"),
        (0.3, 0.02, 0.0, "reaches 0"),
        (0.3, -0.02, -0.1, "is not above 0"),
        (0.3, 0.0, np.nan, "is not above 0"),
    ],
)
def test_such_an_accuracy_shows_nothing(r, skill, low, words):
    assert words in why_it_shows_nothing(_table(r, skill, low))


@pytest.mark.parametrize(("skill", "low"), [(0.1, 0.01), (0.01, np.nan)])
def test_such_an_accuracy_shows_some(skill, low):
    assert why_it_shows_nothing(_table(0.3, skill, low)) == ""


@pytest.mark.parametrize(("effect", "nothing"), [(0.0, True), (0.01, False)])
def test_a_clock_of_noise_shows_nothing_and_one_of_age_does(make_cohort, effect, nothing):
    options = ClockOptions(validation=ValidationOptions(n_folds=4, n_bootstrap=50))
    cv = cross_validate_clock(make_cohort(60, effect=effect), options)
    assert bool(cv.shows_nothing) is nothing
    assert cv.metrics["shows_nothing"].eq(nothing).all()
