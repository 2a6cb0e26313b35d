"""A repetition time is believed only where it is stated, by the file that speaks for the scan."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from brainage.errors import ScanError
from brainage.imaging import Scan, find_scans
from brainage.imaging.reading.sidecars import resolve_t_r_s, sidecars_of

MNI = "space-MNI152NLin2009cAsym"


def _scan(folder: Path, t_r_s: float | None = None) -> Scan:
    bold = folder / "sub-01" / "func" / f"sub-01_task-rest_{MNI}_desc-preproc_bold.nii.gz"
    bold.parent.mkdir(parents=True, exist_ok=True)
    bold.touch()
    return Scan("01", "n/a", "n/a", "rest", None, bold, None, None, t_r_s)


def _sidecar(scan: Scan, value) -> None:
    path = scan.bold.with_name(scan.bold.name.removesuffix(".nii.gz") + ".json")
    path.write_text(json.dumps({"RepetitionTime": value}))


@pytest.mark.parametrize("header_t_r_s", [None, 1.0])
def test_a_header_that_lost_its_time_alone_is_not_believed(tmp_path, header_t_r_s):
    scan = _scan(tmp_path)
    with pytest.raises(ScanError, match="science.cleaning.t_r_s"):
        resolve_t_r_s(scan, header_t_r_s)
    assert resolve_t_r_s(scan, header_t_r_s, configured_t_r_s=1.0) == 1.0
    _sidecar(scan, 1)
    assert resolve_t_r_s(scan, header_t_r_s) == 1.0


def test_a_header_with_a_time_is_believed_alone(tmp_path):
    assert resolve_t_r_s(_scan(tmp_path), 2.5) == 2.5


@pytest.mark.parametrize("milliseconds_of", ["header", "sidecar", "table"])
def test_milliseconds_that_were_called_seconds_are_refused(tmp_path, milliseconds_of):
    scan = _scan(tmp_path, 2000.0 if milliseconds_of == "table" else None)
    if milliseconds_of == "sidecar":
        _sidecar(scan, 2000)
    with pytest.raises(ScanError, match="2000 s; no scan of fMRI has that. Are these milli"):
        resolve_t_r_s(scan, 2000.0 if milliseconds_of == "header" else None)


def test_sidecar_and_header_may_differ_by_one_percent_and_no_more(tmp_path):
    scan = _scan(tmp_path)
    _sidecar(scan, 2.0)
    assert resolve_t_r_s(scan, 2.019) == 2.0
    with pytest.raises(ScanError, match="2 s by its sidecar.*2.03 s by its header"):
        resolve_t_r_s(scan, 2.03)


def test_a_sidecar_at_the_dataset_speaks_for_its_task_and_one_above_does_not(tmp_path):
    dataset = tmp_path / "above" / "fmriprep"
    scan = _scan(dataset)
    (tmp_path / "above" / "task-rest_bold.json").write_text('{"RepetitionTime": 9.0}')
    with pytest.raises(ScanError, match="expected a repetition time"):
        resolve_t_r_s(scan, None)
    (dataset / "task-rest_bold.json").write_text('{"RepetitionTime": 0.8}')
    assert resolve_t_r_s(scan, None) == 0.8
    _sidecar(scan, 0.7)
    assert resolve_t_r_s(scan, None) == 0.7


@pytest.mark.parametrize("value", [0, -2, "2", True])
def test_an_impossible_sidecar_is_refused(tmp_path, value):
    scan = _scan(tmp_path)
    _sidecar(scan, value)
    with pytest.raises(ScanError, match="positive repetition time|expected seconds"):
        resolve_t_r_s(scan, 2.0)


def test_the_tables_time_comes_first(tmp_path):
    scan = _scan(tmp_path, t_r_s=3.0)
    _sidecar(scan, 2.0)
    assert resolve_t_r_s(scan, None) == 3.0


def test_a_sidecar_speaks_for_every_image_that_has_all_parts_of_its_name(tmp_path):
    func = tmp_path / "sub-01" / "ses-a" / "func"
    func.mkdir(parents=True)
    for run in ("acq-mb_run-1", "acq-mb_run-2", "run-1"):
        (func / f"sub-01_ses-a_task-rest_{run}_{MNI}_desc-preproc_bold.nii.gz").touch()

    def times() -> dict[str, float]:
        # A scan knows the sidecars that lay there when its folder was listed.
        found = find_scans(tmp_path)
        bare = [replace(scan, sidecars=None) for scan in found]
        assert [sidecars_of(scan) for scan in found] == [sidecars_of(scan) for scan in bare]
        return {scan.run: resolve_t_r_s(scan, None) for scan in found}

    (tmp_path / "bold.json").write_text('{"RepetitionTime": 4.0}')
    (tmp_path / "task-other_bold.json").write_text('{"RepetitionTime": 9.0}')
    assert times() == {
        "mb1": 4.0,
        "mb2": 4.0,
        "1": 4.0,
    }
    (tmp_path / "task-rest_bold.json").write_text('{"RepetitionTime": 3.0}')
    (tmp_path / "task-rest_acq-mb_bold.json").write_text('\ufeff{"RepetitionTime": 0.8}')
    assert times() == {
        "mb1": 0.8,
        "mb2": 0.8,
        "1": 3.0,
    }
    (tmp_path / "sub-01" / "sub-01_task-rest_bold.json").write_text('{"RepetitionTime": 2.0}')
    run = func / "sub-01_ses-a_task-rest_acq-mb_run-2_bold.json"
    run.write_text('{"RepetitionTime": 0.7}')
    assert times() == {
        "mb1": 2.0,
        "mb2": 0.7,
        "1": 2.0,
    }
    scans = {scan.run: scan for scan in find_scans(tmp_path)}
    assert run in sidecars_of(scans["mb2"])
    assert run not in sidecars_of(scans["mb1"])


def test_a_sidecar_of_another_image_never_speaks(tmp_path):
    scan = Scan("1", "n/a", "n/a", "n/a", None, tmp_path / "scan1_bold.nii.gz", None, None)
    for name in ("scan2_bold.json", "x_task-rest_bold.json", "scan1_T1w.json"):
        (tmp_path / name).write_text('{"RepetitionTime": 9.0}')
    with pytest.raises(ScanError, match="expected a repetition time"):
        resolve_t_r_s(scan, None)
    (tmp_path / "scan1_bold.json").write_text('{"RepetitionTime": 2.0}')
    assert resolve_t_r_s(scan, None) == 2.0


def _timing(scan: Scan, **content) -> None:
    path = scan.bold.with_name(scan.bold.name.removesuffix(".nii.gz") + ".json")
    path.write_text(json.dumps(content))


def test_even_volume_timing_gives_the_repetition_time(tmp_path):
    scan = _scan(tmp_path)
    _timing(scan, VolumeTiming=[0.0, 0.801, 1.6, 2.4, 3.2])
    assert resolve_t_r_s(scan, None, n_volumes=5) == pytest.approx(0.8)
    with pytest.raises(ScanError, match="lists 5 times, the image has 6 volumes"):
        resolve_t_r_s(scan, None, n_volumes=6)


@pytest.mark.parametrize("times_s", [[0, 2, 4, 300, 302], [0, 2, 4, 4, 6], [8, 6, 4, 2, 0]])
@pytest.mark.parametrize("of_table", [None, 2.0])
def test_uneven_volume_timing_is_refused_whoever_else_states_a_time(tmp_path, times_s, of_table):
    scan = _scan(tmp_path, of_table)
    for other in ({}, {"RepetitionTime": 2.0}):
        _timing(scan, VolumeTiming=times_s, **other)
        with pytest.raises(ScanError, match="the volumes are not evenly spaced"):
            resolve_t_r_s(scan, 2.0, n_volumes=5)


@pytest.mark.parametrize("times_s", ["2.5", [0, None], [0, True], 2.5, [], [1.0]])
def test_volume_timing_that_is_no_list_of_times_is_refused(tmp_path, times_s):
    scan = _scan(tmp_path)
    _timing(scan, VolumeTiming=times_s)
    with pytest.raises(ScanError, match="VolumeTiming"):
        resolve_t_r_s(scan, 2.0)


def test_two_statements_of_time_in_one_sidecar_must_agree(tmp_path):
    scan = _scan(tmp_path)
    _timing(scan, VolumeTiming=[0, 2, 4], RepetitionTime=2.5)
    with pytest.raises(ScanError, match=r"RepetitionTime says 2.5 s, VolumeTiming 2 s"):
        resolve_t_r_s(scan, None, n_volumes=3)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "9" * 5000, '{"RepetitionTime": 1e400}', "[]", "null", '"2"', "\0"]
)
def test_a_sidecar_of_any_shape_is_an_error_that_names_it(tmp_path, text):
    scan = _scan(tmp_path)
    path = scan.bold.with_name(scan.bold.name.removesuffix(".nii.gz") + ".json")
    path.write_text(text)
    with pytest.raises(ScanError, match=r"bold\.json"):
        resolve_t_r_s(scan, 2.0)
