"""A run's parcel signals as they are in its file, before anything is done in time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brainage.errors import ScanError
from brainage.imaging.atlas.atlas import Atlas
from brainage.imaging.atlas.atlas_library import check_space, load_atlas
from brainage.imaging.atlas.cifti import read_surface_signals
from brainage.imaging.atlas.operator import ParcelOperator, load_mask, parcel_operator
from brainage.imaging.cleaning.confounds import Nuisance, load_nuisance
from brainage.imaging.options import AtlasOptions, CleaningOptions, as_cleaning_options
from brainage.imaging.reading.cifti_file import is_cifti
from brainage.imaging.reading.nifti import Grid
from brainage.imaging.reading.scan import Scan
from brainage.imaging.reading.sidecars import resolve_t_r_s
from brainage.imaging.reading.stream import VolumeStream
from brainage.showing import Shown


@dataclass(frozen=True)
class Measured:
    """What a file says of its parcels, whether its voxels are volumes' or surfaces'."""

    values: np.ndarray
    coverage: np.ndarray
    empty: np.ndarray
    broken: np.ndarray


@dataclass(frozen=True, repr=False)
class MeasuredScan(Shown):
    """A run's parcel signals before anything is done in time, and what its cleaning needs."""

    scan: Scan
    atlas: Atlas
    atlas_options: AtlasOptions
    cleaning: CleaningOptions
    raw: Measured
    nuisance: Nuisance
    t_r_s: float


def measure_scan(
    scan: Scan,
    *,
    atlas: Atlas | AtlasOptions | str,
    cleaning: CleaningOptions | str | None = None,
    atlas_options: AtlasOptions | None = None,
    cache_folder: str | Path | None = None,
    n_threads: int | None = None,
) -> MeasuredScan:
    """Read a run's parcel signals and confounds; arguments as `extract_parcel_series`.

    Examples
    --------
    >>> scan = ba.find_scans(derivatives)[0]
    >>> measured = measure_scan(scan, atlas="seitzman300", cleaning="24P")
    >>> measured.raw.values.shape, len(measured.nuisance.kept_volumes)
    ((60, 300), 58)
    """
    cleaning = as_cleaning_options(cleaning)
    if atlas_options is None:
        atlas_options = atlas if isinstance(atlas, AtlasOptions) else AtlasOptions()
    atlas = atlas if isinstance(atlas, Atlas) else load_atlas(atlas)
    check_space(atlas, scan, atlas_options.allow_spaces)
    if is_cifti(scan.bold):
        raw, nuisance, t_r_s = _measure_surface(scan, atlas, cleaning)
    else:
        stream = VolumeStream(scan.bold, n_threads=n_threads)
        raw, nuisance, t_r_s = _measure_volume(stream, scan, atlas, cleaning, cache_folder)
    return MeasuredScan(scan, atlas, atlas_options, cleaning, raw, nuisance, t_r_s)


def _measure_volume(
    stream: VolumeStream,
    scan: Scan,
    atlas: Atlas,
    cleaning: CleaningOptions,
    cache_folder: str | Path | None,
) -> tuple[Measured, Nuisance, float]:
    if atlas.of_surfaces:
        raise ScanError(
            f"{scan.bold}: a volumetric scan, but atlas {atlas.name} labels surfaces. "
            "Use *.dtseries.nii, or an atlas in a volume."
        )
    with stream:
        header = stream.header
        t_r_s = resolve_t_r_s(
            scan, header.t_r_s, n_volumes=header.n_volumes, configured_t_r_s=cleaning.t_r_s
        )
        nuisance = load_nuisance(scan, cleaning, n_volumes=header.n_volumes)
        operator, coverage = _operator(scan, atlas, header.grid, cleaning, cache_folder)
        raw = stream_signals(stream, operator)
    coverage = coverage * (1 - raw.dark_share)
    return Measured(raw.values, coverage, operator.empty, raw.broken), nuisance, t_r_s


