"""Confounds of one run: the columns to regress out, and the volumes to keep."""

from __future__ import annotations

import gzip
import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from nilearn.interfaces.fmriprep import load_confounds

from brainage.errors import ScanError
from brainage.files import read_json_object
from brainage.imaging.cleaning.motion import (
    MOTION_COLUMNS,
    complete_motion,
    framewise_displacement_of,
    read_confounds_table,
)
from brainage.imaging.cleaning.strategies import Strategy, load_strategy
from brainage.imaging.options import CleaningOptions, as_cleaning_options
from brainage.imaging.reading.scan import Scan
from brainage.showing import Shown

_AROMA = "smoothAROMAnonaggr"
_NON_STEADY = "non_steady_state_outlier"


@dataclass(frozen=True, repr=False)
class Nuisance(Shown):
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

    Examples
    --------
    >>> scan = ba.find_scans(derivatives)[0]
    >>> nuisance = load_nuisance(scan, ba.CleaningOptions(strategy="24P"), n_volumes=60)
    >>> nuisance
    Nuisance
      confounds: float64 60 x 24
      kept_volumes: int64 58
      mean_fd_mm: 0.171851
      description: 24 motion parameters: 6, their derivatives, and the squares of both
    """

    confounds: np.ndarray | None
    kept_volumes: np.ndarray
    mean_fd_mm: float | None
    description: str


def load_nuisance(scan: Scan, cleaning: CleaningOptions | str, *, n_volumes: int) -> Nuisance:
    """Read a run's confounds by the named strategy and decide which volumes to keep.

    Parameters
    ----------
    scan : Scan
        Names the confounds table: fMRIPrep's, or six motion parameters (.txt, .par, .1D, .tsv,
        .csv), from which derivatives, squares and framewise displacement are computed.
    cleaning : CleaningOptions or str
        Strategy, initial volumes, scrubbing; or the strategy's name.
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
    ConfigError
        No such strategy.

    Examples
    --------
    >>> scan = ba.find_scans(derivatives)[0]
    >>> nuisance = load_nuisance(scan, ba.CleaningOptions(scrub_fd_mm=0.5), n_volumes=60)
    >>> nuisance
    Nuisance
      confounds: float64 60 x 24
      kept_volumes: int64 52
      mean_fd_mm: 0.171851
      description: 24 motion parameters: 6, their derivatives, and the squares of both
    """
    cleaning = as_cleaning_options(cleaning)
    strategy = load_strategy(cleaning.strategy)
    if n_volumes < 2:
        raise ScanError(f"{scan.bold}: expected a time series, found {n_volumes} volume.")
    table = displacement_mm = None
    if scan.confounds is not None:
        table = _table(scan, scan.confounds, cleaning, n_volumes=n_volumes)
        displacement_mm = framewise_displacement_of(table, scan.confounds)
    confounds, steady = _regressors(scan, strategy, cleaning, table)
    first = _first_steady(scan, table, cleaning, n_volumes)
    kept = np.arange(first, n_volumes)
    if steady is not None:
        # nilearn counts stretches from the first volume in the file, initial ones among them.
        kept = _long_stretches(np.intersect1d(kept, steady), cleaning.min_segment_volumes)
    threshold_mm = _threshold_mm(strategy, cleaning)
    if threshold_mm is not None:
        if displacement_mm is None:
            raise ScanError(
                f"{scan.bold}: scrubbing at {threshold_mm:g} mm needs motion "
                "parameters, and its confounds table has none (or there is no table)."
            )
        kept = _censored(kept, displacement_mm, threshold_mm, cleaning.min_segment_volumes)
    if not len(kept):
        raise ScanError(
            f"{scan.bold}: none of {n_volumes} volumes is kept: {first} initial, the "
            "rest censored for motion or in too short stretches."
        )
    if confounds is not None:
        _check_something_is_left(scan, strategy, confounds[kept])
    return Nuisance(confounds, kept, _mean_after(displacement_mm, first), strategy.description)


def _check_something_is_left(scan: Scan, strategy: Strategy, confounds: np.ndarray) -> None:
    """Refuse confounds that explain any signal: rounding errors would be standardised instead."""
    centred = confounds - confounds.mean(axis=0)
    # Columns differ by orders of magnitude; only their directions count.
    lengths = np.linalg.norm(centred, axis=0)
    rank = np.linalg.matrix_rank(centred / np.where(lengths > 0, lengths, 1.0), tol=1e-9)
    if rank + 1 >= len(confounds):
        raise ScanError(
            f"{scan.confounds}: strategy '{strategy.name}' regresses out {rank} "
            f"independent confounds, and {len(confounds)} volumes are kept: nothing "
            "of the signal would be left. Use fewer confounds, or a longer scan."
        )


def _table(
    scan: Scan, confounds: Path, cleaning: CleaningOptions, *, n_volumes: int
) -> pd.DataFrame:
    table = read_confounds_table(confounds, motion_order=cleaning.motion_order)
    if len(table) != n_volumes:
        raise ScanError(
            f"{confounds}: {len(table)} rows, but {scan.bold.name} has "
            f"{n_volumes} volumes. They must be of the same run."
        )
    _refuse_text(confounds, table)
    return table


def _refuse_text(path: Path, table: pd.DataFrame) -> None:
    """Refuse text in the columns that are read whatever the strategy (decimal commas, say)."""
    for name in table.columns:
        if not (name in MOTION_COLUMNS or str(name).startswith(_NON_STEADY)):
            continue
        numbers = pd.to_numeric(table[name], errors="coerce")
        text = np.flatnonzero((numbers.isna() & table[name].notna()).to_numpy())
        if len(text):
            raise ScanError(
                f"{path}: {name} of volume {text[0]} (counted from 0): expected a "
                f"number, found '{table[name].iloc[text[0]]}'."
            )


def _regressors(
    scan: Scan, strategy: Strategy, cleaning: CleaningOptions, table: pd.DataFrame | None
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return the confounds, and the volumes nilearn keeps where its scrubbing is asked for."""
    if not strategy.load_confounds and not strategy.all_columns:
        return None, None
    if table is None or scan.confounds is None:
        raise ScanError(
            f"{scan.bold}: strategy '{strategy.name}' needs a confounds table, found "
            "none beside the image. Name it in the scans table, or use "
            "science.cleaning.strategy: none."
        )
    if strategy.all_columns:
        found, steady = table.apply(pd.to_numeric, errors="coerce"), None
        # As nilearn does: a difference has no first value, so it takes the second's.
        found.iloc[0] = found.iloc[0].fillna(found.iloc[1 if len(found) > 1 else 0])
    else:
        found, steady = _through_nilearn(scan, strategy, cleaning, table=table)
    bad = [str(c) for c in found if not np.isfinite(found[c].to_numpy(dtype=float)).all()]
    if bad:
        raise ScanError(
            f"{scan.confounds}: expected numbers after the first row, found missing or "
            f"infinite ones in {', '.join(bad[:5])}."
        )
    return (found.to_numpy(dtype=float) if found.shape[1] else None), steady


