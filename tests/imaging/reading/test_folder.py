"""Names of a derivatives folder are read whole, or refused by name; nothing is cut to fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from brainage.errors import ScanError
from brainage.imaging import find_scans

BOLD = "desc-preproc_bold.nii.gz"


def _put(folder: Path, *names: str, levels: str = "sub-01/func") -> None:
    func = folder / levels
    func.mkdir(parents=True, exist_ok=True)
    for name in names:
        (func / name).touch()


def test_files_that_macos_leaves_beside_others_are_no_scans_tables_or_masks(tmp_path):
    stem = "sub-01_task-rest_space-M"
    _put(tmp_path, f"{stem}_{BOLD}", f"._{stem}_{BOLD}", f"._{stem}_desc-brain_mask.nii.gz")
    _put(tmp_path, "._sub-01_task-rest_desc-confounds_timeseries.tsv")
    (tmp_path / "._sub-01").touch()
    _put(tmp_path, f"sub-02_task-rest_{BOLD}", levels=".trash/sub-02/func")
    (scan,) = find_scans(tmp_path)
    assert (scan.bold.name, scan.confounds, scan.mask) == (f"{stem}_{BOLD}", None, None)


@pytest.mark.parametrize(
    "name",
    [
        "sub-A-1_task-rest_",
        "sub-A_1_task-rest_",
        "sub-A1_ses-2019-01-01_task-rest_",
        "sub-A1_task-rest 1_",
        "sub-Ä_task-rest_",
        "task-rest_",
        "sub-A1_sub-B1_task-rest_",
        "sub-A1_task-rest_copy_",
    ],
)
def test_a_name_that_is_no_bids_name_is_refused_by_its_own_name(tmp_path, name):
    _put(tmp_path, name + BOLD, levels="sub-A1/func")
    with pytest.raises(ScanError, match="BIDS name|a key stands twice") as caught:
        find_scans(tmp_path)
    assert name + BOLD in str(caught.value)
    assert "space" not in str(caught.value)


@pytest.mark.parametrize("levels", ["sub-01_old/func", "sub-02/func", "sub-01/ses-2/func"])
def test_a_file_in_another_persons_or_sessions_folder_is_refused(tmp_path, levels):
    _put(tmp_path, f"sub-01_ses-1_task-rest_{BOLD}", levels=levels)
    with pytest.raises(ScanError, match="its name and its folder .* say different things"):
        find_scans(tmp_path)


def test_the_same_image_packed_and_unpacked_is_named_so(tmp_path):
    _put(tmp_path, "sub-01_task-rest_desc-preproc_bold.nii", f"sub-01_task-rest_{BOLD}")
    with pytest.raises(ScanError, match=r"bold\.nii and .*bold\.nii\.gz are one run twice"):
        find_scans(tmp_path)


@pytest.mark.parametrize("entity", ["scale-2", "hemi-L", "trc-x", "newer-1"])
def test_an_entity_that_nobody_knows_detaches_neither_confounds_nor_mask(tmp_path, entity):
    run = f"sub-01_task-rest_{entity}_run-1"
    _put(tmp_path, f"{run}_space-M_res-2_{BOLD}", f"{run}_space-M_res-2_desc-brain_mask.nii.gz")
    _put(tmp_path, f"{run}_desc-confounds_timeseries.tsv")
    (scan,) = find_scans(tmp_path)
    assert scan.confounds.name == f"{run}_desc-confounds_timeseries.tsv"
    assert scan.mask.name == f"{run}_space-M_res-2_desc-brain_mask.nii.gz"
    assert scan.run == "1"


def test_a_table_may_lack_an_unknown_entity_but_not_what_says_which_run_it_is(tmp_path):
    _put(tmp_path, f"sub-01_task-rest_run-2_newer-1_space-M_{BOLD}")
    _put(tmp_path, "sub-01_task-rest_desc-confounds_timeseries.tsv")
    _put(tmp_path, "sub-01_task-rest_run-1_desc-confounds_timeseries.tsv")
    _put(tmp_path, "sub-01_task-rest_run-2_desc-brain_mask.nii.gz")
    (scan,) = find_scans(tmp_path)
    assert (scan.confounds, scan.mask) == (None, None)
    _put(tmp_path, "sub-01_task-rest_run-2_desc-confounds_timeseries.tsv")
    (scan,) = find_scans(tmp_path)
    assert scan.confounds.name == "sub-01_task-rest_run-2_desc-confounds_timeseries.tsv"


def test_images_that_differ_in_an_unknown_entity_are_told_so_and_not_to_choose_a_space(tmp_path):
    _put(tmp_path, *(f"sub-01_task-rest_scale-{i}_space-M_{BOLD}" for i in (1, 2)))
    with pytest.raises(ScanError, match="differ in scale. List the images"):
        find_scans(tmp_path)
