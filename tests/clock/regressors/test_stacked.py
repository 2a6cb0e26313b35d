"""The stack learns from exact leave-one-out predictions and folds back to one weight vector."""

import numpy as np
import pytest
from scipy.optimize import nnls
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.utils.estimator_checks import check_estimator

from brainage.clock.options import STRONG_PENALTY
from brainage.clock.regressors.contract import GramTraining
from brainage.clock.regressors.ridge import fit_ridge_on_gram
from brainage.clock.regressors.stacked import StackedClock, StackedRegressor, fit_stack_on_grams


def _views(n, p=80, *, seed=0):
    """Two views of one latent age with separate noise, and one of noise alone."""
    rng = np.random.default_rng(seed)
    planted = np.random.default_rng(99)
    age = rng.uniform(20, 80, n)
    first = 3 + 0.01 * np.outer(age, planted.normal(size=p)) + rng.normal(0, 1, (n, p))
    second = -1 + 0.01 * np.outer(age, planted.normal(size=p)) + rng.normal(0, 1, (n, p))
    return np.hstack([first, second, rng.normal(0, 1, (n, p))]), age, [p, p, p]


@pytest.mark.parametrize("n", [40, 200])
def test_level_one_equals_refitting_without_each_scan(n):
    # 40 scans go through the Gram matrix, 200 (more than the 80 edges) through the edges'.
    X, age, _ = _views(n)
    X = X[:, :80]
    clock = StackedClock().fit(X, age)
    expected = []
    for i in range(n):
        others = np.arange(n) != i
        ridge = Ridge(alpha=clock.penalties_[0], solver="svd").fit(X[others], age[others])
        expected.append(ridge.predict(X[i : i + 1])[0])
    np.testing.assert_allclose(clock.level1_loo_[:, 0], expected, rtol=1e-7)


@pytest.mark.parametrize("n", [40, 200])
def test_one_view_is_a_ridge_at_the_penalty_with_the_least_leave_one_out_error(n):
    X, age, _ = _views(n)
    X = X[:, :80]
    fit = fit_ridge_on_gram(X @ X.T, age)
    peer = Ridge(alpha=fit.penalty, solver="svd").fit(X, age)
    np.testing.assert_allclose(fit.dual @ X, peer.coef_, rtol=1e-6, atol=1e-9)
    assert fit.intercept == pytest.approx(peer.intercept_, rel=1e-6)
    assert StackedClock().fit(X, age).penalties_[0] == pytest.approx(fit.penalty)


def test_stack_beats_its_best_view_and_distrusts_the_noise():
    X, age, sizes = _views(150)
    X_new, age_new, _ = _views(400, seed=1)
    stack = StackedClock(block_sizes=sizes).fit(X, age)

    def error(clock, columns):
        return np.abs(clock.predict(X_new[:, columns]) - age_new).mean()

    single = min(error(StackedClock().fit(X[:, c], age), c) for c in (slice(0, 80), slice(80, 160)))
    assert error(stack, slice(None)) < 0.95 * single
    # What a view adds is its weight times how far its predictions move.
    reach = np.abs(stack.view_weights_) * stack.level1_loo_.std(axis=0)
    assert reach[2] < 0.2 * reach[:2].min()


def test_nonnegative_weights_are_least_squares_on_leave_one_out_predictions():
    X, age, sizes = _views(60)
    stack = StackedClock(block_sizes=sizes, level2="nonnegative").fit(X, age)
    # Leave-one-out predictions as deviations from the mean age of the other scans.
    moved = stack.level1_loo_ - ((age.sum() - age) / 59)[:, None]
    expected = nnls(moved - moved.mean(axis=0), age - age.mean())[0]
    np.testing.assert_allclose(stack.view_weights_, expected, rtol=1e-9)
    assert stack.view_weights_.min() >= 0


def test_grams_and_features_give_the_same_stack():
    X, age, sizes = _views(60)
    X_new, _, _ = _views(9, seed=4)
    blocks = np.split(np.arange(240), np.cumsum(sizes)[:-1])
    stack = fit_stack_on_grams([X[:, b] @ X[:, b].T for b in blocks], age)
    from_grams = stack.predict([X_new[:, b] @ X[:, b].T for b in blocks])
    from_features = StackedClock(block_sizes=sizes).fit(X, age).predict(X_new)
    np.testing.assert_allclose(from_grams, from_features, rtol=1e-8)


