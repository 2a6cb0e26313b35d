"""Parcel series -> connectivity features, one row a session."""

from brainage.connectivity.build import build_features
from brainage.connectivity.features import FeatureTable
from brainage.connectivity.options import ConnectivityOptions
from brainage.connectivity.sessions import EXCLUDED
from brainage.connectivity.transformers import (
    DirectionTransformer,
    LogEuclideanTransformer,
    MissingParcelImputer,
    TangentTransformer,
)
from brainage.connectivity.views import (
    View,
    ViewSpec,
    edge_indices,
    edge_mask,
    edge_names,
    network_names,
)

__all__ = [
    "EXCLUDED",
    "ConnectivityOptions",
    "DirectionTransformer",
    "FeatureTable",
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
