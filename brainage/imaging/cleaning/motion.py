"""Motion parameters: tables of many makers in one form, their expansion and displacement."""

from __future__ import annotations

import gzip
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.errors import ScanError
from brainage.imaging.reading.nifti import UNFETCHED, is_unfetched
from brainage.tables import separator_of

MOTION_COLUMNS = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
#: Column of trans_x ... rot_z in each maker's table, and degrees or radians.
_ORDERS = {
    "spm": ((0, 1, 2, 3, 4, 5), 1.0),
    "fsl": ((3, 4, 5, 0, 1, 2), 1.0),
    # AFNI's 3dvolreg: roll (z), pitch (x), yaw (y) in degrees, then dS (z), dL (x), dP (y) in mm.
    "afni": ((4, 5, 3, 1, 2, 0), np.pi / 180),
}
#: Power et al. (2012), NeuroImage 59:2142-2154: rotations as arcs on a sphere of this radius.
_HEAD_RADIUS_MM = 50.0
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)


def read_confounds_table(path: Path, *, motion_order: str | None = None) -> pd.DataFrame:
    """Read a confounds table with a header, or bare motion parameters in a maker's order.

    Parameters
    ----------
    path : Path
        fMRIPrep's TSV, a TSV or CSV with named columns, or six bare columns of motion; cells
        separated by what the ending says, else by tabs, semicolons, commas or blanks.
    motion_order : {"fsl", "spm", "afni"} or None, default=None
        Order and units of six bare columns; None: what the name says (``.par`` is FSL's mcflirt,
        ``rp_*`` is SPM's), never what the numbers look like.

    Returns
    -------
    table : DataFrame
        One row a volume. Bare motion comes back as trans_x ... rot_z in mm and radians.
        ``attrs["separator"]`` is what separates named columns in the file.

    Raises
    ------
    ScanError
        Unreadable, not numbers, an order nobody stated.
    """
    try:
        content = path.read_bytes()
        if path.name.lower().endswith(".gz"):
            content = gzip.decompress(content)
        text = content.decode("utf-8-sig")
        first = _first_line(text)
        if is_unfetched(first.encode()):
            raise ScanError(f"{path}: {UNFETCHED}.")
        bare = all(_NUMBER.fullmatch(cell) for cell in re.split(r"[\s,;]+", first) if cell)
        separator = _separator(path, first)
        if not bare:
            _refuse_ragged(path, text, separator)
        table = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            header=None if bare else 0,
            index_col=False,
            na_values=["n/a"],
            comment="#" if bare else None,
        )
    except FileNotFoundError:
        raise ScanError(
            f"{path}: no such confounds table. Correct its path, or fetch it where it "
            "is a link to data elsewhere (`datalad get`)."
        ) from None
    except (OSError, EOFError, ValueError) as error:
        raise ScanError(f"{path}: the confounds table cannot be read: {error}") from error
    if bare:
        table = _named_motion(path, table.dropna(axis=1, how="all"), motion_order)
    table.attrs["separator"] = separator if not bare else None
    return table


def _separator(path: Path, line: str) -> str:
    if path.name.lower().removesuffix(".gz").endswith((".csv", ".tsv")):
        return separator_of(path, line)
    return next((mark for mark in ";," if mark in line), r"\s+")


def _refuse_ragged(path: Path, text: str, separator: str) -> None:
    """Refuse what pandas reads in silence: it takes longer rows' first cells for an index."""
    split = re.compile(separator).split
    rows = [
        (at, line.strip(" \r")) for at, line in enumerate(text.split("\n"), start=1) if line.strip()
    ]
    (at, header), *below = rows
    names = [name.strip(' "') for name in split(header)]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ScanError(
            f"{path}: line {at}: the header has '{twice[0]}' twice; which is meant cannot be known."
        )
    for at, line in below:
        n_cells = 1 + line.count(separator) if len(separator) == 1 else len(split(line))
        if n_cells != len(names):
            raise ScanError(
                f"{path}: line {at} has {n_cells} cells, the header {len(names)}. Is a name or a "
                "value lacking, or the file cut short?"
            )