@pytest.mark.parametrize("level2", ["ridge", "nonnegative"])
def test_shuffled_ages_leave_no_accuracy_out_of_fold(level2):
    X, age, sizes = _views(120)
    rng = np.random.default_rng(3)
    correlations = []
    for _ in range(30):
        shuffled = rng.permutation(age)
        predicted = np.empty(120)
        for train, test in KFold(3).split(X):
            clock = StackedClock(block_sizes=sizes, level2=level2).fit(X[train], shuffled[train])
            predicted[test] = clock.predict(X[test])
        correlations.append(np.corrcoef(predicted, shuffled)[0, 1])
    # Their standard error is 0.09 / sqrt(30) = 0.017.
    assert np.mean(correlations) < 0.05


def test_level_two_has_no_turned_sign_when_no_view_knows_age():
    rng = np.random.default_rng(6)
    weights = []
    for _ in range(40):
        X, age = rng.normal(size=(60, 200)), rng.uniform(20, 80, 60)
        weights.append(StackedClock().fit(X, age).view_weights_[0])
    # Learning from plain leave-one-out predictions would give weights near -59.
    assert np.median(weights) > -0.5


def test_a_large_common_mean_costs_no_digits():
    X, age, sizes = _views(60)
    plain = StackedClock(block_sizes=sizes).fit(X, age)
    moved = StackedClock(block_sizes=sizes).fit(X + 1e4, age)
    np.testing.assert_allclose(moved.predict(X + 1e4), plain.predict(X), atol=1e-5)


def test_prediction_of_one_scan_equals_its_row_in_a_batch():
    X, age, sizes = _views(60)
    clock = StackedClock(block_sizes=sizes).fit(X, age)
    assert clock.predict(X[3:4])[0] == pytest.approx(clock.predict(X)[3], abs=1e-10)


def test_level_two_of_one_strong_view_is_near_its_regression_line():
    X, age, _ = _views(200)
    clock = StackedClock().fit(X[:, :80], age)
    moved = clock.level1_loo_ - ((age.sum() - age) / 199)[:, None]
    line = LinearRegression().fit(moved, age)
    assert clock.view_weights_[0] == pytest.approx(line.coef_[0], rel=0.02)


def test_block_sizes_that_do_not_add_up_are_refused():
    X, age, _ = _views(30)
    with pytest.raises(ValueError, match="add up to the 240 columns"):
        StackedClock(block_sizes=[80, 80]).fit(X, age)
    with pytest.raises(ValueError, match="level2 in"):
        StackedClock(level2="lasso").fit(X, age)


@pytest.mark.parametrize("level2", ["ridge", "nonnegative"])
def test_passes_scikit_learns_checks(level2):
    check_estimator(StackedClock(level2=level2))


def test_a_strong_view_enters_level_two_as_a_second_ridge_of_its_gram():
    X, age, sizes = _views(60)
    blocks = np.split(np.arange(240), np.cumsum(sizes)[:-1])
    grams = [X[:, b] @ X[:, b].T for b in blocks]
    stack = fit_stack_on_grams(grams, age, strong=(1,))
    penalty = STRONG_PENALTY * np.mean(np.sum((X - X.mean(axis=0))[:, blocks[1]] ** 2, axis=1))
    assert stack.views[-1].penalty == pytest.approx(penalty, rel=1e-9)
    others = [i for i in range(60) if i != 7]
    alone = Ridge(penalty).fit(X[others][:, blocks[1]], age[others])
    assert stack.views[-1].loo[7] == pytest.approx(alone.predict(X[7:8, blocks[1]])[0], rel=1e-8)
    predicted = stack.predict(grams)
    line = StackedRegressor(age_scale="years", strong=(1,)).fit(
        GramTraining(grams, age, np.arange(60))
    )
    assert len(line.duals) == len(grams)
    np.testing.assert_allclose(line.predict(grams), predicted, rtol=1e-9)