def _measure_surface(
    scan: Scan, atlas: Atlas, cleaning: CleaningOptions
) -> tuple[Measured, Nuisance, float]:
    # No operator is cached: matching grayordinates costs less than reading one.
    if cleaning.smoothing_fwhm_mm is not None:
        raise ScanError(
            f"{scan.bold}: smoothing is along the surface in CIFTI and is not offered; "
            "smooth with wb_command before, or set smoothing_fwhm_mm: null."
        )
    raw = read_surface_signals(scan.bold, atlas)
    t_r_s = resolve_t_r_s(
        scan, raw.t_r_s, n_volumes=len(raw.values), configured_t_r_s=cleaning.t_r_s
    )
    nuisance = load_nuisance(scan, cleaning, n_volumes=len(raw.values))
    return Measured(raw.values, raw.coverage, raw.coverage == 0, raw.broken), nuisance, t_r_s


@dataclass(frozen=True)
class RawSignals:
    """Parcel signals before cleaning.

    Parameters
    ----------
    values : ndarray of shape (n_volumes, p), float64
        In scanner units.
    dark_share : ndarray of shape (p,)
        Share of the parcel's weight on voxels that are NaN or infinite in every volume (some
        tools write NaN outside the brain); they count as 0, as in nilearn.
    broken : ndarray of shape (p,), bool
        Parcels with a voxel that is not finite in some volumes only.
    """

    values: np.ndarray
    dark_share: np.ndarray
    broken: np.ndarray


def stream_signals(stream: VolumeStream, operator: ParcelOperator) -> RawSignals:
    """Multiply every volume of a stream by an operator, in one pass."""
    header = stream.header
    result_bytes = 8 * header.n_volumes * operator.weights.shape[0]
    weights = operator.weights
    stored = stream.blocks(
        beside_bytes=result_bytes, held_bytes=weights.data.nbytes + weights.indices.nbytes
    )
    blocks = (block for _, block in stored)
    values, not_finite = operator.apply(
        blocks, header.n_volumes, slope=header.slope, intercept=header.intercept
    )
    if not_finite is None:
        nothing = np.zeros(values.shape[1])
        return RawSignals(values, nothing, nothing > 0)
    dark = not_finite == header.n_volumes
    # A voxel that comes and goes would put steps into its parcels: better missing than half
    # made up.
    broken = operator.share_of((not_finite > 0) & ~dark) > 0
    return RawSignals(values, operator.share_of(dark), broken)


def _operator(
    scan: Scan,
    atlas: Atlas,
    grid: Grid,
    cleaning: CleaningOptions,
    cache_folder: str | Path | None,
) -> tuple[ParcelOperator, np.ndarray]:
    """Return the operator and each parcel's coverage by the scan's mask and field of view."""
    mask = None if scan.mask is None else load_mask(scan.mask, grid)
    plain = parcel_operator(atlas, grid, mask=mask, cache_folder=cache_folder)
    if cleaning.smoothing_fwhm_mm is None:
        return plain, plain.coverage
    own_mask = mask if cleaning.smoothing_mask == "scan" else None
    smooth = parcel_operator(
        atlas,
        grid,
        mask=own_mask,
        smoothing_fwhm_mm=cleaning.smoothing_fwhm_mm,
        cache_folder=cache_folder,
    )
    return smooth, plain.coverage


def time_own_mask(
    scan: Scan,
    atlas: Atlas | AtlasOptions | str,
    cleaning: CleaningOptions | str,
    *,
    cache_folder: str | Path | None = None,
) -> float | None:
    """Measure what `CleaningOptions.smoothing_mask` "scan" adds to one scan, in seconds.

    None where it does nothing: no smoothing, no mask, "grid", or a CIFTI scan. The weights stay in
    memory for the scan's own extraction.

    Examples
    --------
    >>> scan = ba.find_scans(derivatives)[0]
    >>> time_own_mask(scan, ba.load_atlas("seitzman300"), ba.CleaningOptions()) is None
    True
    """
    cleaning = as_cleaning_options(cleaning)
    unused = cleaning.smoothing_fwhm_mm is None or cleaning.smoothing_mask != "scan"
    if unused or scan.mask is None or is_cifti(scan.bold):
        return None
    with VolumeStream(scan.bold) as stream:
        grid = stream.header.grid
    mask = load_mask(scan.mask, grid)
    atlas = atlas if isinstance(atlas, Atlas) else load_atlas(atlas)
    parcel_operator(atlas, grid, mask=mask, cache_folder=cache_folder)
    start = time.perf_counter()
    _operator(scan, atlas, grid, cleaning, cache_folder)
    return time.perf_counter() - start
