"""Series depth on disk: same bytes for any number of processes, resumable, arms kept apart."""

import numpy as np
import pandas as pd
import pytest

from brainage.connectivity import build_features
from brainage.errors import StageError
from brainage.series import find_series
from brainage.synthetic import make_study, write_study
from brainage.tables import read_people


@pytest.fixture(scope="module")
def written(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    write_study(study, folder)
    return folder


@pytest.fixture(scope="module")
def counterfactual(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("counterfactual")
    write_study(study, folder, counterfactual=True)
    return folder


def test_bytes_do_not_depend_on_the_number_of_processes(
    hashes, parcels, options, written, tmp_path
):
    write_study(make_study(options, seed=3, parcels=parcels), tmp_path, n_jobs=2)
    assert hashes(tmp_path) == hashes(written)


def test_another_seed_gives_other_scans(hashes, parcels, options, written, tmp_path):
    write_study(make_study(options, seed=4, parcels=parcels), tmp_path)
    first = "reference/series/sub-R0001/func/sub-R0001_task-rest_atlas-lattice_timeseries.tsv"
    assert hashes(tmp_path)[first] != hashes(written)[first]


@pytest.mark.parametrize("cohort", ["reference", "trial"])
def test_what_is_written_reads_back_as_the_features_drawn_directly(study, written, cohort):
    folder = written / cohort
    sessions = folder / "sessions.tsv" if cohort == "trial" else None
    people = read_people(folder / "participants.tsv", sessions)
    built = build_features(find_series(folder / "series"), people)
    drawn = study.features(cohort)
    keys = ["participant_id", "session_id"]
    order = built.rows.merge(drawn.rows[keys].reset_index(), on=keys, how="left")["index"]
    assert len(built) == len(drawn)
    np.testing.assert_allclose(built["fisher_z"].values, drawn["fisher_z"].values[order], atol=2e-3)
    for column in ("age_years", "sex", "site", "scanner"):
        assert built.rows[column].tolist() == drawn.rows[column].iloc[order].tolist()


def test_features_do_not_depend_on_the_number_of_processes(study):
    one, two = (study.features("trial", n_jobs=n)["fisher_z"].values for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_arms_stand_in_no_table_that_scoring_reads(written):
    for name in ("participants.tsv", "sessions.tsv"):
        text = (written / "trial" / name).read_text()
        assert "arm" not in text.splitlines()[0].split("\t")
        assert "HRT" not in text
    assert "arm" in (written / "trial" / "allocation.tsv").read_text().splitlines()[0].split("\t")


def test_counterfactual_equals_the_study_where_no_arm_had_an_effect(
    hashes, study, written, counterfactual
):
    here, there = hashes(written / "trial" / "series"), hashes(counterfactual / "trial" / "series")
    assert here.keys() == there.keys()
    scans = study.scans("trial")
    untouched = scans[(scans["effect_years"] == 0) & (scans["regional_z"] == 0)]
    names = {(row["participant_id"], row["session_id"]) for _, row in untouched.iterrows()}
    for name in here:
        parts = name.split("/")
        scan = (parts[0].removeprefix("sub-"), parts[1].removeprefix("ses-"))
        if name.endswith(".tsv"):
            assert (here[name] == there[name]) == (scan in names), name


def test_counterfactual_writes_no_reference_scans(counterfactual):
    assert not (counterfactual / "reference" / "series").exists()


def test_counterfactual_scan_has_the_same_noise(study):
    scans = study.scans("trial")
    row = scans[(scans["arm"] == "HRT") & (scans["visit"] == 2)].iloc[0]
    change = study.coefficients(row) - study.coefficients(row, counterfactual=True)
    assert 0 < change.std() < 0.2 * study.coefficients(row).std()


def test_a_second_run_makes_only_what_is_missing(hashes, parcels, options, written, tmp_path):
    study = make_study(options, seed=3, parcels=parcels)
    write_study(study, tmp_path)
    files = sorted((tmp_path / "trial" / "series").rglob("*.tsv"))
    files[3].unlink()
    before = files[0].stat().st_mtime_ns
    write_study(study, tmp_path)
    assert hashes(tmp_path) == hashes(written)
    assert files[0].stat().st_mtime_ns == before


def test_a_folder_of_another_study_is_refused(parcels, options, written):
    other = make_study(options, seed=4, parcels=parcels)
    with pytest.raises(StageError, match="found another one"):
        write_study(other, written)


def test_truth_on_disk_is_the_truth_planted(study, written):
    table = pd.read_csv(
        written / "truth.tsv", sep="\t", keep_default_na=False, float_precision="round_trip"
    )
    np.testing.assert_array_equal(table["brain_age_years"], study.truth["brain_age_years"])
    assert (written / "planted.json").read_text().count("mean_planted_years") == 1
