"""Repeated scans of a person are left out together where a penalty or a stack is chosen."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from brainage.clock import ClockOptions, RidgeClock, ValidationOptions, cross_validate_clock
from brainage.clock.options import PENALTIES
from brainage.clock.regressors.ridge import fit_ridge_on_gram
from brainage.clock.regressors.stacked import StackedClock, fit_stack_on_grams
from brainage.connectivity import FeatureTable, View

# Fewer scans than edges go through the Gram matrix, more through the edges.
SHAPES = [(40, 90), (120, 15)]


def _repeated(n_people, n_features, *, seed=0, person=1.0):
    """Return scans, ages and people: one to three scans each, alike within a person."""
    rng = np.random.default_rng(seed)
    people = np.repeat(np.arange(n_people), np.resize([1, 3, 2], n_people))
    age = rng.uniform(20, 80, n_people)
    own = 0.004 * np.outer(age - 50, rng.normal(size=n_features))
    own += person * rng.normal(size=own.shape)
    X = own[people] + 0.3 * rng.normal(size=(len(people), n_features))
    order = rng.permutation(len(people))
    return X[order], age[people][order], people[order]


def _left_out(X, age, people, penalty):
    predicted = np.empty(len(age))
    for one in np.unique(people):
        held_out = people == one
        ridge = Ridge(alpha=penalty, solver="svd").fit(X[~held_out], age[~held_out])
        predicted[held_out] = ridge.predict(X[held_out])
    return predicted


@pytest.mark.parametrize(("n_people", "n_features"), SHAPES)
def test_left_out_predictions_equal_refitting_without_each_person(n_people, n_features):
    X, age, people = _repeated(n_people, n_features)
    clock = RidgeClock().fit(X, age, groups=people)
    expected = _left_out(X, age, people, clock.penalty_)
    np.testing.assert_allclose(clock.left_out_, expected, rtol=1e-7)


def test_penalty_has_the_least_error_in_people_left_out():
    X, age, people = _repeated(24, 50)
    unit = np.trace((X - X.mean(0)) @ (X - X.mean(0)).T) / len(X)
    some = PENALTIES[::4]
    errors = [np.sum((_left_out(X, age, people, unit * p) - age) ** 2) for p in some]
    ridge = fit_ridge_on_gram(X @ X.T, age, groups=people, penalties=some)
    assert ridge.penalty == pytest.approx(unit * some[int(np.argmin(errors))])
    # Left out scan by scan, a person's other scans vouch for the interpolating clock.
    assert fit_ridge_on_gram(X @ X.T, age).penalty < ridge.penalty / 3


@pytest.mark.parametrize("seed", range(3))
def test_stack_lets_a_view_that_only_knows_the_person_say_little_of_new_people(seed):
    X, age, people = _repeated(150, 90, seed=seed, person=0.3)
    rng = np.random.default_rng(3)
    known = rng.normal(size=(150, 90))[people] + 0.1 * rng.normal(size=X.shape)
    new = rng.normal(size=(300, 90))

    def said_years(groups):
        stack = fit_stack_on_grams([X @ X.T, known @ known.T], age, groups=groups)
        return np.std(stack.view_weights[1] * (new @ known.T @ stack.views[1].dual))

    assert said_years(None) > 2
    assert said_years(people) < 0.5


def test_stack_of_columns_leaves_out_people_as_the_one_of_gram_matrices():
    X, age, people = _repeated(60, 90, person=0.3)
    blocks = [X[:, :40], X[:, 40:]]
    by_gram = fit_stack_on_grams([b @ b.T for b in blocks], age, groups=people)
    by_column = StackedClock(block_sizes=[40, 50]).fit(X, age, groups=people)
    np.testing.assert_allclose(by_column.view_weights_, by_gram.view_weights, rtol=1e-6, atol=1e-9)
    expected = _left_out(blocks[0], age, people, by_column.penalties_[0])
    np.testing.assert_allclose(by_column.level1_loo_[:, 0], expected, rtol=1e-6)


@pytest.mark.parametrize(("n_people", "n_features"), SHAPES)
def test_one_scan_a_person_changes_nothing(n_people, n_features):
    X, age, _ = _repeated(n_people, n_features)
    plain, named = (RidgeClock().fit(X, age, groups=g) for g in (None, np.arange(len(age))))
    scale = np.abs(plain.coef_).max()
    np.testing.assert_allclose(plain.coef_, named.coef_, rtol=0, atol=1e-9 * scale)
    np.testing.assert_allclose(plain.left_out_, named.left_out_, rtol=1e-9)
    grams = [X @ X.T, (X @ X.T) ** 2]
    stacks = [fit_stack_on_grams(grams, age, groups=g) for g in (None, np.arange(len(age)))]
    np.testing.assert_allclose(stacks[0].view_weights, stacks[1].view_weights, rtol=1e-9)


@pytest.mark.parametrize("p", [24, 8])
def test_every_fold_leaves_out_people_where_it_chooses(make_cohort, p):
    one = make_cohort(n=50, p=p, effect=0.003, seed=1)
    rng = np.random.default_rng(0)
    view = one.views["fisher_z"]
    rows = one.rows.loc[one.rows.index.repeat(3)].reset_index(drop=True)
    rows["session_id"] = np.tile(["a", "b", "c"], 50)
    values = np.repeat(view.values, 3, axis=0)
    values = (values + 0.05 * rng.normal(size=values.shape)).astype(np.float32)
    features = FeatureTable({"fisher_z": View(values, view.spec)}, rows)
    options = ClockOptions(validation=ValidationOptions(n_folds=5, n_bootstrap=0))
    cv = cross_validate_clock(features, options)
    person, by_scan = rows["participant_id"].to_numpy(), []
    for fit in cv.fits:
        X, age = values[fit.train].astype(float), rows["age_years"].to_numpy()[fit.train]
        wanted = fit_ridge_on_gram(X @ X.T, age, groups=person[fit.train])
        assert fit.model.chosen["penalty"] == pytest.approx(wanted.penalty, rel=1e-6)
        by_scan.append(fit_ridge_on_gram(X @ X.T, age).penalty)
    assert not np.allclose(by_scan, [fit.model.chosen["penalty"] for fit in cv.fits], rtol=0.1)
