"""Scans and confounds in, parcel series out: the only room that knows nibabel and nilearn."""

from brainage.imaging.atlas import Atlas
from brainage.imaging.atlas_library import check_space, load_atlas
from brainage.imaging.extract import extract_parcel_series
from brainage.imaging.nifti import write_nifti
from brainage.imaging.options import AtlasOptions, CleaningOptions, ExclusionRules
from brainage.imaging.scans import Scan, find_scans

__all__ = [
    "Atlas",
    "AtlasOptions",
    "CleaningOptions",
    "ExclusionRules",
    "Scan",
    "check_space",
    "extract_parcel_series",
    "find_scans",
    "load_atlas",
    "write_nifti",
]
