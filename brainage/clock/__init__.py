"""Features in, a frozen brain clock and its scores out."""

from brainage.clock.evaluation.alternatives import Alternative, expand_alternatives
from brainage.clock.evaluation.compare import (
    Comparison,
    compare_clocks,
    learning_curve,
    permutation_test,
)
from brainage.clock.evaluation.explain import (
    NETWORKS,
    PARCELS,
    STABILITY,
    Explanation,
    explain_clock,
)
from brainage.clock.evaluation.external import (
    EXTERNAL,
    EXTERNAL_SLOPES,
    ExternalTest,
    evaluate_clock,
    score_halves,
)
from brainage.clock.evaluation.leaderboard import LEADERBOARD, SelectionCorrected
from brainage.clock.evaluation.sweep import PartsMaker, SweepResult, run_sweep
from brainage.clock.model.age_sex import AgeSexLine, free_scores
from brainage.clock.model.bias import AgeBiasCorrector, gap_slope
from brainage.clock.model.calibration import calibrate_clock
from brainage.clock.model.card import half_scan_words
from brainage.clock.model.mismatch import advice
from brainage.clock.model.model import BrainClock
from brainage.clock.model.packaged import find_clock_file, packaged_clocks
from brainage.clock.options import (
    ClockOptions,
    EvaluationOptions,
    HarmonizationOptions,
    TangentOptions,
    ValidationOptions,
)
from brainage.clock.preparation.harmonize import SiteHarmonizer
from brainage.clock.regressors.frozen import LinearRegression
from brainage.clock.regressors.registry import method_words, regressor_of, why_not_kept
from brainage.clock.regressors.ridge import RidgeClock
from brainage.clock.regressors.stacked import StackedClock
from brainage.clock.training.cost import TrainingCost, training_cost
from brainage.clock.training.efficiency import (
    EFFICIENCY,
    WITHIN_SCAN,
    PlantedShare,
    finite,
    measure_efficiency,
    unmeasured,
)
from brainage.clock.training.efficiency_numbers import MIN_SCANS, participants_per_arm
from brainage.clock.training.fit import fit_clock
from brainage.clock.training.folds import (
    check_disjoint,
    check_no_shared_scans,
    make_folds,
    site_folds,
)
from brainage.clock.training.half_predictions import (
    HALVES,
    PartOfScans,
    PlantedScans,
    ScanParts,
    predict_halves,
    predict_parts,
)
from brainage.clock.training.length_curve import (
    LENGTH_CUTS,
    measure_length_curve,
    scans_for_curve,
)
from brainage.clock.training.metrics import refuse_corrected
from brainage.clock.training.network_clocks import fit_network_clocks
from brainage.clock.training.validation import (
    METRICS,
    PREDICTIONS,
    CrossValidation,
    cross_validate_clock,
)
from brainage.tables import WHOLE_BRAIN

__all__ = [
    "EFFICIENCY",
    "EXTERNAL",
    "EXTERNAL_SLOPES",
    "HALVES",
    "LEADERBOARD",
    "LENGTH_CUTS",
    "METRICS",
    "MIN_SCANS",
    "NETWORKS",
    "PARCELS",
    "PREDICTIONS",
    "STABILITY",
    "WHOLE_BRAIN",
    "WITHIN_SCAN",
    "AgeBiasCorrector",
    "AgeSexLine",
    "Alternative",
    "BrainClock",
    "ClockOptions",
    "Comparison",
    "CrossValidation",
    "EvaluationOptions",
    "Explanation",
    "ExternalTest",
    "HarmonizationOptions",
    "LinearRegression",
    "PartOfScans",
    "PartsMaker",
    "PlantedScans",
    "PlantedShare",
    "RidgeClock",
    "ScanParts",
    "SelectionCorrected",
    "SiteHarmonizer",
    "StackedClock",
    "SweepResult",
    "TangentOptions",
    "TrainingCost",
    "ValidationOptions",
    "advice",
    "calibrate_clock",
    "check_disjoint",
    "check_no_shared_scans",
    "compare_clocks",
    "cross_validate_clock",
    "evaluate_clock",
    "expand_alternatives",
    "explain_clock",
    "find_clock_file",
    "finite",
    "fit_clock",
    "fit_network_clocks",
    "free_scores",
    "gap_slope",
    "half_scan_words",
    "learning_curve",
    "make_folds",
    "measure_efficiency",
    "measure_length_curve",
    "method_words",
    "packaged_clocks",
    "participants_per_arm",
    "permutation_test",
    "predict_halves",
    "predict_parts",
    "refuse_corrected",
    "regressor_of",
    "why_not_kept",
    "run_sweep",
    "scans_for_curve",
    "score_halves",
    "site_folds",
    "training_cost",
    "unmeasured",
]
