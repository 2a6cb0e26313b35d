"""Parcel time series: the type, its file format, and readers of other tools' files."""

from brainage.series.bids import find_series, read_series, write_series
from brainage.series.types import ParcelSeries, ScanQuality, SeriesFile

__all__ = [
    "ParcelSeries",
    "ScanQuality",
    "SeriesFile",
    "find_series",
    "read_series",
    "write_series",
]
