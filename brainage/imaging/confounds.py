"""Confounds of one run: the columns to regress out, and the volumes to keep."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from nilearn.interfaces.fmriprep import load_confounds

from brainage.errors import ScanError
from brainage.imaging.cleaning import Strategy, load_strategy
from brainage.imaging.options import CleaningOptions
from brainage.imaging.scans import Scan

_FMRIPREP_MOTION = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
#: Power et al. (2012), NeuroImage 59:2142-2154: rotations as arcs on a sphere of this radius.
_HEAD_RADIUS_MM = 50.0


@dataclass(frozen=True)
class Nuisance:
    """What is known of a run besides its voxels.

    Parameters
    ----------
    confounds : ndarray of shape (n_volumes, k) or None
        Of every volume in the file, no NaN; None: nothing is regressed out.
    kept_volumes : ndarray of int
        Volumes that are neither initial nor censored.
    mean_fd_mm : float or None
        Mean framewise displacement after the initial volumes, before censoring.
    description : str
        One line for reports.
    """

    confounds: np.ndarray | None
    kept_volumes: np.ndarray
    mean_fd_mm: float | None
    description: str


def load_nuisance(scan: Scan, cleaning: CleaningOptions, *, n_volumes: int) -> Nuisance:
    """Read a run's confounds by the named strategy and decide which volumes to keep.

    Parameters
    ----------
    scan : Scan
        Names the confounds table: fMRIPrep's, or six motion parameters (.txt, .par, .tsv, .csv).
    cleaning : CleaningOptions
        Strategy, initial volumes, scrubbing.
    n_volumes : int
        Volumes of the image.

    Returns
    -------
    nuisance : Nuisance

    Raises
    ------
    ScanError
        No table although the strategy needs one, a table of another length than the image,
        columns that are missing or not numbers, every volume censored.
    """
    strategy = load_strategy(cleaning.strategy)
    table = None if scan.confounds is None else _read_table(scan.confounds)
    if table is not None and len(table) != n_volumes:
        raise ScanError(f"{scan.confounds}: {len(table)} rows, but {scan.bold.name} has {n_volumes} "
                        "volumes. They must be of the same run.")  # fmt: skip
    is_fmriprep = table is not None and set(_FMRIPREP_MOTION) <= set(table.columns)
    confounds = _regressors(scan, strategy, table, is_fmriprep)
    displacement = None if table is None else _displacement(table, is_fmriprep)
    first = _first_steady(table, cleaning)
    threshold = cleaning.scrub_fd_mm or strategy.scrub_fd_mm
    if threshold is not None and displacement is None:
        raise ScanError(f"{scan.bold}: scrubbing at {threshold:g} mm needs motion parameters, and "
                        "no confounds table was found.")  # fmt: skip
    kept = np.arange(first, n_volumes)
    if threshold is not None:
        kept = _censored(kept, displacement, threshold, cleaning.min_segment_volumes)
    if not len(kept):
        raise ScanError(f"{scan.bold}: none of {n_volumes} volumes is kept: {first} initial, the "
                        f"rest above {threshold} mm framewise displacement.")  # fmt: skip
    mean = None if displacement is None else float(np.mean(displacement[first:]))
    return Nuisance(confounds, kept, mean, strategy.description)


def framewise_displacement(motion: np.ndarray) -> np.ndarray:
    """Return Power's framewise displacement, zero for the first volume.

    Parameters
    ----------
    motion : ndarray of shape (n_volumes, 6)
        Three translations in mm, three rotations in radians.

    Returns
    -------
    displacement_mm : ndarray of shape (n_volumes,)
    """
    steps = np.abs(np.diff(motion, axis=0))
    steps[:, 3:] *= _HEAD_RADIUS_MM
    return np.concatenate([[0.0], steps.sum(axis=1)])


def expand_motion(motion: np.ndarray, n_parameters: int) -> np.ndarray:
    """Return 6 motion parameters, or Friston's 24: with derivatives and the squares of both."""
    if n_parameters == 6:
        return motion
    derivatives = np.vstack([np.zeros((1, 6)), np.diff(motion, axis=0)])
    both = np.hstack([motion, derivatives])
    return np.hstack([both, both**2])


