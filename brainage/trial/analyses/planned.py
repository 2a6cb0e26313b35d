"""The registry: every analysis that a comparison can do, in the order of plan and tables.

To add one: write its file here in `analyses/`, with a record, and name the record below.
"""

from __future__ import annotations

from brainage.trial.analyses.adjusted import (
    INTERVAL_ADJUSTED,
    MOTION_ADJUSTED,
    SCANNER_ADJUSTED,
    SCANNER_COVARIATE,
)
from brainage.trial.analyses.ancova_per_visit import ANCOVA
from brainage.trial.analyses.association_by_arm import CHANGE_WITH_CHANGE
from brainage.trial.analyses.change import CHANGE_SCORES, WITHIN_ARM
from brainage.trial.analyses.description import DESCRIPTION
from brainage.trial.analyses.dose_by_arm import DOSE_QUESTIONS
from brainage.trial.analyses.influence import PEOPLE_LEFT_OUT, SITES_LEFT_OUT
from brainage.trial.analyses.levakov import LEVAKOV_OUTCOME
from brainage.trial.analyses.local_by_arm import LOCAL_CHANGES
from brainage.trial.analyses.missing_data import MISSING
from brainage.trial.analyses.missing_scans import MISSING_SCANS
from brainage.trial.analyses.model_details import MODEL_DETAILS
from brainage.trial.analyses.moderators import MODERATED
from brainage.trial.analyses.named_contrasts import NAMED
from brainage.trial.analyses.networks_compared import NETWORKS_COMPARED
from brainage.trial.analyses.noise_by_arm import INDIVIDUAL_NOISE
from brainage.trial.analyses.other_choices import (
    BASELINE_GAP_ONLY,
    NO_COVARIATES,
    ROBUST_REGRESSION,
    STRICT_MOTION,
)
from brainage.trial.analyses.record import Analysis
from brainage.trial.analyses.repeated_measures import (
    COMPLETERS_ONLY,
    CONSTRAINED,
    MMRM,
    OTHER_COVARIANCE,
    OTHER_DEGREES_OF_FREEDOM,
    PER_PROTOCOL_ONLY,
    UNCORRECTED,
)
from brainage.trial.analyses.reproduction import REPRODUCTION
from brainage.trial.analyses.rerandomized_primary import RERANDOMIZATION
from brainage.trial.analyses.time_kept import TIME_KEPT
from brainage.trial.analyses.without_outliers import WITHOUT_OUTLIERS
from brainage.trial.options import TrialOptions

REGISTRY: tuple[Analysis, ...] = (
    MMRM,
    WITHIN_ARM,
    UNCORRECTED,
    CHANGE_SCORES,
    ANCOVA,
    CONSTRAINED,
    OTHER_DEGREES_OF_FREEDOM,
    OTHER_COVARIANCE,
    COMPLETERS_ONLY,
    PER_PROTOCOL_ONLY,
    MOTION_ADJUSTED,
    INTERVAL_ADJUSTED,
    SCANNER_ADJUSTED,
    SCANNER_COVARIATE,
    TIME_KEPT,
    STRICT_MOTION,
    BASELINE_GAP_ONLY,
    NO_COVARIATES,
    ROBUST_REGRESSION,
    WITHOUT_OUTLIERS,
    LEVAKOV_OUTCOME,
    RERANDOMIZATION,
    NAMED,
    MODERATED,
    DOSE_QUESTIONS,
    CHANGE_WITH_CHANGE,
    NETWORKS_COMPARED,
    LOCAL_CHANGES,
    INDIVIDUAL_NOISE,
    MISSING_SCANS,
    MISSING,
    PEOPLE_LEFT_OUT,
    SITES_LEFT_OUT,
    DESCRIPTION,
    MODEL_DETAILS,
    REPRODUCTION,
)

_BY_KEY = {record.key: record for record in REGISTRY}
#: Style -> analysis behind the headline contrasts.
HEADLINE = {record.style: record.key for record in REGISTRY if record.style is not None}


def analysis(key: str) -> Analysis:
    """Return the record of an analysis by its key."""
    return _BY_KEY[key]


def asked_for(options: TrialOptions) -> list[Analysis]:
    """Return the analyses that these options ask for, in order."""
    return [record for record in REGISTRY if record.asked(options)]


def needs_of(options: TrialOptions) -> frozenset[str]:
    """Return the inputs beyond scores and allocation that the analyses asked for need.

    Examples
    --------
    >>> sorted(needs_of(examples.trial_options()))
    []
    """
    return frozenset(need for record in asked_for(options) for need in record.needs(options))
