"""The confounds table of a synthetic scan, computed from its own voxels as fMRIPrep does.

Columns and JSON are those of fMRIPrep 20.2, which `nilearn.interfaces.fmriprep.load_confounds`
reads: every strategy of it finds what it asks for.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.synthetic.images import Grid, VoxelScan

_CUTOFF_S = 128.0
_N_COMPONENTS = 6
_OUTLIER_FD_MM = 0.5
_OUTLIER_STD_DVARS = 1.5
_HIGH_VARIANCE_SHARE = 0.02
_MOTION = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")


def make_confounds(scan: VoxelScan, grid: Grid, t_r_s: float) -> tuple[pd.DataFrame, dict]:
    """Compute the confounds of a scan.

    Parameters
    ----------
    scan : VoxelScan
        Values and motion.
    grid : Grid
        Its compartments.
    t_r_s : float
        Repetition time.

    Returns
    -------
    table : DataFrame
        n_volumes rows; NaN where a difference has no predecessor.
    meta : dict
        The JSON beside it: what each component is.
    """
    values = scan.values.astype(np.float64)
    n_volumes = len(values)
    signals = {
        "csf": values[:, grid.csf].mean(axis=1),
        "white_matter": values[:, grid.white_matter].mean(axis=1),
        "global_signal": values.mean(axis=1),
    }
    columns: dict[str, np.ndarray] = {}
    for name, course in signals.items():
        columns |= _expanded(name, course)
    dvars = _dvars(values)
    fd_mm = scan.motion.fd_mm
    std_dvars = dvars / np.nanmedian(dvars[scan.n_dummy_volumes + 1 :])
    rmsd = _rmsd(scan.motion.parameters)
    columns |= {
        "std_dvars": std_dvars,
        "dvars": dvars,
        "framewise_displacement": fd_mm,
        "rmsd": rmsd,
    }
    cosines = cosine_drifts(n_volumes, t_r_s)
    components, meta = _components(values, grid, cosines, scan.n_dummy_volumes)
    columns |= components
    columns |= {f"cosine{i:02d}": cosines[:, i] for i in range(cosines.shape[1])}
    steady = np.arange(n_volumes) >= scan.n_dummy_volumes
    columns |= _one_hot("non_steady_state_outlier", np.flatnonzero(~steady), n_volumes)
    for i, name in enumerate(_MOTION):
        columns |= _expanded(name, scan.motion.parameters[:, i])
    bad = (np.nan_to_num(fd_mm) > _OUTLIER_FD_MM) | (np.nan_to_num(std_dvars) > _OUTLIER_STD_DVARS)
    columns |= _one_hot("motion_outlier", np.flatnonzero(bad & steady), n_volumes)
    meta |= {name: {"Method": "Mean"} for name in signals}
    return pd.DataFrame(columns), meta


def cosine_drifts(n_volumes: int, t_r_s: float) -> np.ndarray:
    """Return discrete cosines slower than 128 s, (n_volumes, k); k is at least 1."""
    order = max(1, int(np.floor(2 * n_volumes * t_r_s / _CUTOFF_S)))
    times = (np.arange(n_volumes) + 0.5) / n_volumes
    return np.cos(np.pi * np.outer(times, np.arange(1, order + 1))) * (2 / n_volumes) ** 0.5


def _expanded(name: str, course: np.ndarray) -> dict[str, np.ndarray]:
    difference = np.concatenate([[np.nan], np.diff(course)])
    return {
        name: course,
        f"{name}_derivative1": difference,
        f"{name}_power2": course**2,
        f"{name}_derivative1_power2": difference**2,
    }


def _dvars(values: np.ndarray) -> np.ndarray:
    rms = np.sqrt((np.diff(values, axis=0) ** 2).mean(axis=1))
    return np.concatenate([[np.nan], rms])


def _rmsd(parameters: np.ndarray) -> np.ndarray:
    # Jenkinson's formula for small rotations about the centre of an 80 mm sphere.
    step = np.diff(parameters, axis=0)
    squared = (step[:, :3] ** 2).sum(axis=1) + 0.4 * 80.0**2 * (step[:, 3:] ** 2).sum(axis=1)
    return np.concatenate([[np.nan], np.sqrt(squared)])


def _one_hot(name: str, volumes: np.ndarray, n_volumes: int) -> dict[str, np.ndarray]:
    columns = {}
    for number, volume in enumerate(volumes):
        column = np.zeros(n_volumes)
        column[volume] = 1.0
        columns[f"{name}{number:02d}"] = column
    return columns


def _components(
    values: np.ndarray, grid: Grid, cosines: np.ndarray, n_dummy: int
) -> tuple[dict[str, np.ndarray], dict]:
    filtered = _without(values, cosines)
    filtered[:n_dummy] = 0.0
    variance = filtered.var(axis=0)
    high = variance >= np.quantile(variance, 1 - _HIGH_VARIANCE_SHARE)
    masks = (
        ("combined", grid.csf | grid.white_matter),
        ("CSF", grid.csf),
        ("WM", grid.white_matter),
    )
    columns, meta = {}, {}
    found, about = _principal(filtered[:, high])
    for i in range(_N_COMPONENTS):
        columns[f"t_comp_cor_{i:02d}"] = found[:, i]
        meta[f"t_comp_cor_{i:02d}"] = {"Method": "tCompCor", "Retained": True, **about[i]}
    dropped = number = 0
    for mask, voxels in masks:
        found, about = _principal(filtered[:, voxels])
        for i, numbers in enumerate(about):
            retained = i < _N_COMPONENTS
            name = f"a_comp_cor_{number:02d}" if retained else f"dropped_{dropped}"
            meta[name] = {"Mask": mask, "Method": "aCompCor", "Retained": retained, **numbers}
            if retained:
                columns[name] = found[:, i]
                number += 1
            else:
                dropped += 1
    return columns, meta


def _without(values: np.ndarray, regressors: np.ndarray) -> np.ndarray:
    basis, _ = np.linalg.qr(np.column_stack([np.ones(len(values)), regressors]))
    return values - basis @ (basis.T @ values)


def _principal(values: np.ndarray) -> tuple[np.ndarray, list[dict]]:
    # Two components more than are kept stand in the JSON as dropped, as fMRIPrep lists them.
    centered = values - values.mean(axis=0)
    power, courses = np.linalg.eigh(centered @ centered.T)
    power, courses = power[::-1].clip(0), courses[:, ::-1]
    share = power / power.sum()
    about = [
        {
            "SingularValue": float(power[i] ** 0.5),
            "VarianceExplained": float(share[i]),
            "CumulativeVarianceExplained": float(share[: i + 1].sum()),
        }
        for i in range(_N_COMPONENTS + 2)
    ]
    # An eigenvector's sign is arbitrary and may differ between builds: fix it.
    top = courses[:, : _N_COMPONENTS + 2]
    return top * np.sign(top[np.abs(top).argmax(axis=0), np.arange(top.shape[1])]), about
