"""What the Methods paragraph says of a clock: a sentence for every choice that changes a number."""

from __future__ import annotations

from collections.abc import Callable

from brainage.clock import ClockOptions, half_scan_words, method_words
from brainage.raw_names import said

_SCALES = {
    "auto": "on that of three scales of age (years, their square root, their logarithm) which "
    "had the smallest error in people left out",
    "years": "in years",
    "sqrt": "on the square root of age",
    "log": "on the logarithm of age",
}
_HARMONISED = {"center": "centring each site", "combat": "ComBat"}
_UNSEEN = {
    "refuse": "scans of a site unseen in training were refused",
    "pass_through": "scans of a site unseen in training were taken as they are",
    "calibrate": "a site unseen in training was calibrated on baseline scans, blind to arm",
}
_FREED_ON = {
    "reference": "the reference",
    "baselines": "the trial's baseline scans, blind to arm",
    "everyone": "all of the trial's scans, blind to arm",
}


def clock_sentences(clock: ClockOptions, *, by_inner_folds: bool = False) -> list[str]:
    """Return how a clock was trained and validated, sentence by sentence.

    Parameters
    ----------
    clock : ClockOptions
        The choices on record.
    by_inner_folds : bool, default=False
        Whether the clock on record was too large for leave-one-out (`BrainClock.by_inner_folds`).

    Returns
    -------
    sentences : list of str
        A choice that had nothing to decide (the tangent space of a clock without that view) is
        not told.
    """
    told = [_regression(clock, by_inner_folds)]
    return told + [sentence for make in _SENTENCES if (sentence := make(clock))]


def _regression(clock: ClockOptions, by_inner_folds: bool) -> str:
    validation, words = clock.validation, method_words(clock, by_inner_folds=by_inner_folds)
    if clock.estimator == "ridge" and len(clock.penalties) == 1:
        words = f"ridge regression, its penalty fixed at {clock.penalties[0]:g} times the mean "
        words += "squared length of a centred scan"
    if "inner cross-validation" in words:
        words += f" ({validation.inner_folds} folds)"
    if clock.estimator == "svr":
        words += f", epsilon {clock.svr_epsilon:g} years"
    if clock.estimator_options:
        chosen = ", ".join(f"{name} {value}" for name, value in clock.estimator_options.items())
        words += f" ({chosen})"
    if clock.estimator == "stacked":
        words += f", predicting age {_SCALES[clock.age_scale]}"
    if clock.ensemble:
        n_models = validation.n_folds * validation.n_repeats
        words += f", the {n_models} fold models averaged"
    times = f", repeated {validation.n_repeats} times" if validation.n_repeats > 1 else ""
    balanced = ", ages balanced over folds" if validation.stratify_age else ""
    sites = " and, apart, of leaving out each site in turn" if validation.leave_one_site_out else ""
    draws = (
        f", with 95 % intervals from {validation.n_bootstrap:,} bootstrap draws over people"
        if validation.n_bootstrap
        else ""
    )
    return (
        f"Age was predicted by {words}; accuracy is that of {validation.n_folds}-fold "
        f"cross-validation{times} (people and families never split{balanced}){sites}, every choice "
        f"nested, on uncorrected predictions{draws}."
    )


def _strong_views(clock: ClockOptions) -> str:
    if not clock.strong_views:
        return ""
    named = ", ".join(said(view) for view in clock.strong_views)
    return f"Views that entered a second time, under a strong penalty: {named}."


def _halves(clock: ClockOptions) -> str:
    words = half_scan_words(clock.half_scans)
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def _missing_edges(clock: ClockOptions) -> str:
    filled = "0" if clock.missing_edges == "zero" else "the mean of the training fold"
    return f"Edges of missing parcels were set to {filled}."


def _tangent(clock: ClockOptions) -> str:
    if "tangent" not in clock.views:
        return ""
    reference, mapped = said(clock.tangent.reference), said(clock.tangent.log_map)
    return (
        f"The tangent space touched at the {reference} mean of each fold's training scans, which "
        f"were mapped to it by the {mapped} logarithm."
    )


def _harmonisation(clock: ClockOptions) -> str:
    chosen = clock.harmonization
    if chosen.method == "none":
        return ""
    kept = ", beside a linear age effect that stays" if chosen.preserve_age else ""
    return (
        f"Site effects were removed by {_HARMONISED[chosen.method]}, fitted on training scans of "
        f"each fold{kept}; {_UNSEEN[chosen.unseen_site]}."
    )


def _bias(clock: ClockOptions) -> str:
    if clock.bias_correction == "in_sample":
        return (
            "The gap's line on age was fitted on training predictions, which leaves most of the "
            "age bias in (see the gap slopes)."
        )
    if clock.bias_correction == "none":
        return "The gap was not corrected for age."
    return (
        f"The gap was freed from age by the {clock.bias_correction} correction, fitted on "
        "out-of-fold reference predictions, frozen and applied alike at every visit."
    )


def _freed(clock: ClockOptions) -> str:
    if clock.gap_freed_of_age_and_sex == "none":
        return ""
    return (
        "The corrected gap's regression on age and sex, fitted on "
        f"{_FREED_ON[clock.gap_freed_of_age_and_sex]}, was subtracted."
    )


def _networks(clock: ClockOptions) -> str:
    if not clock.networks:
        return ""
    return "The same clock was trained on the edges within each network of the atlas."


_SENTENCES: tuple[Callable[[ClockOptions], str], ...] = (
    _strong_views,
    _halves,
    _missing_edges,
    _tangent,
    _harmonisation,
    _bias,
    _freed,
    _networks,
)
