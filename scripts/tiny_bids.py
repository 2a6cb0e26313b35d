"""Write a small BIDS dataset with fMRIPrep's derivatives, to try the app and the container on.

    python scripts/tiny_bids.py FOLDER [PEOPLE]

Noise with a little structure in it: it says nothing about brains, and takes a second.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.imaging import write_nifti

_SHAPE, _VOLUMES, _T_R_S = (15, 18, 15), 64, 2.0
_AFFINE = np.array([[10.0, 0, 0, -70], [0, 10, 0, -105], [0, 0, 10, -70], [0, 0, 0, 1]])
_SPACE = "space-MNI152NLin2009cAsym"
_MOTION = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")


def write_tiny_bids(
    folder: Path, n_people: int = 12, *, sessions: tuple[str, ...] = ("1",), prefix: str = ""
) -> None:
    """Write ``participants.tsv`` and ``derivatives/fmriprep``: some people, a session a year."""
    # Other people have other scans.
    rng = np.random.default_rng([0, *map(ord, prefix)])
    rows, visits = [], []
    for i in range(n_people):
        person = f"sub-{prefix}{i + 1:02d}"
        rows.append({"participant_id": person, "age": 20 + 5 * i, "sex": "FM"[i % 2]})
        for years, session in enumerate(sessions):
            age = 20 + 5 * i + years
            visits.append({"participant_id": person, "session_id": f"ses-{session}", "age": age})
            func = folder / "derivatives" / "fmriprep" / person / f"ses-{session}" / "func"
            _write_scan(func, f"{person}_ses-{session}_task-rest", rng)
    pd.DataFrame(rows).to_csv(folder / "participants.tsv", sep="\t", index=False)
    if len(sessions) > 1:
        pd.DataFrame(visits).to_csv(folder / "sessions.tsv", sep="\t", index=False)


def _write_scan(func: Path, stem: str, rng: np.random.Generator) -> None:
    image = f"{stem}_{_SPACE}_desc-preproc_bold"
    values = rng.normal(1000, 40, (*_SHAPE, _VOLUMES))
    write_nifti(func / f"{image}.nii.gz", values, _AFFINE, t_r_s=_T_R_S)
    (func / f"{image}.json").write_text(json.dumps({"RepetitionTime": _T_R_S}))
    mask = func / f"{stem}_{_SPACE}_desc-brain_mask.nii.gz"
    write_nifti(mask, np.ones(_SHAPE), _AFFINE, dtype="uint8")
    # Millimetres, then radians: some tenths of a millimetre a volume.
    steps = rng.normal(0, 1, (_VOLUMES, 6)) * [0.03, 0.03, 0.03, 0.0005, 0.0005, 0.0005]
    confounds = func / f"{stem}_desc-confounds_timeseries.tsv"
    motion = pd.DataFrame(np.cumsum(steps, axis=0), columns=list(_MOTION))
    for tissue in ("csf", "white_matter", "global_signal"):
        motion[tissue] = rng.normal(1000, 5, _VOLUMES)
    motion.to_csv(confounds, sep="\t", index=False)


if __name__ == "__main__":
    write_tiny_bids(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
