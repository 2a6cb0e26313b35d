"""One scan, wherever it runs: a bug is one row, and a row is kept while it holds."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from brainage.imaging import (
    AtlasOptions,
    CleaningOptions,
    ExclusionRules,
    Scan,
    load_atlas,
    write_nifti,
)
from brainage.stages.records import record_path
from brainage.stages.scan_work import ScanWork

AFFINE = np.diag([10.0, 10.0, 10.0, 1.0])


class Broken:
    """An atlas with a bug in it."""

    name = "broken"

    def __getattr__(self, name):
        return 1 / 0


def scan_of(bold):
    return Scan("01", "n/a", "n/a", "rest", None, bold, None, None)


@pytest.fixture
def work(tmp_path):
    write_nifti(tmp_path / "atlas.nii.gz", np.arange(27).reshape(3, 3, 3) % 4, AFFINE)
    options = AtlasOptions(name="toy", path=str(tmp_path / "atlas.nii.gz"))
    return ScanWork(
        tmp_path / "out" / "reference",
        load_atlas(options),
        options,
        CleaningOptions(strategy="none"),
        ExclusionRules(min_retained_s=60.0),
        made_by="these options",
    )


@pytest.fixture
def scan(tmp_path):
    rng = np.random.default_rng(0)
    data = 1000 + 50 * rng.standard_normal((3, 3, 3, 40))
    write_nifti(tmp_path / "s.nii.gz", data, AFFINE, t_r_s=2.0)
    return scan_of(tmp_path / "s.nii.gz")


def test_row_is_kept_until_options_file_or_series_change(work, scan, tmp_path):
    assert work.recorded_now(scan) is None
    assert work.recorded(scan)["reason"].endswith("yet")
    row = work(scan)
    assert (row["status"], row["n_volumes"], row["n_parcels"]) == ("done", 40, 3)
    assert work.recorded_now(scan) == work.recorded(scan) == json.loads(json.dumps(row))
    assert replace(work, overwrite=True).recorded_now(scan) is None
    other = replace(work, made_by="other options")
    assert other.recorded_now(scan) is None
    assert "with other options or from other files" in other.recorded(scan)["reason"]
    (work.folder / row["series"]).unlink()
    assert work.recorded_now(scan) is None
    assert "its series is gone" in work.recorded(scan)["reason"]


def test_scan_that_breaks_a_rule_is_excluded_with_its_numbers(work, scan):
    row = replace(work, exclusion=ExclusionRules(min_retained_s=600.0))(scan)
    assert row["status"] == "excluded"
    assert (row["n_kept"], row["retained_s"]) == (40, 80.0)


def test_bug_costs_one_scan_and_leaves_its_traceback(work, scan):
    row = replace(work, atlas=Broken())(scan)
    assert row["status"] == "failed"
    assert "ZeroDivisionError: division by zero (a bug of brainage" in row["reason"]
    record = json.loads(record_path(work.folder, row).read_text())
    assert "in __getattr__" in record["traceback"]
    # What failed is tried again.
    assert work.recorded_now(scan) is None


def test_killed_scan_is_a_suspect_afterwards(work, scan):
    assert not work.is_suspect(scan)
    row = work.killed(scan)
    assert "its worker process was killed" in row["reason"]
    assert work.is_suspect(scan)
    assert not work.is_given_up(scan)


def test_image_that_is_no_image_is_a_reason(work, tmp_path):
    (tmp_path / "no.nii.gz").write_bytes(b"nothing")
    row = work(scan_of(tmp_path / "no.nii.gz"))
    assert row["status"] == "failed"
    assert "no.nii.gz" in row["reason"]
    assert "bug" not in row["reason"]
