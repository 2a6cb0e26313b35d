"""Which files are series, and which of several is meant."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.errors import SeriesError
from brainage.series import find_series, read_series

VALUES = np.random.default_rng(0).normal(size=(10, 3))
NAMES = ["LH_Vis_1", "RH_Vis_1", "LH_Default_1"]
RUN = "sub-01_ses-1y_task-rest_run-1"
XCP = f"{RUN}_space-MNI152NLin2009cAsym_atlas-4S156Parcels_stat-mean_timeseries.tsv"


def _frame(values: np.ndarray = VALUES) -> pd.DataFrame:
    return pd.DataFrame(values, columns=NAMES)


def _series(folder, name):
    path = folder / f"{name}_timeseries.tsv"
    pd.DataFrame(VALUES, columns=list("abc")).to_csv(path, sep="\t", index=False)
    return path


def test_runs_that_xcp_d_also_joined_are_counted_once(tmp_path):
    ending = "space-MNI152NLin2009cAsym_atlas-Tian_stat-mean_timeseries.tsv"
    for run in ("dir-AP_run-1_", "dir-AP_run-2_", ""):
        _frame().to_csv(tmp_path / f"sub-1_task-rest_{run}{ending}", sep="\t", index=False)
    _frame().to_csv(tmp_path / f"sub-2_task-rest_{ending}", sep="\t", index=False)
    found = find_series(tmp_path)
    assert [(f.participant_id, f.run) for f in found] == [("1", "AP1"), ("1", "AP2"), ("2", "n/a")]


def test_what_is_no_series_in_a_cpac_or_fmriprep_tree_is_passed_over(tmp_path):
    for name in (
        "sub-1_task-rest_atlas-CC200_reg-36Parameter_desc-Mean_timeseries.1D",
        "sub-1_task-rest_atlas-CC200_reg-aCompCor_desc-Mean_timeseries.1D",
        "sub-1_task-rest_framewise-displacement-jenkinson_motion.1D",
        "sub-1_task-rest_desc-confounds_timeseries.tsv",
    ):
        np.savetxt(tmp_path / name, VALUES)
    with pytest.raises(SeriesError, match=r"one run in several forms.*CC200:reg-aCompCor"):
        find_series(tmp_path)
    np.savetxt(tmp_path / "sub-1_task-rest_atlas-AAL_desc-Mean_timeseries.1D", VALUES)
    with pytest.raises(SeriesError, match=r"several forms.*AAL"):
        find_series(tmp_path)
    (file,) = find_series(tmp_path, atlas="CC200:reg-aCompCor")
    assert "reg-aCompCor" in file.path.name
    assert (file.atlas, file.task, file.run) == ("CC200", "rest", "n/a")


def test_tasks_and_spaces_are_chosen_and_acquisitions_are_runs(tmp_path):
    for task, acq, space in (
        ("rest", "645", "MNI"),
        ("rest", "1400", "MNI"),
        ("rest", "645", "T1w"),
        ("movie", "645", "MNI"),
    ):
        name = f"sub-1_task-{task}_acq-{acq}_run-1_space-{space}_atlas-a_timeseries.tsv"
        _frame().to_csv(tmp_path / name, sep="\t", index=False)
    with pytest.raises(SeriesError, match=r"one run in several forms.*space: MNI, or T1w"):
        find_series(tmp_path, task="rest")
    found = find_series(tmp_path, task="rest", space="MNI")
    assert sorted(file.run for file in found) == ["14001", "6451"]
    with pytest.raises(SeriesError, match="no series of task x; there are movie, rest"):
        find_series(tmp_path, task="x")


def test_a_table_of_files_names_people_and_times(tmp_path):
    _frame().to_csv(tmp_path / "Pitt_0050003.csv")  # with pandas' row numbers
    np.savetxt(tmp_path / "other.txt", VALUES)
    (tmp_path / "files.tsv").write_text(
        "path\tparticipant_id\tsession_id\tt_r_s\n"
        "Pitt_0050003.csv\tsub-0050003\tbase\t1.5\nother.txt\t0050004\tbase\tn/a\n"
    )
    two, one = find_series(tmp_path / "files.tsv")[::-1]
    first, second = read_series(one), read_series(two, t_r_s=3.0)
    assert (first.participant_id, first.session_id, first.t_r_s) == ("0050003", "base", 1.5)
    assert first.parcel_names == tuple(NAMES)
    np.testing.assert_allclose(first.values, VALUES, rtol=1e-15)
    assert (second.participant_id, second.t_r_s) == ("0050004", 3.0)


def test_files_without_a_participant_ask_for_a_table(tmp_path):
    np.savetxt(tmp_path / "Pitt_0050003_rois_cc400.1D", VALUES)
    with pytest.raises(SeriesError, match="give a table: path, participant_id"):
        find_series(tmp_path)


def test_absent_and_empty_folders_are_said_to_be_so(tmp_path):
    with pytest.raises(SeriesError, match="found none"):
        find_series(tmp_path)
    with pytest.raises(SeriesError, match="found no folder"):
        find_series(tmp_path / "absent")


def test_a_single_run_that_xcp_d_also_joined_counts_once_and_another_scan_counts(tmp_path):
    ending = "space-M_atlas-T_stat-mean"
    _series(tmp_path, f"sub-1_task-rest_run-01_{ending}")
    _series(tmp_path, f"sub-1_task-rest_{ending}")
    assert [file.run for file in find_series(tmp_path)] == ["01"]
    other = pd.DataFrame(VALUES + 1, columns=list("abc"))
    other.to_csv(tmp_path / f"sub-1_task-rest_{ending}_timeseries.tsv", sep="\t", index=False)
    assert len(find_series(tmp_path)) == 2


def test_hidden_copies_are_no_series(tmp_path):
    _series(tmp_path, "sub-A-1_atlas-a")
    (tmp_path / "._sub-A-1_atlas-a_timeseries.tsv").write_bytes(b"\x00\x05\x16\x07")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "sub-A-1_atlas-a_timeseries.tsv").write_bytes(b"\x00")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "sub-2_atlas-a_timeseries.tsv").write_bytes(b"\x00")
    assert [file.participant_id for file in find_series(tmp_path)] == ["A-1"]


def test_two_forms_by_an_entity_nobody_listed_are_to_be_chosen(tmp_path):
    for scale in ("100", "400"):
        _series(tmp_path, f"sub-1_task-rest_seg-S_scale-{scale}")
    with pytest.raises(SeriesError, match=r"one run in several forms.*S:scale-"):
        find_series(tmp_path)
    assert len(find_series(tmp_path, atlas="S:scale-100")) == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sub-02/func/sub-01_task-rest_atlas-a", "its folder sub-02 say different things"),
        ("sub-01/ses-2/sub-01_ses-1_atlas-a", "its folder ses-2 say different things"),
        ("sub-01/sub-01_task-rest_task-nback_atlas-a", "the key task stands twice"),
    ],
)
def test_a_name_that_contradicts_its_folder_or_itself_is_refused(tmp_path, name, said):
    (tmp_path / name).parent.mkdir(parents=True)
    _series(tmp_path, name)
    with pytest.raises(SeriesError, match=said):
        find_series(tmp_path)


def test_one_run_numbered_1_and_01_is_one_run_twice(tmp_path):
    for run in ("1", "01"):
        _series(tmp_path, f"sub-1_task-rest_run-{run}_atlas-a")
    with pytest.raises(SeriesError, match="Runs 01 and 1 are one number"):
        find_series(tmp_path)
