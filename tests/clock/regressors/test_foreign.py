"""Any scikit-learn regressor can be judged by the same folds; linear ones can be kept."""

import numpy as np
import pytest
from sklearn.linear_model import BayesianRidge, PoissonRegressor
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsRegressor

from brainage.clock import ClockOptions, ValidationOptions, cross_validate_clock, fit_clock
from brainage.errors import BrainAgeError

OPTIONS = ClockOptions(validation=ValidationOptions(n_folds=4, n_bootstrap=0))


@pytest.fixture(scope="module")
def cohort(make_cohort):
    return make_cohort(40)


@pytest.mark.parametrize(
    ("regressor", "peer"),
    [
        ("sklearn.linear_model.BayesianRidge", BayesianRidge()),
        (KNeighborsRegressor(3), KNeighborsRegressor(3)),
    ],
)
def test_a_foreign_regressor_is_fitted_in_each_fold(cohort, regressor, peer):
    X, y = cohort.views["fisher_z"].values, cohort.rows["age_years"].to_numpy()
    expected = np.empty(40)
    for train, test in KFold(4, shuffle=True, random_state=0).split(X):
        expected[test] = peer.fit(X[train], y[train]).predict(X[test])
    found = cross_validate_clock(cohort, OPTIONS, regressor=regressor).predictions
    np.testing.assert_allclose(found["predicted_age_years"], expected, atol=1e-8)


def test_a_linear_foreign_regressor_is_kept_as_one_weight_vector(cohort):
    clock = fit_clock(cohort, OPTIONS, regressor="sklearn.linear_model.BayesianRidge")
    peer = BayesianRidge().fit(cohort.views["fisher_z"].values, cohort.rows["age_years"])
    expected = peer.predict(cohort.views["fisher_z"].values)
    np.testing.assert_allclose(clock.score(cohort)["predicted_age_years"], expected, atol=1e-4)
    assert clock.facts["estimator"] == "BayesianRidge"


@pytest.mark.parametrize(
    "regressor",
    # A Poisson regression has weights as well, and predicts their exponential.
    [KNeighborsRegressor(3), PoissonRegressor()],
)
def test_a_foreign_regressor_that_is_not_linear_cannot_be_kept(cohort, regressor):
    name = type(regressor).__name__
    with pytest.raises(BrainAgeError, match=f"{name}: cannot be kept.*holds no code"):
        fit_clock(cohort, OPTIONS, regressor=regressor)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("sklearn.linear_model.Nothing", "import path like"),
        ("Ridge", "import path like"),
        ("sklearn.decomposition.PCA", "expected a scikit-learn regressor, found PCA"),
    ],
)
def test_what_is_no_regressor_is_refused(cohort, path, words):
    with pytest.raises(BrainAgeError, match=words):
        cross_validate_clock(cohort, OPTIONS, regressor=path)


def test_the_card_of_an_in_sample_correction_shows_the_slope_new_people_meet(cohort):
    options = OPTIONS.model_copy(update={"bias_correction": "in_sample"})
    with pytest.warns(UserWarning, match="in_sample"):
        clock = fit_clock(cohort, options)
    slopes = clock.facts["gap_slope_out_of_fold"]
    # Corrected on training scans, the gap of left-out people keeps part of its slope on age.
    assert abs(clock.bias.slope_after_.slope) < 0.01
    assert slopes["after"]["slope"] < -0.01
    shown = clock.card()["gap slope on age in left-out people, after"]
    assert shown.startswith(f"{slopes['after']['slope']:+.3f} [")
