"""Features in, a frozen brain clock and its scores out."""

from brainage.clock.bias import AgeBiasCorrector, BiasCorrectedRegressor, gap_slope
from brainage.clock.folds import check_disjoint
from brainage.clock.model import WHOLE_BRAIN, BrainClock
from brainage.clock.options import ClockOptions, HarmonizationOptions, ValidationOptions
from brainage.clock.ridge import RidgeClock
from brainage.clock.stacked import StackedClock
from brainage.clock.training import fit_clock, fit_network_clocks
from brainage.clock.validation import METRICS, PREDICTIONS, CrossValidation, cross_validate_clock

__all__ = [
    "METRICS",
    "PREDICTIONS",
    "WHOLE_BRAIN",
    "AgeBiasCorrector",
    "BiasCorrectedRegressor",
    "BrainClock",
    "ClockOptions",
    "CrossValidation",
    "HarmonizationOptions",
    "RidgeClock",
    "StackedClock",
    "ValidationOptions",
    "check_disjoint",
    "cross_validate_clock",
    "fit_clock",
    "fit_network_clocks",
    "gap_slope",
]
