"""Other choices: each row is the fit it says it is, and dependence is not called an estimate."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.trial import TrialDesign
from brainage.trial.analyses.other_choices import STRICT_MOTION
from brainage.trial.analyses.repeated_measures import MMRM
from brainage.trial.results.schemas import BY_OTHER_MEANS, DEPENDENCE


def primary_row(result, analysis):
    rows = result.sensitivity[result.sensitivity["analysis"] == analysis]
    mine = (rows["arm"] == "HRT") & (rows["visit"] == "1 year") & (rows["versus"] == "CON")
    return rows[mine].iloc[0]


def test_strict_motion_is_the_model_on_the_still_scans(trial, make_options, inputs_of):
    scores, design = trial
    design = TrialDesign(make_options(strict_fd_mm=0.3), design.allocation)
    still = inputs_of(scores[scores["mean_fd_mm"] <= 0.3], design)
    found = STRICT_MOTION.run(inputs_of(scores, design))
    expected = MMRM.run(still)
    assert [row.found.estimate for row in found.contrasts] == pytest.approx(
        [row.found.estimate for row in expected.contrasts]
    )
    assert STRICT_MOTION.title(design.options) == "scans of at most 0.3 mm motion"
    assert STRICT_MOTION.after_randomisation


def test_no_covariates_at_all_and_the_baseline_gap_only(as_drawn):
    scores, design, result = as_drawn
    held = result.covariates.groupby("analysis")["covariate"].agg(list)
    assert held["covariate: baseline gap only"] == ["baseline_gap x visit"]
    assert "no covariates" not in held
    assert primary_row(result, "no covariates")["role"] == BY_OTHER_MEANS


def test_specifications_hold_the_primary_contrast_by_every_means_in_order(as_drawn):
    scores, design, result = as_drawn
    table = result.specifications
    assert list(table["rank"]) == list(range(1, len(table) + 1))
    assert (np.diff(table["estimate_years"]) >= 0).all()
    main = table[table["role"] == "main analysis"].iloc[0]
    assert main["estimate_years"] == result.primary.estimate_years
    dependent = set(table.loc[table["role"] == DEPENDENCE, "key"])
    assert {"motion", "interval"} <= dependent
    assert not dependent & {"ancova", "robust_regression", "no_covariates", "levakov"}
