"""Scores and an allocation in, contrasts between arms out; the only room that knows arm."""

from brainage.trial.analyses.change import paired_change, within_arm_changes
from brainage.trial.analyses.levakov import levakov_outcome
from brainage.trial.analyses.local import local_changes
from brainage.trial.analyses.planned import REGISTRY, needs_of
from brainage.trial.analyses.record import (
    Analysis,
    AnalysisInputs,
    AnalysisResult,
    EffectRow,
    NothingToDo,
    TrialInputs,
)
from brainage.trial.compare import compare_arms
from brainage.trial.design.allocation import read_allocation
from brainage.trial.design.allocation_schemes import read_replayed
from brainage.trial.design.join import TrialDesign, hash_scores, outcome_in_scores
from brainage.trial.design.outcomes import read_outcomes
from brainage.trial.design.visit_dates import read_visit_dates
from brainage.trial.noise.power import power_two_arm
from brainage.trial.noise.reliability import Reliability, score_reliability
from brainage.trial.options import TrialOptions
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
    "RECORD",
    "REGISTRY",
    "Analysis",
    "AnalysisInputs",
    "AnalysisResult",
    "Contrast",
    "EffectRow",
    "NothingToDo",
    "Plan",
    "Reliability",
    "ResultTable",
    "TableRecord",
    "TrialDesign",
    "TrialInputs",
    "TrialOptions",
    "TrialResult",
    "as_contrasts",
    "compare_arms",
    "contrast_table",
    "hash_scores",
    "levakov_outcome",
    "local_changes",
    "needs_of",
    "outcome_in_scores",
    "paired_change",
    "plan_statements",
    "power_two_arm",
    "read_allocation",
    "read_outcomes",
    "read_plan",
    "read_replayed",
    "read_visit_dates",
    "score_reliability",
    "within_arm_changes",
    "write_plan",
]
