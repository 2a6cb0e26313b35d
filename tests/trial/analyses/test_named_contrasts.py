"""Named contrasts and joint tests: R's numbers, what they are called, and what is refused."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from brainage.trial import TrialDesign, compare_arms, write_plan
from brainage.trial.analyses.named_contrasts import (
    contrast_weights_of,
    durability_reading,
    joint_tests,
)
from brainage.trial.models.lsmeans import t_estimate
from brainage.trial.models.mmrm import fit_mmrm
from brainage.trial.models.multiplicity import adjust

sys.path.insert(0, str(Path(__file__).parent.parent))
from r_reference import ARMS, COVARIATES, FOLDER, follow_ups, visits_of  # noqa: E402

FACTORS = {
    "CON": {"load": "none", "setting": "home"},
    "MIT": {"load": "moderate", "setting": "home"},
    "HRT": {"load": "heavy", "setting": "gym"},
}


@functools.cache
def r_contrasts():
    return json.loads((FOLDER / "contrasts.json").read_text())["contrasts"]


@functools.cache
def fitted(name):
    data = follow_ups(name)
    return fit_mmrm(
        data,
        response="change",
        arms=ARMS,
        visits=visits_of(data),
        covariates=COVARIATES,
        covariance_by_arm=False,
        errors="model",
    )


@pytest.mark.parametrize("name", ["complete", "missing", "three"])
def test_contrasts_and_their_degrees_of_freedom_are_those_of_lmer_test(name):
    fit = fitted(name)
    before, last = fit.frame.visits[-2:]
    every = {visit: 1 / len(fit.frame.visits) for visit in fit.frame.visits}
    weights = {
        "HRT - MIT, last": ({"HRT": 1, "MIT": -1}, {last: 1}),
        "pooled, last": ({"HRT": 0.5, "MIT": 0.5, "CON": -1}, {last: 1}),
        "durability HRT": ({"HRT": 1, "CON": -1}, {last: 1, before: -1}),
        "average HRT - MIT": ({"HRT": 1, "MIT": -1}, every),
    }
    for row in r_contrasts()[name]["one"]:
        found = fit.estimate(contrast_weights_of(fit, *weights[row["name"]]))
        assert found.estimate == pytest.approx(row["gls_estimate"], abs=1e-4 * row["gls_se"])
        assert found.se == pytest.approx(row["gls_se"], rel=1e-4)
        assert found.estimate == pytest.approx(row["estimate"], abs=1e-3 * row["se"])
        assert found.df == pytest.approx(row["df"], rel=1e-3)
        assert found.ci_low == pytest.approx(row["low"], abs=1e-3 * row["se"])
        assert found.ci_high == pytest.approx(row["high"], abs=1e-3 * row["se"])


@pytest.mark.parametrize("name", ["complete", "missing", "three"])
def test_joint_tests_are_those_of_lmer_test(name):
    fit = fitted(name)
    found = {title: test for title, _, test in joint_tests(fit)}
    last = fit.frame.visits[-1]
    pairs = {
        f"any arm, {last}": "any_arm_last",
        "any arm, any visit": "any_arm",
        "arm x visit": "arm_by_visit",
    }
    for title, key in pairs.items():
        row, test = r_contrasts()[name][key][0], found[title]
        assert test.statistic == pytest.approx(row["f"], rel=1e-3)
        assert test.numerator_df == row["df1"]
        assert test.denominator_df == pytest.approx(row["df2"], rel=2e-3)
        assert test.p_value == pytest.approx(row["p"], rel=5e-3)


def test_exploratory_contrasts_cost_the_others_nothing_and_secondary_ones_join(
    as_drawn, make_options, tmp_path
):
    scores, design, plain = as_drawn
    options = make_options(
        contrasts=[{"name": "durability", "family": "secondary", "margin_years": 1.0}],
        arm_factors=FACTORS,
    )
    plan = write_plan(options, tmp_path / "plan.json")
    result = compare_arms(scores, TrialDesign(options, design.allocation), plan=plan)
    named = result.tables["named_contrasts"]
    assert named["prespecified"].all()
    secondary = named[named["family"] == "secondary"]
    rest = result.contrasts[~result.contrasts["primary"]]
    family = adjust([*rest["p_value"], *secondary["p_value"]], "holm")
    np.testing.assert_allclose([*rest["p_adjusted"], *secondary["p_adjusted"]], family)
    assert named.loc[named["family"] == "exploratory", "p_adjusted"].isna().all()
    before = plain.contrasts[~plain.contrasts["primary"]]
    np.testing.assert_allclose(before["p_adjusted"], adjust(before["p_value"], "holm"))
    other = named.set_index("name")["also_differ_in"]
    assert other["HRT - MIT, 1 year"] == "load (heavy against moderate); setting (gym against home)"
    assert named["also_differ_in"].isna().sum() == 1


def test_differences_of_contrasts_with_control_are_the_contrast_of_active_arms(as_drawn):
    scores, design, result = as_drawn
    named = result.tables["named_contrasts"].set_index("name")["estimate_years"]
    own = result.contrasts.set_index(["arm", "visit"])["estimate_years"]
    for visit in ("1 year", "2 years"):
        assert named[f"HRT - MIT, {visit}"] == pytest.approx(own["HRT", visit] - own["MIT", visit])
    late = own["HRT", "2 years"] - own["HRT", "1 year"]
    assert named["HRT - CON, 2 years minus 1 year"] == pytest.approx(late)


@pytest.mark.parametrize(
    ("estimate", "margin", "words"),
    [
        (2.0, 1.0, "fading"),
        (0.0, 1.0, "maintained: fading by 1 years or more is excluded"),
        (0.9, 1.0, "not shown"),
        (0.0, None, "not significant is not maintained"),
    ],
)
def test_not_significant_is_not_maintained(estimate, margin, words):
    assert words in durability_reading(t_estimate(estimate, 0.5, 100.0), margin)
