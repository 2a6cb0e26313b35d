"""Who is held out with whom, and what a cross-validation says of it."""

import numpy as np
import pandas as pd
import pytest

from brainage.clock import ClockOptions, ValidationOptions, cross_validate_clock
from brainage.clock.training.validation import METRICS, PREDICTIONS
from brainage.connectivity import FeatureTable, View, ViewSpec
from brainage.errors import BrainAgeError
from brainage.tables import check_table, read_table


def test_repr_fits_on_a_screen_and_names_cohort_and_accuracy(make_cohort):
    options = ClockOptions(validation=ValidationOptions(n_folds=4, n_bootstrap=0))
    cv = cross_validate_clock(make_cohort(40), options)
    assert repr(cv).startswith("CrossValidation: 40 scans of 40 people, 4 folds x 1")
    assert max(map(len, repr(cv).splitlines())) <= 100
    assert "MAE" in cv._repr_html_()


def test_every_scan_is_predicted_once_a_repeat_and_once_by_other_sites(make_cohort, tmp_path):
    features = make_cohort(40, n_sites=3)
    validation = ValidationOptions(n_folds=4, n_repeats=3, leave_one_site_out=True, n_bootstrap=20)
    cv = cross_validate_clock(features, ClockOptions(validation=validation))
    check_table(cv.predictions, PREDICTIONS, where="predictions")
    check_table(cv.metrics, METRICS, where="metrics")
    ids = features.rows["participant_id"].tolist()
    for _, repeat in cv.predictions.groupby("repeat"):
        assert repeat["participant_id"].tolist() == ids
    by_site = cv.leave_one_site_out
    assert by_site["participant_id"].tolist() == ids
    assert (by_site.groupby("site")["fold"].nunique() == 1).all()
    folds = cv.predictions.groupby("repeat")["fold"].apply(tuple)
    assert folds.nunique() == 3
    cv.save(tmp_path)
    read = read_table(tmp_path / "cross_validation.tsv", PREDICTIONS)
    np.testing.assert_array_equal(
        read["predicted_age_years"], cv.predictions["predicted_age_years"]
    )


def test_median_ages_are_of_the_training_people(make_cohort):
    features = make_cohort(30)
    options = ClockOptions(validation=ValidationOptions(n_folds=3, n_bootstrap=0))
    predictions = cross_validate_clock(features, options).predictions
    for fold, held_out in predictions.groupby("fold"):
        others = predictions.loc[predictions["fold"] != fold, "age_years"]
        assert (held_out["median_age_years"] == others.median()).all()


def test_the_same_seed_gives_the_same_table_and_another_seed_other_folds(make_cohort):
    features = make_cohort(40)
    options = ClockOptions(validation=ValidationOptions(n_folds=4, n_bootstrap=50))
    first, same, other = (cross_validate_clock(features, options, seed=s) for s in (0, 0, 1))
    assert first.predictions.equals(same.predictions)
    assert first.metrics.equals(same.metrics)
    assert not first.predictions["fold"].equals(other.predictions["fold"])


def test_chosen_hyperparameters_are_listed_per_fold(make_cohort):
    options = ClockOptions(
        estimator="svr", svr_c=(0.01, 1.0), validation=ValidationOptions(n_folds=4, n_bootstrap=0)
    )
    chosen = cross_validate_clock(make_cohort(40), options).chosen
    assert chosen["parameter"].unique().tolist() == ["c"]
    assert chosen["fold"].tolist() == [0, 1, 2, 3]
    assert set(chosen["value"]) <= {0.01, 1.0}


@pytest.mark.parametrize(
    ("ages", "words"), [(np.nan, "expected an age for every scan, found 30"), (50.0, "different")]
)
def test_ages_that_are_missing_or_all_equal_are_refused(make_cohort, ages, words):
    features = make_cohort(30)
    table = FeatureTable(features.views, features.rows.assign(age_years=ages))
    with pytest.raises(BrainAgeError, match=words):
        cross_validate_clock(table, ClockOptions())


@pytest.mark.real_data
@pytest.mark.slow
def test_ridge_and_levakov_on_abide_err_as_measured_before(real_data):
    """Figures of the science page, section 4: within 0.03 years."""
    features = _abide(real_data)
    validation = ValidationOptions(leave_one_site_out=True, n_bootstrap=0)
    found = {}
    for name, choices in {
        "ridge": {},
        "levakov": {"estimator": "svr", "svr_c": (1.0,), "svr_epsilon": 0.1},
    }.items():
        options = ClockOptions(validation=validation, **choices)
        metrics = cross_validate_clock(features, options).metrics
        found[name] = metrics.loc[metrics["metric"] == "MAE", "estimate"].tolist()
    np.testing.assert_allclose(found["ridge"], [3.36, 3.95], atol=0.03)
    np.testing.assert_allclose(found["levakov"], [3.36, 3.96], atol=0.03)


def _abide(real_data):
    """Return Fisher z of the 457 scans in which 376 regions vary."""
    folder = real_data / "abide_controls"
    with np.load(folder / "abide_controls_cc400.npz", allow_pickle=False) as stored:
        ids, counts = stored["file_ids"].astype(str), stored["n_volumes"]
        values, scale = stored["values"], stored["scale"]
    stops = np.cumsum(counts)
    scans = [values[b - n : b] * s for b, n, s in zip(stops, counts, scale, strict=True)]
    varies = np.array([scan.std(axis=0) > 0 for scan in scans])
    regions = varies.mean(axis=0) >= 0.99
    kept = np.flatnonzero(varies[:, regions].all(axis=1))
    upper = np.triu_indices(int(regions.sum()), 1)
    z = np.array(
        [np.arctanh(np.corrcoef(scans[i][:, regions].T.astype(float))[upper]) for i in kept]
    ).astype(np.float32)
    people = pd.read_csv(folder / "Phenotypic_V1_0b_preprocessed1.csv").set_index("FILE_ID")
    people = people.loc[ids[kept]]
    names = tuple(f"roi{i}" for i in np.flatnonzero(regions))
    spec = ViewSpec("fisher_z", "none", "upper", names, (None,) * len(names), "cc400", "c-pac")
    rows = pd.DataFrame(
        {
            "participant_id": ids[kept],
            "session_id": "n/a",
            "age_years": people["AGE_AT_SCAN"].to_numpy(float),
            "sex": None,
            "site": people["SITE_ID"].to_numpy(str),
            "scanner": None,
            "family_id": None,
            "mean_fd_mm": np.nan,
            "retained_s": np.nan,
        }
    )
    return FeatureTable({"fisher_z": View(z, spec)}, rows)
