"""Scores and an allocation in, contrasts between arms out; the only room that knows arm."""

from brainage.trial.analyses.association import (
    Correlation,
    SlopesByArm,
    partial_correlation,
    pearson,
    repeated_measures_correlation,
    slopes_by_arm,
    spearman,
)
from brainage.trial.analyses.change import paired_change, within_arm_changes
from brainage.trial.analyses.clock_facts import ClockFacts
from brainage.trial.analyses.complier import ComplierEffect, complier_effect
from brainage.trial.analyses.connectivity_reliability import connectivity_reliability
from brainage.trial.analyses.dose import dose_response, equal_contrast, trend_weights
from brainage.trial.analyses.levakov import levakov_outcome
from brainage.trial.analyses.local import LOCAL, local_changes, region_values
from brainage.trial.analyses.network_based import NetworkBased, network_based_statistic
from brainage.trial.analyses.network_table import westfall_young
from brainage.trial.analyses.planned import REGISTRY, needs_of
from brainage.trial.analyses.record import (
    Analysis,
    AnalysisInputs,
    AnalysisResult,
    EffectRow,
    NothingToDo,
    TrialInputs,
)
from brainage.trial.comparable import refuse_incomparable
from brainage.trial.compare import compare_arms
from brainage.trial.design.allocation import read_allocation
from brainage.trial.design.allocation_schemes import read_replayed
from brainage.trial.design.join import TrialDesign, hash_scores, outcome_in_scores
from brainage.trial.design.observed import gap_means, scans_by_arm
from brainage.trial.design.outcomes import read_outcomes
from brainage.trial.design.visit_dates import read_visit_dates
from brainage.trial.noise.clock_noise import (
    DEFAULT_NOISE,
    ClockNoise,
    given_noise,
    noise_of_reliability,
    noise_of_scores,
)
from brainage.trial.noise.individual_change import (
    ChangeReliability,
    IndividualResponse,
    ShareDifference,
    change_reliability,
    individual_response,
    share_difference,
)
from brainage.trial.noise.power import power_two_arm
from brainage.trial.noise.reliability import Reliability, score_reliability
from brainage.trial.noise.repeated_scans import RELIABILITY, reliability_table
from brainage.trial.noise.simulated_power import SimulatedPower, simulated_power
from brainage.trial.noise.trial_power import TrialShape, power_curve, trial_power
from brainage.trial.noise.variance_components import VarianceComponents, variance_components
from brainage.trial.options import RandomizationOptions, TrialOptions, VisitOptions
from brainage.trial.plan.plan import (
    AFTERWARDS,
    BEFOREHAND,
    Plan,
    read_plan,
    write_plan,
)
from brainage.trial.plan.plan_words import plan_statements
from brainage.trial.results.contrasts import Contrast, as_contrasts, contrast_table
from brainage.trial.results.result import BY_COMPARISON, RECORD, TrialResult
from brainage.trial.results.tables import ResultTable, TableRecord

__all__ = [
    "AFTERWARDS",
    "BEFOREHAND",
    "BY_COMPARISON",
    "DEFAULT_NOISE",
    "LOCAL",
    "RECORD",
    "REGISTRY",
    "RELIABILITY",
    "Analysis",
    "AnalysisInputs",
    "AnalysisResult",
    "ChangeReliability",
    "ClockFacts",
    "ClockNoise",
    "ComplierEffect",
    "Contrast",
    "Correlation",
    "EffectRow",
    "IndividualResponse",
    "NetworkBased",
    "NothingToDo",
    "Plan",
    "RandomizationOptions",
    "Reliability",
    "ResultTable",
    "ShareDifference",
    "SimulatedPower",
    "SlopesByArm",
    "TableRecord",
    "TrialDesign",
    "TrialInputs",
    "TrialOptions",
    "TrialResult",
    "TrialShape",
    "VarianceComponents",
    "VisitOptions",
    "as_contrasts",
    "change_reliability",
    "compare_arms",
    "complier_effect",
    "connectivity_reliability",
    "contrast_table",
    "dose_response",
    "equal_contrast",
    "gap_means",
    "given_noise",
    "hash_scores",
    "individual_response",
    "levakov_outcome",
    "local_changes",
    "needs_of",
    "network_based_statistic",
    "noise_of_reliability",
    "noise_of_scores",
    "outcome_in_scores",
    "paired_change",
    "partial_correlation",
    "pearson",
    "plan_statements",
    "power_curve",
    "power_two_arm",
    "read_allocation",
    "read_outcomes",
    "read_plan",
    "read_replayed",
    "read_visit_dates",
    "refuse_incomparable",
    "region_values",
    "reliability_table",
    "repeated_measures_correlation",
    "scans_by_arm",
    "score_reliability",
    "share_difference",
    "simulated_power",
    "slopes_by_arm",
    "spearman",
    "trend_weights",
    "trial_power",
    "variance_components",
    "westfall_young",
    "within_arm_changes",
    "write_plan",
]
