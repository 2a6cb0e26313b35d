"""Parcel time series: the type, its file format, and readers of other tools' files."""

from brainage.series.beside import mean_fd_mm, sidecar_of, stated_networks
from brainage.series.bids import (
    read_series,
    scan_name,
    series_path,
    write_dataset_description,
    write_series,
)
from brainage.series.file_table import read_parcels
from brainage.series.finding import find_files, find_series
from brainage.series.foreign import align_parcels, cleaning_of_name, read_foreign_series
from brainage.series.names import RUN_KEYS, labels_of, name_problem, parts_of, run_label, same_run
from brainage.series.number_table import NumberTable, read_number_table
from brainage.series.scan_arrays import ARRAYS, read_scan_array
from brainage.series.types import ParcelSeries, ScanQuality, SeriesFile

__all__ = [
    "ARRAYS",
    "NumberTable",
    "RUN_KEYS",
    "cleaning_of_name",
    "find_files",
    "labels_of",
    "mean_fd_mm",
    "name_problem",
    "parts_of",
    "read_number_table",
    "read_parcels",
    "read_scan_array",
    "run_label",
    "same_run",
    "scan_name",
    "series_path",
    "sidecar_of",
    "stated_networks",
    "write_dataset_description",
    "ParcelSeries",
    "ScanQuality",
    "SeriesFile",
    "align_parcels",
    "find_series",
    "read_foreign_series",
    "read_series",
    "write_series",
]
