"""Scores and an allocation in, contrasts between arms out; the only room that knows arm."""

from brainage.trial.allocation import read_allocation
from brainage.trial.allocation_schemes import read_replayed
from brainage.trial.change import paired_change, within_arm_changes
from brainage.trial.compare import compare_arms
from brainage.trial.contrasts import Contrast, as_contrasts, contrast_table
from brainage.trial.design import TrialDesign, hash_scores
from brainage.trial.levakov import levakov_outcome
from brainage.trial.local import local_changes
from brainage.trial.options import TrialOptions
from brainage.trial.plan import AFTERWARDS, BEFOREHAND, BY_COMPARISON, Plan, read_plan, write_plan
from brainage.trial.plan_words import plan_statements
from brainage.trial.power import power_two_arm
from brainage.trial.reliability import Reliability, score_reliability
from brainage.trial.result import TrialResult
from brainage.trial.visit_dates import read_visit_dates

__all__ = [
    "AFTERWARDS",
    "BEFOREHAND",
    "BY_COMPARISON",
    "Contrast",
    "Plan",
    "Reliability",
    "TrialDesign",
    "TrialOptions",
    "TrialResult",
    "as_contrasts",
    "compare_arms",
    "contrast_table",
    "hash_scores",
    "levakov_outcome",
    "local_changes",
    "paired_change",
    "plan_statements",
    "power_two_arm",
    "read_allocation",
    "read_plan",
    "read_replayed",
    "read_visit_dates",
    "score_reliability",
    "within_arm_changes",
    "write_plan",
]
