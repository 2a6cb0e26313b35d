"""Scans are found by name alone; a repetition time is believed only where it is stated."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from brainage.errors import BrainAgeWarning, ScanError, TableError
from brainage.imaging import Scan, find_scans

MNI = "space-MNI152NLin2009cAsym"


def _touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def _run(folder: Path, stem: str, *, form: str = MNI, confounds: str = "timeseries") -> None:
    _touch(folder, f"{stem}_{form}_desc-preproc_bold.nii.gz")
    _touch(
        folder,
        f"{stem}_{form}_desc-brain_mask.nii.gz",
        f"{stem}_{form}_desc-preproc_bold.json",
        f"{stem}_desc-confounds_{confounds}.tsv",
        f"{stem}_desc-confounds_{confounds}.json",
        f"{stem}_{form}_boldref.nii.gz",
    )


def test_sessions_runs_and_their_files_are_matched_by_entities(tmp_path):
    func = tmp_path / "sub-02" / "ses-1y" / "func"
    _run(func, "sub-02_ses-1y_task-rest_run-2")
    _run(func, "sub-02_ses-1y_task-rest_run-1", confounds="regressors")
    _run(tmp_path / "sub-01" / "func", "sub-01_task-rest")
    _touch(tmp_path, "sub-01.html", "dataset_description.json")
    scans = find_scans(tmp_path)
    assert [(s.participant_id, s.session_id, s.run, s.task) for s in scans] == [
        ("01", "n/a", "n/a", "rest"),
        ("02", "1y", "1", "rest"),
        ("02", "1y", "2", "rest"),
    ]
    one, two = scans[1:]
    assert one.confounds.name == "sub-02_ses-1y_task-rest_run-1_desc-confounds_regressors.tsv"
    assert two.confounds.name == "sub-02_ses-1y_task-rest_run-2_desc-confounds_timeseries.tsv"
    assert two.mask.name == f"sub-02_ses-1y_task-rest_run-2_{MNI}_desc-brain_mask.nii.gz"
    assert {s.space for s in scans} == {"MNI152NLin2009cAsym"}
    assert {s.t_r_s for s in scans} == {None}


def test_a_func_beside_sessions_is_found_and_a_copy_of_one_is_not(tmp_path):
    for folder in ("func", "ses-1/func", "func_old", "ses-1/func.bak"):
        session = "_ses-1" if "ses-1" in folder else ""
        _run(tmp_path / "sub-01" / folder, f"sub-01{session}_task-rest")
    assert [scan.session_id for scan in find_scans(tmp_path)] == ["1", "n/a"]


def test_several_spaces_are_refused_with_their_names_until_one_is_chosen(tmp_path):
    func = tmp_path / "sub-01" / "func"
    for form in (MNI, "space-MNI152NLin6Asym_res-2", "space-MNI152NLin6Asym_res-1"):
        _run(func, "sub-01_task-rest", form=form)
    _touch(
        func, "sub-01_task-rest_desc-preproc_bold.nii.gz", "sub-01_task-rest_desc-brain_mask.nii.gz"
    )
    with pytest.raises(ScanError, match="native.*paths.<cohort>.space"):
        find_scans(tmp_path)
    with pytest.raises(ScanError, match="MNI152NLin6Asym:res-1.*MNI152NLin6Asym:res-2"):
        find_scans(tmp_path, space="MNI152NLin6Asym")
    (scan,) = find_scans(tmp_path, space="MNI152NLin6Asym:res-2")
    assert "_res-2_" in scan.bold.name
    assert "_res-2_" in scan.mask.name
    assert scan.confounds.name == "sub-01_task-rest_desc-confounds_timeseries.tsv"
    (native,) = find_scans(tmp_path, space="native")
    assert native.mask.name == "sub-01_task-rest_desc-brain_mask.nii.gz"
    (mni,) = find_scans(tmp_path, space="MNI152NLin2009cAsym")
    assert mni.space == "MNI152NLin2009cAsym"


def test_surface_scans_are_found_where_their_space_is_asked_for(tmp_path):
    func = tmp_path / "sub-01" / "func"
    _run(func, "sub-01_task-rest")
    _touch(func, "sub-01_task-rest_space-fsLR_den-91k_bold.dtseries.nii")
    (scan,) = find_scans(tmp_path, space="fsLR")
    assert scan.bold.name == "sub-01_task-rest_space-fsLR_den-91k_bold.dtseries.nii"
    assert scan.confounds.name == "sub-01_task-rest_desc-confounds_timeseries.tsv"
    assert len(find_scans(tmp_path)) == 1


def test_acquisitions_and_directions_are_runs_and_echoes_are_not(tmp_path):
    func = tmp_path / "sub-01" / "func"
    _run(func, "sub-01_task-rest_dir-AP")
    _run(func, "sub-01_task-rest_dir-PA")
    _run(func, "sub-01_task-rest_dir-PA_echo-1")
    assert [s.run for s in find_scans(tmp_path)] == ["AP", "PA"]


def test_a_run_of_one_echo_that_was_not_combined_is_the_run(tmp_path):
    func = tmp_path / "sub-01" / "func"
    _run(func, "sub-01_task-rest_run-1_echo-1")
    _run(func, "sub-01_task-rest_run-2_echo-1", confounds="regressors")
    _touch(func, "sub-01_task-rest_run-1_desc-confounds_timeseries.tsv")
    (func / "sub-01_task-rest_run-1_echo-1_desc-confounds_timeseries.tsv").unlink()
    for echo in (1, 2, 3):
        _run(func, f"sub-01_task-rest_run-3_echo-{echo}")
    with pytest.warns(BrainAgeWarning, match=r"1 run\(s\) .* single echoes only .*run-3_echo-1"):
        one, two = find_scans(tmp_path)
    assert (one.run, two.run) == ("1", "2")
    assert one.confounds.name == "sub-01_task-rest_run-1_desc-confounds_timeseries.tsv"
    assert two.confounds.name == "sub-01_task-rest_run-2_echo-1_desc-confounds_regressors.tsv"
    assert all(scan.mask for scan in (one, two))


def test_reconstructions_are_runs_and_two_runs_of_one_label_are_refused(tmp_path):
    func = tmp_path / "sub-01" / "func"
    _run(func, "sub-01_task-rest_rec-norm_run-1")
    _run(func, "sub-01_task-rest_rec-dis2d_run-1")
    _run(func, "sub-01_task-rest_ce-gd_run-1")
    assert [s.run for s in find_scans(tmp_path)] == ["dis2d1", "gd1", "norm1"]
    _run(func, "sub-01_task-rest_acq-1_run-11")
    _run(func, "sub-01_task-rest_acq-11_run-1")
    with pytest.raises(ScanError, match="would both be run '111'.*in a table"):
        find_scans(tmp_path)


def test_the_folder_above_is_told_from_an_empty_one(tmp_path):
    _run(tmp_path / "fmriprep" / "sub-01" / "func", "sub-01_task-rest")
    with pytest.raises(ScanError, match="found none. Try fmriprep in it"):
        find_scans(tmp_path)


def test_tasks_are_chosen_and_absent_ones_listed(tmp_path):
    func = tmp_path / "sub-01" / "func"
    _run(func, "sub-01_task-rest")
    _run(func, "sub-01_task-nback")
    assert [s.task for s in find_scans(tmp_path, task="rest")] == ["rest"]
    with pytest.raises(ScanError, match=r"no scan of task movie.*\['nback', 'rest'\]"):
        find_scans(tmp_path, task="movie")
    with pytest.raises(ScanError, match="in space MNI152NLin6Asym.*MNI152NLin2009cAsym"):
        find_scans(tmp_path, space="MNI152NLin6Asym")


def test_empty_and_unreadable_folders_are_said_to_be_so(tmp_path):
    with pytest.raises(ScanError, match="found none"):
        find_scans(tmp_path)
    with pytest.raises(TableError, match="no such file"):
        find_scans(tmp_path / "absent")
    _touch(tmp_path / "sub-01" / "func" / "x", "y")
    with pytest.raises(ScanError, match="found none"):
        find_scans(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_rights_is_named(tmp_path):
    func = tmp_path / "sub-01" / "func"
    _run(func, "sub-01_task-rest")
    func.chmod(0)
    with pytest.raises(ScanError, match="cannot be listed"):
        find_scans(tmp_path)
    func.chmod(0o700)


def test_every_run_of_a_full_folder_has_its_own_mask_and_confounds(tmp_path):
    for person in range(3):
        func = tmp_path / f"sub-{person:04d}" / "func"
        func.mkdir(parents=True)
        for run in range(1, 12):
            stem = f"sub-{person:04d}_task-rest_run-{run}"
            for ending in (
                f"{MNI}_desc-preproc_bold.nii.gz",
                f"{MNI}_desc-preproc_bold.json",
                f"{MNI}_desc-brain_mask.nii.gz",
                f"{MNI}_desc-brain_mask.json",
                f"{MNI}_boldref.nii.gz",
                "desc-confounds_timeseries.tsv",
                "desc-confounds_timeseries.json",
                "desc-hmc_boldref.nii.gz",
                "from-boldref_to-T1w_mode-image_desc-coreg_xfm.txt",
                "desc-coreg_boldref.nii.gz",
            ):
                (func / f"{stem}_{ending}").touch()
    scans = find_scans(tmp_path)
    assert len(scans) == 33
    for scan in scans:
        of_run = f"sub-{scan.participant_id}_task-rest_run-{scan.run}_"
        assert scan.mask.name.startswith(of_run)
        assert scan.confounds.name.startswith(of_run)


def test_a_run_numbered_1_and_01_is_one_run_twice_and_two_people_stay_two(tmp_path):
    names = [("sub-1", "run-1"), ("sub-01", "run-1")]
    for person, run in names:
        func = tmp_path / person / "func"
        func.mkdir(parents=True)
        (func / f"{person}_task-rest_{run}_{MNI}_desc-preproc_bold.nii.gz").touch()
    assert len(find_scans(tmp_path)) == 2
    (func / f"sub-01_task-rest_run-01_{MNI}_desc-preproc_bold.nii.gz").touch()
    with pytest.raises(ScanError, match="one run in several forms.*differ in run"):
        find_scans(tmp_path)


def test_a_table_lists_files_relative_to_itself(tmp_path):
    table = tmp_path / "scans.csv"
    table.write_text(
        "path,participant_id,session_id,run,task,space,confounds,mask,t_r_s\n"
        "data/a.nii.gz,sub-01,ses-base,run-1,rest,MNI152NLin6Asym,data/a.tsv,,2.5\n"
        f"{tmp_path}/b.nii,02,,,,n/a,n/a,m.nii.gz,n/a\n"
    )
    one, two = find_scans(table)
    assert one == Scan(
        "01",
        "base",
        "1",
        "rest",
        "MNI152NLin6Asym",
        tmp_path / "data/a.nii.gz",
        tmp_path / "data/a.tsv",
        None,
        2.5,
    )
    assert two == Scan(
        "02", "n/a", "n/a", "n/a", None, tmp_path / "b.nii", None, tmp_path / "m.nii.gz", None
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path\tid\na\t1\n", "expected the columns path and participant_id"),
        ("path\tparticipant_id\na\t1\nb\t1\n", "lines 2 and 3: two rows for participant 1"),
        ("path\tparticipant_id\n\t1\n", "line 2: path and participant_id are needed"),
        ("path\tparticipant_id\tt_r_s\na\t1\ttwo\n", "t_r_s must be seconds, found 'two'"),
        ("path\tparticipant_id\na\t1/2\n", "letters and digits"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(tmp_path, text, words):
    table = tmp_path / "scans.tsv"
    table.write_text(text)
    with pytest.raises(TableError, match=words):
        find_scans(table)


def test_the_age_group_of_a_template_is_no_part_of_the_run(tmp_path):
    form = "space-MNIPediatricAsym_cohort-2_res-2"
    _run(tmp_path / "sub-01" / "func", "sub-01_task-rest", form=form)
    (scan,) = find_scans(tmp_path)
    assert scan.confounds.name == "sub-01_task-rest_desc-confounds_timeseries.tsv"
    assert scan.mask.name == f"sub-01_task-rest_{form}_desc-brain_mask.nii.gz"
    _run(tmp_path / "sub-01" / "func", "sub-01_task-rest", form=form.replace("-2_", "-3_"))
    with pytest.raises(ScanError, match="MNIPediatricAsym:cohort-2:res-2.*:cohort-3:res-2"):
        find_scans(tmp_path)
    for space in ("MNIPediatricAsym:cohort-2", "MNIPediatricAsym:res-2:cohort-2"):
        assert find_scans(tmp_path, space=space) == [scan]


def test_a_space_with_its_resolution_takes_a_tables_scans_of_that_space(tmp_path):
    table = tmp_path / "scans.tsv"
    table.write_text("path\tparticipant_id\tspace\na.nii\t1\tMNI152NLin6Asym\nb.nii\t2\tT1w\n")
    (scan,) = find_scans(table, space="MNI152NLin6Asym:res-2")
    assert scan.participant_id == "1"


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("TR", "t_r_s"),
        ("Mask", "mask"),
        ("session", "session_id"),
        ("confounds_file", "confounds"),
        ("Participant_ID", "participant_id"),
        ("RepetitionTime", "t_r_s"),
    ],
)
def test_a_column_that_was_meant_for_ours_is_refused_and_anybodys_own_is_not(
    tmp_path, column, meant
):
    table = tmp_path / "scans.csv"
    names = ["path", "participant_id", column, "age"]
    names = [name for name in names if name != meant]
    table.write_text(",".join(names) + "\n" + ",".join("1234"[: len(names)]) + "\n")
    with pytest.raises(TableError, match=f"column '{column}' would not be read.*'{meant}'"):
        find_scans(table)
    both = dict.fromkeys(["path", "participant_id", meant, column, "age", "site"])
    table.write_text(",".join(both) + "\n" + ",".join(["a.nii", *"123456"[: len(both) - 1]]) + "\n")
    (scan,) = find_scans(table)
    assert scan.bold == tmp_path / "a.nii"
