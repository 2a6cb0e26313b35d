"""The answer in plain words: a fixed set of sentences, chosen and filled from the record.

"No evidence of a difference" is never "no effect", and what is not known is not said.
"""

from __future__ import annotations

import pandas as pd

from brainage.number_words import interval, is_missing, p_equals, plain, signed
from brainage.report.results import StudyResults
from brainage.tables import WHOLE_BRAIN

#: Evidence against no difference, by p; from the weakest to the strongest.
_EVIDENCE = ((0.001, "strong evidence"), (0.01, "evidence"), (0.05, "weak evidence"))

SENTENCES = {
    "clock shows nothing": (
        "The clock shows nothing of age: {why}. Changes within an arm are then the time that "
        "passed, and a difference between arms says nothing of brain age."
    ),
    "network clocks show nothing": (
        "The clocks of these networks show nothing of age: {networks}. What the page has of them "
        "says nothing of brain age."
    ),
    "clock is good": (
        "The clock predicts the age of people it has not seen to {mae} years on average, where "
        "predicting everybody's median is off by {median} years (skill {skill}, 95 % interval "
        "{skill_interval})."
    ),
    "clock is lent": (
        "The scores come from a clock trained elsewhere; its model card says how good it was there."
    ),
    "clock is unknown": (
        "How good the clock is, is not known here: the scores were made elsewhere."
    ),
    "younger": (
        "There is {evidence} that brains in {arm} looked younger than in {versus} at {visit}: by "
        "{size} years (95 % interval {interval}; {p})."
    ),
    "older": (
        "There is {evidence} that brains in {arm} looked older than in {versus} at {visit}: by "
        "{size} years (95 % interval {interval}; {p})."
    ),
    "no evidence": (
        "There is no evidence of a difference between {arm} and {versus} at {visit}: the estimate "
        "is {estimate} years, and everything in its 95 % interval, {interval}, agrees with the "
        "data ({p})."
    ),
    "not estimated": (
        "The primary contrast, {arm} against {versus} at {visit}, could not be estimated."
    ),
    "planned beforehand": (
        "This contrast was planned beforehand: the plan (hash {hash}) was written before this "
        "comparison, and the allocation was not read for it."
    ),
    "planned by this comparison": (
        "This contrast was planned by this comparison itself, moments before it read the "
        "allocation: nobody else can tell that it came first."
    ),
    "post hoc": "This contrast is post hoc: no plan that was in force names it as it was done.",
    "within arms": (
        "Read the contrast between arms. A change within an arm also holds what all arms share "
        "(time, scanner, repetition): it does not compare treatments."
    ),
    "signs": "Years below zero: the brain looks younger.",
    "synthetic": "The data are synthetic, made with a known truth: this is no finding.",
    "scored": "{scans} scans of {people} people were scored; no arms were compared.",
    "extracted": "{done} of {scans} scans became parcel series; {rest} did not.",
    "nothing": (
        "No result is here yet: in this study's output nothing was extracted, trained, scored or "
        "compared. `brainage run` with the study's file makes what is missing, then this page."
    ),
}


def verdict_keys(results: StudyResults) -> list[tuple[str, dict]]:
    """Return which sentences hold, in order, each with what fills it.

    Parameters
    ----------
    results : StudyResults
        Everything that is known.

    Returns
    -------
    chosen : list of (str, dict)
        Keys of `SENTENCES`. A clock that shows nothing comes first.
    """
    clock = _clock(results)
    if results.contrasts is None:
        chosen = list(clock)
        if results.scores is not None:
            whole = results.scores
            people = whole["participant_id"].nunique()
            scans = len(whole[["participant_id", "session_id"]].drop_duplicates())
            chosen.append(("scored", {"scans": f"{scans:,}", "people": f"{people:,}"}))
        elif not chosen:
            chosen = [_extracted(results)]
        return chosen + _synthetic(results)
    primary = results.contrasts[results.contrasts["primary"]].iloc[0]
    answer = [
        _difference(primary),
        _planned(primary, results.plan_written),
        ("within arms", {}),
        ("signs", {}),
    ]
    if results.shows_nothing:
        return [*clock, *answer, *_synthetic(results)]
    return [*answer[:2], *clock, *answer[2:], *_synthetic(results)]


def verdict(results: StudyResults) -> tuple[str, ...]:
    """Return the verdict's sentences; see `verdict_keys`."""
    return tuple(SENTENCES[key].format(**values) for key, values in verdict_keys(results))


def _synthetic(results: StudyResults) -> list[tuple[str, dict]]:
    return [("synthetic", {})] if results.synthetic else []


def _difference(primary: pd.Series) -> tuple[str, dict]:
    named = {name: str(primary[name]) for name in ("arm", "versus", "visit")}
    low, high = primary["ci_low_years"], primary["ci_high_years"]
    estimate, p = primary["estimate_years"], primary["p_value"]
    if any(is_missing(value) for value in (low, high, estimate, p)):
        return "not estimated", named
    named |= {"interval": interval(low, high), "p": p_equals(p)}
    # The interval decides: a re-randomisation p may fall on the other side of 5 %.
    if low <= 0 <= high:
        return "no evidence", named | {"estimate": signed(estimate)}
    words = next((words for below, words in _EVIDENCE if p < below), _EVIDENCE[-1][1])
    key = "younger" if estimate < 0 else "older"
    return key, named | {"size": plain(abs(estimate)), "evidence": words}


def _planned(primary: pd.Series, written: str | None) -> tuple[str, dict]:
    if not primary["prespecified"]:
        return "post hoc", {}
    if written == "beforehand":
        return "planned beforehand", {"hash": str(primary["plan_hash"])}
    return "planned by this comparison", {}


def _clock(results: StudyResults) -> list[tuple[str, dict]]:
    """Return what is to be said of the clock; of one that shows nothing nothing else is."""
    bad = dict(results.shows_nothing)
    said = []
    if WHOLE_BRAIN in bad:
        why = bad.pop(WHOLE_BRAIN).rstrip(".")
        said.append(("clock shows nothing", {"why": why}))
    if bad:
        said.append(("network clocks show nothing", {"networks": ", ".join(bad)}))
    if said and said[0][0] == "clock shows nothing":
        return said
    return [*_worth(results), *said]


def _worth(results: StudyResults) -> list[tuple[str, dict]]:
    if results.metrics is not None:
        found = results.metrics.drop_duplicates("metric").set_index("metric")
        if {"MAE", "MAE_median", "skill"} <= set(found.index):
            skill = found.loc["skill"]
            filled = {
                "mae": plain(found.loc["MAE", "estimate"]),
                "median": plain(found.loc["MAE_median", "estimate"]),
                "skill": plain(skill["estimate"]),
                "skill_interval": f"{plain(skill['low'])} to {plain(skill['high'])}",
            }
            return [("clock is good", filled)]
    if results.card:
        return [("clock is lent", {})]
    return [("clock is unknown", {})] if results.scores is not None else []


def _extracted(results: StudyResults) -> tuple[str, dict]:
    tables = list(results.scans.values())
    if not tables:
        return "nothing", {}
    statuses = pd.concat([table["status"] for table in tables])
    done = int((statuses == "done").sum())
    return "extracted", {
        "done": f"{done:,}",
        "scans": f"{len(statuses):,}",
        "rest": f"{len(statuses) - done:,}",
    }
