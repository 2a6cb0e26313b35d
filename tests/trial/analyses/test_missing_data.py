"""Other assumptions of missing scans: Rubin beside the bootstrap, and who cannot be weighted."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.errors import DesignError
from brainage.trial import TrialDesign, compare_arms, write_plan
from brainage.trial.analyses.missing_data import logistic_probabilities, rubin


def test_rubins_rules_of_three_estimates():
    # W = 1, B = 1: T = 1 + 4/3, lost = (4/3) / (7/3); Barnard-Rubin by hand with 30 complete.
    estimate, se, df, lost = rubin([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], 30.0)
    assert (estimate, se**2, lost) == pytest.approx((2.0, 7 / 3, 4 / 7))
    observed = 31 / 33 * 30 * (1 - 4 / 7)
    assert df == pytest.approx(1 / ((4 / 7) ** 2 / 2 + 1 / observed))


def test_jump_to_reference_pulls_the_contrast_towards_zero_and_is_planned(
    make_trial, make_options, tmp_path
):
    scores, allocation = make_trial(
        n=120,
        missing=0.3,
        effects={"CON": (0.0, 0.0, 0.0), "MIT": (0.0, -3.0, -3.0), "HRT": (0.0, -6.0, -6.0)},
    )
    options = make_options(primary_visit="2 years", missing={"n_imputations": 40})
    plan = write_plan(options, tmp_path / "plan.json")
    result = compare_arms(scores, TrialDesign.from_options(options, allocation), plan=plan)
    table = result.tables["missing_data"].set_index("assumption")
    assert table["prespecified"].all()
    random, jump = table.loc["missing at random"], table.loc["jump to reference"]
    assert jump["estimate_years"] > random["estimate_years"] + 0.5
    assert random["conditional_mean_years"] == pytest.approx(
        result.primary.estimate_years, abs=0.3 * result.primary.se_years
    )
    # Information-anchored against repeated sampling.
    assert jump["bootstrap_se_years"] < jump["se_years"]
    assert any("answer different questions" in note for note in result.notes)
    assert any("when people stopped is not recorded" in note for note in result.notes)


def test_it_is_not_asked_for_by_default(as_drawn):
    scores, design, plain = as_drawn
    assert "missing_data" not in set(plain.analyses["analysis"])


def test_logistic_probabilities_add_up_by_group():
    group = np.repeat([0, 1], [10, 20])
    outcome = np.r_[np.arange(10) < 4, np.arange(20) < 15]
    found = logistic_probabilities(np.eye(2)[group], outcome)
    np.testing.assert_allclose(found, np.where(group == 0, 0.4, 0.75), atol=1e-8)


def test_completeness_that_a_covariate_determines_has_no_weights():
    x = np.linspace(-1, 1, 40)
    with pytest.raises(DesignError, match="determined|probability"):
        logistic_probabilities(np.column_stack([np.ones(40), x]), x > 0)
