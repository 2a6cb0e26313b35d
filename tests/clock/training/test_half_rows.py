"""Half scans as training rows: weights, folds of people, all else learnt of whole scans."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from brainage.clock import (
    BrainClock,
    ClockOptions,
    ValidationOptions,
    cross_validate_clock,
    fit_clock,
)
from brainage.clock.regressors.contract import MAX_WEIGHTED_SQUARE, TrainingShape
from brainage.clock.regressors.registry import regressor_of
from brainage.clock.regressors.ridge import (
    RidgeRegressor,
    fit_ridge_on_features,
    fit_ridge_on_gram,
)
from brainage.clock.regressors.stacked import StackedRegressor, fit_stack_on_grams
from brainage.clock.training.folds import groups_of
from brainage.clock.training.half_rows import RowsBehind
from brainage.clock.training.problem import Problem
from brainage.connectivity import HalfFeatures
from brainage.errors import FeatureMismatchError

VALIDATION = ValidationOptions(n_folds=4, n_bootstrap=0)
RIDGE = ClockOptions(half_scans="half_weight", networks=False, validation=VALIDATION)
KINDS = ("fisher_z", "log_correlation_direction")
STACK = ClockOptions(
    estimator="stacked",
    views=KINDS,
    strong_views=("log_correlation_direction",),
    half_scans="full_weight",
    validation=VALIDATION,
)
# As if no square matrix could serve them: in passes over the features.
RIDGE_IN_PASSES = RidgeRegressor(max_square=10)
STACK_IN_PASSES = StackedRegressor(max_square=10, strong=(1,))
WAYS = [(RIDGE, None), (STACK, None), (RIDGE, RIDGE_IN_PASSES), (STACK, STACK_IN_PASSES)]
NAMES = ["ridge", "stack", "ridge in passes", "stack in passes"]
RNG = np.random.default_rng(5)
X = RNG.normal(size=(24, 40))
AGE = 50 + 4 * X[:, 0] + RNG.normal(size=24)


def with_halves(cohort, *, seed=1, lacking=()):
    rng = np.random.default_rng(seed)
    sides = [
        {
            name: (view.values + rng.normal(0, 0.2, view.values.shape)).astype(np.float32)
            for name, view in cohort.views.items()
        }
        for _ in range(2)
    ]
    for view in sides[0].values():
        view[list(lacking)] = np.nan
    return replace(cohort, halves=HalfFeatures(*sides, cohort.excluded))


@pytest.fixture(scope="module")
def cohort(make_cohort):
    return with_halves(make_cohort(40, kinds=KINDS), lacking=(3,))


@pytest.mark.parametrize(
    "fit", [lambda x, *a, **k: fit_ridge_on_gram(x @ x.T, *a, **k), fit_ridge_on_features]
)
@pytest.mark.parametrize("n_features", [40, 6])
def test_a_row_of_weight_two_is_the_row_twice(fit, n_features):
    weights = np.where(np.arange(24) < 8, 2.0, 1.0)
    twice = np.concatenate([np.arange(24), np.arange(8)])
    x = X[:, :n_features]
    once = fit(x, AGE, groups=np.arange(24), weights=weights)
    copied = fit(x[twice], AGE[twice], groups=twice)
    assert once.penalty == pytest.approx(copied.penalty)
    np.testing.assert_allclose(once.loo, copied.loo[:24], rtol=1e-8)
    np.testing.assert_allclose(x.T @ once.dual, x[twice].T @ copied.dual, rtol=1e-7, atol=1e-9)
    assert once.intercept == pytest.approx(copied.intercept)


def test_weighted_leave_out_is_a_refit_without_the_person():
    people, weights = np.repeat(np.arange(8), 3), np.tile([1.0, 0.5, 0.5], 8)
    found = fit_ridge_on_gram(X @ X.T, AGE, groups=people, weights=weights, penalties=(0.1,))
    for person in range(8):
        rest = people != person
        again = Ridge(alpha=found.penalty).fit(X[rest], AGE[rest], sample_weight=weights[rest])
        np.testing.assert_allclose(found.loo[~rest], again.predict(X[~rest]), rtol=1e-8)


def test_stack_with_rows_of_weight_two_is_the_stack_of_rows_twice():
    weights = np.where(np.arange(24) < 8, 2.0, 1.0)
    twice = np.concatenate([np.arange(24), np.arange(8)])
    blocks = [X[:, :20], X[:, 20:]]
    once = fit_stack_on_grams(
        [b @ b.T for b in blocks], AGE, groups=np.arange(24), weights=weights, strong=(1,)
    )
    copied = fit_stack_on_grams(
        [b[twice] @ b[twice].T for b in blocks], AGE[twice], groups=twice, strong=(1,)
    )
    np.testing.assert_allclose(once.view_weights, copied.view_weights, rtol=1e-7)
    assert once.intercept == pytest.approx(copied.intercept)


@pytest.mark.parametrize("regressor", [None, RIDGE_IN_PASSES], ids=["exact", "in passes"])
@pytest.mark.parametrize("weight", [0.5, 1.0])
def test_every_prediction_is_a_weighted_ridge_of_other_people(cohort, weight, regressor):
    options = RIDGE.model_copy(
        update={"half_scans": "half_weight" if weight == 0.5 else "full_weight"}
    )
    cv = cross_validate_clock(cohort, options, regressor=regressor)
    z, halves = cohort["fisher_z"].values.astype(float), cohort.halves
    usable = halves.usable
    for fold, fit in enumerate(cv.fits):
        train = fit.train[fit.train < 40]
        both = train[usable[train]]
        rows = [z[train], halves.first["fisher_z"][both], halves.second["fisher_z"][both]]
        ages = [cohort.ages[train], cohort.ages[both], cohort.ages[both]]
        weights = np.repeat([1.0, weight, weight], [len(train), len(both), len(both)])
        weights *= len(train) / weights.sum()
        ridge = Ridge(alpha=fit.model.chosen["penalty"])
        ridge.fit(np.vstack(rows), np.concatenate(ages), sample_weight=weights)
        own = cv.predictions[cv.predictions["fold"] == fold]
        test = np.setdiff1d(np.arange(40), train)
        rtol = 1e-7 if regressor is None else 1e-5
        np.testing.assert_allclose(own["predicted_age_years"], ridge.predict(z[test]), rtol=rtol)


@pytest.mark.parametrize(("options", "regressor"), WAYS, ids=NAMES)
def test_halves_of_left_out_people_change_nothing(cohort, options, regressor):
    cv = cross_validate_clock(cohort, options, regressor=regressor)
    test = np.setdiff1d(np.arange(40), cv.fits[0].train)
    sides = [
        {name: view.copy() for name, view in side.items()}
        for side in (cohort.halves.first, cohort.halves.second)
    ]
    for side in sides:
        for view in side.values():
            view[test] += 5
    changed = replace(cohort, halves=HalfFeatures(*sides, cohort.excluded))
    again = cross_validate_clock(changed, options, regressor=regressor)
    first = cv.predictions["fold"] == 0
    np.testing.assert_allclose(
        again.predictions.loc[first, "predicted_age_years"],
        cv.predictions.loc[first, "predicted_age_years"],
        rtol=1e-9,
        # In passes to what the solver leaves.
        atol=0.0 if regressor is None else 1e-3,
    )


def test_direction_is_from_the_mean_of_whole_scans(cohort):
    problem = Problem.of(cohort, STACK, groups_of(cohort.rows))
    cv = cross_validate_clock(cohort, STACK)
    fit = cv.fits[0]
    whole = fit.train[fit.train < 40]
    mean = cohort["log_correlation_direction"].values[whole].mean(axis=0)
    np.testing.assert_allclose(fit.preparations[1].direction.mean_, mean, rtol=1e-5, atol=1e-7)
    assert problem.n_scans == 40
    assert len(problem.rows) == 40 + 2 * 39


@pytest.mark.parametrize(("options", "regressor"), WAYS, ids=NAMES)
def test_the_frozen_clock_predicts_as_its_fold_models_and_is_kept(
    cohort, options, regressor, tmp_path
):
    cv = cross_validate_clock(cohort, options, regressor=regressor)
    clock = fit_clock(cohort, options, cv=cv, regressor=regressor)
    clock.save(tmp_path / "halves.clock")
    again = BrainClock.load(tmp_path / "halves.clock")
    np.testing.assert_array_equal(
        again.score(cohort)["predicted_age_years"], clock.score(cohort)["predicted_age_years"]
    )
    assert "1 scans too short to halve, used whole" in clock.card()["estimator"]
    assert clock.facts["cohort"]["n_scans"] == 40
    assert clock.by_inner_folds == (regressor is not None)


@pytest.mark.parametrize("halved", [[0, 1, 2, 3, 4], [0, 2, 3]])
def test_rows_joined_where_they_are_read_are_those_joined_before(halved):
    rng = np.random.default_rng(0)
    whole, *sides = rng.normal(size=(3, 5, 4)).astype(np.float32)
    halved = np.array(halved)
    joined = np.vstack([whole, *(side[halved] for side in sides)])
    read = RowsBehind(whole, tuple(sides), halved)
    assert (read.shape, len(read), read.dtype) == (joined.shape, len(joined), joined.dtype)
    last = len(joined)
    mask = np.arange(last) % 2 == 0
    slices = [slice(None), slice(1, 4), slice(3, last), slice(6, None), slice(6, 8)]
    slices += [slice(2, 2), slice(7, 7), slice(0, 9, 2)]
    for index in [*slices, np.array([last - 1, 0, 6]), mask, 2, last - 1]:
        np.testing.assert_array_equal(read[index], joined[index])
        np.testing.assert_array_equal(read[index, 1:3], joined[index, 1:3])


def test_passes_begin_earlier_where_rows_have_weights():
    for n_features in (500, 44_850):
        shape = TrainingShape(MAX_WEIGHTED_SQUARE + 1, n_features, "shared", weighted=True)
        assert regressor_of(RIDGE).needs(shape) == regressor_of(STACK).needs(shape) == "passes"
    assert regressor_of(RIDGE).needs(replace(shape, weighted=False)) == "grams"


def test_scans_without_halves_are_refused(cohort):
    with pytest.raises(FeatureMismatchError, match="half_scans: expected halves"):
        cross_validate_clock(replace(cohort, halves=None), RIDGE)


@pytest.mark.parametrize(
    "changes",
    [{"estimator": "svr"}, {"ensemble": True}, {"bias_correction": "in_sample"}],
)
def test_what_halves_cannot_be_combined_with_is_said(changes):
    with pytest.raises(ValueError, match="half_scans"):
        ClockOptions(half_scans="half_weight", **changes)
