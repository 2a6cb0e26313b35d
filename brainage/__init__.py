"""Resting-state fMRI brain clocks for randomised trials.

Public names load on first use: ``import brainage`` imports neither nilearn nor scikit-learn.
"""

from __future__ import annotations

import importlib

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


def __getattr__(name: str):
    try:
        module = importlib.import_module(_PUBLIC[name])
    except KeyError:
        raise AttributeError(f"module 'brainage' has no attribute {name!r}") from None
    return getattr(module, name)


def __dir__():
    return sorted(__all__)
