"""Parcel time series: the type, its file format, and readers of other tools' files."""

from brainage.series.bids import read_series, write_series
from brainage.series.finding import find_series
from brainage.series.foreign import align_parcels, read_foreign_series
from brainage.series.types import ParcelSeries, ScanQuality, SeriesFile

__all__ = [
    "ParcelSeries",
    "ScanQuality",
    "SeriesFile",
    "align_parcels",
    "find_series",
    "read_foreign_series",
    "read_series",
    "write_series",
]
