"""Nothing passes from held-out people into training, in any path a clock can take."""

import numpy as np
import pytest

from brainage.clock import (
    AgeBiasCorrector,
    ClockOptions,
    HarmonizationOptions,
    ValidationOptions,
    cross_validate_clock,
    fit_clock,
)
from brainage.clock.regressors.gaussian_process import FittedGaussianProcess
from brainage.clock.training.metrics import accuracy
from brainage.connectivity import FeatureTable, View
from brainage.errors import CorrectedAccuracyError, LeakageError
from brainage.report import StudyResults, render_report

FOLDS = ValidationOptions(n_folds=3, n_bootstrap=0)
PATHS = {
    "ridge": {},
    "tuned svr": {"estimator": "svr", "svr_c": (1e-3, 1.0)},
    "polynomial svr": {"estimator": "svr", "svr_kernel": "poly", "svr_c": (2.0,)},
    "elastic net": {"estimator": "elastic_net"},
    "gaussian process": {"estimator": "gaussian_process"},
    "stack": {"estimator": "stacked", "views": ("fisher_z", "pearson")},
    "centred sites": {"harmonization": HarmonizationOptions(method="center")},
    "combat": {"harmonization": HarmonizationOptions(method="combat")},
    "combat that preserves age": {
        "harmonization": HarmonizationOptions(method="combat", preserve_age=True)
    },
    "tangent space": {"views": ("tangent",)},
    "direction from the mean": {
        "estimator": "stacked",
        "views": ("fisher_z", "log_correlation_direction"),
    },
    "harmonised tangent stack": {
        "estimator": "stacked",
        "views": ("tangent", "fisher_z"),
        "harmonization": HarmonizationOptions(method="combat"),
    },
    "missing parcels": {},
    "more scans than edges": {},
    "in-sample bias correction": {
        "estimator": "svr",
        "svr_c": (1e-2, 1.0),
        "bias_correction": "in_sample",
    },
    "balanced ages": {"validation": ValidationOptions(n_folds=3, n_bootstrap=0, stratify_age=True)},
}
# Folds of balanced ages are drawn from the ages themselves, so other ages give other folds.
SAME_FOLDS = [path for path in PATHS if path != "balanced ages"]
every_path = pytest.mark.parametrize("path", PATHS)


def _assert_close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9 * (np.abs(ours).max(initial=1e-12)))


def _numbers_of(model):
    """Return every number of a fitted model: intercept and duals or weights."""
    if isinstance(model, FittedGaussianProcess):
        return list(model.clock.to_arrays().values())
    return [np.array(model.intercept), *getattr(model, "duals", [])] + [
        np.asarray(getattr(model, name)) for name in ("coef", "dual") if hasattr(model, name)
    ]


def _options(path):
    return ClockOptions(**({"validation": FOLDS} | PATHS[path]))


def _cohort(make_cohort, path, *, effect=0.0, n=40):
    options = _options(path)
    p = 5 if path == "more scans than edges" else 10
    features = make_cohort(n, p=p, kinds=options.views, effect=effect, n_sites=3)
    if path != "missing parcels":
        return features
    view = features.views["fisher_z"]
    values = view.values.copy()
    values[::5, :9] = np.nan
    return FeatureTable({"fisher_z": View(values, view.spec)}, features.rows)


def _replace(features, *, views=None, **columns):
    rows = features.rows.assign(**columns)
    return FeatureTable(views or features.views, rows)


@pytest.mark.filterwarnings("ignore:harmonisation with preserve_age")
@every_path
def test_shuffled_ages_are_not_predicted(make_cohort, path):
    features = _cohort(make_cohort, path, effect=0.01)
    age = features.rows["age_years"].to_numpy()
    found = []
    for seed in range(20):
        shuffled = _replace(features, age_years=np.random.default_rng(seed).permutation(age))
        predictions = cross_validate_clock(shuffled, _options(path), seed=seed).predictions
        found.append(predictions[["age_years", "predicted_age_years"]].corr().iloc[0, 1])
    assert np.nanmean(found) <= 0.05


