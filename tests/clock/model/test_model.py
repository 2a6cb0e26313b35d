"""A frozen clock: one scan scores as among a thousand, in one file, refusing what does not fit."""

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from brainage.clock import (
    BrainClock,
    ClockOptions,
    HarmonizationOptions,
    ValidationOptions,
    cross_validate_clock,
    fit_clock,
    gap_slope,
)
from brainage.connectivity import FeatureTable, View
from brainage.errors import FeatureMismatchError
from brainage.tables import SCORES, check_table

FAST = ValidationOptions(n_folds=4, n_bootstrap=30)
KINDS = {
    "ridge": {},
    "svr": {"estimator": "svr", "svr_c": (0.1,)},
    "polynomial": {"estimator": "svr", "svr_kernel": "poly", "svr_c": (2.0,)},
    "stack": {"estimator": "stacked", "views": ("fisher_z", "tangent")},
    "elastic net": {"estimator": "elastic_net"},
    "gaussian process": {"estimator": "gaussian_process"},
    "combat": {"harmonization": HarmonizationOptions(method="combat")},
    "tangent": {"views": ("tangent",)},
    "ensemble": {"ensemble": True},
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def _options(kind="ridge", **choices):
    return ClockOptions(**({"validation": FAST} | KINDS[kind] | choices))


@pytest.fixture(scope="module")
def cohort(make_cohort):
    return make_cohort(40, kinds=("fisher_z", "tangent"))


@pytest.fixture(scope="module")
def new(make_cohort):
    return make_cohort(7, kinds=("fisher_z", "tangent"), seed=1)


@pytest.fixture(scope="module")
def ridge(cohort):
    return fit_clock(cohort, _options())


def _changed(features, **changes):
    view = features.views["fisher_z"]
    spec = dataclasses.replace(view.spec, **changes)
    return FeatureTable({spec.kind: View(view.values, spec)}, features.rows)


@every_kind
def test_score_of_one_scan_equals_its_row_in_a_batch_to_the_bit(cohort, new, kind):
    clock = fit_clock(cohort, _options(kind))
    together = clock.score(new)
    check_table(together, SCORES, where="scores")
    for i in (0, 6):
        alone = clock.score(new.select([i]))
        assert alone.iloc[0].equals(together.iloc[i])


@every_kind
def test_a_saved_clock_scores_as_before_and_keeps_its_id(cohort, new, kind, tmp_path):
    clock = fit_clock(cohort, _options(kind))
    clock.save(tmp_path / "a.clock")
    again = BrainClock.load(tmp_path / "a.clock")
    assert again.clock_id == clock.clock_id
    assert again.score(new).equals(clock.score(new))
    assert again.card() == clock.card()


def test_two_trainings_on_the_same_data_give_the_same_file(cohort, ridge, tmp_path):
    ridge.save(tmp_path / "a.clock")
    fit_clock(cohort, _options()).save(tmp_path / "b.clock")
    assert (tmp_path / "a.clock").read_bytes() == (tmp_path / "b.clock").read_bytes()


def test_the_kept_clock_is_the_ridge_of_the_whole_cohort(cohort, new, ridge):
    X = cohort.views["fisher_z"].values.astype(float)
    y = cohort.rows["age_years"].to_numpy()
    peer = Ridge(ridge.facts["chosen"]["penalty"]).fit(X, y)
    expected = peer.predict(new.views["fisher_z"].values.astype(float))
    np.testing.assert_allclose(ridge.score(new)["predicted_age_years"], expected, atol=1e-8)


def test_gaps_are_prediction_minus_age_and_their_correction_the_frozen_line(new, ridge):
    scores = ridge.score(new)
    age, predicted = scores["age_years"], scores["predicted_age_years"]
    np.testing.assert_array_equal(scores["gap_years"], predicted - age)
    np.testing.assert_array_equal(
        scores["gap_corrected_years"], ridge.bias.corrected_gap(age.to_numpy(), predicted)
    )


def test_corrected_gaps_of_left_out_people_have_no_slope_on_age(cohort, ridge):
    rows = cross_validate_clock(cohort, _options()).predictions
    age = rows["age_years"].to_numpy()
    predicted = rows["predicted_age_years"].to_numpy()
    assert gap_slope(age, predicted - age).slope < -0.05
    assert gap_slope(age, ridge.bias.corrected_gap(age, predicted)).slope == pytest.approx(
        0, abs=1e-10
    )


def test_most_new_peoples_ages_lie_in_their_intervals(make_cohort):
    everyone = make_cohort(400)
    clock = fit_clock(everyone.select(np.arange(100)), _options())
    scores = clock.score(everyone.select(np.arange(100, 400)))
    age = scores["age_years"]
    covered = (scores["interval_low_years"] <= age) & (age <= scores["interval_high_years"])
    # 100 residuals and 300 new people: a true 90 % gives 0.83 to 0.97 nearly always.
    assert 0.83 < covered.mean() < 0.97


def test_ages_outside_the_reference_are_flagged(new, ridge):
    low, high = ridge.age_range_years
    rows = new.rows.assign(age_years=np.array([low - 1, low, 50, 51, high, high + 1, 52]))
    flags = ridge.score(FeatureTable(new.views, rows))["in_age_range"]
    assert flags.tolist() == [False, True, True, True, True, False, True]


def test_a_scan_unlike_the_reference_is_far_from_it(new, ridge):
    view = new.views["fisher_z"]
    far = FeatureTable({"fisher_z": View(view.values * 10, view.spec)}, new.rows)
    assert (ridge.score(far)["distance_percentile"] == 100).all()
    assert ridge.score(new)["distance_percentile"].median() < 99


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"atlas": "other"}, "atlas: expected toy, found other"),
        ({"cleaning_fingerprint": "raw"}, "cleaning_fingerprint: expected cleaned, found raw"),
        ({"shrinkage": "oas"}, "shrinkage: expected none, found oas"),
        ({"parcel_names": tuple("abcdefghij")}, "parcels: expected 10"),
        ({"kind": "pearson"}, "expected the view 'fisher_z'.*science.connectivity.kinds"),
    ],
)
def test_features_of_another_making_are_refused_by_name(new, ridge, changes, words):
    with pytest.raises(FeatureMismatchError, match=words):
        ridge.score(_changed(new, **changes))


