"""Extraction as a batch: one bad scan is a row, nothing done is lost."""

from __future__ import annotations

import gzip
import json
import shutil

import numpy as np
import pandas as pd
import pytest

from brainage.config import study_from_mapping
from brainage.errors import BrainAgeError
from brainage.imaging import write_nifti
from brainage.series import find_series, read_foreign_series, read_series
from brainage.stages.already_there import extracted_before
from brainage.stages.extract import SCANS, collect_cohort, extract_cohort

AFFINE = np.diag([10.0, 10.0, 10.0, 1.0])
SHAPE = (5, 5, 5)


@pytest.fixture
def folder(tmp_path):
    """Six scans in a table: four good ones, one truncated, one all zero; a labels atlas."""
    rng = np.random.default_rng(0)
    labels = np.arange(125).reshape(SHAPE) % 6
    write_nifti(tmp_path / "atlas.nii.gz", labels, AFFINE)
    rows = []
    for i in range(6):
        data = 1000 + 50 * rng.standard_normal((*SHAPE, 80))
        if i == 5:
            data[:] = 0
        write_nifti(tmp_path / f"s{i}.nii.gz", data, AFFINE, t_r_s=2.0)
        np.savetxt(tmp_path / f"s{i}.par", 0.001 * rng.standard_normal((80, 6)))
        rows.append({"path": f"s{i}.nii.gz", "participant_id": f"{i}", "confounds": f"s{i}.par"})
    whole = (tmp_path / "s4.nii.gz").read_bytes()
    (tmp_path / "s4.nii.gz").write_bytes(whole[: len(whole) // 2])
    pd.DataFrame(rows).to_csv(tmp_path / "scans.tsv", sep="\t", index=False)
    return tmp_path


def study(folder, **science):
    return study_from_mapping(
        {
            "extends": "fisher_z_ridge",
            "paths": {"output": "out", "reference": {"scans": "scans.tsv"}},
            "run": {"n_jobs": 1},
            "science": {
                "atlas": {"name": "toy", "path": "atlas.nii.gz"},
                "exclusion": {"min_retained_s": 60.0},
                **science,
            },
        },
        base=folder,
    )


def test_bad_scans_become_rows_with_a_reason_and_the_rest_is_done(folder):
    table = extract_cohort(study(folder), "reference")
    assert table["status"].tolist() == ["done"] * 4 + ["failed"] * 2
    assert "s4.nii.gz: truncated gzip" in table["reason"][4]
    assert "no usable parcel" in table["reason"][5]
    assert len(find_series(folder / "out" / "extract" / "reference")) == 4
    written = pd.read_csv(folder / "out/extract/reference/scans.tsv", sep="\t")
    assert list(written.columns) == list(SCANS.names)


def test_an_image_of_nan_is_told_from_one_of_zeros(folder):
    data = np.full((*SHAPE, 80), np.nan, dtype=np.float32)
    write_nifti(folder / "s3.nii.gz", data, AFFINE, t_r_s=2.0, dtype="float32")
    reasons = extract_cohort(study(folder), "reference")["reason"]
    assert "an all-NaN image?" in reasons[3]
    assert "an all-zero image?" in reasons[5]


def test_a_second_run_extracts_only_what_is_missing_and_retries_what_failed(folder):
    extract_cohort(study(folder), "reference")
    base = folder / "out" / "extract" / "reference"
    times = {p: p.stat().st_mtime_ns for p in base.rglob("*_timeseries.tsv")}
    gone = next(iter(times))
    gone.unlink()
    shutil.copy(folder / "s3.nii.gz", folder / "s4.nii.gz")
    table = extract_cohort(study(folder), "reference")
    assert table["status"].tolist() == ["done"] * 5 + ["failed"]
    assert all(p.stat().st_mtime_ns == t for p, t in times.items() if p != gone)
    assert gone.is_file()


def test_a_time_corrected_in_a_sidecar_extracts_that_scan_again(folder):
    sidecar = folder / "s0.json"
    sidecar.write_text('{"RepetitionTime": 2.0}')
    extract_cohort(study(folder), "reference")
    base = folder / "out" / "extract" / "reference"
    before = {p: p.stat().st_mtime_ns for p in base.rglob("*_timeseries.tsv")}
    sidecar.write_text('{"RepetitionTime": 2.01}')
    table = extract_cohort(study(folder), "reference")
    changed = [p.name[:5] for p, t in before.items() if p.stat().st_mtime_ns != t]
    assert changed == ["sub-0"]
    assert table["t_r_s"].tolist()[:2] == [2.01, 2.0]


def test_networks_corrected_in_the_label_table_reach_the_series(folder):
    labels = folder / "labels.tsv"
    table = pd.DataFrame({"index": range(1, 6), "name": list("abcde"), "network": "Vis"})
    table.to_csv(labels, sep="\t", index=False)
    own = {"atlas": {"name": "toy", "path": "atlas.nii.gz", "labels": "labels.tsv"}}
    extract_cohort(study(folder, **own), "reference")
    table.assign(network="Mot").to_csv(labels, sep="\t", index=False)
    extract_cohort(study(folder, **own), "reference")
    series = read_series(find_series(folder / "out" / "extract" / "reference")[0])
    assert series.networks == ("Mot",) * 5


def test_other_options_extract_again(folder):
    extract_cohort(study(folder), "reference")
    first = read_series(find_series(folder / "out" / "extract" / "reference")[0])
    extract_cohort(study(folder, cleaning={"low_pass_hz": 0.08}), "reference")
    second = read_series(find_series(folder / "out" / "extract" / "reference")[0])
    assert first.cleaning_fingerprint != second.cleaning_fingerprint
    assert not np.allclose(first.values, second.values)


def test_shards_together_equal_one_run_to_the_byte(folder, tmp_path_factory):
    whole = extract_cohort(study(folder), "reference")
    other = tmp_path_factory.mktemp("sharded")
    shutil.copytree(folder, other, dirs_exist_ok=True, ignore=shutil.ignore_patterns("out"))
    for k in (3, 1, 2):
        extract_cohort(study(other), "reference", shard=(k, 3))
    sharded = collect_cohort(study(other), "reference")
    assert sharded.drop(columns="reason").equals(whole.drop(columns="reason"))
    for file in find_series(folder / "out" / "extract" / "reference"):
        relative = file.path.relative_to(folder)
        assert file.path.read_bytes() == (other / relative).read_bytes()


def test_a_shard_that_did_not_run_is_told(folder):
    extract_cohort(study(folder), "reference", shard=(1, 2))
    table = collect_cohort(study(folder), "reference")
    assert (table["reason"] == "not extracted yet").sum() == 3


def test_what_a_shard_made_by_an_older_study_file_is_not_passed_off_as_done(folder):
    extract_cohort(study(folder), "reference")
    changed = study(folder, cleaning={"low_pass_hz": 0.08})
    extract_cohort(changed, "reference", shard=(1, 2))
    table = collect_cohort(changed, "reference")
    assert table["status"].tolist() == ["done", "failed"] * 2 + ["failed"] * 2
    assert table["reason"][1].startswith("extracted with other options or from other files")
    assert "truncated gzip" in table["reason"][4]
    extract_cohort(changed, "reference", shard=(2, 2))
    next((folder / "out/extract/reference/sub-1").rglob("*_timeseries.tsv")).unlink()
    table = collect_cohort(changed, "reference")
    assert table["status"].tolist() == ["done", "failed", "done", "done", "failed", "failed"]
    assert "is gone or was changed" in table["reason"][1]


def test_an_unknown_participant_is_refused(folder):
    with pytest.raises(BrainAgeError, match=r"no scans of participant\(s\) 77"):
        extract_cohort(study(folder), "reference", participants=["77"])


def test_the_output_is_a_bids_derivative_that_says_what_made_it(folder):
    extract_cohort(study(folder), "reference")
    path = folder / "out" / "extract" / "reference" / "dataset_description.json"
    meta = json.loads(path.read_text())
    assert (meta["DatasetType"], meta["GeneratedBy"][0]["Name"]) == ("derivative", "brainage")
    before = path.stat().st_mtime_ns
    extract_cohort(study(folder), "reference")
    assert path.stat().st_mtime_ns == before


def test_our_series_read_as_another_tools_says_the_same(folder):
    """What the sidecar says is in the words that XCP-D and giga_connectome use."""
    extract_cohort(study(folder), "reference")
    file = find_series(folder / "out" / "extract" / "reference")[0]
    ours, theirs = read_series(file), read_foreign_series(file)
    np.testing.assert_array_equal(ours.values, theirs.values)
    assert ours.parcel_names == theirs.parcel_names
    assert (ours.t_r_s, ours.networks) == (theirs.t_r_s, theirs.networks)
    for name in ("mean_fd_mm", "n_kept", "retained_s"):
        assert getattr(ours.quality, name) == getattr(theirs.quality, name), name
    np.testing.assert_array_equal(ours.quality.coverage, theirs.quality.coverage)


def test_a_series_file_opens_in_pandas_with_one_line(folder):
    extract_cohort(study(folder), "reference")
    file = find_series(folder / "out" / "extract" / "reference")[0]
    table = pd.read_csv(file.path, sep="\t")
    assert np.allclose(table.to_numpy(), read_series(file).values)
    assert table.std().round(3).eq(1).all()


def test_gzip_files_of_the_same_data_are_the_same_bytes(folder):
    data = np.arange(250.0).reshape(5, 5, 5, 2)
    write_nifti(folder / "a.nii.gz", data, AFFINE, t_r_s=2.0)
    write_nifti(folder / "b.nii.gz", data, AFFINE, t_r_s=2.0)
    assert (folder / "a.nii.gz").read_bytes() == (folder / "b.nii.gz").read_bytes()
    assert gzip.decompress((folder / "a.nii.gz").read_bytes())[:4] == b"\x5c\x01\x00\x00"


def test_an_edited_strategy_file_extracts_again_and_a_moved_study_does_not(folder):
    mine = folder / "mine.toml"
    mine.write_text("all_columns = true\n")
    first = extract_cohort(study(folder, cleaning={"strategy": str(mine)}), "reference")
    path = folder / "out" / "extract" / "reference" / first["series"][0]
    before = path.stat().st_mtime_ns
    copy = folder / "atlas_copy.nii.gz"
    shutil.copy(folder / "atlas.nii.gz", copy)
    moved = {"atlas": {"name": "toy", "path": str(copy)}, "cleaning": {"strategy": str(mine)}}
    extract_cohort(study(folder, **moved), "reference")
    assert path.stat().st_mtime_ns == before
    mine.write_text("all_columns = false\n")
    extract_cohort(study(folder, **moved), "reference")
    assert path.stat().st_mtime_ns > before


def test_an_output_that_cannot_be_written_is_a_reason_and_the_next_run_mends_it(folder):
    base = folder / "out" / "extract" / "reference"
    base.mkdir(parents=True)
    # Files where folders must be: one scan's series cannot be written, then no record can.
    (base / "sub-1").write_text("")
    table = extract_cohort(study(folder), "reference")
    assert table["status"].tolist() == ["done", "failed", "done", "done", "failed", "failed"]
    assert "sub-1" in table["reason"][1]
    (base / "sub-1").unlink()
    shutil.rmtree(base / "records")
    (base / "records").write_text("")
    table = extract_cohort(study(folder), "reference")
    assert "records" in table["reason"][0]
    assert "cannot be written" in table["reason"][0]
    (base / "records").unlink()
    table = extract_cohort(study(folder), "reference")
    assert table["status"].tolist() == ["done"] * 4 + ["failed"] * 2


def test_an_extraction_says_how_many_scans_were_there_already(folder):
    first = extract_cohort(study(folder), "reference")
    assert extracted_before([first]) == 0
    made = folder / "out" / "extract" / "reference"
    next(made.rglob("*_timeseries.tsv")).unlink()
    again = extract_cohort(study(folder), "reference")
    on_record = len(again) - 1 - (again["status"] == "failed").sum()
    assert extracted_before([again]) == on_record > 0
    pd.testing.assert_frame_equal(again, first)
