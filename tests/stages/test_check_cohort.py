"""One cohort seen from outside: files and people that lack, ids that a spreadsheet changed."""

from __future__ import annotations

from brainage.stages.check import check

MNI = "space-MNI152NLin2009cAsym"


def test_scans_that_will_fail_for_want_of_confounds_are_a_problem(tmp_path, study_of_files):
    for person in ("01", "02"):
        func = tmp_path / "data" / f"sub-{person}" / "func"
        func.mkdir(parents=True)
        (func / f"sub-{person}_task-rest_{MNI}_desc-preproc_bold.nii.gz").touch()
        (func / f"sub-{person}_task-rest_{MNI}_desc-brain_mask.nii.gz").touch()
    (func / "sub-02_task-rest_desc-confounds_timeseries.tsv").touch()
    found = check(study_of_files("scans"))
    (problem,) = found.problems
    assert "1 scans without a confounds table, which strategy 24P needs" in problem
    assert "sub-01_task-rest" in problem
    free = check(study_of_files("scans", cleaning={"strategy": "none"}))
    assert not free.problems
    assert any("1 scans without a confounds table" in line for line in free.lines)


def test_links_to_data_that_were_not_fetched_and_people_without_files_are_told(
    tmp_path, study_of_files
):
    func = tmp_path / "data" / "sub-01" / "func"
    func.mkdir(parents=True)
    stem = f"sub-01_task-rest_{MNI}_desc"
    (func / f"{stem}-preproc_bold.nii.gz").touch()
    (func / f"{stem}-brain_mask.nii.gz").symlink_to("../../.git/annex/objects/m.nii.gz")
    (func / "sub-01_task-rest_desc-confounds_timeseries.tsv").symlink_to("nowhere.tsv")
    (tmp_path / "data" / "sub-02").mkdir()
    found = check(study_of_files("scans"))
    assert [problem.split("/")[-1] for problem in found.problems] == [
        "sub-01_task-rest_desc-confounds_timeseries.tsv: no such file",
        f"{stem}-brain_mask.nii.gz: no such file",
    ]
    assert any(
        "1 participants of the people table were not found among the files: 02" in line
        for line in found.lines
    )


def test_ids_that_a_spreadsheet_took_the_zeros_of_are_told(tmp_path, study_of_files):
    (tmp_path / "data").mkdir()
    for person in ("01", "3"):
        (tmp_path / "data" / f"sub-{person}_task-rest_atlas-a_timeseries.tsv").touch()
    study = study_of_files("series")
    (tmp_path / "participants.tsv").write_text("participant_id\tage_years\n1\t30\n2\t40\n")
    problems = check(study).problems
    assert "sub-01: not in the people table (it has 1: were zeros lost?)" in problems[0]
    assert "sub-3: not in the people table; will be left out" in problems[1]