def test_a_scan_with_missing_parcels_needs_a_rule_learnt_in_training(new, ridge):
    view = new.views["fisher_z"]
    values = view.values.copy()
    values[2, :9] = np.nan
    with pytest.raises(FeatureMismatchError, match="person002.*incomplete_scans: exclude"):
        ridge.score(FeatureTable({"fisher_z": View(values, view.spec)}, new.rows))


def test_the_file_of_a_linear_clock_holds_no_ids_ages_or_scans(cohort, ridge, tmp_path):
    ridge.save(tmp_path / "a.clock")
    content = (tmp_path / "a.clock").read_bytes()
    assert b"person0" not in content
    for age in np.sort(cohort.rows["age_years"].to_numpy())[1:-1]:
        assert age.tobytes() not in content
        assert repr(float(age)).encode() not in content
    for scan in cohort.views["fisher_z"].values:
        assert scan.tobytes() not in content
        assert scan.astype(float).tobytes() not in content


def test_the_card_states_cohort_accuracy_and_slopes(ridge):
    card = ridge.card()
    assert card["trained on"].startswith("40 scans of 40 people, ages ")
    mae = next(m for m in ridge.facts["metrics"] if m["metric"] == "MAE")
    assert card["MAE, 4-fold"].startswith(f"{mae['estimate']:.3f} [")
    assert card["gap slope on age, after"].startswith("0.000 [")
    assert card["participants' data in the file"].startswith("none")
