"""Resting-state fMRI brain clocks for randomised trials.

Public names load on first use: ``import brainage`` imports neither nilearn nor scikit-learn.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_PUBLIC = {
    "BrainAgeError": "brainage.errors",
    "BrainAgeWarning": "brainage.errors",
    "ParcelSeries": "brainage.series",
    "ScanQuality": "brainage.series",
    "read_series": "brainage.series",
    "write_series": "brainage.series",
    "find_series": "brainage.series",
    "SeriesFile": "brainage.series",
    "read_foreign_series": "brainage.series",
    "read_people": "brainage.tables",
    "read_scores": "brainage.tables",
    "complete_scores": "brainage.tables",
    "write_table": "brainage.tables",
    "SCORES": "brainage.tables",
    "Scan": "brainage.imaging",
    "find_scans": "brainage.imaging",
    "load_atlas": "brainage.imaging",
    "extract_parcel_series": "brainage.imaging",
    "AtlasOptions": "brainage.imaging",
    "CleaningOptions": "brainage.imaging",
    "ExclusionRules": "brainage.imaging",
    "plot_carpet": "brainage.imaging",
    "plot_connectome": "brainage.imaging",
    "plot_parcels": "brainage.imaging",
    "Atlas": "brainage.imaging",
    "Strategy": "brainage.imaging",
    "list_atlases": "brainage.imaging",
    "list_strategies": "brainage.imaging",
    "load_strategy": "brainage.imaging",
    "FeatureTable": "brainage.connectivity",
    "build_features": "brainage.connectivity",
    "ConnectivityOptions": "brainage.connectivity",
    "View": "brainage.connectivity",
    "ViewSpec": "brainage.connectivity",
    "KINDS": "brainage.connectivity",
    "edge_names": "brainage.connectivity",
    "network_names": "brainage.connectivity",
    "find_matrices": "brainage.connectivity",
    "read_matrix": "brainage.connectivity",
    "build_half_features": "brainage.connectivity",
    "ClockOptions": "brainage.clock",
    "BrainClock": "brainage.clock",
    "CrossValidation": "brainage.clock",
    "cross_validate_clock": "brainage.clock",
    "fit_clock": "brainage.clock",
    "ValidationOptions": "brainage.clock",
    "HarmonizationOptions": "brainage.clock",
    "TangentOptions": "brainage.clock",
    "fit_network_clocks": "brainage.clock",
    "packaged_clocks": "brainage.clock",
    "find_clock_file": "brainage.clock",
    "calibrate_clock": "brainage.clock",
    "evaluate_clock": "brainage.clock",
    "ExternalTest": "brainage.clock",
    "explain_clock": "brainage.clock",
    "Explanation": "brainage.clock",
    "compare_clocks": "brainage.clock",
    "Comparison": "brainage.clock",
    "permutation_test": "brainage.clock",
    "learning_curve": "brainage.clock",
    "predict_halves": "brainage.clock",
    "measure_efficiency": "brainage.clock",
    "gap_slope": "brainage.clock",
    "TrialDesign": "brainage.trial",
    "TrialOptions": "brainage.trial",
    "Contrast": "brainage.trial",
    "compare_arms": "brainage.trial",
    "VisitOptions": "brainage.trial",
    "read_allocation": "brainage.trial",
    "read_visit_dates": "brainage.trial",
    "read_outcomes": "brainage.trial",
    "Plan": "brainage.trial",
    "write_plan": "brainage.trial",
    "read_plan": "brainage.trial",
    "plan_statements": "brainage.trial",
    "TrialInputs": "brainage.trial",
    "TrialResult": "brainage.trial",
    "power_two_arm": "brainage.trial",
    "trial_power": "brainage.trial",
    "power_curve": "brainage.trial",
    "TrialShape": "brainage.trial",
    "ClockNoise": "brainage.trial",
    "given_noise": "brainage.trial",
    "noise_of_scores": "brainage.trial",
    "score_reliability": "brainage.trial",
    "Reliability": "brainage.trial",
    "StudyResults": "brainage.report",
    "render_report": "brainage.report",
    "plot_changes": "brainage.report",
    "plot_contrasts": "brainage.report",
    "plot_efficiency": "brainage.report",
    "plot_flow": "brainage.report",
    "plot_forest": "brainage.report",
    "plot_frontier": "brainage.report",
    "plot_gap_on_age": "brainage.report",
    "plot_gap_slopes": "brainage.report",
    "plot_leaderboard": "brainage.report",
    "plot_learning_curve": "brainage.report",
    "plot_length_curve": "brainage.report",
    "plot_networks": "brainage.report",
    "plot_predictions": "brainage.report",
    "plot_quality": "brainage.report",
    "plot_region_matrix": "brainage.report",
    "plot_sensitivity": "brainage.report",
    "plot_sites": "brainage.report",
    "plot_specifications": "brainage.report",
    "plot_trajectories": "brainage.report",
    "examples": "brainage.synthetic",
    "SyntheticOptions": "brainage.synthetic",
    "SyntheticStudy": "brainage.synthetic",
    "make_study": "brainage.synthetic",
    "write_study": "brainage.synthetic",
    "tiny_options": "brainage.synthetic",
    "load_study": "brainage.config",
    "StudyConfig": "brainage.config",
    "study_from_mapping": "brainage.config",
}

__all__ = ["__version__", *_PUBLIC]


if TYPE_CHECKING:
    # For type checkers and editors alone; tests/test_typing.py holds it to `_PUBLIC`.
    from brainage.clock import BrainClock as BrainClock
    from brainage.clock import ClockOptions as ClockOptions
    from brainage.clock import Comparison as Comparison
    from brainage.clock import CrossValidation as CrossValidation
    from brainage.clock import Explanation as Explanation
    from brainage.clock import ExternalTest as ExternalTest
    from brainage.clock import HarmonizationOptions as HarmonizationOptions
    from brainage.clock import TangentOptions as TangentOptions
    from brainage.clock import ValidationOptions as ValidationOptions
    from brainage.clock import calibrate_clock as calibrate_clock
    from brainage.clock import compare_clocks as compare_clocks
    from brainage.clock import cross_validate_clock as cross_validate_clock
    from brainage.clock import evaluate_clock as evaluate_clock
    from brainage.clock import explain_clock as explain_clock
    from brainage.clock import find_clock_file as find_clock_file
    from brainage.clock import fit_clock as fit_clock
    from brainage.clock import fit_network_clocks as fit_network_clocks
    from brainage.clock import gap_slope as gap_slope
    from brainage.clock import learning_curve as learning_curve
    from brainage.clock import measure_efficiency as measure_efficiency
    from brainage.clock import packaged_clocks as packaged_clocks
    from brainage.clock import permutation_test as permutation_test
    from brainage.clock import predict_halves as predict_halves
    from brainage.config import StudyConfig as StudyConfig
    from brainage.config import load_study as load_study
    from brainage.config import study_from_mapping as study_from_mapping
    from brainage.connectivity import KINDS as KINDS
    from brainage.connectivity import ConnectivityOptions as ConnectivityOptions
    from brainage.connectivity import FeatureTable as FeatureTable
    from brainage.connectivity import View as View
    from brainage.connectivity import ViewSpec as ViewSpec
    from brainage.connectivity import build_features as build_features
    from brainage.connectivity import build_half_features as build_half_features
    from brainage.connectivity import edge_names as edge_names
    from brainage.connectivity import find_matrices as find_matrices
    from brainage.connectivity import network_names as network_names
    from brainage.connectivity import read_matrix as read_matrix
    from brainage.errors import BrainAgeError as BrainAgeError
    from brainage.errors import BrainAgeWarning as BrainAgeWarning
    from brainage.imaging import Atlas as Atlas
    from brainage.imaging import AtlasOptions as AtlasOptions
    from brainage.imaging import CleaningOptions as CleaningOptions
    from brainage.imaging import ExclusionRules as ExclusionRules
    from brainage.imaging import Scan as Scan
    from brainage.imaging import Strategy as Strategy
    from brainage.imaging import extract_parcel_series as extract_parcel_series
    from brainage.imaging import find_scans as find_scans
    from brainage.imaging import list_atlases as list_atlases
    from brainage.imaging import list_strategies as list_strategies
    from brainage.imaging import load_atlas as load_atlas
    from brainage.imaging import load_strategy as load_strategy
    from brainage.imaging import plot_carpet as plot_carpet
    from brainage.imaging import plot_connectome as plot_connectome
    from brainage.imaging import plot_parcels as plot_parcels
    from brainage.report import StudyResults as StudyResults
    from brainage.report import plot_changes as plot_changes
    from brainage.report import plot_contrasts as plot_contrasts
    from brainage.report import plot_efficiency as plot_efficiency
    from brainage.report import plot_flow as plot_flow
    from brainage.report import plot_forest as plot_forest
    from brainage.report import plot_frontier as plot_frontier
    from brainage.report import plot_gap_on_age as plot_gap_on_age
    from brainage.report import plot_gap_slopes as plot_gap_slopes
    from brainage.report import plot_leaderboard as plot_leaderboard
    from brainage.report import plot_learning_curve as plot_learning_curve
    from brainage.report import plot_length_curve as plot_length_curve
    from brainage.report import plot_networks as plot_networks
    from brainage.report import plot_predictions as plot_predictions
    from brainage.report import plot_quality as plot_quality
    from brainage.report import plot_region_matrix as plot_region_matrix
    from brainage.report import plot_sensitivity as plot_sensitivity
    from brainage.report import plot_sites as plot_sites
    from brainage.report import plot_specifications as plot_specifications
    from brainage.report import plot_trajectories as plot_trajectories
    from brainage.report import render_report as render_report
    from brainage.series import ParcelSeries as ParcelSeries
    from brainage.series import ScanQuality as ScanQuality
    from brainage.series import SeriesFile as SeriesFile
    from brainage.series import find_series as find_series
    from brainage.series import read_foreign_series as read_foreign_series
    from brainage.series import read_series as read_series
    from brainage.series import write_series as write_series
    from brainage.synthetic import SyntheticOptions as SyntheticOptions
    from brainage.synthetic import SyntheticStudy as SyntheticStudy
    from brainage.synthetic import examples as examples
    from brainage.synthetic import make_study as make_study
    from brainage.synthetic import tiny_options as tiny_options
    from brainage.synthetic import write_study as write_study
    from brainage.tables import SCORES as SCORES
    from brainage.tables import complete_scores as complete_scores
    from brainage.tables import read_people as read_people
    from brainage.tables import read_scores as read_scores
    from brainage.tables import write_table as write_table
    from brainage.trial import ClockNoise as ClockNoise
    from brainage.trial import Contrast as Contrast
    from brainage.trial import Plan as Plan
    from brainage.trial import Reliability as Reliability
    from brainage.trial import TrialDesign as TrialDesign
    from brainage.trial import TrialInputs as TrialInputs
    from brainage.trial import TrialOptions as TrialOptions
    from brainage.trial import TrialResult as TrialResult
    from brainage.trial import TrialShape as TrialShape
    from brainage.trial import VisitOptions as VisitOptions
    from brainage.trial import compare_arms as compare_arms
    from brainage.trial import given_noise as given_noise
    from brainage.trial import noise_of_scores as noise_of_scores
    from brainage.trial import plan_statements as plan_statements
    from brainage.trial import power_curve as power_curve
    from brainage.trial import power_two_arm as power_two_arm
    from brainage.trial import read_allocation as read_allocation
    from brainage.trial import read_outcomes as read_outcomes
    from brainage.trial import read_plan as read_plan
    from brainage.trial import read_visit_dates as read_visit_dates
    from brainage.trial import score_reliability as score_reliability
    from brainage.trial import trial_power as trial_power
    from brainage.trial import write_plan as write_plan

else:

    def __getattr__(name: str) -> object:
        try:
            module = importlib.import_module(_PUBLIC[name])
        except KeyError:
            raise AttributeError(f"module 'brainage' has no attribute {name!r}") from None
        return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
