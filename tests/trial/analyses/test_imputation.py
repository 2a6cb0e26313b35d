"""Imputation: R's conditional means by hand, and what each assumption says."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from brainage.trial.analyses.imputation import (
    ASSUMPTIONS,
    ImputationData,
    ImputationModel,
    adjusted_contrast,
    fit_imputation,
    imputation_data,
    impute,
)
from brainage.trial.analyses.missing_data import weighted_contrast
from brainage.trial.analyses.record import AnalysisInputs
from brainage.trial.design.join import join_scores
from brainage.trial.design.sets import analysis_sets

_SPEC = importlib.util.spec_from_file_location(
    "reproduce_trials",
    Path(__file__).resolve().parents[3] / "scripts" / "reference" / "reproduce_trials.py",
)
made = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(made)


def inputs_of(scores, design):
    data = join_scores(scores, design, outcome=design.options.outcome)
    sets = analysis_sets(data, design)
    return AnalysisInputs(
        design, data, scores, network="whole_brain", changes=data.changes, sets=sets
    )


@pytest.mark.parametrize("name", ["missing", "three"])
def test_conditional_means_and_weighted_completers_are_those_made_by_hand_in_r(name):
    wanted = json.loads((made.FOLDER / "missing_data.json").read_text())[name]
    data = imputation_data(inputs_of(*made.reference_trial(name)), None)
    arm, last = data.arms.index("HRT"), len(data.visits) - 1
    assert np.isnan(data.change[:, last]).sum() == wanted["n_missing"]
    model = fit_imputation(data)
    for assumption in ASSUMPTIONS:
        found, variance, _ = adjusted_contrast(data, impute(data, model, assumption), arm, last)
        assert found == pytest.approx(wanted[assumption], abs=1e-4 * np.sqrt(variance))
    assert weighted_contrast(data, arm, last) == pytest.approx(wanted["weighted"], abs=1e-6)


def toy(change, stopped):
    change = np.asarray(change, dtype=float)
    return ImputationData(
        ids=np.arange(len(change)),
        arm=np.array([0, 1]),
        covariates=np.zeros((2, 0)),
        change=change,
        stopped=np.asarray(stopped),
        arms=("CON", "HRT"),
        visits=("1 year", "2 years"),
    )


MODEL = ImputationModel(
    means=np.array([[1.0, 2.0], [-1.0, -3.0]]),
    slopes=np.zeros((0, 2)),
    sigma=np.array([[4.0, 2.0], [2.0, 9.0]]),
)


@pytest.mark.parametrize(
    ("assumption", "expected"),
    # The person's first change lies 1 above HRT's mean (0 - -1) and 1 below control's.
    [
        ("missing at random", -3.0 + 0.5),
        ("jump to reference", 2.0 + 0.5),
        ("copy reference", 2.0 - 0.5),
    ],
)
def test_who_stopped_is_given_the_mean_the_assumption_names(assumption, expected):
    data = toy([[1.0, 2.0], [0.0, np.nan]], [[False, False], [False, True]])
    assert impute(data, MODEL, assumption)[1, 1] == pytest.approx(expected)


@pytest.mark.parametrize("assumption", ASSUMPTIONS)
def test_who_only_missed_a_visit_is_missing_at_random(assumption):
    data = toy([[1.0, 2.0], [np.nan, 0.0]], [[False, False], [False, False]])
    assert impute(data, MODEL, assumption)[1, 0] == pytest.approx(-1.0 + (2 / 9) * 3.0)


def test_draws_have_the_conditional_mean_and_spread():
    data = toy([[1.0, 2.0], [0.0, np.nan]], [[False, False], [False, True]])
    rng = np.random.default_rng(0)
    drawn = [impute(data, MODEL, "jump to reference", rng=rng)[1, 1] for _ in range(4000)]
    assert np.mean(drawn) == pytest.approx(2.5, abs=4 * np.sqrt(8 / 4000))
    assert np.var(drawn) == pytest.approx(9 - 1, rel=0.1)


def test_training_that_ends_by_design_is_no_stop(trial, make_options):
    scores, design = trial
    stopped = np.where(np.arange(60) < 3, 0.5, np.nan)
    used = type(design).from_options(
        make_options(missing={"stopped_column": "stopped"}),
        design.allocation.assign(stopped=stopped),
    )
    data = imputation_data(inputs_of(scores, used), "stopped")
    early = np.isin(data.ids, ["000", "001", "002"])
    assert data.stopped[early].all()
    assert not data.stopped[~early].any()
