"""Resting-state fMRI brain clocks for randomised trials.

Public names load on first use: ``import brainage`` imports neither nilearn nor scikit-learn.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_PUBLIC = {
    "BrainAgeError": "brainage.errors",
    "ParcelSeries": "brainage.series",
    "ScanQuality": "brainage.series",
    "read_series": "brainage.series",
    "write_series": "brainage.series",
    "find_series": "brainage.series",
    "read_people": "brainage.tables",
    "Scan": "brainage.imaging",
    "find_scans": "brainage.imaging",
    "load_atlas": "brainage.imaging",
    "extract_parcel_series": "brainage.imaging",
    "AtlasOptions": "brainage.imaging",
    "CleaningOptions": "brainage.imaging",
    "ExclusionRules": "brainage.imaging",
    "FeatureTable": "brainage.connectivity",
    "build_features": "brainage.connectivity",
    "ClockOptions": "brainage.clock",
    "BrainClock": "brainage.clock",
    "CrossValidation": "brainage.clock",
    "cross_validate_clock": "brainage.clock",
    "fit_clock": "brainage.clock",
    "TrialDesign": "brainage.trial",
    "TrialOptions": "brainage.trial",
    "Contrast": "brainage.trial",
    "compare_arms": "brainage.trial",
    "StudyResults": "brainage.report",
    "render_report": "brainage.report",
    "plot_changes": "brainage.report",
    "plot_contrasts": "brainage.report",
    "plot_flow": "brainage.report",
    "plot_forest": "brainage.report",
    "plot_gap_on_age": "brainage.report",
    "plot_gap_slopes": "brainage.report",
    "plot_leaderboard": "brainage.report",
    "plot_learning_curve": "brainage.report",
    "plot_networks": "brainage.report",
    "plot_predictions": "brainage.report",
    "plot_quality": "brainage.report",
    "plot_region_matrix": "brainage.report",
    "plot_sensitivity": "brainage.report",
    "plot_sites": "brainage.report",
    "plot_trajectories": "brainage.report",
    "plot_carpet": "brainage.imaging",
    "plot_connectome": "brainage.imaging",
    "plot_parcels": "brainage.imaging",
    "load_study": "brainage.config",
    "StudyConfig": "brainage.config",
}

__all__ = ["__version__", *_PUBLIC]


if TYPE_CHECKING:
    # For type checkers and editors alone; tests/test_typing.py holds it to `_PUBLIC`.
    from brainage.clock import BrainClock as BrainClock
    from brainage.clock import ClockOptions as ClockOptions
    from brainage.clock import CrossValidation as CrossValidation
    from brainage.clock import cross_validate_clock as cross_validate_clock
    from brainage.clock import fit_clock as fit_clock
    from brainage.config import StudyConfig as StudyConfig
    from brainage.config import load_study as load_study
    from brainage.connectivity import FeatureTable as FeatureTable
    from brainage.connectivity import build_features as build_features
    from brainage.errors import BrainAgeError as BrainAgeError
    from brainage.imaging import AtlasOptions as AtlasOptions
    from brainage.imaging import CleaningOptions as CleaningOptions
    from brainage.imaging import ExclusionRules as ExclusionRules
    from brainage.imaging import Scan as Scan
    from brainage.imaging import extract_parcel_series as extract_parcel_series
    from brainage.imaging import find_scans as find_scans
    from brainage.imaging import load_atlas as load_atlas
    from brainage.imaging import plot_carpet as plot_carpet
    from brainage.imaging import plot_connectome as plot_connectome
    from brainage.imaging import plot_parcels as plot_parcels
    from brainage.report import StudyResults as StudyResults
    from brainage.report import plot_changes as plot_changes
    from brainage.report import plot_contrasts as plot_contrasts
    from brainage.report import plot_flow as plot_flow
    from brainage.report import plot_forest as plot_forest
    from brainage.report import plot_gap_on_age as plot_gap_on_age
    from brainage.report import plot_gap_slopes as plot_gap_slopes
    from brainage.report import plot_leaderboard as plot_leaderboard
    from brainage.report import plot_learning_curve as plot_learning_curve
    from brainage.report import plot_networks as plot_networks
    from brainage.report import plot_predictions as plot_predictions
    from brainage.report import plot_quality as plot_quality
    from brainage.report import plot_region_matrix as plot_region_matrix
    from brainage.report import plot_sensitivity as plot_sensitivity
    from brainage.report import plot_sites as plot_sites
    from brainage.report import plot_trajectories as plot_trajectories
    from brainage.report import render_report as render_report
    from brainage.series import ParcelSeries as ParcelSeries
    from brainage.series import ScanQuality as ScanQuality
    from brainage.series import find_series as find_series
    from brainage.series import read_series as read_series
    from brainage.series import write_series as write_series
    from brainage.tables import read_people as read_people
    from brainage.trial import Contrast as Contrast
    from brainage.trial import TrialDesign as TrialDesign
    from brainage.trial import TrialOptions as TrialOptions
    from brainage.trial import compare_arms as compare_arms

else:

    def __getattr__(name: str) -> object:
        try:
            module = importlib.import_module(_PUBLIC[name])
        except KeyError:
            raise AttributeError(f"module 'brainage' has no attribute {name!r}") from None
        return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