def _through_nilearn(
    scan: Scan, strategy: Strategy, cleaning: CleaningOptions, *, table: pd.DataFrame
) -> tuple[pd.DataFrame, np.ndarray | None]:
    confounds = cast(Path, scan.confounds)
    arguments = dict(strategy.load_confounds)
    arguments["strategy"] = tuple(arguments["strategy"])
    scrubs = "scrub" in arguments["strategy"]
    if scrubs:
        arguments["scrub"] = cleaning.min_segment_volumes
        if cleaning.scrub_fd_mm is not None:
            arguments["fd_threshold"] = cleaning.scrub_fd_mm
    full_aroma = arguments.get("ica_aroma") == "full"
    if full_aroma and _AROMA not in scan.bold.name:
        raise ScanError(
            f"{scan.bold}: strategy '{strategy.name}' expects an image that AROMA has "
            f"denoised (*_desc-{_AROMA}_bold.nii.gz): list those in a scans table, or "
            "use ica_aroma_aggressive with desc-preproc images."
        )
    if "compcor" in arguments["strategy"]:
        _check_components(confounds, strategy)
    with tempfile.TemporaryDirectory(prefix="brainage-") as folder:
        image = _stage(Path(folder), confounds, table, _AROMA if full_aroma else "preproc")
        try:
            with warnings.catch_warnings():
                # It warns of every volume scrubbed, which is our error below.
                warnings.simplefilter("ignore")
                found, steady = load_confounds(str(image), demean=False, **arguments)
        except TypeError as error:
            text = [str(c) for c in table if not pd.api.types.is_numeric_dtype(table[c])]
            raise ScanError(
                f"{scan.confounds}: strategy '{strategy.name}': expected numbers, "
                f"found text in {', '.join(text[:5])}."
            ) from error
        except (ValueError, KeyError, OSError) as error:
            raise ScanError(
                f"{scan.confounds}: strategy '{strategy.name}': {' '.join(str(error).split())}"
            ) from error
    return found, (steady if scrubs else None)


