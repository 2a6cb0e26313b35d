"""Smoothing in each scan's own mask is told what it costs; nothing else is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml

from brainage.cli import main
from brainage.imaging import write_nifti

SHAPE = (8, 8, 8)
AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])


@pytest.fixture
def study_file(tmp_path):
    rng = np.random.default_rng(0)
    write_nifti(tmp_path / "atlas.nii.gz", np.arange(512).reshape(SHAPE) // 64, AFFINE)
    write_nifti(tmp_path / "mask.nii.gz", np.ones(SHAPE), AFFINE, dtype="uint8")
    rows = []
    for i in range(3):
        write_nifti(
            tmp_path / f"s{i}.nii.gz", 1000 + rng.normal(0, 50, (*SHAPE, 80)), AFFINE, t_r_s=2.0
        )
        np.savetxt(tmp_path / f"s{i}.par", 0.001 * rng.standard_normal((80, 6)))
        rows.append(
            {
                "path": f"s{i}.nii.gz",
                "participant_id": f"{i}",
                "confounds": f"s{i}.par",
                "mask": "mask.nii.gz",
            }
        )
    (tmp_path / "s0.nii.gz").write_bytes(b"nothing")
    pd.DataFrame(rows).to_csv(tmp_path / "scans.tsv", sep="\t", index=False)
    path = tmp_path / "study.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "extends": "fisher_z_ridge",
                "paths": {"output": "out", "reference": {"scans": "scans.tsv"}},
                "run": {"n_jobs": 1},
                "science": {
                    "atlas": {"name": "toy", "path": "atlas.nii.gz"},
                    "exclusion": {"min_retained_s": 60.0},
                },
            }
        )
    )
    return path


def printed(study_file, capsys, *overrides: str) -> str:
    sets = [word for override in overrides for word in ("--set", f"science.cleaning.{override}")]
    main(["extract", str(study_file), *sets])
    return capsys.readouterr().out


def test_the_cost_of_a_mask_of_each_scan_is_printed_before_the_scans(study_file, capsys):
    said = printed(study_file, capsys, "smoothing_fwhm_mm=6", "smoothing_mask=scan")
    # The first scan cannot be opened; its cost is measured on the second.
    assert "smoothing_mask: scan smooths the weights anew in each scan's own mask: " in said
    assert "s of a core for sub-1, " in said
    assert "for 3 scans" in said
    assert said.index("smoothing_mask") < said.index("2 done")


@pytest.mark.parametrize("overrides", [(), ("smoothing_fwhm_mm=6",), ("smoothing_mask=scan",)])
def test_what_costs_nothing_a_scan_is_not_mentioned(study_file, capsys, overrides):
    assert "smoothing_mask: scan smooths" not in printed(study_file, capsys, *overrides)
