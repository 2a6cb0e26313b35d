"""NIfTI depth: a complete tree of fMRIPrep derivatives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from brainage.files import atomic_path, write_json
from brainage.progress import Progress, silent
from brainage.series.bids import scan_name
from brainage.synthetic.confounds import make_confounds
from brainage.synthetic.images import Grid, draw_voxels, make_grid
from brainage.synthetic.writers import write_study

if TYPE_CHECKING:
    from brainage.synthetic.study import SyntheticStudy

#: Where a cohort's derivatives lie in its folder.
DERIVATIVES = Path("derivatives", "fmriprep")
_SPACE = "MNI152NLin2009cAsym"
_TASK = "rest"


def write_bids_study(
    study: SyntheticStudy,
    folder: str | Path,
    *,
    counterfactual: bool = False,
    n_jobs: int = 1,
    progress: Progress = silent,
) -> None:
    """Write ``reference/derivatives/fmriprep/`` and the trial's, with their tables.

    Parameters
    ----------
    study : SyntheticStudy
        What is written.
    folder : str or Path
        Gets ``reference/``, ``trial/``, ``truth.tsv`` and ``planted.json``. A scan that is there
        already is kept, so an interrupted run goes on where it stopped.
    counterfactual : bool, default=False
        Write the trial's scans without the arms' effects, and no reference cohort.
    n_jobs : int, default=1
        Processes; never changes a byte.
    progress : Progress, optional
        Told of every chunk of scans.

    Raises
    ------
    StageError
        The folder holds another synthetic study.
    """
    write_study(
        study,
        Path(folder),
        _write_chunk,
        counterfactual=counterfactual,
        n_jobs=n_jobs,
        progress=progress,
    )


def _write_chunk(
    study: SyntheticStudy, scans: pd.DataFrame, folder: Path, counterfactual: bool
) -> None:
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
    # Late: nibabel comes with the imaging room.
    from brainage.imaging import write_nifti

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
