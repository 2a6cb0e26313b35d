"""What reviewers ask of a trial and of a brain clock, answered from the record or not known."""

from __future__ import annotations

from brainage.config import StudyConfig
from brainage.number_words import plain
from brainage.report import StudyResults

NOT_KNOWN = "not known to this software"
_OUTCOMES = {
    "gap_corrected_years": "brain-age gap, corrected for age",
    "gap_years": "brain-age gap, uncorrected",
}
_CONSORT, _PITFALL = "CONSORT 2025", "pitfalls of brain age"


def checklist(study: StudyConfig, results: StudyResults) -> tuple[tuple[str, str, str], ...]:
    """Return items, each with its answer and where it comes from.

    Parameters
    ----------
    study : StudyConfig
        What was asked for.
    results : StudyResults
        What was found.

    Returns
    -------
    items : tuple of (str, str, str)
        Item, answer, source of the question.
    """
    trial = _of_trial(study, results) if results.contrasts is not None else []
    clock = (
        _of_clock(study, results)
        if results.scores is not None or results.metrics is not None
        else []
    )
    return tuple(
        [(item, answer, _CONSORT) for item, answer in trial]
        + [(item, answer, _PITFALL) for item, answer in clock]
    )


def _of_trial(study: StudyConfig, results: StudyResults) -> list[tuple[str, str]]:
    options, flow = study.science.trial, results.flow
    if options is None or flow is None:
        return []
    scheme = options.randomization
    last = flow.groupby("arm", sort=False)["analysed"].max()
    sizes = ", ".join(f"{arm}: {int(n)}" for arm, n in last.items())
    excluded = int(flow["excluded"].sum())
    done = results.sensitivity
    n_other = 0 if done is None else done["analysis"].nunique()
    return [
        ("Registration and protocol", NOT_KNOWN),
        ("Statistical analysis plan before the arms were known", _plan_answer(results)),
        ("Eligibility, settings, interventions", NOT_KNOWN),
        (
            "Primary outcome",
            f"{_OUTCOMES.get(options.outcome, options.outcome)} at {options.primary_visit}, in "
            "years",
        ),
        ("How the sample size was determined", NOT_KNOWN),
        (
            "Random allocation",
            f"{scheme.scheme}{_blocks(scheme.block_size)}, strata: "
            f"{', '.join(options.strata) or 'none'} (as the study file states it)",
        ),
        ("Allocation concealment, who assigned", NOT_KNOWN),
        (
            "Blinding of the outcome",
            "scores were hashed before the allocation was read; "
            + ("made here without it" if study.paths.scores is None else "made elsewhere"),
        ),
        (
            "Participant flow with losses and reasons",
            f"diagram and table; {excluded} scan(s) excluded",
        ),
        (
            "Baseline table by arm, without tests",
            "yes" if results.baseline is not None else NOT_KNOWN,
        ),
        ("Numbers analysed", f"people with a change from baseline: {sizes}"),
        ("Effect with its interval", "every estimate has a 95 % interval"),
        (
            "Ancillary analyses told apart",
            f"{n_other} by other means, each marked planned or post hoc",
        ),
        ("Harms", NOT_KNOWN),
    ]


def _blocks(block_size: int | None) -> str:
    return f", blocks of {block_size}" if block_size else ""


def _plan_answer(results: StudyResults) -> str:
    return {
        "beforehand": "written before the comparison, hash in every row; its registration is not "
        "known to this software",
        "by the comparison": "no: written by the comparison itself",
        "after a comparison": "no: written after arms had been compared",
        "for other scores": "no: it was for other scores",
    }.get(results.plan_written or "", "no plan")


