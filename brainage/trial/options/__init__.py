"""Choices of the trial room: design, estimand, analyses."""

from brainage.trial.options.analysis import AnalysisOptions
from brainage.trial.options.contrasts import ContrastOptions, ModeratorOptions
from brainage.trial.options.estimand import TREATMENT_POLICY, EstimandOptions
from brainage.trial.options.questions import (
    AssociationOptions,
    DoseOptions,
    LocalOptions,
    MissingDataOptions,
    NetworkOptions,
    RegionOptions,
    ShareOptions,
)
from brainage.trial.options.trial import RandomizationOptions, TrialOptions, VisitOptions

__all__ = [
    "TREATMENT_POLICY",
    "AnalysisOptions",
    "AssociationOptions",
    "ContrastOptions",
    "DoseOptions",
    "EstimandOptions",
    "LocalOptions",
    "MissingDataOptions",
    "ModeratorOptions",
    "NetworkOptions",
    "RandomizationOptions",
    "RegionOptions",
    "ShareOptions",
    "TrialOptions",
    "VisitOptions",
]
