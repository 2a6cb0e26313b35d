"""Correlations and slopes of change on change equal R's; a slope that differs by arm is found."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError
from brainage.trial.analyses.association import (
    partial_correlation,
    pearson,
    repeated_measures_correlation,
    slopes_by_arm,
    spearman,
)

REFERENCE = json.loads(
    (Path(__file__).parents[2] / "reference_values" / "trial_questions.json").read_text()
)

ARMS = ("CON", "MIT", "HRT")


def pairs():
    return pd.DataFrame(REFERENCE["association"]["data"])


def changes():
    table = pairs()
    return table["strength"].to_numpy(), table["change"].to_numpy()


def test_pearson_matches_r():
    r = REFERENCE["association"]["pearson"]
    found = pearson(*changes())
    assert found.r == pytest.approx(r["r"], abs=1e-10)
    assert found.statistic == pytest.approx(r["t"], rel=1e-8)
    assert found.p_value == pytest.approx(r["p"], rel=1e-8)
    assert (found.ci_low, found.ci_high) == pytest.approx((r["low"], r["high"]), abs=1e-8)


def test_spearman_matches_r():
    r = REFERENCE["association"]["spearman"]
    found = spearman(*changes())
    assert found.r == pytest.approx(r["r"], abs=1e-10)
    assert found.p_value == pytest.approx(r["p"], rel=1e-8)
    assert (found.ci_low, found.ci_high) == pytest.approx((r["low"], r["high"]), abs=1e-8)


def test_partial_correlation_matches_residuals_in_r():
    r, table = REFERENCE["association"]["partial"], pairs()
    given = np.column_stack(
        [table["arm"] == "MIT", table["arm"] == "HRT", table["base"], table["strength0"]]
    ).astype(float)
    found = partial_correlation(*changes(), given)
    assert found.r == pytest.approx(r["r"], abs=1e-10)
    assert found.p_value == pytest.approx(r["p"], rel=1e-8)
    assert (found.ci_low, found.ci_high) == pytest.approx((r["low"], r["high"]), abs=1e-8)


def test_robust_error_of_a_partial_correlation_keeps_its_level_where_one_arm_is_noisier():
    rng, plain, robust = np.random.default_rng(0), 0, 0
    noisy = np.repeat([1.0, 3.0], 60)
    given = np.repeat([0.0, 1.0], 60)[:, None]
    for _ in range(400):
        x, y = noisy * rng.normal(size=120), noisy * rng.normal(size=120)
        plain += partial_correlation(x, y, given).p_value <= 0.05
        robust += partial_correlation(x, y, given, robust=True).p_value <= 0.05
    # Binomial, 400 at 5 %: 20, standard deviation 4.4.
    assert plain > 35
    assert 8 <= robust <= 33


def test_robust_partial_correlation_of_equal_spreads_is_nearly_the_plain_one():
    rng = np.random.default_rng(1)
    x = rng.normal(size=4000)
    y, given = 0.4 * x + rng.normal(size=4000), rng.normal(size=(4000, 1))
    plain, robust = (partial_correlation(x, y, given, robust=r) for r in (False, True))
    assert robust.r == plain.r
    assert robust.ci_low == pytest.approx(plain.ci_low, abs=0.003)
    assert robust.ci_high == pytest.approx(plain.ci_high, abs=0.003)


def test_slopes_by_arm_match_r():
    r = REFERENCE["association"]["slopes"]
    found = slopes_by_arm(
        pairs(), arms=ARMS, outcome_change="strength", covariates=("base", "strength0")
    )
    assert [e.estimate for e in found.slopes.values()] == pytest.approx(r["slope"], rel=1e-8)
    assert [e.se for e in found.slopes.values()] == pytest.approx(r["se"], rel=1e-8)
    assert [e.estimate for e in found.differences.values()] == pytest.approx(
        r["difference"], rel=1e-8
    )
    assert found.statistic == pytest.approx(r["F"], rel=1e-8)
    assert found.df == r["df"]
    assert found.p_value == pytest.approx(r["p"], rel=1e-6)


def test_repeated_measures_correlation_matches_r():
    r = REFERENCE["rmcorr"]
    found = repeated_measures_correlation(*(np.array(r[name]) for name in ("x", "y", "person")))
    assert found.r == pytest.approx(r["r"], abs=1e-10)
    assert found.df == r["df"]
    assert found.p_value == pytest.approx(r["p"], rel=1e-8)
    assert (found.ci_low, found.ci_high) == pytest.approx((r["low"], r["high"]), abs=1e-8)


def test_levels_of_people_do_not_enter_the_repeated_measures_correlation():
    r = REFERENCE["rmcorr"]
    x, y, person = (np.array(r[name]) for name in ("x", "y", "person"))
    moved = repeated_measures_correlation(x + 100.0 * person, y - 7.0 * person, person)
    assert moved.r == pytest.approx(repeated_measures_correlation(x, y, person).r, abs=1e-9)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([1.0, 2, 3], [1.0, 2, 4], "4 pairs or more, found 3"),
        ([1.0, 1, 1, 1, 1], [1.0, 2, 3, 4, 6], "the same in everyone"),
    ],
)
def test_too_few_or_constant_changes_are_refused(first, second, words):
    with pytest.raises(DesignError, match=words):
        pearson(np.array(first), np.array(second))


def test_one_persons_visits_are_no_repeated_measures_correlation():
    with pytest.raises(DesignError, match="two people or more"):
        repeated_measures_correlation(np.arange(5.0), np.arange(5.0) ** 2, np.zeros(5))