@pytest.mark.filterwarnings("ignore:harmonisation with preserve_age")
@pytest.mark.parametrize("path", SAME_FOLDS)
def test_held_out_features_and_ages_change_no_training_parameter(make_cohort, path):
    features = _cohort(make_cohort, path, effect=0.01)
    before = cross_validate_clock(features, _options(path))
    held_out = (before.predictions["fold"] == 1).to_numpy()
    rng = np.random.default_rng(9)
    views = {}
    for name, view in features.views.items():
        values = view.values.copy()
        if name == "tangent":
            values[held_out] *= 2
        else:
            values[held_out] += rng.normal(0, 1, values[held_out].shape).astype(np.float32)
        views[name] = View(values, view.spec)
    age = features.rows["age_years"].to_numpy().copy()
    age[held_out] = rng.uniform(20, 80, held_out.sum())
    after = cross_validate_clock(_replace(features, views=views, age_years=age), _options(path))
    first, second = before.fits[1], after.fits[1]
    # Equal up to the rounding of matrix products, which differs by machine.
    chosen = [np.hstack(list(fit.model.chosen.values())) for fit in (first, second)]
    np.testing.assert_allclose(*chosen, rtol=1e-9, atol=0)
    for ours, theirs in zip(_numbers_of(first.model), _numbers_of(second.model), strict=True):
        _assert_close(ours, theirs)
    for ours, theirs in zip(first.preparations, second.preparations, strict=True):
        (meta, arrays), (other, others) = (v.to_stored() for v in (ours, theirs))
        assert meta == other
        assert list(arrays) == list(others)
        for name, array in arrays.items():
            _assert_close(array, others[name])
    medians = [
        cv.predictions.loc[held_out, "median_age_years"].to_numpy() for cv in (before, after)
    ]
    np.testing.assert_array_equal(*medians)


def test_noise_has_no_accuracy_although_its_corrected_predictions_follow_age(make_cohort):
    features = make_cohort(80, effect=0.0)
    options = ClockOptions(validation=ValidationOptions(n_folds=5, n_bootstrap=0))
    cv = cross_validate_clock(features, options)
    metrics = cv.metrics.set_index("metric")["estimate"]
    age = cv.predictions["age_years"].to_numpy()
    predicted = cv.predictions["predicted_age_years"].to_numpy()
    corrected = AgeBiasCorrector("offset").fit(age, predicted).corrected_predicted(age, predicted)
    assert np.corrcoef(age, corrected)[0, 1] > 0.9
    # What the cross-validation calls accuracy is of the uncorrected predictions.
    assert metrics["r"] == pytest.approx(np.corrcoef(age, predicted)[0, 1], abs=1e-12)
    assert metrics["r"] < 0.3
    assert metrics["skill"] < 0.1


def test_the_same_scan_under_two_ids_is_refused(make_cohort):
    features = make_cohort(40)
    view = features.views["fisher_z"]
    values = view.values.copy()
    values[7] = values[3]
    copied = FeatureTable({"fisher_z": View(values, view.spec)}, features.rows)
    with pytest.raises(LeakageError, match="person003 and person007 have the same scan"):
        cross_validate_clock(copied, ClockOptions(validation=FOLDS))


def test_scans_that_lack_the_same_parcel_are_not_taken_for_copies(make_cohort):
    features = make_cohort(40, p=30)
    view = features.views["fisher_z"]
    values = view.values.copy()
    values[[3, 7], :29] = np.nan
    lacking = FeatureTable({"fisher_z": View(values, view.spec)}, features.rows)
    predictions = cross_validate_clock(lacking, ClockOptions(validation=FOLDS)).predictions
    assert np.isfinite(predictions["predicted_age_years"]).all()


@pytest.mark.parametrize(
    ("kind", "effect"), [("offset", 0.0), ("spline", 0.0), ("offset", 0.01), ("slope", 0.01)]
)
def test_the_accuracy_of_corrected_predictions_is_refused(make_cohort, tmp_path, kind, effect):
    features = make_cohort(80, effect=effect)
    options = ClockOptions(validation=ValidationOptions(n_folds=5, n_repeats=2, n_bootstrap=0))
    cv = cross_validate_clock(features, options)
    mean = cv.mean_predictions()
    age, predicted = mean["age_years"].to_numpy(), mean["predicted_age_years"].to_numpy()
    bias = AgeBiasCorrector(kind).fit(age, predicted)
    rows = cv.predictions
    corrected = rows.assign(
        predicted_age_years=bias.corrected_predicted(
            rows["age_years"].to_numpy(), rows["predicted_age_years"].to_numpy()
        )
    )
    accuracy(rows)
    with pytest.raises(CorrectedAccuracyError, match="That is no accuracy"):
        accuracy(corrected)
    page = tmp_path / "report.html"
    raw = StudyResults(title="raw", predictions=mean, metrics=cv.metrics)
    render_report(raw, page, figure_files=())
    told = page.read_text()
    assert "Accuracy computed after age-bias correction is not accuracy" in told.replace("\n", " ")
    with pytest.raises(CorrectedAccuracyError, match="no slope on age at all"):
        render_report(StudyResults(title="corrected", predictions=corrected), page)
    assert page.read_text() == told


def test_one_scans_score_does_not_depend_on_the_ages_of_others(make_cohort):
    features = make_cohort(40)
    clock = fit_clock(features, ClockOptions(validation=FOLDS))
    new = make_cohort(5, seed=1)
    before = clock.score(new)["predicted_age_years"]
    after = clock.score(_replace(new, age_years=np.linspace(30, 70, 5)))["predicted_age_years"]
    np.testing.assert_array_equal(before, after)
