"""What lies beside a series is found as BIDS finds it, whatever the entities."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from brainage.errors import SeriesError
from brainage.series import read_series

VALUES = np.random.default_rng(0).normal(size=(10, 3))


def _series(folder, name):
    path = folder / f"{name}_timeseries.tsv"
    pd.DataFrame(VALUES, columns=list("abc")).to_csv(path, sep="\t", index=False)
    return path


@pytest.mark.parametrize("entity", ["scale-100", "hemi-L", "tracksys-x", "newer-1"])
def test_an_entity_that_nobody_listed_detaches_neither_sidecar_nor_outliers(tmp_path, entity):
    path = _series(tmp_path, f"sub-1_task-rest_space-M_seg-S_{entity}_stat-mean")
    (tmp_path / "sub-1_task-rest_space-M_seg-S_timeseries.json").write_text(
        '{"RepetitionTime": 2.0}'
    )
    flags = [0, 0, 1, *[0] * 7]
    pd.DataFrame({"framewise_displacement": flags}).to_csv(
        tmp_path / "sub-1_task-rest_outliers.tsv", sep="\t", index=False
    )
    pd.DataFrame({"framewise_displacement": np.full(10, 0.2)}).to_csv(
        tmp_path / "sub-1_task-rest_motion.tsv", sep="\t", index=False
    )
    series = read_series(path)
    assert series.t_r_s == 2.0
    assert series.quality.n_kept == 9
    assert series.quality.mean_fd_mm == pytest.approx(0.2)


def test_a_table_of_another_run_or_hemisphere_is_not_taken(tmp_path):
    path = _series(tmp_path, "sub-1_task-rest_run-1_hemi-L_atlas-a")
    for other in ("run-2", "run-1_hemi-R", "run-1_newer-2"):
        pd.DataFrame({"framewise_displacement": np.full(10, 0.5)}).to_csv(
            tmp_path / f"sub-1_task-rest_{other}_motion.tsv", sep="\t", index=False
        )
    assert read_series(path).quality.mean_fd_mm is None


def test_the_run_s_own_table_wins_over_the_one_of_all_runs(tmp_path):
    path = _series(tmp_path, "sub-1_task-rest_run-1_atlas-a")
    for name, fd_mm in (("", 0.9), ("run-1_", 0.1)):
        pd.DataFrame({"framewise_displacement": np.full(10, fd_mm)}).to_csv(
            tmp_path / f"sub-1_task-rest_{name}motion.tsv", sep="\t", index=False
        )
    assert read_series(path).quality.mean_fd_mm == pytest.approx(0.1)


def test_a_dataset_states_the_time_for_all(tmp_path):
    func = tmp_path / "sub-1" / "ses-a" / "func"
    func.mkdir(parents=True)
    path = _series(func, "sub-1_ses-a_task-rest_atlas-x")
    (tmp_path / "task-rest_timeseries.json").write_text('{"RepetitionTime": 3.0, "FDMean": 0.3}')
    (tmp_path / "task-other_timeseries.json").write_text('{"RepetitionTime": 9.0}')
    assert read_series(path).t_r_s == 3.0
    path.with_suffix(".json").write_text('{"RepetitionTime": 2.0}')
    series = read_series(path)
    assert (series.t_r_s, series.quality.mean_fd_mm) == (2.0, 0.3)


def test_even_volume_timing_is_a_repetition_time_and_an_uneven_one_is_refused(tmp_path):
    path = _series(tmp_path, "sub-1_task-rest_atlas-a")
    meta = path.with_suffix(".json")
    meta.write_text(json.dumps({"VolumeTiming": [2.5 * i for i in range(10)]}))
    assert read_series(path).t_r_s == pytest.approx(2.5)
    meta.write_text(json.dumps({"VolumeTiming": [0, 2.5, 5, 300, 302.5]}))
    with pytest.raises(SeriesError, match="not evenly spaced: 295 s after volume 3"):
        read_series(path)
    meta.unlink()
    beside = tmp_path / "sub-1_task-rest_space-M_desc-denoised_bold.json"
    beside.write_text(json.dumps({"VolumeTiming": [0, 2.5, 5, 300, 302.5]}))
    with pytest.raises(SeriesError, match="not evenly spaced"):
        read_series(path)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "3",
        "{",
        '{"RepetitionTime": "two"}',
        '{"RepetitionTime": 1e400}',
        '{"RepetitionTime": -1}',
        '{"RepetitionTime": true}',
        '{"RepetitionTime": [2]}',
        '{"RepetitionTime": ' + "9" * 5000 + "}",
        '{"Networks": "Vis"}',
        '{"Networks": [1, 2, 3]}',
        '{"VolumeTiming": 2}',
        '{"VolumeTiming": ["a", "b"]}',
        "[" * 50_000,
    ],
)
def test_a_sidecar_of_any_shape_is_a_series_error(tmp_path, text):
    path = _series(tmp_path, "sub-1_atlas-a")
    path.with_suffix(".json").write_text(text)
    with pytest.raises(SeriesError, match="sub-1_atlas-a_timeseries"):
        read_series(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("KeptVolumes", "all"),
        ("KeptVolumes", [0.5] * 10),
        ("KeptVolumes", [0] * 10),
        ("KeptVolumes", [1, 2]),
        ("NumberOfVolumes", {}),
        ("RetainedSeconds", "x"),
        ("Exclusion", 3),
        ("Atlas", ["a"]),
        ("CleaningFingerprint", {}),
        ("RepetitionTime", "2"),
    ],
)
def test_our_own_sidecar_with_other_contents_is_a_series_error(tmp_path, key, value):
    path = _series(tmp_path, "sub-1_atlas-a")
    meta = {"RepetitionTime": 2.0, "CleaningFingerprint": "c", "KeptVolumes": list(range(10))}
    path.with_suffix(".json").write_text(json.dumps(meta))
    assert read_series(path).quality.n_kept == 10
    path.with_suffix(".json").write_text(json.dumps(meta | {key: value}))
    with pytest.raises(SeriesError):
        read_series(path)


def test_our_own_table_without_its_last_line_break_was_cut_short(tmp_path):
    path = _series(tmp_path, "sub-1_atlas-a")
    path.with_suffix(".json").write_text('{"RepetitionTime": 2.0, "CleaningFingerprint": "c"}')
    path.write_text(path.read_text()[:-1])
    with pytest.raises(SeriesError, match="cut short"):
        read_series(path)
