"""Support vector regression on one Gram matrix is scikit-learn's on features."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.svm import SVR

from brainage.clock import ClockOptions, ValidationOptions, cross_validate_clock
from brainage.clock.regressors.svr import fit_gram_svr, polynomial_gram

FAST = ValidationOptions(n_folds=5, n_bootstrap=0)
# libsvm stops at a tolerance of 1e-3 on its dual; predictions of two equal problems differ by it.
YEARS = 0.02


def _data(n=60, n_features=80):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_features))
    return X, 50 + 3 * X[:, 0] + rng.normal(0, 3, n)


def _fit(gram, y, **choices):
    defaults = {"candidates": (1.0,), "epsilon": 0.1, "groups": np.arange(len(y)), "inner_folds": 5}
    return fit_gram_svr(gram, y, **(defaults | choices))


def test_linear_svr_on_a_gram_matrix_equals_svr_on_features():
    X, y = _data()
    ours = _fit(X[:50] @ X[:50].T, y[:50])
    expected = SVR(kernel="linear", C=1.0, epsilon=0.1).fit(X[:50], y[:50]).predict(X[50:])
    np.testing.assert_allclose(X[50:] @ X[:50].T @ ours.dual + ours.intercept, expected, atol=1e-6)


def test_polynomial_svr_on_a_gram_matrix_equals_svr_on_features():
    X, y = _data()
    gram = polynomial_gram(X @ X.T, degree=2, gamma=0.01)
    ours = _fit(gram[:50, :50], y[:50], candidates=(2.0,))
    peer = SVR(kernel="poly", degree=2, gamma=0.01, coef0=0.0, C=2.0, epsilon=0.1)
    expected = peer.fit(X[:50], y[:50]).predict(X[50:])
    np.testing.assert_allclose(gram[50:, :50] @ ours.dual + ours.intercept, expected, atol=1e-6)


def test_c_chosen_on_sub_blocks_equals_a_grid_search_on_features():
    X, y = _data()
    candidates = (1e-4, 1e-3, 1e-2, 1.0)
    ours = _fit(X @ X.T, y, candidates=candidates)
    folds = GroupKFold(5, shuffle=True, random_state=0).split(X, groups=np.arange(60))
    peer = GridSearchCV(
        SVR(kernel="linear", epsilon=0.1),
        {"C": candidates},
        cv=list(folds),
        scoring="neg_mean_absolute_error",
    ).fit(X, y)
    assert ours.c == peer.best_params_["C"]


def test_repeated_scans_do_not_choose_a_c_that_only_recognises_people():
    # Pairs of copies of noise: folds that split a pair reward remembering, so a large C.
    rng = np.random.default_rng(1)
    X = np.repeat(rng.normal(size=(30, 40)), 2, axis=0)
    y = np.repeat(rng.uniform(20, 80, 30), 2)
    candidates = (1e-6, 1.0)
    split = _fit(X @ X.T, y, candidates=candidates, groups=np.arange(60))
    together = _fit(X @ X.T, y, candidates=candidates, groups=np.repeat(np.arange(30), 2))
    assert (split.c, together.c) == (1.0, 1e-6)


def test_levakovs_clock_equals_svr_on_features_in_every_fold(make_cohort):
    features = make_cohort(60)
    X = features.views["fisher_z"].values.astype(float)
    y = features.rows["age_years"].to_numpy()
    options = ClockOptions(estimator="svr", svr_c=(1.0,), svr_epsilon=0.1, validation=FAST)
    cv = cross_validate_clock(features, options)
    expected = np.empty(60)
    for train, test in KFold(5, shuffle=True, random_state=0).split(X):
        model = SVR(kernel="linear", C=1.0, epsilon=0.1).fit(X[train], y[train])
        expected[test] = model.predict(X[test])
    np.testing.assert_allclose(cv.predictions["predicted_age_years"], expected, atol=YEARS)


@pytest.mark.parametrize("kernel", ["linear", "poly"])
def test_threads_change_no_prediction(make_cohort, kernel):
    features = make_cohort(40)
    options = ClockOptions(estimator="svr", svr_kernel=kernel, svr_c=(0.01, 1.0), validation=FAST)
    one, two = (cross_validate_clock(features, options, n_jobs=jobs).predictions for jobs in (1, 2))
    predicted = "predicted_age_years"
    np.testing.assert_allclose(one.pop(predicted), two.pop(predicted), rtol=1e-9)
    assert one.equals(two)
