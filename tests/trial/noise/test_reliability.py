"""Reliability equals R's psych, and means what it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from brainage.errors import DesignError
from brainage.trial import score_reliability

REFERENCE = json.loads(
    (Path(__file__).parents[2] / "reference_values" / "trial_tests.json").read_text()
)["icc"]


def test_icc_and_intervals_match_psych():
    found = score_reliability(REFERENCE["scans"])
    for name in ("agreement", "consistency"):
        r = REFERENCE[name][0]
        mine = [getattr(found, f"icc_{name}{end}") for end in ("", "_low", "_high")]
        np.testing.assert_allclose(mine, [r["ICC"], r["lower bound"], r["upper bound"]], atol=1e-8)


def test_error_of_measurement_is_the_residual_of_the_two_way_anova():
    found = score_reliability(REFERENCE["scans"])
    assert found.sem_years == pytest.approx(np.sqrt(REFERENCE["ms_error"]), rel=1e-10)
    assert found.mdc95_years == pytest.approx(1.959964 * np.sqrt(2) * found.sem_years, rel=1e-6)


def test_shift_of_a_session_lowers_agreement_and_leaves_consistency():
    x = np.array(REFERENCE["scans"])
    shifted = x + [0.0, 5.0, 0.0]
    plain, moved = score_reliability(x), score_reliability(shifted)
    assert moved.icc_consistency == pytest.approx(plain.icc_consistency, abs=1e-12)
    assert moved.icc_agreement < plain.icc_agreement - 0.1


def test_known_icc_is_recovered_from_many_people():
    rng = np.random.default_rng(4)
    x = rng.normal(0, 3, (4000, 1)) + rng.normal(0, 2, (4000, 2))
    found = score_reliability(x)
    # True ICC 9 / 13; its standard error at this size is 0.009.
    assert found.icc_consistency == pytest.approx(9 / 13, abs=0.03)
    assert found.sem_years == pytest.approx(2, abs=0.07)


@pytest.mark.parametrize("values", [[[1.0, 2.0]], [[1.0], [2.0]], [[1.0, np.nan], [2.0, 3.0]]])
def test_tables_that_cannot_show_reliability_are_refused(values):
    with pytest.raises(DesignError, match="reliability"):
        score_reliability(values)
