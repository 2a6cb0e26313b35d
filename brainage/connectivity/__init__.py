"""Parcel series -> connectivity features, one row a session."""

from brainage.connectivity.build import build_features
from brainage.connectivity.features import FeatureTable
from brainage.connectivity.half_features import HalfFeatures
from brainage.connectivity.halves import build_half_features
from brainage.connectivity.kinds import KINDS, LAYOUTS, KindRecord
from brainage.connectivity.matrices import MatrixFile, ParcelMatrix, read_matrix
from brainage.connectivity.matrix_files import MATRIX_ENDINGS, find_matrices
from brainage.connectivity.matrix_rows import refuse_kinds_of_series
from brainage.connectivity.options import ConnectivityOptions
from brainage.connectivity.parts import (
    Cut,
    Cutter,
    PartFeatures,
    build_part_features,
    cut_cleaned,
    take_volumes,
)
from brainage.connectivity.session_features import read_run
from brainage.connectivity.sessions import EXCLUDED, IN_PEOPLE_TABLE
from brainage.connectivity.spd import n_parcels_of
from brainage.connectivity.transformers import (
    DirectionTransformer,
    LogEuclideanTransformer,
    MissingParcelImputer,
    TangentTransformer,
)
from brainage.connectivity.views import (
    MIN_NETWORK_PARCELS,
    View,
    ViewSpec,
    edge_indices,
    edge_mask,
    edge_names,
    network_names,
)

__all__ = [
    "IN_PEOPLE_TABLE",
    "LAYOUTS",
    "MIN_NETWORK_PARCELS",
    "n_parcels_of",
    "Cut",
    "Cutter",
    "HalfFeatures",
    "PartFeatures",
    "build_half_features",
    "build_part_features",
    "cut_cleaned",
    "take_volumes",
    "EXCLUDED",
    "KINDS",
    "ConnectivityOptions",
    "DirectionTransformer",
    "FeatureTable",
    "KindRecord",
    "MatrixFile",
    "ParcelMatrix",
    "MATRIX_ENDINGS",
    "find_matrices",
    "read_matrix",
    "read_run",
    "refuse_kinds_of_series",
    "LogEuclideanTransformer",
    "MissingParcelImputer",
    "TangentTransformer",
    "View",
    "ViewSpec",
    "build_features",
    "edge_indices",
    "edge_mask",
    "edge_names",
    "network_names",
]
