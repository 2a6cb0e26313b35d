"""Features in, a frozen brain clock and its scores out."""

from brainage.clock.bias import AgeBiasCorrector, BiasCorrectedRegressor, gap_slope
from brainage.clock.calibration import calibrate_clock
from brainage.clock.compare import Comparison, compare_clocks, learning_curve, permutation_test
from brainage.clock.ensemble import FoldEnsembleRegressor
from brainage.clock.explain import explain_clock
from brainage.clock.external import ExternalTest, evaluate_clock
from brainage.clock.folds import check_disjoint
from brainage.clock.harmonize import SiteHarmonizer
from brainage.clock.leaderboard import LEADERBOARD
from brainage.clock.metrics import refuse_corrected
from brainage.clock.model import WHOLE_BRAIN, BrainClock
from brainage.clock.options import (
    ClockOptions,
    EvaluationOptions,
    HarmonizationOptions,
    TangentOptions,
    ValidationOptions,
)
from brainage.clock.ridge import RidgeClock
from brainage.clock.stacked import StackedClock
from brainage.clock.sweep import Alternative, SweepResult, expand_alternatives, run_sweep
from brainage.clock.training import fit_clock, fit_network_clocks
from brainage.clock.validation import METRICS, PREDICTIONS, CrossValidation, cross_validate_clock

__all__ = [
    "LEADERBOARD",
    "METRICS",
    "PREDICTIONS",
    "WHOLE_BRAIN",
    "AgeBiasCorrector",
    "Alternative",
    "BiasCorrectedRegressor",
    "BrainClock",
    "ClockOptions",
    "Comparison",
    "CrossValidation",
    "EvaluationOptions",
    "ExternalTest",
    "FoldEnsembleRegressor",
    "HarmonizationOptions",
    "RidgeClock",
    "SiteHarmonizer",
    "StackedClock",
    "SweepResult",
    "TangentOptions",
    "ValidationOptions",
    "calibrate_clock",
    "check_disjoint",
    "compare_clocks",
    "cross_validate_clock",
    "evaluate_clock",
    "expand_alternatives",
    "explain_clock",
    "fit_clock",
    "fit_network_clocks",
    "gap_slope",
    "learning_curve",
    "permutation_test",
    "refuse_corrected",
    "run_sweep",
]