def _regressors(scan: Scan, strategy: Strategy, table, is_fmriprep: bool) -> np.ndarray | None:
    if not strategy.load_confounds and strategy.motion_parameters == 0:
        return None
    if table is None:
        raise ScanError(f"{scan.bold}: strategy '{strategy.name}' needs a confounds table, found "
                        "none beside the image. Name it in the scans table, or use "
                        "science.cleaning.strategy: none.")  # fmt: skip
    if is_fmriprep:
        return _through_nilearn(scan, strategy)
    if strategy.motion_parameters < 0:
        raise ScanError(f"{scan.confounds}: strategy '{strategy.name}' needs fMRIPrep's columns, "
                        f"found {table.shape[1]} others. With motion parameters alone use "
                        "24P, minimal or none.")  # fmt: skip
    return expand_motion(_plain_motion(scan.confounds, table), strategy.motion_parameters)


def _through_nilearn(scan: Scan, strategy: Strategy) -> np.ndarray:
    arguments = dict(strategy.load_confounds)
    arguments["strategy"] = tuple(arguments["strategy"])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, _ = load_confounds(str(scan.bold), demean=False, **arguments)
    except (ValueError, KeyError) as error:
        raise ScanError(f"{scan.confounds}: strategy '{strategy.name}': {error}") from error
    return found.to_numpy(dtype=float)


def _read_table(path: Path) -> pd.DataFrame:
    separator = r"\s+" if path.suffix.lower() in (".txt", ".par", ".1d") else None
    if separator is None:
        separator = "," if path.suffix.lower() == ".csv" else "\t"
    try:
        # Motion parameters come without a header, and then their first row is numbers.
        with open(path, encoding="utf-8") as stream:
            first = re.split(r"[\s,]+", stream.readline().strip())
        bare = all(re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", cell, re.IGNORECASE) for cell in first)
        return pd.read_csv(path, sep=separator, header=None if bare else 0, na_values=["n/a"],
                           comment="#" if bare else None)  # fmt: skip
    except FileNotFoundError:
        raise ScanError(f"{path}: no such confounds table.") from None
    except (OSError, ValueError) as error:
        raise ScanError(f"{path}: the confounds table cannot be read: {error}") from error


def _plain_motion(path: Path, table: pd.DataFrame) -> np.ndarray:
    if table.shape[1] < 6:
        raise ScanError(f"{path}: expected six motion parameters, found {table.shape[1]} columns.")
    values = table.iloc[:, :6].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    if not np.isfinite(values).all():
        raise ScanError(f"{path}: expected numbers in six columns, found others.")
    # Rotations in radians come first in FSL and last in SPM; they are the smaller ones, because
    # a millimetre on the head is a fiftieth of a radian.
    spread = values.std(axis=0)
    rotations_first = spread[:3].sum() < spread[3:].sum()
    return values[:, [3, 4, 5, 0, 1, 2]] if rotations_first else values


def _displacement(table: pd.DataFrame, is_fmriprep: bool) -> np.ndarray | None:
    if "framewise_displacement" in table:
        values = pd.to_numeric(table["framewise_displacement"], errors="coerce")
        return values.fillna(0.0).to_numpy(dtype=float)
    if is_fmriprep:
        return framewise_displacement(table[list(_FMRIPREP_MOTION)].to_numpy(dtype=float))
    if table.shape[1] < 6:
        return None
    return framewise_displacement(_plain_motion(Path("motion table"), table))


def _first_steady(table: pd.DataFrame | None, cleaning: CleaningOptions) -> int:
    if cleaning.drop_initial_volumes is not None:
        return cleaning.drop_initial_volumes
    if table is None:
        return 0
    columns = [c for c in table.columns if str(c).startswith("non_steady_state_outlier")]
    flagged = np.flatnonzero(table[columns].to_numpy(dtype=float).any(axis=1)) if columns else []
    return int(flagged[-1]) + 1 if len(flagged) else 0


def _censored(kept: np.ndarray, displacement, threshold: float, min_segment: int) -> np.ndarray:
    good = kept[displacement[kept] <= threshold]
    runs = np.split(good, np.flatnonzero(np.diff(good) > 1) + 1)
    long_enough = [run for run in runs if len(run) >= min_segment]
    return np.concatenate(long_enough) if long_enough else good[:0]
