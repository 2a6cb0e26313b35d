"""A mask or an atlas of labels, read whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from brainage.errors import ScanError
from brainage.imaging.reading.nifti import ScanHeader
from brainage.imaging.reading.stream import VolumeStream


def read_volume(path: str | Path) -> tuple[ScanHeader, np.ndarray]:
    """Read a mask or an atlas of labels whole: one volume, to its last byte and checksum.

    Parameters
    ----------
    path : str or Path
        NIfTI of one volume.

    Returns
    -------
    header : ScanHeader
    stored : ndarray of shape (x, y, z)
        As stored, not scaled.

    Raises
    ------
    ScanError
        Absent, no such image, truncated or corrupt, more than one volume.
    """
    with VolumeStream(path, n_threads=1, series=False) as stream:
        header = stream.header
        if header.n_volumes > 1:
            raise ScanError(
                f"{path}: expected a 3-D image, found {header.n_volumes} volumes of shape "
                f"{header.grid.shape}."
            )
        for _, block in stream.blocks():
            stored = block[0]
    return header, stored.reshape(header.grid.shape, order="F")
