"""One scan in, its parcel series out: a pure function of the files and the options."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from nilearn.signal import clean

from brainage.errors import ScanError
from brainage.imaging.atlas.atlas import Atlas
from brainage.imaging.cleaning.censoring import cut_and_fill
from brainage.imaging.cleaning.confounds import Nuisance
from brainage.imaging.cleaning.strategies import load_strategy
from brainage.imaging.measure import Measured, MeasuredScan, measure_scan
from brainage.imaging.options import (
    AtlasOptions,
    CleaningOptions,
    ExclusionRules,
)
from brainage.imaging.quality import explain_missing, judge_scan
from brainage.imaging.reading.scan import Scan
from brainage.options import fingerprint_of
from brainage.series import ParcelSeries


def extract_parcel_series(
    scan: Scan,
    *,
    atlas: Atlas | AtlasOptions | str,
    cleaning: CleaningOptions | str | None = None,
    exclusion: ExclusionRules | None = None,
    atlas_options: AtlasOptions | None = None,
    cache_folder: str | Path | None = None,
    n_threads: int | None = None,
) -> ParcelSeries:
    """Extract and clean the parcel series of one run.

    Space before time: parcels act on voxels and cleaning on volumes, they commute, so the file
    is streamed once and cleaning runs on (n_volumes, p).

    Parameters
    ----------
    scan : Scan
        Files of the run.
    atlas : Atlas, AtlasOptions or str
        The parcellation, or what `load_atlas` loads: ``"seitzman300"``. Many scans want it loaded
        once.
    cleaning : CleaningOptions or str, optional
        Default options where None, but for the strategy where a name is given: ``"36P"``.
    exclusion : ExclusionRules, optional
        Default rules where None. A scan that breaks one is still returned, with the reason.
    atlas_options : AtlasOptions, optional
        Smallest coverage, and spaces allowed by name; those of `atlas` where that is options.
    cache_folder : str or Path, optional
        Where operators are kept between scans and processes.
    n_threads : int, optional
        Threads that may inflate the scan at once; as many as the process has cores where None.
        The series are the same. Give 1 where other processes keep the cores busy.

    Returns
    -------
    series : ParcelSeries
        Missing parcels are columns of NaN; `quality.missing_reasons` says why.

    Raises
    ------
    ScanError
        The scan cannot be used; says which file, what was expected and found.

    Examples
    --------
    >>> scan = ba.find_scans(derivatives)[0]
    >>> series = ba.extract_parcel_series(scan, atlas="seitzman300", cleaning="24P")
    >>> series.values.shape, series.atlas
    ((58, 300), 'seitzman300')
    """
    measured = measure_scan(
        scan,
        atlas=atlas,
        cleaning=cleaning,
        atlas_options=atlas_options,
        cache_folder=cache_folder,
        n_threads=n_threads,
    )
    return clean_measured(measured, exclusion=exclusion)


def clean_measured(
    measured: MeasuredScan,
    *,
    exclusion: ExclusionRules | None = None,
    kept_volumes: np.ndarray | None = None,
) -> ParcelSeries:
    """Clean a measured run, or a part of it as a scan that held no more: cut, then filtered.

    Parameters
    ----------
    measured : MeasuredScan
        From `measure_scan`.
    exclusion : ExclusionRules, optional
        Default rules where None.
    kept_volumes : ndarray of int, optional
        Volumes to keep, ascending, among those that censoring keeps; None: all of these.

    Returns
    -------
    series : ParcelSeries

    Raises
    ------
    ScanError
        No parcel that can be used, or too few volumes.

    Examples
    --------
    >>> scan = ba.find_scans(derivatives)[0]
    >>> measured = measure_scan(scan, atlas="seitzman300", cleaning="24P")
    >>> clean_measured(measured, kept_volumes=measured.nuisance.kept_volumes[:50]).values.shape
    (50, 300)
    """
    scan, atlas, raw = measured.scan, measured.atlas, measured.raw
    atlas_options, cleaning, t_r_s = measured.atlas_options, measured.cleaning, measured.t_r_s
    nuisance = measured.nuisance
    if kept_volumes is not None:
        nuisance = replace(nuisance, kept_volumes=np.asarray(kept_volumes))
    missing_reasons = explain_missing(
        atlas.parcel_names,
        coverage=raw.coverage,
        min_coverage=atlas_options.min_coverage,
        empty=raw.empty,
        broken=raw.broken,
        constant=np.ptp(raw.values[nuisance.kept_volumes], axis=0) == 0,
    )
    missing = np.array([name in missing_reasons for name in atlas.parcel_names])
    if missing.all():
        raise ScanError(_nothing_left(scan, raw))
    values = clean_signals(raw.values, nuisance, cleaning, t_r_s, scan, missing=missing)
    quality = judge_scan(
        exclusion or ExclusionRules(),
        mean_fd_mm=nuisance.mean_fd_mm,
        n_volumes=len(raw.values),
        n_kept=len(values),
        t_r_s=t_r_s,
        coverage=raw.coverage,
        missing_reasons=missing_reasons,
    )
    return ParcelSeries(
        participant_id=scan.participant_id,
        session_id=scan.session_id,
        run=scan.run,
        task=scan.task,
        values=values,
        parcel_names=atlas.parcel_names,
        networks=atlas.networks,
        kept_volumes=nuisance.kept_volumes,
        t_r_s=t_r_s,
        atlas=atlas.name,
        cleaning_fingerprint=cleaning_fingerprint(atlas, atlas_options, cleaning),
        quality=quality,
        cleaning=_describe(nuisance, cleaning),
    )


def cleaning_fingerprint(
    atlas: Atlas, atlas_options: AtlasOptions, cleaning: CleaningOptions
) -> str:
    """Return a hash equal for series whose columns mean the same, whatever the scan or machine.

    Examples
    --------
    >>> atlas = ba.load_atlas("seitzman300")
    >>> plain = cleaning_fingerprint(atlas, ba.AtlasOptions(), ba.CleaningOptions())
    >>> with_global = ba.CleaningOptions(strategy="36P")
    >>> other = cleaning_fingerprint(atlas, ba.AtlasOptions(), with_global)
    >>> plain == other
    False
    """
    # The repetition time and the order of motion columns say how files are read, and a strategy
    # may be known by another name: only what is done counts.
    choices = cleaning.model_dump(mode="json", exclude={"t_r_s", "strategy", "motion_order"})
    strategy = load_strategy(cleaning.strategy).fingerprint()
    return fingerprint_of([atlas.content_hash, atlas_options.min_coverage, choices, strategy])


def clean_signals(
    raw: np.ndarray,
    nuisance: Nuisance,
    cleaning: CleaningOptions,
    t_r_s: float,
    scan: Scan,
    *,
    missing: np.ndarray | None = None,
) -> np.ndarray:
    """Clean (n_volumes, p) signals with `nilearn.signal.clean`; return (n_kept, p).

    Columns where `missing` (p,) is true are not looked at, and are NaN.
    """
    nyquist = 0.5 / t_r_s
    low_pass = cleaning.low_pass_hz
    if low_pass is not None and low_pass >= nyquist:
        raise ScanError(
            f"{scan.bold}: low_pass_hz {low_pass:g} is not below the Nyquist frequency "
            f"{nyquist:.3f} Hz of a repetition time of {t_r_s:g} s."
        )
    filtered = cleaning.high_pass_hz is not None or low_pass is not None
    confounds = nuisance.confounds
    if confounds is not None:
        confounds, _ = cut_and_fill(confounds, nuisance.kept_volumes, fill=filtered)
    columns = np.arange(raw.shape[1]) if missing is None else np.flatnonzero(~missing)
    cleaned = np.full((len(nuisance.kept_volumes), raw.shape[1]), np.nan)
    n_together = max(1, _CLEANED_BYTES // (8 * len(raw)))
    for low in range(0, len(columns), n_together):
        some = columns[low : low + n_together]
        signals, kept = cut_and_fill(raw[:, some], nuisance.kept_volumes, fill=filtered)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                cleaned[:, some] = clean(
                    signals,
                    confounds=confounds,
                    sample_mask=None if len(kept) == len(signals) else kept,
                    t_r=t_r_s,
                    detrend=cleaning.detrend,
                    standardize=False if cleaning.standardize == "none" else "zscore_sample",
                    filter="butterworth" if filtered else False,
                    high_pass=cleaning.high_pass_hz,
                    low_pass=low_pass,
                    ensure_finite=False,
                    **_ALL_AT_ONCE if filtered else {},
                )
        except ValueError as error:
            too_short = "too few for the filter" if "padlen" in str(error) else str(error)
            raise ScanError(
                f"{scan.bold}: cleaning {len(kept)} kept volumes: {too_short}."
            ) from error
    return cleaned


#: nilearn filters in place and then one series after the other, which took longer than inflating
#: the scan; with a copy SciPy filters every series in one call, to the same numbers.
_ALL_AT_ONCE = {"butterworth__copy": True}
#: Of the series cleaned at a time: nilearn holds some eight copies, and a long scan's would take
#: more memory than streaming it.
_CLEANED_BYTES = 2**19


def _nothing_left(scan: Scan, raw: Measured) -> str:
    if raw.broken.any():
        what = f"{int(raw.broken.sum())} parcels hold values that are not finite (NaN or infinite)"
    elif raw.empty.all():
        what = "no parcel has a voxel in the mask and field of view"
    elif (raw.coverage < 1e-9).all():
        # Weights sum to one up to rounding, and so does the share that is not finite.
        what = "no parcel has a finite voxel in the mask and field of view (an all-NaN image?)"
    else:
        what = "every parcel is constant or under the smallest coverage (an all-zero image?)"
    return f"{scan.bold}: no usable parcel: {what}. Look at the image, its mask and its space."


def _describe(nuisance: Nuisance, cleaning: CleaningOptions) -> str:
    parts = [nuisance.description]
    if cleaning.high_pass_hz or cleaning.low_pass_hz:
        parts.append(f"{cleaning.high_pass_hz or 0:g}-{cleaning.low_pass_hz or float('inf'):g} Hz")
    if cleaning.smoothing_fwhm_mm:
        where = " in the scan's mask" if cleaning.smoothing_mask == "scan" else ""
        parts.append(f"{cleaning.smoothing_fwhm_mm:g} mm smoothing{where}")
    return ", ".join(parts)
