"""Make the scans, labels and confounds that `bench_extract.py` measures with."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np

SHAPE = (97, 115, 97)
AFFINE = np.array([[2.0, 0, 0, -96], [0, 2, 0, -132], [0, 0, 2, -78], [0, 0, 0, 1]])
T_R_S = 2.0
N_LABELS = 400
N_CONFOUNDS = 24
#: Share of voxels outside the brain that hold noise; the rest is zero.
_BACKGROUND_SHARE = 0.75


def make_everything(folder: Path, files: set[str], n_volumes: int) -> None:
    """Write labels, a brain mask, a strategy, confounds, and the scans that are asked for.

    Parameters
    ----------
    folder : Path
        Where to.
    files : set of str
        Names of scans: ``float32*`` is float32 and the others int16, ``long*`` has four times the
        volumes, ``*.gz`` is packed.
    n_volumes : int
        Of the usual scan.
    """
    # Measuring processes import this module for its constants: they shall hold nothing more.
    from concurrent.futures import ProcessPoolExecutor

    from scipy.spatial import KDTree

    from brainage.imaging import write_nifti

    rng = np.random.default_rng(0)
    index = np.indices(SHAPE).reshape(3, -1).T
    radius = np.linalg.norm((index - [48, 57, 44]) / [37, 46, 36], axis=1)
    brain = (radius < 1).reshape(SHAPE)
    inside = index[radius < 1]
    seeds = inside[rng.choice(len(inside), N_LABELS, replace=False)]
    labels = np.zeros(SHAPE)
    labels[brain] = 1 + KDTree(seeds).query(inside)[1]
    write_nifti(folder / "labels.nii.gz", labels, AFFINE)
    write_nifti(folder / "labels_float32.nii.gz", labels, AFFINE, dtype="float32")
    write_nifti(folder / "mask.nii.gz", brain, AFFINE, dtype="uint8")
    (folder / "all.toml").write_text('description = "every column"\nall_columns = true\n')
    names = [f"confound{i:02d}" for i in range(N_CONFOUNDS)]
    for name, n in (("bold", n_volumes), ("long", 4 * n_volumes)):
        values = np.cumsum(rng.normal(0, 0.001, (n, N_CONFOUNDS)), axis=0)
        np.savetxt(
            folder / f"{name}_confounds.tsv",
            values,
            delimiter="\t",
            comments="",
            header="\t".join(names),
            fmt="%.6f",
        )
    # The longest first, two at a time.
    with ProcessPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        for made in [
            pool.submit(_write_bold, folder / name, brain, n_volumes)
            for name in sorted(files, key=lambda name: not name.startswith("long"))
        ]:
            made.result()


def _write_bold(path: Path, brain: np.ndarray, n_volumes: int) -> None:
    """Write a bright brain in a dim background, one volume at a time.

    A magnitude image as fMRIPrep leaves it: the background holds Rician noise, which is never
    negative, and zeros where resampling reached beyond the scanner's field of view. At 300 volumes
    that is 362 MB; it packs and inflates like the real unmasked int16 run pymvpa_bold.nii.gz (both
    to 0.56 of their size, at 540 MB/s), where noise of either sign would inflate a fifth slower.
    """
    import nibabel as nib

    n_volumes *= 4 if path.name.startswith("long") else 1
    dtype = "float32" if path.name.startswith("float") else "int16"
    rng = np.random.default_rng(1)
    header = nib.Nifti1Header()
    header.set_data_shape((*SHAPE, n_volumes))
    header.set_data_dtype(dtype)
    header.set_sform(AFFINE, code=4)
    header.set_xyzt_units("mm", "sec")
    header.set_zooms((2, 2, 2, T_R_S))
    header["magic"], header["vox_offset"] = b"n+1", 352
    mean = np.where(brain, rng.normal(8000, 1500, SHAPE), 0.0).astype(np.float32)
    spread = np.where(brain, 120.0, 0.0).astype(np.float32)
    spread[~brain & (rng.random(SHAPE) < _BACKGROUND_SHARE)] = 12.0
    noise = rng.standard_normal((12, *SHAPE)).astype(np.float32)
    packer = zlib.compressobj(1, wbits=31)
    with open(path, "wb") as stream:
        zipped = path.suffix == ".gz"
        write = (lambda raw: stream.write(packer.compress(raw))) if zipped else stream.write
        write(header.binaryblock + b"\0" * 4)
        for i in range(n_volumes):
            real, imaginary = (
                np.roll(noise[(i + away) % len(noise)], i, axis=(i + away) % 3) for away in (0, 5)
            )
            volume = np.hypot(mean + spread * real, spread * imaginary)
            if dtype == "int16":
                volume = np.rint(volume)
            write(volume.astype(dtype).tobytes(order="F"))
        if zipped:
            stream.write(packer.flush())
