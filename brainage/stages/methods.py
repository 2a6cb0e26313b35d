"""The Methods paragraph, from the record of what ran: no sentence without its choice.

Of scores made elsewhere nothing is said but that; of a clock trained elsewhere what its own file
says; of series made elsewhere the atlas and cleaning that they name themselves.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import pandas as pd

from brainage.clock import BrainClock
from brainage.config import StudyConfig
from brainage.connectivity import KINDS, ConnectivityOptions, ViewSpec
from brainage.errors import BrainAgeError
from brainage.imaging import CleaningOptions, ExclusionRules, load_atlas, load_strategy
from brainage.raw_names import said
from brainage.stages.as_it_ran import STAGES
from brainage.stages.cohorts import COHORTS, cohort_paths, extraction_summary
from brainage.stages.extract import SCANS
from brainage.stages.methods_clock import clock_sentences
from brainage.stages.score import scoring_clock
from brainage.tables import read_table
from brainage.trial import TrialOptions
from brainage.wording import listed

_ADJUSTED = {
    "none": "not adjusted",
    "holm": "adjusted by Holm's method",
    "dunnett": "adjusted by Dunnett's method",
    "benjamini_hochberg": "adjusted by the method of Benjamini and Hochberg",
}

_SHRUNK = {
    "ledoit_wolf": "Ledoit and Wolf's method",
    "oas": "oracle-approximating shrinkage",
    "none": "nothing",
}
_SCHEMES = {
    "simple": "simple randomisation",
    "permuted_blocks": "randomisation in permuted blocks",
    "stratified_blocks": "randomisation in blocks within strata",
    "minimisation": "minimisation",
}


def methods_sentences(study: StudyConfig, *, stages: Collection[str] = STAGES) -> tuple[str, ...]:
    """Return what was done, sentence by sentence.

    Parameters
    ----------
    study : StudyConfig
        With the choices on record (`as_it_ran`).
    stages : collection of str, optional
        Stages that have their choices on record; nothing is said of others. All of them unless
        said otherwise.
    """
    if study.paths.scores is not None:
        sentences = [
            "Brain-age scores were made elsewhere and read as they are; how they were made is not "
            "known here."
        ]
    else:
        sentences = _series(study, extracted="extract" in stages)
        sentences += _features_of(study) if "features" in stages else []
        sentences += _clock(study, trained="train" in stages)
    if study.science.trial is not None and "compare" in stages:
        sentences += _trial(study.science.trial, scores_made_here=study.paths.scores is None)
    return tuple(sentences)


def cited(study: StudyConfig, *, stages: Collection[str] = STAGES) -> tuple[str, ...]:
    """Return the keys of `brainage.report.references` that what was done refers to.

    Parameters are those of `methods_sentences`.
    """
    science, keys = study.science, []
    if study.paths.scores is None:
        if study.paths.clock is None and "train" in stages:
            clock = science.clock
            keys += ["scikit-learn", "uncorrected_accuracy", "intervals", clock.bias_correction]
            keys += [clock.harmonization.method]
        if "features" in stages:
            kinds = science.connectivity.kinds
            if any(KINDS[kind].shrinkage == "asked" for kind in kinds):
                keys += [science.connectivity.shrinkage]
        if "extract" in stages and _extracts(study):
            keys += ["nilearn", science.atlas.name]
    if science.trial is not None and "compare" in stages:
        trial = science.trial
        keys += ["consort2025", trial.multiplicity, trial.within_arm_multiplicity]
        keys += ["mmrm" if trial.style == "recommended" else trial.style]
        keys += [trial.degrees_of_freedom]
    return tuple(keys)


def software_sentence(found: Mapping[str, str]) -> str:
    """Say by which versions the results were made."""
    return "Software: " + ", ".join(f"{name} {version}" for name, version in found.items()) + "."


def _extracts(study: StudyConfig) -> bool:
    return any(cohort_paths(study, cohort).scans for cohort in COHORTS)


def _series(study: StudyConfig, *, extracted: bool) -> list[str]:
    if _extracts(study):
        rules = _rules(study.science.exclusion)
        made = [_extraction(study), *([rules] if rules else [])] if extracted else []
        return [*made, *_counts(study)]
    spec = _spec_of(study)
    told = f" (atlas {spec.atlas})" if spec is not None and spec.atlas else ""
    return [f"Parcel time series{told} were made elsewhere and read as they are."]


def _counts(study: StudyConfig) -> list[str]:
    """Say how many scans there were and by which rules some were left out."""
    told = []
    for cohort in COHORTS:
        path = extraction_summary(study, cohort)
        if path is None:
            continue
        table = read_table(path, SCANS)
        words = f"Of {len(table)} {cohort} scans {int((table['status'] == 'done').sum())} were used"
        counts = table.loc[table["status"] != "done", "reason"].map(_rule).value_counts()
        reasons = "; ".join(f"{reason}: {n}" for reason, n in counts.items())
        told.append(words + (f" ({reasons})." if reasons else "."))
    return told


def _rule(reason: object) -> str:
    """Return a reason without the numbers and files of one scan."""
    text = re.sub(r"\S*/\S+", "a file", str(reason))
    return re.sub(r"\d+(\.\d+)?", "#", text)[:80]


def _spec_of(study: StudyConfig) -> ViewSpec | None:
    """Return what a clock that is there says of its features; None where there is no clock."""
    clock = _record_of_clock(study)
    return clock.specs[0] if clock is not None else None


def _record_of_clock(study: StudyConfig) -> BrainClock | None:
    try:
        return scoring_clock(study)
    except BrainAgeError:
        # Not trained yet, or not to be read: then nothing is said from it.
        return None


def _features_of(study: StudyConfig) -> list[str]:
    return [_features(study.science.connectivity)] if study.paths.clock is None else []


def _extraction(study: StudyConfig) -> str:
    atlas, cleaning = study.science.atlas, study.science.cleaning
    least = f"{100 * atlas.min_coverage:.0f} %"
    try:
        signals = f"{load_atlas(atlas).signal_words} of {atlas.name}"
        signals += f", radius {atlas.radius_mm:g} mm" if atlas.radius_mm else ""
    except BrainAgeError:
        # The atlas's file may have gone since; what its signals were is then not said.
        signals = f"those of {atlas.name}"
    return (
        f"Parcel signals were {signals} (parcels with less than "
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
    if cleaning.drop_initial_volumes is not None:
        parts.append(f"the first {cleaning.drop_initial_volumes} volumes dropped")
    if cleaning.detrend:
        parts.append("linear trends removed")
    if cleaning.standardize == "zscore_sample":
        parts.append("each signal scaled to unit variance")
    if cleaning.smoothing_fwhm_mm:
        mask = " within each scan's own mask" if cleaning.smoothing_mask == "scan" else ""
        width = f"{cleaning.smoothing_fwhm_mm:g} mm full width at half maximum"
        parts.append(f"smoothed with {width}{mask}")
    if cleaning.t_r_s:
        parts.append(f"a repetition time of {cleaning.t_r_s:g} s taken where files state none")
    if cleaning.motion_order:
        parts.append(f"bare motion parameters read in the order of {cleaning.motion_order.upper()}")
    return ", ".join(parts)


def _rules(rules: ExclusionRules) -> str:
    """Say when a scan was not used; a rule that excludes nothing is not told."""
    told = []
    if rules.max_mean_fd_mm is not None:
        told.append(f"its mean framewise displacement was above {rules.max_mean_fd_mm:g} mm")
    if rules.min_retained_share:
        told.append(f"less than {100 * rules.min_retained_share:g} % of its volumes were kept")
    if rules.min_retained_s:
        told.append(f"less than {rules.min_retained_s:g} s were kept")
    if rules.min_parcels_share:
        told.append(f"less than {100 * rules.min_parcels_share:g} % of its parcels had a signal")
    return f"A scan was not used where {', or '.join(told)}." if told else ""


def _features(connectivity: ConnectivityOptions) -> str:
    kinds = ", ".join(KINDS[kind].words for kind in connectivity.kinds)
    shrunk = any(KINDS[kind].shrinkage == "asked" for kind in connectivity.kinds)
    tail = f" (covariance shrunk by {_SHRUNK[connectivity.shrinkage]})" if shrunk else ""
    if connectivity.parcel_presence:
        least = f"{100 * connectivity.parcel_presence:g} %"
        tail += f", of the parcels with a signal in at least {least} of the reference's sessions"
    if connectivity.incomplete_scans == "exclude":
        tail += "; sessions that lacked one of these parcels were left out"
    return f"Connectivity of a session's joined runs was {kinds}{tail}."


def _clock(study: StudyConfig, *, trained: bool) -> list[str]:
    if study.paths.clock is not None:
        return _lent(study)
    if not trained:
        return []
    clock = _record_of_clock(study)
    by_inner_folds = clock is not None and clock.by_inner_folds
    told = clock_sentences(study.science.clock, by_inner_folds=by_inner_folds)
    return told[:1] + _not_seen(study) + told[1:]


def _not_seen(study: StudyConfig) -> list[str]:
    """Say which kinds of connectivity are no view of the clock: they are listed as computed."""
    views = study.science.clock.views
    others = [KINDS[kind].words for kind in study.science.connectivity.kinds if kind not in views]
    return [f"The clock did not see the {listed(others)}."] if others else []


def _lent(study: StudyConfig) -> list[str]:
    """Say of a clock trained elsewhere what its own file says."""
    told = ["The clock was trained before and used as it was frozen; its model card says how."]
    clock = _record_of_clock(study)
    if clock is None:
        return told
    card = clock.card()
    for key, words in (("trained on", "It was trained on"), ("features", "Its features are")):
        if card.get(key):
            told.append(f"{words} {said(card[key])}.")
    if card.get("estimator"):
        told.append(
            f"Its estimator is {card['estimator']}, its age-bias correction "
            f"{said(card.get('bias correction', 'not known'))}."
        )
    for key, words in (
        ("half scans", "Of its training"),
        ("harmonisation", "Site effects in it"),
        ("gap freed of age and sex", "Its gap"),
    ):
        if card.get(key, "none") != "none":
            told.append(f"{words}: {said(card[key])}.")
    return told


def _trial(trial: TrialOptions, *, scores_made_here: bool) -> list[str]:
    primary = trial.primary_arm or trial.arms[-1]
    others = _ADJUSTED.get(trial.multiplicity, trial.multiplicity)
    within = _ADJUSTED.get(trial.within_arm_multiplicity, trial.within_arm_multiplicity)
    frozen = (
        "The clock was frozen before any trial scan was scored, and scores were hashed before the "
        "allocation was read."
    )
    hashed = "Scores were hashed before the allocation was read."
    return [
        frozen if scores_made_here else hashed,
        f"The primary contrast was {primary} against {trial.control_arm} at {trial.primary_visit}; "
        f"p-values of the other contrasts with control are {others}, those of changes within "
        f"arms {within}.",
    ]


def analysis_sentences(analyses: pd.DataFrame, trial: TrialOptions) -> list[str]:
    """Say which analyses ran beside the headline's, planned and not, with what they draw.

    Parameters
    ----------
    analyses : DataFrame
        Of the comparison: words, planned, state.
    trial : TrialOptions
        The choices on record.
    """
    done = analyses[analyses["state"] == "done"]
    told = []
    for planned, words in ((True, "Analyses that were planned and done"), (False, "Post hoc")):
        rows = done[done["planned"] == planned]
        if len(rows):
            named = "; ".join(text.removeprefix("sensitivity: ") for text in rows["words"])
            told.append(f"{words}: {said(named)}.")
    keys = set(done["analysis"])
    if "rerandomization" in keys:
        scheme = trial.randomization
        told.append(
            f"The re-randomisation test replayed {_SCHEMES[scheme.scheme]} in {scheme.n_draws:,} "
            f"draws of a studentised contrast ({scheme.statistic.upper()})."
        )
    if "levakov" in keys:
        told.append(
            f"Intervals of Levakov's outcome are from {trial.n_bootstraps:,} bootstrap draws."
        )
    return told


def model_sentences(contrasts: pd.DataFrame, covariates: pd.DataFrame) -> list[str]:
    """Say by which model the primary contrast was found, with which covariates.

    Parameters
    ----------
    contrasts, covariates : DataFrame
        Of the comparison (`brainage.trial.TrialResult`): what was fitted, not what was asked for.
    """
    primary = contrasts[contrasts["primary"]].iloc[0]
    people = f"{int(primary['n_model'])} participants of these two arms"
    told = [f"It was estimated by {primary['method']}, in {people}."]
    fitted = covariates[covariates["network"] == primary["network"]]
    if len(fitted):
        first = fitted[fitted["analysis"] == fitted["analysis"].iloc[0]]
        named = [said(str(name)) for name in first["covariate"]]
        told.append(f"Covariates were {', '.join(named)}.")
    return told
