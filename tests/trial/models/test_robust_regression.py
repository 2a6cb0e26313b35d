"""Huber's M-estimate: MASS's numbers, and one outlier that cannot drag the line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from brainage.errors import DesignError
from brainage.trial.models.model_frame import build_model_frame
from brainage.trial.models.robust_regression import fit_huber

sys.path.insert(0, str(Path(__file__).parent.parent))
from r_reference import ARMS, COVARIATES, FOLDER, trial_data  # noqa: E402


@pytest.mark.parametrize("name", ["complete", "missing", "small"])
def test_contrasts_and_errors_are_those_of_mass(name):
    wanted = json.loads((FOLDER / "robust.json").read_text())[name]
    data = trial_data(name)
    data = data[data["visit_index"] == 1].reset_index(drop=True)
    data.loc[:1, "change"] += [25.0, -30.0]
    frame = build_model_frame(
        data, response="change", arms=ARMS, visits=("v1",), covariates=COVARIATES
    )
    fit = fit_huber(frame.design, frame.response)
    for row in wanted:
        weights = frame.weights_of(row["contrast"], "v1") - frame.weights_of("CON", "v1")
        found = fit.estimate(weights)
        assert found.estimate == pytest.approx(row["estimate"], abs=1e-6 * row["se"])
        assert found.se == pytest.approx(row["se"], rel=1e-6)
        assert found.df == row["df"]
        assert (fit.weights < 1).sum() == row["below"]


def test_one_outlier_does_not_drag_the_mean_far():
    values = np.concatenate([np.random.default_rng(0).normal(0, 1, 60), [1e6]])
    fit = fit_huber(np.ones((61, 1)), values)
    assert abs(fit.coefficients[0]) < 0.5


@pytest.mark.parametrize(
    ("design", "response", "words"),
    [
        (np.ones((1, 1)), np.ones(1), "too few"),
        (np.ones((5, 1)), np.array([0.0, 0, 0, 0, 1e-3]), "half of the residuals are zero"),
    ],
)
def test_what_has_no_scale_is_an_error(design, response, words):
    with pytest.raises(DesignError, match=words):
        fit_huber(design, response)
