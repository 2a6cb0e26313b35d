"""What a study would use, seen from outside: computes nothing, opens no image."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd

from brainage.config import StudyConfig, SweepConfig
from brainage.errors import BrainAgeError, StageError
from brainage.imaging import load_atlas, load_strategy
from brainage.raw_names import said
from brainage.stages.blinding import refuse_columns_that_follow_arms
from brainage.stages.cautions import clock_cautions
from brainage.stages.check_cohort import check_cohort
from brainage.stages.check_findings import Check
from brainage.stages.cohorts import (
    COHORTS,
    Cohort,
    cohort_paths,
    extraction_summary,
    has_cohort,
    made_elsewhere,
    stage_folder,
    trains,
)
from brainage.stages.compare import allocation_file, scores_file, trial_design, visit_dates
from brainage.stages.evaluate import asks_for_evaluation
from brainage.stages.half_scans import TRADE_OFF
from brainage.stages.manifest import read_manifest
from brainage.stages.needs import needs_stops, study_needs
from brainage.stages.readiness import output_stops, stops_of
from brainage.stages.sweep import sweep_alternatives, sweep_studies
from brainage.stages.trial_efficiency import why_no_halves
from brainage.tables import read_scores
from brainage.trial import outcome_in_scores, read_allocation, refuse_incomparable


def check(study: StudyConfig) -> Check:
    """Look at scans, people, visits, arms and foreseeable exclusions.

    Parameters
    ----------
    study : StudyConfig
        Whose files are listed; no image is opened and nothing is written.

    Returns
    -------
    found : Check
        Problems are collected, not raised.
    """
    found = Check()
    if study.synthetic is not None and not data_are_there(study):
        found.lines.append("synthetic data: will be made by `brainage run`")
        found.stops += [*output_stops(study), *_not_to_be_loaded(study)]
        return found
    science = study.science
    extracts = any(cohort_paths(study, cohort).scans for cohort in COHORTS)
    made = (
        f"atlas {science.atlas.name}, cleaning {science.cleaning.strategy}"
        if extracts
        else "atlas and cleaning as the series have them"
    )
    if any(has_cohort(study, cohort) for cohort in COHORTS) or study.paths.scores is None:
        found.lines.append(
            f"{made}, clock {science.clock.estimator} on {said(', '.join(science.clock.views))}, "
            f"bias correction {said(science.clock.bias_correction)}"
        )
    if science.clock.half_scans != "off" and trains(study):
        found.lines.append(TRADE_OFF)
    sessions: dict[Cohort, pd.DataFrame] = {}
    for cohort in COHORTS:
        if has_cohort(study, cohort):
            seen = check_cohort(study, cohort, found)
            if seen is not None:
                sessions[cohort] = seen
    if trains(study) and sessions:
        found.lines += clock_cautions(study, sessions.get("trial"))
    if study.paths.scores is not None:
        scored = _check_scores(study, found)
        if scored is not None:
            sessions["trial"] = scored
    found.stops += stops_of(study, sessions)
    _check_needs(study, sessions, found)
    if science.trial is not None and "trial" in sessions:
        _check_trial(study, sessions["trial"], found)
    # A cause that meets both cohorts is one thing to mend.
    found.stops = list(dict.fromkeys(found.stops))
    found.tables["what would run"] = what_would_run(study)
    return found


def _not_to_be_loaded(study: StudyConfig) -> list[str]:
    """Return what an extraction of data that are yet to be made would not find, and its fix."""
    made, stops = study.synthetic, []
    if made is not None and made.depth == "nifti":
        science = study.science
        for load in (
            partial(load_atlas, science.atlas),
            partial(load_strategy, science.cleaning.strategy),
        ):
            try:
                load()
            except BrainAgeError as error:
                stops.append(str(error))
    return stops


def _check_needs(study: StudyConfig, sessions: dict[Cohort, pd.DataFrame], found: Check) -> None:
    """Say what the study needs; stop where it cannot be had. What was stopped is not counted."""
    if found.stops or not sessions:
        return
    try:
        needs = study_needs(study, sessions)
    except BrainAgeError as error:
        found.stops.append(str(error))
        return
    if needs.way or needs.disk_bytes:
        found.lines.append(needs.words())
    found.stops += needs_stops(study, needs)


def what_would_run(study: StudyConfig) -> pd.DataFrame:
    """Return the stages of a run in order: from what, into which folder, and what is there.

    Parameters
    ----------
    study : StudyConfig
        Nothing of it is computed.
    """
    science, rows = study.science, []

    def add(stage: str, what: str, *, there: bool | None = None) -> None:
        path = stage_folder(study, stage)
        if there is None:
            there = read_manifest(path, missing_ok=True) is not None
        rows.append(
            {
                "stage": stage,
                "from": what,
                "into": f"{path.parent.name}/{path.name}",
                "there already": "yes" if there else "no",
            }
        )

    scanned = [cohort for cohort in COHORTS if cohort_paths(study, cohort).scans]
    if scanned:
        done = all(extraction_summary(study, cohort) is not None for cohort in scanned)
        add("extract", f"scans ({', '.join(scanned)}), {science.atlas.name}", there=done)
    if trains(study):
        add("train", f"{science.clock.estimator} on {said(', '.join(science.clock.views))}")
    if asks_for_evaluation(study):
        add("evaluate", "the clock")
    if study.paths.scores is None and has_cohort(study, "trial"):
        add("score", "the clock" if study.paths.clock is None else Path(study.paths.clock).name)
    if science.trial is not None:
        add("compare", "scores" if study.paths.scores is None else Path(study.paths.scores).name)
    written = (stage_folder(study, "report") / "report.html").is_file()
    add("report", "what is there", there=written)
    return pd.DataFrame(rows)


def refuse_stops(study: StudyConfig) -> None:
    """Refuse a study that `check` stops at, before anything of it is read through.

    Raises
    ------
    StageError
        Every stop, each with its fix.
    """
    stops = check(study).stops
    if stops:
        shown = "".join(f"\n  - {stop}" for stop in stops)
        raise StageError(
            f"{len(stops)} thing(s) would end this run before its report; nothing was started:"
            f"{shown}"
        )


def check_sweep(study: SweepConfig) -> Check:
    """Look at a sweep's alternatives and, for every atlas, at the reference cohort.

    Parameters
    ----------
    study : SweepConfig
        Nothing is computed and nothing written.

    Returns
    -------
    found : Check
    """
    found = Check()
    try:
        alternatives, studies = sweep_alternatives(study), sweep_studies(study)
    except BrainAgeError as error:
        found.stops.append(str(error))
        return found
    folds = study.science.clock.validation
    found.lines.append(
        f"{len(alternatives)} alternatives, each on the same {folds.n_folds} folds "
        f"x {folds.n_repeats} repeat(s)"
    )
    found.tables["alternatives"] = pd.DataFrame({"alternative": [a.name for a in alternatives]})
    for name, own in studies.items():
        if not has_cohort(own, "reference"):
            found.stops.append("paths.reference: neither scans nor series")
            break
        of_atlas = Check()
        reason = why_no_halves(own, "reference")
        if reason is not None and study.sweep.rank_by == "participants":
            of_atlas.stops.append(f"sweep.rank_by: participants: {reason}. Rank by error.")
        check_cohort(own, "reference", of_atlas)
        found.lines += [f"atlas {name}: {line}" for line in of_atlas.lines]
        found.problems += [f"atlas {name}: {problem}" for problem in of_atlas.problems]
        found.stops += [f"atlas {name}: {stop}" for stop in of_atlas.stops]
        found.tables |= of_atlas.tables
    return found


def data_are_there(study: StudyConfig) -> bool:
    """Return whether the reference cohort's data lie where the study names them."""
    return has_cohort(study, "reference") and series_or_scans(study).exists()


