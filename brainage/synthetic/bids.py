"""NIfTI depth: a complete tree of fMRIPrep derivatives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from brainage.files import atomic_path, write_json
from brainage.imaging import write_nifti
from brainage.series import scan_name
from brainage.synthetic.confounds import make_confounds
from brainage.synthetic.images import Grid, draw_voxels, make_grid
from brainage.synthetic.study import SyntheticStudy

#: Where a cohort's derivatives lie in its folder.
DERIVATIVES = Path("derivatives", "fmriprep")
_SPACE = "MNI152NLin2009cAsym"
_TASK = "rest"


def write_bids_scans(
    study: SyntheticStudy, scans: pd.DataFrame, folder: Path, *, counterfactual: bool
) -> None:
    """Write ``derivatives/fmriprep/`` of some scans of a cohort.

    Parameters
    ----------
    study : SyntheticStudy
        Whose.
    scans : DataFrame
        Rows of its truth.
    folder : Path
        The cohort's; a scan whose image is there already is kept.
    counterfactual : bool
        Without the arm's effect.
    """
    derivatives = folder / DERIVATIVES
    _write_description(derivatives)
    grid = make_grid(study.parcels, study.options.nifti.grid_mm)
    with threadpool_limits(1):
        for _, row in scans.iterrows():
            _write_scan(study, row, grid, derivatives, counterfactual)


def _write_description(derivatives: Path) -> None:
    # Every chunk writes the same bytes; the last one wins and nothing differs.
    write_json(
        derivatives / "dataset_description.json",
        {
            "Name": "brainage synthetic study in the layout of fMRIPrep",
            "BIDSVersion": "1.8.0",
            "DatasetType": "derivative",
            "GeneratedBy": [
                {
                    "Name": "brainage.synthetic",
                    "Description": "Simulated; file names, confounds and JSON follow "
                    "fMRIPrep 20.2.",
                }
            ],
        },
    )


def _write_scan(
    study: SyntheticStudy, row: pd.Series, grid: Grid, derivatives: Path, counterfactual: bool
) -> None:
    stem = scan_name(row["participant_id"], row["session_id"], _TASK, "n/a")
    parts = [part for part in stem.split("_") if part.startswith(("sub-", "ses-"))]
    func = derivatives.joinpath(*parts, "func")
    spatial = f"{stem}_space-{_SPACE}"
    bold = func / f"{spatial}_desc-preproc_bold.nii.gz"
    if bold.is_file():
        return
    t_r_s = study.options.t_r_s
    scan = draw_voxels(study, row, grid, counterfactual=counterfactual)
    table, meta = make_confounds(scan, grid, t_r_s)
    confounds = func / f"{stem}_desc-confounds_timeseries.tsv"
    with atomic_path(confounds) as temporary:
        table.to_csv(
            temporary, sep="\t", index=False, na_rep="n/a", float_format="%.8g", lineterminator="\n"
        )
    write_json(confounds.with_suffix(".json"), meta)
    mask = func / f"{spatial}_desc-brain_mask"
    write_nifti(mask.with_suffix(".nii.gz"), grid.mask.astype(np.uint8), grid.affine, dtype="uint8")
    write_json(mask.with_suffix(".json"), {"Type": "Brain"})
    write_json(
        func / f"{spatial}_desc-preproc_bold.json",
        {"RepetitionTime": t_r_s, "TaskName": _TASK, "SkullStripped": True},
    )
    volumes = np.zeros((*grid.mask.shape, len(scan.values)), dtype=np.int16)
    volumes[grid.mask] = np.rint(scan.values).astype(np.int16).T
    # Last: a scan whose image is there is whole.
    write_nifti(bold, volumes, grid.affine, t_r_s=t_r_s)
