"""The scans of a cohort are listed once: nothing that is added to the tree shifts a shard."""

from __future__ import annotations

import pytest

from brainage.config import study_from_mapping
from brainage.errors import StageError
from brainage.stages.scan_list import cohort_scans, freeze, frozen_scans


def add(folder, name):
    path = folder / "prep" / f"sub-{name}" / "func"
    path.mkdir(parents=True)
    stem = path / f"sub-{name}_task-rest_space-MNI152NLin2009cAsym_"
    stem.with_name(f"{stem.name}desc-preproc_bold.nii.gz").write_bytes(b"")


@pytest.fixture
def folder(tmp_path):
    for name in ("01", "03", "05"):
        add(tmp_path, name)
    return tmp_path


def study_of(folder, **paths):
    reference = {"scans": "prep"} | paths
    return study_from_mapping({"paths": {"output": "out", "reference": reference}}, base=folder)


def people(scans):
    return [scan.participant_id for scan in scans]


def test_a_tree_that_grows_shifts_no_shard_until_it_is_listed_anew(folder):
    study = study_of(folder)
    first = cohort_scans(study, "reference", frozen=True)
    add(folder, "02")
    assert cohort_scans(study, "reference", frozen=True) == first
    now = cohort_scans(study, "reference")
    assert people(now) == ["01", "02", "03", "05"]
    freeze(study, "reference", now)
    assert cohort_scans(study, "reference", frozen=True) == now


def test_a_list_says_what_walking_the_tree_says(folder):
    study = study_of(folder)
    walked = cohort_scans(study, "reference")
    freeze(study, "reference", walked)
    assert frozen_scans(study, "reference") == walked


def test_other_paths_are_another_list(folder):
    cohort_scans(study_of(folder), "reference", frozen=True)
    assert frozen_scans(study_of(folder, task="rest"), "reference") is None


def test_people_and_sessions_are_picked_from_the_list_and_unknown_ones_told(folder):
    study = study_of(folder)
    assert people(cohort_scans(study, "reference", participants=["sub-03"], frozen=True)) == ["03"]
    with pytest.raises(StageError, match=r"no scans of participant\(s\) 04"):
        cohort_scans(study, "reference", participants=["04"], frozen=True)
    with pytest.raises(StageError, match=r"no scans of session\(s\) 2y"):
        cohort_scans(study, "reference", sessions=["2y"], frozen=True)


def test_a_list_whose_files_are_gone_says_how_to_list_anew(folder):
    study = study_of(folder)
    cohort_scans(study, "reference", frozen=True)
    for path in (folder / "prep").rglob("*_bold.nii.gz"):
        path.unlink()
    with pytest.raises(StageError, match=r"none of the scans .* `brainage extract --list`"):
        cohort_scans(study, "reference", frozen=True)


def test_a_list_that_was_edited_is_told(folder):
    study = study_of(folder)
    cohort_scans(study, "reference", frozen=True)
    path = folder / "out" / "extract" / "reference" / "list" / "scans.tsv"
    path.write_text(path.read_text().replace("03", "04", 1))
    with pytest.raises(StageError, match=r"scans\.tsv: changed"):
        cohort_scans(study, "reference", frozen=True)
