"""Scans and confounds in, parcel series out: the only room that knows nibabel and nilearn."""

from brainage.imaging.atlas.atlas import Atlas, Parcels
from brainage.imaging.atlas.atlas_library import check_space, list_atlases, load_atlas
from brainage.imaging.atlas.cifti import SurfaceAtlas
from brainage.imaging.atlas.labels import LabelAtlas
from brainage.imaging.atlas.maps import MapAtlas
from brainage.imaging.atlas.painting import paint_parcels
from brainage.imaging.atlas.spheres import SphereAtlas
from brainage.imaging.cleaning.confounds import Nuisance, load_nuisance
from brainage.imaging.cleaning.strategies import Strategy, list_strategies, load_strategy
from brainage.imaging.extract import (
    clean_measured,
    cleaning_fingerprint,
    extract_parcel_series,
)
from brainage.imaging.measure import measure_scan, time_own_mask
from brainage.imaging.options import AtlasOptions, CleaningOptions, ExclusionRules
from brainage.imaging.plots import plot_carpet, plot_connectome, plot_parcels
from brainage.imaging.reading.nifti import write_nifti
from brainage.imaging.reading.scan import Scan
from brainage.imaging.reading.scans import find_scans
from brainage.imaging.reading.sidecars import resolve_t_r_s, sidecars_of

__all__ = [
    "Nuisance",
    "Strategy",
    "list_atlases",
    "list_strategies",
    "load_nuisance",
    "load_strategy",
    "resolve_t_r_s",
    "Atlas",
    "AtlasOptions",
    "CleaningOptions",
    "ExclusionRules",
    "LabelAtlas",
    "MapAtlas",
    "Parcels",
    "Scan",
    "SphereAtlas",
    "SurfaceAtlas",
    "check_space",
    "clean_measured",
    "cleaning_fingerprint",
    "extract_parcel_series",
    "find_scans",
    "load_atlas",
    "measure_scan",
    "paint_parcels",
    "plot_carpet",
    "plot_connectome",
    "plot_parcels",
    "sidecars_of",
    "time_own_mask",
    "write_nifti",
]
