"""The types that leave imaging and enter connectivity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from brainage.showing import Shown
from brainage.tables import NO_SESSION

ParcelsIn = Literal["columns", "rows"]


@dataclass(frozen=True, repr=False)
class ScanQuality(Shown):
    """What was measured of one scan, and why it may not be used.

    Parameters
    ----------
    mean_fd_mm : float or None
        Mean framewise displacement over the volumes after the dropped initial ones, before
        scrubbing; None where motion is unknown.
    n_volumes : int
        Volumes in the file.
    n_kept : int
        Volumes left after non-steady-state removal and scrubbing.
    retained_s : float or None
        ``n_kept * t_r_s``; None where the repetition time is unknown.
    coverage : ndarray of shape (p,) or None
        Share (0 to 1) of each parcel's voxels inside mask and field of view; None where it is
        unknown (series made elsewhere).
    exclusion : str or None, default=None
        The rule the scan broke, in words; None: the scan is used.
    missing_reasons : mapping of str to str, optional
        Why a parcel is missing, by its name ("coverage 0.31, under 0.5", "constant"); empty where
        none is missing, or where the source does not say why.

    Examples
    --------
    >>> examples.series().quality
    ScanQuality
      mean_fd_mm: 0.172149
      n_volumes: 120
      n_kept: 120
      retained_s: 240
      coverage: float64 24
      exclusion: None
      missing_reasons: none
    >>> ba.ScanQuality(None, n_volumes=200, n_kept=150, retained_s=300.0, coverage=None)
    ScanQuality
      mean_fd_mm: None
      n_volumes: 200
      n_kept: 150
      retained_s: 300
      coverage: None
      exclusion: None
      missing_reasons: none
    """

    mean_fd_mm: float | None
    n_volumes: int
    n_kept: int
    retained_s: float | None
    coverage: np.ndarray | None
    exclusion: str | None = None
    missing_reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class ParcelSeries(Shown):
    """Cleaned parcel signals of one run.

    Parameters
    ----------
    participant_id, session_id, run, task : str
        BIDS labels without prefixes; session_id and run are ``"n/a"`` where there is none.
    values : ndarray of shape (n_kept, p), float64
        Cleaned signals. A missing parcel is a column of NaN, in its place.
    parcel_names : tuple of str
        p unique names.
    networks : tuple of (str or None)
        Network of each parcel, None where the atlas knows none.
    kept_volumes : ndarray of shape (n_kept,), int
        Index of each row in the run as scanned (0 = first volume in the file); a gap in it is a
        censored volume, which lagged pairs never cross.
    t_r_s : float or None
        Repetition time in seconds; None only for series made elsewhere whose source does not
        state it (extraction never leaves it open).
    atlas : str
        Name of the atlas.
    cleaning_fingerprint : str
        Equal for series cleaned and parcellated alike; features of two fingerprints never meet.
    quality : ScanQuality
        Measures and exclusion.
    cleaning : str
        One line in words for reports ("36P, 0.01-0.1 Hz, ..."), default "".

    Examples
    --------
    >>> series = examples.series()
    >>> series.n_parcels, series.values.shape, int(series.missing.sum())
    (24, (120, 24), 0)
    >>> series.t_r_s, series.quality.retained_s
    (2.0, 240.0)
    """

    participant_id: str
    session_id: str
    run: str
    task: str
    values: np.ndarray
    parcel_names: tuple[str, ...]
    networks: tuple[str | None, ...]
    kept_volumes: np.ndarray
    t_r_s: float | None
    atlas: str
    cleaning_fingerprint: str
    quality: ScanQuality
    cleaning: str = ""

    @property
    def n_parcels(self) -> int:
        """Number of parcels, missing ones included."""
        return len(self.parcel_names)

    @property
    def missing(self) -> np.ndarray:
        """Boolean (p,): parcels without a signal."""
        return np.isnan(self.values).all(axis=0)


@dataclass(frozen=True, repr=False)
class SeriesFile(Shown):
    """One series file and the labels its name, or a table of files, gives it; not yet opened.

    `t_r_s` is the repetition time in seconds that a table of files states, else None; `by_name` is
    False where the labels come from such a table. `parcels_in` says where a table of numbers has
    its parcels ("columns" or "rows"; None: told by names or lists of parcels, else columns, as BIDS
    has it). `index` is the scan's place in a file that holds several (`series.scan_arrays`), else
    None; `parcels` and `networks` are what a table of parcels calls them, in order.

    Examples
    --------
    >>> ba.find_series(written / "trial" / "series")[0].participant_id
    'T001'
    >>> type(ba.SeriesFile(folder / "sub-01_timeseries.tsv", "01")).__name__
    'SeriesFile'
    """

    path: Path
    participant_id: str
    session_id: str = NO_SESSION
    run: str = NO_SESSION
    task: str = NO_SESSION
    atlas: str = NO_SESSION
    t_r_s: float | None = None
    by_name: bool = True
    parcels_in: ParcelsIn | None = None
    index: int | None = None
    parcels: tuple[str, ...] | None = None
    networks: tuple[str | None, ...] | None = None