def series_or_scans(study: StudyConfig) -> Path:
    """Return where the reference cohort's input lies."""
    paths = cohort_paths(study, "reference")
    return Path(paths.scans or made_elsewhere(paths) or "")


def _check_scores(study: StudyConfig, found: Check) -> pd.DataFrame | None:
    """Look at a scores table made elsewhere; return its scans, or None where it is refused."""
    try:
        path = scores_file(study)
        scores = read_scores(path)
        if study.science.trial is not None:
            outcome = outcome_in_scores(study.science.trial, scores.columns).outcome
            found.lines.append(f"outcome {outcome}, by {path.name}")
    except BrainAgeError as error:
        found.stops.append(str(error))
        return None
    found.lines.append(
        f"scores made elsewhere: {len(scores)} rows, {scores['participant_id'].nunique()} "
        f"participants, {scores['network'].nunique()} clock(s)"
    )
    return scores[["participant_id", "session_id", "age_years"]].assign(
        participant_id=scores["participant_id"].str.removeprefix("sub-"),
        session_id=scores["session_id"].str.removeprefix("ses-"),
    )


def _check_trial(study: StudyConfig, sessions: pd.DataFrame, found: Check) -> None:
    options = study.science.trial
    assert options is not None
    try:
        allocation = read_allocation(
            allocation_file(study), options, columns=study.paths.allocation_columns
        )
    except BrainAgeError as error:
        found.stops.append(str(error))
        return
    try:
        refuse_columns_that_follow_arms(study, allocation)
    except BrainAgeError as error:
        found.stops.append(str(error))
    merged = sessions.merge(allocation[["participant_id", "arm"]], on="participant_id", how="left")
    for name in merged.loc[merged["arm"].isna(), "participant_id"].unique()[:10]:
        found.problems.append(f"trial: sub-{name} was scanned but is not in the allocation")
    labels = {visit.session_id: visit.label for visit in options.visits}
    extra = sorted(set(merged["session_id"]) - set(labels))
    if extra:
        found.lines.append(f"trial: sessions that are no planned visit, not used: {extra}")
    rows = []
    for arm in options.arms:
        people = allocation.loc[allocation["arm"] == arm, "participant_id"]
        scanned = merged[merged["participant_id"].isin(people)]
        counts = {
            label: int(scanned.loc[scanned["session_id"] == session, "participant_id"].nunique())
            for session, label in labels.items()
        }
        rows.append({"arm": arm, "randomised": len(people), **counts})
        if len(people) < 2:
            found.stops.append(
                f"trial: arm {arm} has {len(people)} participant(s); a contrast needs two at least"
            )
    table = pd.DataFrame(rows)
    for label in labels.values():
        empty = table.loc[table[label] == 0, "arm"]
        if 0 < len(empty) < len(table):
            found.stops.append(
                f"trial: nobody of arm {', '.join(empty)} was scanned at {label}: no contrast "
                "there. Take the visit out of science.trial.visits, or the arm out of "
                "science.trial.arms and its people out of the allocation."
            )
    found.tables["trial: randomised, and scanned at each visit"] = table
    if study.paths.scores is not None and not found.stops:
        _check_comparable(study, found)


def _check_comparable(study: StudyConfig, found: Check) -> None:
    """Stop where scores made elsewhere are there and cannot be compared: joined and fitted once."""
    try:
        design = trial_design(study, allocation_file(study), visit_dates(study))
        refuse_incomparable(read_scores(scores_file(study)), design)
    except BrainAgeError as error:
        found.stops.append(str(error))