def _of_clock(study: StudyConfig, results: StudyResults) -> list[tuple[str, str]]:
    here = study.paths.scores is None and study.paths.clock is None
    elsewhere = NOT_KNOWN + " (made elsewhere)"
    validation = study.science.clock.validation
    harmonization = study.science.clock.harmonization
    return [
        (
            "Everything learnt is fitted inside the training fold; a person and a family stay in "
            "one fold",
            f"yes: {validation.n_folds} folds, {validation.n_repeats} time(s)"
            if here
            else elsewhere,
        ),
        (
            "Harmonisation cannot absorb the treatment",
            _harmonised(harmonization.method) if here else elsewhere,
        ),
        (
            "A site unseen in training",
            harmonization.unseen_site.replace("_", " ") if here else elsewhere,
        ),
        (
            "Motion by arm and visit, and an analysis adjusted for it",
            _motion_answer(results),
        ),
        ("A scanner that changes between visits", _scanner_answer(results)),
        (
            "Predictions that move with the length of a scan",
            _length_answer(results) or (NOT_KNOWN if here else elsewhere),
        ),
        ("Missing visits", _missing_answer(results)),
        (
            "Accuracy on uncorrected out-of-fold predictions, with the median predictor",
            _accuracy_answer(results) if here else elsewhere,
        ),
        (
            "Slope of the gap on age before and after correction",
            "shown" if results.gap_slopes is not None else elsewhere,
        ),
        (
            "Reliability from repeated scans",
            _reliability_answer(results),
        ),
        (
            "Patterns instead of weights",
            "Haufe patterns with their stability"
            if results.pattern_parcels is not None
            else "none shown: not a linear clock trained here",
        ),
        (
            "Ages outside the training range, scans far from the reference",
            _trust_answer(results),
        ),
        (
            "A gap is not a rate of ageing",
            "the page speaks of within-person change in predicted age",
        ),
    ]


def _harmonised(method: str) -> str:
    if method == "none":
        return "no harmonisation was done"
    return f"{method}, fitted on reference scans alone"


def _reliability_answer(results: StudyResults) -> str:
    if results.reliability is not None:
        return "shown, of the control arm's visits"
    if "reliability" in results.tables:
        return "shown, under further analyses"
    scores = results.scores
    if scores is not None and {"participant_id", "session_id"} <= set(scores):
        people = scores.drop_duplicates(["participant_id", "session_id"])["participant_id"]
        if people.duplicated().any():
            return "not shown, though people were scanned repeatedly"
    return "no repeated scans"


def _motion_answer(results: StudyResults) -> str:
    shown = results.motion is not None and results.motion["mean_fd_mm"].notna().any()
    done = results.sensitivity
    adjusted = done is not None and done["analysis"].str.contains("motion").any()
    if not shown:
        return NOT_KNOWN
    return "both shown" if adjusted else "motion shown; no analysis adjusted for it"


def _scanner_answer(results: StudyResults) -> str:
    """Return what became of the analyses that ask for the scanner."""
    if results.analyses is None:
        return "no trial"
    asked = results.analyses[results.analyses["analysis"].isin(["scanner", "scanner_covariate"])]
    told = [
        row["reason"] if row["state"] != "done" else row["title"] for _, row in asked.iterrows()
    ]
    return "; ".join(str(words) for words in told) or NOT_KNOWN


def _length_answer(results: StudyResults) -> str:
    if results.length_curve is None:
        return results.length_words
    return f"shown as a curve of left-out scans; {results.length_words}"


def _missing_answer(results: StudyResults) -> str:
    if results.missing is None:
        return "no trial"
    if results.missing.empty:
        return "none missing"
    n = int(results.missing["without a score"].sum())
    return f"{n} planned scan(s) without a score; {results.estimand.get('missing_data', NOT_KNOWN)}"


def _accuracy_answer(results: StudyResults) -> str:
    if results.metrics is None:
        return NOT_KNOWN
    found = results.metrics.drop_duplicates("metric").set_index("metric")["estimate"]
    return f"MAE {plain(found.get('MAE'))} years, median {plain(found.get('MAE_median'))} years"


def _trust_answer(results: StudyResults) -> str:
    trust = results.trust
    if trust is None or not len(trust) or "outside_age_range" not in trust:
        return NOT_KNOWN
    outside = trust["outside_age_range"].sum()
    far = trust["beyond_95th_percentile"].sum()
    return f"{int(outside)} scan(s) outside the ages, {int(far)} beyond 95 % of the reference"
