"""An ensemble keeps every fold model and averages; linear ones become one weight vector."""

import numpy as np
import pytest
from sklearn.model_selection import KFold
from sklearn.svm import SVR

from brainage.clock import (
    BrainClock,
    ClockOptions,
    HarmonizationOptions,
    ValidationOptions,
    cross_validate_clock,
    fit_clock,
)
from brainage.errors import BrainAgeError

OPTIONS = ClockOptions(
    estimator="svr",
    svr_c=(0.1,),
    svr_epsilon=0.1,
    ensemble=True,
    validation=ValidationOptions(n_folds=4, n_repeats=3, n_bootstrap=0),
)


@pytest.fixture(scope="module")
def cohort(make_cohort):
    return make_cohort(40)


def test_ensemble_predicts_the_mean_of_all_fold_models(cohort, make_cohort):
    X = cohort.views["fisher_z"].values.astype(float)
    y = cohort.rows["age_years"].to_numpy()
    new = make_cohort(6, seed=1)
    parts = []
    for repeat in range(3):
        for train, _ in KFold(4, shuffle=True, random_state=repeat).split(X):
            model = SVR(kernel="linear", C=0.1, epsilon=0.1).fit(X[train], y[train])
            parts.append(model.predict(new.views["fisher_z"].values.astype(float)))
    assert len(parts) == 12
    scores = fit_clock(cohort, OPTIONS).score(new)
    # libsvm's own tolerance; predictions span tens of years.
    np.testing.assert_allclose(scores["predicted_age_years"], np.mean(parts, axis=0), atol=0.02)


def test_linear_ensemble_is_one_weight_vector(cohort):
    clock = fit_clock(cohort, OPTIONS)
    assert clock.regression.weights.shape == (45,)
    assert clock.facts["estimator"] == "svr, mean of 12 fold models"


def test_polynomial_ensemble_predicts_the_mean_of_all_fold_models(cohort, make_cohort, tmp_path):
    choices = {"svr_kernel": "poly", "svr_c": (2.0,)}
    options = OPTIONS.model_copy(update=choices)
    X = cohort.views["fisher_z"].values.astype(float)
    y = cohort.rows["age_years"].to_numpy()
    new = make_cohort(6, seed=1)
    parts = []
    for repeat in range(3):
        for train, _ in KFold(4, shuffle=True, random_state=repeat).split(X):
            model = SVR(kernel="poly", degree=2, C=2.0, epsilon=0.1)
            model.fit(X[train], y[train])
            parts.append(model.predict(new.views["fisher_z"].values.astype(float)))
    clock = fit_clock(cohort, options)
    scores = clock.score(new)["predicted_age_years"]
    np.testing.assert_allclose(scores, np.mean(parts, axis=0), atol=1e-4)
    clock.save(tmp_path / "poly.clock")
    again = BrainClock.load(tmp_path / "poly.clock")
    np.testing.assert_array_equal(again.score(new)["predicted_age_years"], scores)
    # A kernel clock cannot predict without training scans, and its card warns of it.
    assert "features of the training scans" in again.card()["participants' data in the file"]


def test_ensemble_out_of_fold_predictions_average_over_repeats(cohort):
    cv = cross_validate_clock(cohort, OPTIONS)
    mean = cv.mean_predictions()
    one = cv.predictions.query("participant_id == 'person005'")["predicted_age_years"]
    assert len(one) == 3
    assert mean["predicted_age_years"].iloc[5] == pytest.approx(one.mean(), abs=1e-12)


def test_ensemble_of_learnt_preparations_is_refused_with_the_way_out(cohort):
    options = OPTIONS.model_copy(update={"harmonization": HarmonizationOptions(method="center")})
    with pytest.raises(BrainAgeError, match="harmonization.method: none"):
        fit_clock(cohort, options)
