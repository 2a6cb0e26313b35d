"""The Methods paragraph, made from the options that were used: no sentence without its choice."""

from __future__ import annotations

from brainage.clock.options import ClockOptions
from brainage.config import StudyConfig
from brainage.connectivity.options import ConnectivityOptions
from brainage.connectivity.views import FIXED_SHRINKAGE, UNSHRUNK
from brainage.imaging.cleaning.strategies import load_strategy
from brainage.imaging.options import CleaningOptions
from brainage.stages.cohorts import COHORTS, cohort_paths
from brainage.trial import TrialOptions

_KINDS = {
    "pearson": "Pearson correlation",
    "fisher_z": "Fisher z of the Pearson correlation",
    "partial": "partial correlation",
    "shrunk_correlation": "shrunk correlation",
    "covariance": "covariance",
    "tangent": "tangent-space covariance",
    "log_euclidean": "log-Euclidean correlation",
    "log_correlation": "matrix logarithm of the correlation (shrunk by 0.3)",
    "log_correlation_direction": "its direction from the training mean (unit length)",
    "log_covariance": "matrix logarithm of the gain-free covariance (shrunk by 0.8)",
    "lagged": "lag-1 cross-covariance",
    "amplitude": "relative amplitude of each parcel (log standard deviation)",
}
_ESTIMATORS = {
    "ridge": "ridge regression, its penalty chosen by exact leave-one-out",
    "elastic_net": "an elastic net, its penalties chosen by inner cross-validation",
    "gaussian_process": "a Gaussian process, its hyperparameters by marginal likelihood",
    "stacked": "a stack of ridge regressions, one a view, combined on their exact leave-one-out "
    "predictions",
}


def methods_sentences(study: StudyConfig) -> tuple[str, ...]:
    """Return what was done, sentence by sentence, from the study's options."""
    science = study.science
    sentences = []
    if any(cohort_paths(study, cohort).scans for cohort in COHORTS):
        sentences.append(_extraction(study))
    else:
        sentences.append("Parcel time series were made elsewhere and read as they are.")
    sentences += [_features(science.connectivity), *_clock(study)]
    if science.trial is not None:
        sentences += _trial(science.trial)
    return tuple(sentences)


def _extraction(study: StudyConfig) -> str:
    atlas, cleaning = study.science.atlas, study.science.cleaning
    least = f"{100 * atlas.min_coverage:.0f} %"
    return (
        f"Parcel signals were the means of the voxels of {atlas.name} (parcels with less than "
        f"{least} coverage missing), {_cleaning(cleaning)}."
    )


def _cleaning(cleaning: CleaningOptions) -> str:
    strategy = load_strategy(cleaning.strategy)
    parts = [f"cleaned with the confound strategy {strategy.name} ({strategy.description})"]
    if cleaning.high_pass_hz or cleaning.low_pass_hz:
        low = f"{cleaning.high_pass_hz:g}" if cleaning.high_pass_hz else "0"
        high = f"{cleaning.low_pass_hz:g}" if cleaning.low_pass_hz else "the Nyquist frequency"
        parts.append(f"band-passed {low} to {high} Hz")
    # Scrubbing is the strategy's (ours or nilearn's), unless the study names a threshold.
    own = strategy.load_confounds if "scrub" in strategy.load_confounds.get("strategy", ()) else {}
    threshold_mm = cleaning.scrub_fd_mm or own.get("fd_threshold") or strategy.scrub_fd_mm
    if threshold_mm:
        parts.append(
            f"volumes with framewise displacement above {threshold_mm:g} mm censored, "
            f"and kept stretches under {cleaning.min_segment_volumes} volumes with them"
        )
    if cleaning.smoothing_fwhm_mm:
        parts.append(f"smoothed with {cleaning.smoothing_fwhm_mm:g} mm full width at half maximum")
    return ", ".join(parts)


def _features(connectivity: ConnectivityOptions) -> str:
    kinds = ", ".join(_KINDS[kind] for kind in connectivity.kinds)
    shrunk = set(connectivity.kinds) - UNSHRUNK - set(FIXED_SHRINKAGE)
    tail = f" (covariance estimated with {connectivity.shrinkage})" if shrunk else ""
    return f"Connectivity of a session's joined runs was {kinds}{tail}."


def _clock(study: StudyConfig) -> list[str]:
    if study.paths.clock is not None:
        return ["The clock was trained before and used as it was frozen; its model card says how."]
    clock = study.science.clock
    validation = clock.validation
    sentences = [
        f"Age was predicted by {_estimator(clock)}; accuracy is that of "
        f"{validation.n_folds}-fold cross-validation ({validation.n_repeats} repeat(s), "
        "people and families never "
        "split), every choice nested, on uncorrected predictions."
    ]
    if clock.harmonization.method != "none":
        kept = ", beside a linear age effect that stays" if clock.harmonization.preserve_age else ""
        sentences.append(
            f"Site effects were removed by {clock.harmonization.method}, fitted on "
            f"training scans of each fold{kept}."
        )
    if clock.bias_correction == "in_sample":
        sentences.append(
            "The gap's line on age was fitted on training predictions, which leaves "
            "most of the age bias in (see the gap slopes)."
        )
    elif clock.bias_correction != "none":
        sentences.append(
            f"The gap was freed from age by the {clock.bias_correction} correction, "
            "fitted on out-of-fold reference predictions, frozen and applied alike at "
            "every visit."
        )
    return sentences


def _estimator(clock: ClockOptions) -> str:
    words = _ESTIMATORS.get(clock.estimator) or _vector_regression(clock)
    if not clock.ensemble:
        return words
    n_models = clock.validation.n_folds * clock.validation.n_repeats
    return f"{words}, the {n_models} fold models averaged"


def _vector_regression(clock: ClockOptions) -> str:
    kind = (
        "linear support vector regression"
        if clock.svr_kernel == "linear"
        else (f"support vector regression with a polynomial kernel of degree {clock.svr_degree}")
    )
    if len(clock.svr_c) > 1:
        return f"{kind}, C chosen by inner cross-validation"
    return f"{kind}, C fixed at {clock.svr_c[0]:g}"


def _trial(trial: TrialOptions) -> list[str]:
    primary = trial.primary_arm or trial.arms[-1]
    adjusted = (
        "not adjusted" if trial.multiplicity == "none" else (f"adjusted by {trial.multiplicity}")
    )
    return [
        "The clock was frozen before any trial scan was scored, and scores were hashed before the "
        "allocation was read.",
        f"The primary contrast was {primary} against {trial.control_arm} at {trial.primary_visit}; "
        f"other contrasts are {adjusted}.",
    ]
