"""Families: what is adjusted together, and what the plan then names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from brainage.trial import TrialDesign, write_plan
from brainage.trial.analyses.change import WITHIN_ARM, within_arm_changes
from brainage.trial.analyses.planned import HEADLINE, analysis
from brainage.trial.models.multiplicity import adjust, benjamini_hochberg
from brainage.trial.plan.families import NetworkResult, adjusted_contrasts, arm_deltas
from brainage.trial.plan.labelling import labels_of


def families_of(inputs, options, plan=None):
    """Return contrasts and deltas of the headline that the options ask for."""
    design = TrialDesign(options, inputs.design.allocation)
    inputs = replace(inputs, design=design)
    record = analysis(HEADLINE[options.style])
    beside = labels_of(WITHIN_ARM, options, plan, "whole_brain")
    network = NetworkResult(
        labels_of(record, options, plan, "whole_brain"),
        record.run(inputs),
        within_arm_changes(inputs.changes, design.arms, design.later_visits),
        tuple(beside.contrast(row) for row in WITHIN_ARM.run(inputs).deltas),
    )
    contrasts, notes, _ = adjusted_contrasts([network], design, plan)
    return contrasts, arm_deltas([network], design, plan), notes


def test_other_contrasts_are_one_holm_family(compared):
    *_, result = compared
    rest = result.contrasts[
        (result.contrasts["network"] == "whole_brain") & ~result.contrasts["primary"]
    ]
    np.testing.assert_allclose(rest["p_adjusted"], adjust(rest["p_value"], "holm"), rtol=1e-12)


def test_networks_are_adjusted_over_networks_at_each_arm_and_visit(compared):
    *_, result = compared
    local = result.contrasts[result.contrasts["network"] != "whole_brain"]
    mine = local[(local["arm"] == "MIT") & (local["visit"] == "2 years")]
    assert list(mine["network"]) == ["default", "motor"]
    np.testing.assert_allclose(mine["p_adjusted"], benjamini_hochberg(mine["p_value"]), rtol=1e-12)


@pytest.mark.parametrize(
    ("changed", "primary", "others", "deltas"),
    [
        ({"multiplicity": "none"}, True, False, True),
        ({"within_arm_multiplicity": "none"}, True, True, False),
        ({"primary_visit": "2 years"}, False, False, True),
        ({"primary_arm": "MIT"}, False, False, True),
        ({"primary_arm": "HRT"}, True, True, True),
        ({"style": "lisa_like"}, False, False, False),
    ],
)
def test_rows_adjusted_otherwise_than_planned_are_post_hoc(
    inputs, make_options, tmp_path, changed, primary, others, deltas
):
    plan = write_plan(make_options(), tmp_path / "plan.json")
    contrasts, within, _ = families_of(inputs, make_options(**changed), plan)
    first = contrasts["primary"]
    assert contrasts.loc[first, "prespecified"].all() == primary
    assert contrasts.loc[~first, "prespecified"].all() == others
    assert contrasts.loc[~first, "prespecified"].any() == others
    assert within["prespecified"].all() == deltas


def test_dunnett_adjusts_over_arms_at_each_visit_and_less_than_bonferroni(inputs, make_options):
    contrasts, _, _ = families_of(inputs, make_options(multiplicity="dunnett"))
    for visit, rows in contrasts.groupby("visit"):
        rest = rows[~rows["primary"]]
        # The smallest degrees of freedom of the visit's contrasts are used for all of them.
        plain = 2 * stats.t.sf(rest["statistic"].abs(), rows["df"].min())
        assert (rest["p_adjusted"] > plain).all(), visit
        assert (rest["p_adjusted"] < 2 * plain).all(), visit


def test_dunnett_without_the_model_is_holm_and_said(inputs, make_options):
    options = make_options(multiplicity="dunnett", style="lisa_like")
    contrasts, _, notes = families_of(inputs, options)
    rest = contrasts[~contrasts["primary"]]
    np.testing.assert_allclose(rest["p_adjusted"], adjust(rest["p_value"], "holm"), rtol=1e-12)
    assert any("Holm was used instead" in note for note in notes)
