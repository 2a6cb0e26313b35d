"""Intervals of clocks that learn of the features first: each fold model prepares its own."""

import numpy as np
import pytest

from brainage.clock import (
    BrainClock,
    ClockOptions,
    HarmonizationOptions,
    TangentOptions,
    ValidationOptions,
    cross_validate_clock,
    fit_clock,
)
from brainage.clock.evaluation.explain import explain_clock
from brainage.clock.model.clockfile import read_clock_file, write_clock_file
from brainage.clock.regressors.age_scale import to_years
from brainage.connectivity import FeatureTable, View
from brainage.errors import ClockFileError

FOLDS = ValidationOptions(n_folds=4, n_bootstrap=0)
KINDS = {
    "tangent": {"views": ("tangent",)},
    "affine-invariant tangent": {
        "views": ("tangent",),
        "tangent": TangentOptions(reference="affine_invariant", log_map="affine_invariant"),
    },
    "stack with tangent": {"estimator": "stacked", "views": ("fisher_z", "tangent")},
    "missing parcels": {},
    "elastic net, missing parcels": {"estimator": "elastic_net"},
}
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def cohort(make_cohort):
    return make_cohort(40, kinds=("fisher_z", "tangent"))


def _lacking(features, scans):
    view = features.views["fisher_z"]
    values = view.values.copy()
    values[np.ix_(scans, np.arange(9))] = np.nan
    return FeatureTable({**features.views, "fisher_z": View(values, view.spec)}, features.rows)


def _of(kind, cohort):
    features = _lacking(cohort, [3, 11, 20]) if "missing" in kind else cohort
    options = ClockOptions(**({"validation": FOLDS} | KINDS[kind]))
    return features, options, cross_validate_clock(features, options)


@every_kind
def test_stored_fold_models_predict_the_scans_they_were_tested_on(cohort, kind):
    features, options, cv = _of(kind, cohort)
    clock = fit_clock(features, options, cv=cv)
    assert clock.facts["intervals"].startswith("90 % by CV+")
    for k, prepared in enumerate(clock.fold_preparations):
        held_out = np.flatnonzero(cv.predictions["fold"] == k)
        x = np.hstack(
            [
                step.transform(np.asarray(features.views[name].values), features.rows)[held_out]
                for name, step in zip(options.views, prepared, strict=True)
            ]
        )
        sums = x @ clock.fold_weights[k] + clock.fold_intercepts[k]
        expected = cv.predictions["predicted_age_years"].to_numpy()[held_out]
        np.testing.assert_allclose(to_years(sums, clock.fold_scales[k]), expected, atol=1e-6)
    assert len(clock.fold_preparations) == 4


@every_kind
def test_a_saved_clock_keeps_what_its_fold_models_do(cohort, kind, tmp_path):
    features, options, cv = _of(kind, cohort)
    clock = fit_clock(features, options, cv=cv)
    clock.save(tmp_path / "a.clock")
    again = BrainClock.load(tmp_path / "a.clock")
    scores = clock.score(features)
    assert again.score(features).equals(scores)
    assert clock.score(features.select([11])).iloc[0].equals(scores.iloc[11])
    meta, arrays = read_clock_file(tmp_path / "a.clock")
    write_clock_file(
        tmp_path / "b.clock", {**meta, "fold_preparations": meta["fold_preparations"][1:]}, arrays
    )
    with pytest.raises(ClockFileError, match="not a brain clock"):
        BrainClock.load(tmp_path / "b.clock")


def test_stability_is_of_predictions_in_each_fold_models_own_tangent_space(cohort):
    features, options, cv = _of("tangent", cohort)
    table = explain_clock(fit_clock(features, options, cv=cv), features).stability
    assert set(table["of"]) == {"weights", "pattern"}
    assert np.isfinite(table.select_dtypes("number").to_numpy()).all()


def test_a_parcel_missing_only_in_a_held_out_scan_is_filled_by_its_fold(cohort):
    features = _lacking(cohort, [3])
    options = ClockOptions(validation=FOLDS)
    cv = cross_validate_clock(features, options)
    assert np.isfinite(cv.predictions["predicted_age_years"]).all()
    fold = int(cv.predictions["fold"][3])
    train = cv.fits[fold].train
    filled = cv.fits[fold].preparations[0].imputer.fill_[:9]
    expected = features.views["fisher_z"].values[train, :9].mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(filled, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("choices", "n"),
    [
        ({"harmonization": HarmonizationOptions(method="center")}, 40),
        ({"harmonization": HarmonizationOptions(method="combat"), "views": ("tangent",)}, 40),
        ({"views": ("tangent",)}, 16),
    ],
    ids=["centred sites", "harmonised tangent", "folds of four scans"],
)
def test_no_fold_preparation_is_kept_that_would_give_back_single_people(make_cohort, choices, n):
    features = make_cohort(n, kinds=("fisher_z", "tangent"))
    clock = fit_clock(features, ClockOptions(**({"validation": FOLDS} | choices)))
    assert clock.fold_preparations == ()
    assert len(clock.fold_weights) == 0
    assert "around the final prediction" in clock.facts["intervals"]
    scores = clock.score(features)
    middle = (scores["interval_low_years"] + scores["interval_high_years"]) / 2
    np.testing.assert_allclose(middle, scores["predicted_age_years"], atol=1e-9)
