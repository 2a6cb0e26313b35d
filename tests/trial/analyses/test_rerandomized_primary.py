"""The primary contrast re-randomised as the design says."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.errors import DesignError
from brainage.trial import TrialDesign
from brainage.trial.analyses.rerandomized_primary import RERANDOMIZATION


def test_rerandomization_of_the_config_has_its_statistic_and_the_ancova_its_interval(
    trial, make_options, inputs_of
):
    scores, design = trial
    rows = {}
    for statistic in ("ancova", "gls"):
        options = make_options(randomization={"n_draws": 199, "statistic": statistic})
        result = RERANDOMIZATION.run(inputs_of(scores, TrialDesign(options, design.allocation)))
        (rows[statistic],) = result.contrasts
    assert "studentised GLS contrast (unstructured" in rows["gls"].method
    assert np.isnan(rows["gls"].found.ci_low)
    own = rows["ancova"]
    assert own.found.ci_low < own.found.estimate < own.found.ci_high
    assert own.n_model <= rows["gls"].n_model


def test_minimisation_is_tested_with_the_allocations_its_program_replayed(
    trial, make_options, inputs_of
):
    scores, design = trial
    rng = np.random.default_rng(0)
    replayed = np.stack([rng.permutation(design.allocation["arm"]) for _ in range(199)])
    options = make_options(randomization={"scheme": "minimisation"})
    used = TrialDesign.from_options(options, design.allocation, replayed=replayed)
    (row,) = RERANDOMIZATION.run(inputs_of(scores, used)).contrasts
    assert "minimisation, sequences replayed by the trial's own program; 199 draws" in row.method
    assert 0 < row.found.p_value <= 1


def test_minimisation_without_its_program_is_refused_by_name(trial, make_options, inputs_of):
    scores, design = trial
    options = make_options(randomization={"scheme": "minimisation", "n_draws": 199})
    with pytest.raises(DesignError, match="minimisation"):
        RERANDOMIZATION.run(inputs_of(scores, TrialDesign(options, design.allocation)))


def test_row_is_of_the_primary_arm_and_visit_that_the_options_name(trial, make_options, inputs_of):
    scores, design = trial
    options = make_options(primary_arm="MIT", primary_visit="2 years")
    (row,) = RERANDOMIZATION.run(
        inputs_of(scores, TrialDesign(options, design.allocation))
    ).contrasts
    assert (row.arm, row.versus, row.visit) == ("MIT", "CON", "2 years")
    assert RERANDOMIZATION.rows(options) == [("MIT", "CON", "2 years")]
