"""What a check sees of the files of a study, without opening one."""

from __future__ import annotations

import pandas as pd

from brainage.config import study_from_mapping
from brainage.stages.check import check

MNI = "space-MNI152NLin2009cAsym"


def _study(folder, source: str, **science):
    pd.DataFrame({"participant_id": ["sub-01", "sub-02"], "age_years": [30, 40]}).to_csv(
        folder / "participants.tsv", sep="\t", index=False
    )
    return study_from_mapping(
        {
            "paths": {
                "output": "out",
                "reference": {source: "data", "participants": "participants.tsv"},
            },
            "science": science,
        },
        base=folder,
    )


def test_scans_that_will_fail_for_want_of_confounds_are_a_problem(tmp_path):
    for person in ("01", "02"):
        func = tmp_path / "data" / f"sub-{person}" / "func"
        func.mkdir(parents=True)
        (func / f"sub-{person}_task-rest_{MNI}_desc-preproc_bold.nii.gz").touch()
        (func / f"sub-{person}_task-rest_{MNI}_desc-brain_mask.nii.gz").touch()
    (func / "sub-02_task-rest_desc-confounds_timeseries.tsv").touch()
    found = check(_study(tmp_path, "scans"))
    (problem,) = found.problems
    assert "1 scans without a confounds table, which strategy 24P needs" in problem
    assert "sub-01_task-rest" in problem
    free = check(_study(tmp_path, "scans", cleaning={"strategy": "none"}))
    assert not free.problems
    assert any("1 scans without a confounds table" in line for line in free.lines)


def test_several_tasks_are_told_before_they_are_joined(tmp_path):
    (tmp_path / "data").mkdir()
    for task in ("rest", "movie"):
        for person in ("01", "02"):
            (tmp_path / "data" / f"sub-{person}_task-{task}_atlas-a_timeseries.tsv").touch()
    study = _study(tmp_path, "series")
    found = check(study)
    assert any(
        "tasks movie (2), rest (2): a session's runs of all are joined" in line
        for line in found.lines
    )
    assert found.lines[0].startswith("atlas and cleaning as the series have them")
    reference = study.paths.reference.model_copy(update={"task": "rest"})
    paths = study.paths.model_copy(update={"reference": reference})
    one = check(study.model_copy(update={"paths": paths}))
    assert any(line.startswith("reference: 2 parcel series") for line in one.lines)
    assert not any("all are joined" in line for line in one.lines)


def test_links_to_data_that_were_not_fetched_and_people_without_files_are_told(tmp_path):
    func = tmp_path / "data" / "sub-01" / "func"
    func.mkdir(parents=True)
    stem = f"sub-01_task-rest_{MNI}_desc"
    (func / f"{stem}-preproc_bold.nii.gz").touch()
    (func / f"{stem}-brain_mask.nii.gz").symlink_to("../../.git/annex/objects/m.nii.gz")
    (func / "sub-01_task-rest_desc-confounds_timeseries.tsv").symlink_to("nowhere.tsv")
    (tmp_path / "data" / "sub-02").mkdir()
    found = check(_study(tmp_path, "scans"))
    assert [problem.split("/")[-1] for problem in found.problems] == [
        "sub-01_task-rest_desc-confounds_timeseries.tsv: no such file",
        f"{stem}-brain_mask.nii.gz: no such file",
    ]
    assert any(
        "1 participants of the people table were not found among the files: 02" in line
        for line in found.lines
    )


def test_ids_that_a_spreadsheet_took_the_zeros_of_are_told(tmp_path):
    (tmp_path / "data").mkdir()
    for person in ("01", "3"):
        (tmp_path / "data" / f"sub-{person}_task-rest_atlas-a_timeseries.tsv").touch()
    study = _study(tmp_path, "series")
    (tmp_path / "participants.tsv").write_text("participant_id\tage_years\n1\t30\n2\t40\n")
    problems = check(study).problems
    assert "sub-01 ses-n/a: not in the people table (it has 1: were zeros lost?)" in problems[0]
    assert "sub-3 ses-n/a: not in the people table; will be left out" in problems[1]