def _first_line(text: str) -> str:
    for line in io.StringIO(text):
        if line.strip() and not line.startswith("#"):
            return line.strip()
    raise ValueError("an empty file")


def complete_motion(table: pd.DataFrame) -> pd.DataFrame:
    """Add what fMRIPrep derives from six motion parameters where a table lacks it.

    Derivatives (backward differences, first value missing), squares of both, and
    framewise_displacement, under fMRIPrep's names. A table that has them, or that has no motion,
    is returned itself.
    """
    if not set(MOTION_COLUMNS) <= set(table.columns):
        return table
    derived: dict[str, pd.Series | np.ndarray] = {}
    for name in MOTION_COLUMNS:
        values = table[name].astype(float)
        difference = values.diff()
        derived |= {
            f"{name}_derivative1": difference,
            f"{name}_power2": values**2,
            f"{name}_derivative1_power2": difference**2,
        }
    motion = table[list(MOTION_COLUMNS)].to_numpy(dtype=float)
    derived["framewise_displacement"] = framewise_displacement(motion)
    absent = {name: values for name, values in derived.items() if name not in table}
    return table if not absent else table.assign(**absent)


def framewise_displacement(motion: np.ndarray) -> np.ndarray:
    """Return Power's framewise displacement in mm.

    Parameters
    ----------
    motion : ndarray of shape (n_volumes, 6)
        Three translations in mm, three rotations in radians (arcs on a 50 mm sphere).

    Returns
    -------
    displacement_mm : ndarray of shape (n_volumes,)
        NaN for the first volume, which has no predecessor, as in fMRIPrep.

    References
    ----------
    .. [1] Power et al. (2012), NeuroImage 59:2142-2154.
    """
    steps = np.abs(np.diff(motion, axis=0))
    steps[:, 3:] *= _HEAD_RADIUS_MM
    return np.concatenate([[np.nan], steps.sum(axis=1)])


def framewise_displacement_of(table: pd.DataFrame, path: Path) -> np.ndarray | None:
    """Return a table's framewise displacement, computed where it lacks it; None without motion.

    Raises
    ------
    ScanError
        A value after the first that is not a number.
    """
    if "framewise_displacement" in table:
        values = pd.to_numeric(table["framewise_displacement"], errors="coerce").to_numpy(float)
    elif set(MOTION_COLUMNS) <= set(table.columns):
        values = framewise_displacement(table[list(MOTION_COLUMNS)].to_numpy(dtype=float))
    else:
        return None
    bad = np.flatnonzero(~np.isfinite(values[1:]))
    if len(bad):
        raise ScanError(
            f"{path}: framewise displacement of volume {bad[0] + 1} (counted from 0) "
            "is missing or not a number; only the first may be."
        )
    return values


def _named_motion(path: Path, table: pd.DataFrame, motion_order: str | None) -> pd.DataFrame:
    if table.shape[1] != 6:
        raise ScanError(
            f"{path}: expected six motion parameters or a header line, found "
            f"{table.shape[1]} columns of numbers without names."
        )
    name = path.name.lower()
    order = motion_order
    if order is None and name.endswith(".par"):
        order = "fsl"
    if order is None and name.startswith("rp_"):
        order = "spm"
    if order is None:
        raise ScanError(
            f"{path}: six motion parameters without names: state whose order it is, "
            "science.cleaning.motion_order: fsl (rotations in radians, then mm), spm "
            "(mm, then radians) or afni (3dvolreg: degrees, then mm)."
        )
    values = table.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise ScanError(f"{path}: line {row + 1}: expected six numbers, found others.")
    columns, rotation_unit = _ORDERS[order]
    values = values[:, columns]
    values[:, 3:] *= rotation_unit
    return pd.DataFrame(values, columns=list(MOTION_COLUMNS))