def _sidecar_of(confounds: Path) -> Path:
    return confounds.with_name(confounds.name.removesuffix(".gz").rsplit(".", 1)[0] + ".json")


def _check_components(confounds: Path, strategy: Strategy) -> None:
    """Refuse components that nothing describes: only the JSON says of which mask each one is."""
    sidecar = _sidecar_of(confounds)
    needs = f"strategy '{strategy.name}' takes CompCor's components by the mask that each is of"
    if not sidecar.exists():
        raise ScanError(
            f"{confounds}: {needs}, which only the JSON beside the table says, and there is no "
            f"{sidecar.name}. Copy it from fMRIPrep's output, or choose a strategy without CompCor."
        )
    meta = read_json_object(sidecar, error=ScanError)
    described = any(isinstance(entry, dict) and "comp_cor" in name for name, entry in meta.items())
    if not described:
        raise ScanError(
            f"{sidecar}: {needs}, and this JSON describes no component (*_comp_cor_*). Copy "
            "fMRIPrep's own, or choose a strategy without CompCor."
        )


def _stage(folder: Path, confounds: Path, table: pd.DataFrame, desc: str) -> Path:
    """Lay the table into a folder under fMRIPrep's names, all that nilearn looks at.

    It finds a table by the image's name; ours may be called anything.
    """
    # The image is named, and never looked for.
    image = folder / f"sub-x_task-x_desc-{desc}_bold.nii.gz"
    target = folder / "sub-x_task-x_desc-confounds_timeseries.tsv"
    complete = complete_motion(table)
    if complete is not table or table.attrs["separator"] != "\t":
        complete.to_csv(target, sep="\t", index=False, na_rep="n/a")
    elif confounds.name.lower().endswith(".gz"):
        target.write_bytes(gzip.decompress(confounds.read_bytes()))
    else:
        # Not resolved: that would ask for every folder on the way, for each scan.
        target.symlink_to(os.path.abspath(confounds))
    sidecar = _sidecar_of(confounds)
    if sidecar.is_file():
        target.with_suffix(".json").symlink_to(os.path.abspath(sidecar))
    else:
        target.with_suffix(".json").write_text("{}", encoding="utf-8")
    return image


def _threshold_mm(strategy: Strategy, cleaning: CleaningOptions) -> float | None:
    # nilearn's own scrubbing already has the study's threshold.
    if "scrub" in strategy.load_confounds.get("strategy", ()):
        return None
    return strategy.scrub_fd_mm if cleaning.scrub_fd_mm is None else cleaning.scrub_fd_mm


def _first_steady(
    scan: Scan, table: pd.DataFrame | None, cleaning: CleaningOptions, n_volumes: int
) -> int:
    if cleaning.drop_initial_volumes is not None:
        if cleaning.drop_initial_volumes >= n_volumes:
            raise ScanError(
                f"{scan.bold}: {n_volumes} volumes, and "
                "science.cleaning.drop_initial_volumes drops "
                f"{cleaning.drop_initial_volumes}."
            )
        return cleaning.drop_initial_volumes
    if table is None:
        return 0
    columns = [c for c in table.columns if str(c).startswith(_NON_STEADY)]
    flagged = np.flatnonzero(table[columns].to_numpy(dtype=float).any(axis=1))
    return int(flagged[-1]) + 1 if len(flagged) else 0


def _mean_after(displacement_mm: np.ndarray | None, first: int) -> float | None:
    if displacement_mm is None:
        return None
    known = displacement_mm[first:][~np.isnan(displacement_mm[first:])]
    return float(known.mean()) if len(known) else None


def _censored(
    kept: np.ndarray, displacement_mm: np.ndarray, threshold_mm: float, min_segment: int
) -> np.ndarray:
    # The first volume has no displacement; it is judged by its neighbours alone.
    return _long_stretches(kept[~(displacement_mm[kept] > threshold_mm)], min_segment)


def _long_stretches(kept: np.ndarray, min_segment: int) -> np.ndarray:
    """Return the volumes in runs of at least `min_segment` neighbours."""
    runs = np.split(kept, np.flatnonzero(np.diff(kept) > 1) + 1)
    long_enough = [run for run in runs if len(run) >= min_segment]
    return np.concatenate(long_enough) if long_enough else kept[:0]
