"""An ensemble of fold models on plain features."""

import numpy as np
import pytest
from sklearn.linear_model import PoissonRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from sklearn.utils.estimator_checks import check_estimator

from brainage.clock import FoldEnsembleRegressor
from brainage.errors import BrainAgeError


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 8))
    return X, 50 + X @ rng.normal(size=8) + rng.normal(size=60)


def test_passes_every_check_of_scikit_learn():
    check_estimator(FoldEnsembleRegressor(n_repeats=2))


def test_a_linear_ensemble_is_one_weight_vector_that_predicts_the_mean_of_75_models(data):
    X, y = data
    fitted = FoldEnsembleRegressor(SVR(kernel="linear")).fit(X, y)
    assert len(fitted.estimators_) == 75
    expected = np.mean([one.predict(X) for one in fitted.estimators_], axis=0)
    np.testing.assert_allclose(fitted.predict(X), expected, rtol=1e-12)
    np.testing.assert_allclose(X @ fitted.coef_ + fitted.intercept_, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "estimator",
    [
        KNeighborsRegressor(),
        make_pipeline(StandardScaler(), SVR(kernel="linear")),
        # Has weights, and predicts their exponential.
        PoissonRegressor(),
    ],
)
def test_models_without_weights_on_the_features_are_averaged_and_not_collapsed(data, estimator):
    X, y = data
    fitted = FoldEnsembleRegressor(estimator, n_repeats=2).fit(X, y)
    assert fitted.coef_ is None
    expected = np.mean([one.predict(X) for one in fitted.estimators_], axis=0)
    np.testing.assert_array_equal(fitted.predict(X), expected)


def test_one_scan_is_predicted_as_in_a_batch(data):
    fitted = FoldEnsembleRegressor(n_repeats=2).fit(*data)
    assert fitted.predict(data[0][7:8])[0] == fitted.predict(data[0])[7]


def test_scans_of_a_person_are_left_out_together(data):
    X, y = data
    person = np.repeat(np.arange(20), 3)
    fitted = FoldEnsembleRegressor(KNeighborsRegressor(1), n_repeats=1).fit(X, y, groups=person)
    # One neighbour: a model that saw a scan gives its age back.
    seen = np.array([one.predict(X) == y for one in fitted.estimators_])
    by_person = seen.reshape(5, 20, 3)
    assert (by_person.all(axis=2) | ~by_person.any(axis=2)).all()
    assert (~by_person.any(axis=2)).sum(axis=0).tolist() == [1] * 20


def test_a_single_person_is_refused(data):
    with pytest.raises(BrainAgeError, match="two groups, found 1"):
        FoldEnsembleRegressor().fit(*data, groups=np.zeros(60))
