"""Coefficients, covariance and adjusted means are the model's own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest


def test_model_details_are_the_models_own(as_drawn):
    scores, design, result = as_drawn
    means = result.tables["lsmeans"].set_index(["arm", "visit"])["estimate_years"]
    deltas = result.deltas.set_index(["arm", "visit"])["estimate_years"]
    pd.testing.assert_series_equal(means, deltas.loc[means.index], check_names=False)
    effects = result.tables["fixed_effects"].set_index("term")["estimate"]
    assert effects["HRT at 1 year"] == pytest.approx(means["HRT", "1 year"])
    model = result.models.set_index("analysis").loc["mmrm"]
    assert model["n_covariance_parameters"] == 3
    assert model["aic"] == pytest.approx(6 - 2 * model["log_likelihood"])
    assert model["formula_r"].endswith("us(visit | participant_id)")
    covariance = result.tables["covariance_matrices"]
    assert set(covariance["arm"]) == {"all arms"}
    same = covariance["visit"] == covariance["other_visit"]
    np.testing.assert_allclose(covariance.loc[same, "correlation"], 1)
