"""Any scikit-learn regressor can be judged by the same folds; linear ones can be kept."""

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import BayesianRidge, LinearRegression, PoissonRegressor, Ridge
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVR, LinearSVR

from brainage.clock import (
    BrainClock,
    ClockOptions,
    ValidationOptions,
    cross_validate_clock,
    fit_clock,
    why_not_kept,
)
from brainage.clock.regressors.foreign import line_of
from brainage.clock.training.validation import CHOSEN
from brainage.errors import BrainAgeError
from brainage.tables import read_table

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


@pytest.mark.parametrize(
    ("estimator", "choices", "peer"),
    [
        ("sklearn.cross_decomposition.PLSRegression", {"n_components": 3}, PLSRegression(3)),
        ("sklearn.linear_model.Ridge", {"alpha": 10.0}, Ridge(10.0)),
        ("sklearn.svm.LinearSVR", {"random_state": 0}, LinearSVR(random_state=0)),
    ],
)
def test_a_study_may_name_a_regressor_that_turns_out_linear_and_keep_it(
    cohort, tmp_path, estimator, choices, peer
):
    options = ClockOptions(
        estimator=estimator, estimator_options=choices, validation=OPTIONS.validation
    )
    clock = fit_clock(cohort, options)
    clock.save(tmp_path / "a.clock")
    X = cohort.views["fisher_z"].values
    expected = peer.fit(X, cohort.rows["age_years"]).predict(X).ravel()
    scores = BrainClock.load(tmp_path / "a.clock").score(cohort)
    np.testing.assert_allclose(scores["predicted_age_years"], expected, atol=1e-3)
    assert clock.facts["estimator"] == type(peer).__name__


@pytest.mark.parametrize(
    "regressor",
    [
        make_pipeline(StandardScaler(), Ridge()),
        make_pipeline(PCA(5, random_state=0), LinearRegression()),
        TransformedTargetRegressor(Ridge(), transformer=StandardScaler()),
    ],
)
def test_pipelines_of_linear_steps_are_one_weight_vector_after_all(cohort, regressor):
    X, age = cohort.views["fisher_z"].values.astype(float), cohort.rows["age_years"].to_numpy()
    coef, intercept = line_of(regressor.fit(X, age), X)
    new = np.random.default_rng(0).normal(size=(20, X.shape[1]))
    np.testing.assert_allclose(new @ coef + intercept, regressor.predict(new), rtol=1e-6)


@pytest.mark.parametrize(
    "regressor",
    [
        KNeighborsRegressor(3),
        PoissonRegressor(),
        make_pipeline(StandardScaler(), SVR()),
        RandomForestRegressor(5, random_state=0),
        make_pipeline(PolynomialFeatures(2), Ridge()),
        TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp),
    ],
)
def test_what_is_not_linear_is_never_taken_for_a_line(cohort, regressor):
    X, age = cohort.views["fisher_z"].values[:, :12], cohort.rows["age_years"].to_numpy()
    assert line_of(regressor.fit(X, age), X) is None


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"estimator": "os.system"}, "import path of a scikit-learn"),
        ({"estimator": "rigde"}, "Did you mean 'ridge'"),
        ({"estimator_options": {"alpha": 1.0}}, "only with an import path"),
    ],
)
def test_a_study_names_regressors_of_scikit_learn_alone(choices, words):
    with pytest.raises(ValueError, match=words):
        ClockOptions(**choices)


def test_an_option_that_a_regressor_does_not_have_is_named(cohort):
    options = ClockOptions(estimator="sklearn.linear_model.Ridge", estimator_options={"alhpa": 1.0})
    with pytest.raises(BrainAgeError, match="no option 'alhpa'. Did you mean 'alpha'"):
        cross_validate_clock(cohort, options)


@pytest.mark.parametrize(
    ("estimator", "choices", "kept"),
    [
        ("sklearn.neighbors.KNeighborsRegressor", {"n_neighbors": 3}, False),
        ("sklearn.linear_model.PoissonRegressor", {}, False),
        ("sklearn.cross_decomposition.PLSRegression", {"n_components": 3}, True),
        # More components than the made-up numbers have: not known before the real ones.
        ("sklearn.cross_decomposition.PLSRegression", {"n_components": 40}, True),
        ("ridge", {}, True),
    ],
)
def test_whether_a_clock_can_be_kept_is_known_before_it_is_trained(estimator, choices, kept):
    options = ClockOptions(estimator=estimator, estimator_options=choices)
    assert (why_not_kept(options) is None) == kept


def test_a_regressor_that_chooses_nothing_leaves_a_table_that_can_be_read(cohort, tmp_path):
    options = ClockOptions(
        estimator="sklearn.linear_model.Ridge",
        estimator_options={"alpha": 10.0},
        validation=OPTIONS.validation,
    )
    cross_validate_clock(cohort, options).save(tmp_path)
    assert read_table(tmp_path / "chosen.tsv", CHOSEN).empty
