"""Families of tests equal R."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from brainage.errors import DesignError
from brainage.trial.models.multiplicity import adjust, benjamini_hochberg, dunnett, holm

REFERENCE = json.loads(
    (Path(__file__).parents[2] / "reference_values" / "trial_tests.json").read_text()
)


def test_holm_and_benjamini_hochberg_match_p_adjust():
    r = REFERENCE["p_adjust"]
    np.testing.assert_allclose(benjamini_hochberg(r["p"]), r["BH"], rtol=1e-12)
    np.testing.assert_allclose(holm(r["p"]), r["holm"], rtol=1e-12)


def test_missing_p_is_no_member_of_the_family():
    found = holm([0.01, np.nan, 0.04])
    np.testing.assert_allclose(found, [0.02, np.nan, 0.04], rtol=1e-12)


def test_unknown_family_is_refused():
    with pytest.raises(DesignError, match="bonferoni"):
        adjust([0.1], "bonferoni")


@pytest.mark.parametrize("row", REFERENCE["dunnett_two"])
def test_dunnett_of_two_arms_matches_mvtnorm(row):
    # TVPACK, exact to 1e-14.
    matrix = [[1.0, row["rho"]], [row["rho"], 1.0]]
    assert dunnett([row["t"], 1.0], matrix, row["df"])[0] == pytest.approx(row["p"], abs=1e-11)


def test_dunnett_of_three_arms_matches_mvtnorm():
    # GenzBretz is Monte Carlo with an error of 1e-8 asked of it.
    r = REFERENCE["dunnett_three"]
    matrix = np.full((3, 3), r["rho"]) + (1 - r["rho"]) * np.eye(3)
    np.testing.assert_allclose(dunnett(r["t"], matrix, r["df"]), r["p"], atol=5e-7)


def test_dunnett_lies_between_no_adjustment_and_bonferroni():
    t = np.array([0.5, 2.0, 4.0])
    matrix = np.array([[1, 0.4, 0.2], [0.4, 1, -0.3], [0.2, -0.3, 1.0]])
    found = dunnett(t, matrix, 30)
    plain = 2 * stats.t.sf(t, 30)
    assert (found >= plain).all()
    assert (found <= np.minimum(3 * plain, 1) + 1e-4).all()


def test_dunnett_of_one_arm_is_the_t_test():
    assert dunnett([2.1], [[1.0]], 17)[0] == pytest.approx(2 * stats.t.sf(2.1, 17), rel=1e-12)
