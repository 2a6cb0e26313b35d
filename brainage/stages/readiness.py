"""What would end a run, told before the first scan is read: each with its fix.

What `check` passes, `run` finishes. The same functions that refuse a study in its stages are asked
here, on the tables alone; no image is opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from brainage.clock import (
    BrainClock,
    advice,
    check_disjoint,
    make_folds,
    site_folds,
    why_not_kept,
)
from brainage.config import StudyConfig
from brainage.connectivity import KINDS, ViewSpec, read_run
from brainage.errors import BrainAgeError, LeakageError
from brainage.imaging import cleaning_fingerprint, load_atlas
from brainage.stages.blinding import refuse_arm_columns
from brainage.stages.cohorts import Cohort, cohort_paths, has_cohort, trains
from brainage.stages.features import cohort_series
from brainage.stages.separation import same_people
from brainage.stages.train import study_clocks
from brainage.wording import did_you_mean, listed

#: Visits this far apart by plan cannot find everyone at the same age.
_AGES_YEARS = 1.0


class SeriesIdentity(NamedTuple):
    """What a cohort's series are: atlas, cleaning, parcels."""

    atlas: str
    cleaning_fingerprint: str
    parcel_names: tuple[str, ...]


def stops_of(study: StudyConfig, sessions: dict[Cohort, pd.DataFrame]) -> Iterator[str]:
    """Yield every reason for which a run of a study would end before its report.

    Parameters
    ----------
    study : StudyConfig
        As it will run.
    sessions : dict of str to DataFrame
        Of each cohort that is there: participant_id, session_id, and age_years, site and family_id
        as far as they are known; one row a session.

    Yields
    ------
    reason : str
        Where, what was found, and what to do.
    """
    yield from output_stops(study)
    yield from _nothing_to_do(study)
    if "reference" in sessions and trains(study):
        yield from _training_stops(study, sessions["reference"])
    if "trial" in sessions:
        yield from _trial_stops(study, sessions["trial"])
        yield from _disjoint_stops(study, sessions)
    yield from _identity_stops(study)


def output_stops(study: StudyConfig) -> Iterator[str]:
    """Yield why nothing can be written to the study's output; nothing is written to find out."""
    output = Path(study.paths.output)
    there = output
    while not there.exists() and there != there.parent:
        there = there.parent
    fix = "Mend its rights, or choose another paths.output."
    if not there.is_dir():
        yield f"{there}: expected a folder to write in (paths.output), found a file. {fix}"
        return
    folders = [there]
    if there == output:
        folders += [path for path in sorted(output.iterdir()) if path.is_dir()]
    for folder in folders:
        if not os.access(folder, os.W_OK | os.X_OK):
            yield f"{folder}: cannot be written (paths.output). {fix}"


def _nothing_to_do(study: StudyConfig) -> Iterator[str]:
    paths = study.paths
    if trains(study) and not has_cohort(study, "reference"):
        yield (
            "paths.reference: neither scans nor series, and no paths.clock: there is nothing to "
            "train on and no clock to score with. Name one of them."
        )
    if study.science.trial is not None and not has_cohort(study, "trial") and not paths.scores:
        yield (
            "science.trial: arms are to be compared, but paths.trial names neither scans nor "
            "series and paths.scores no table. Name one, or leave science.trial out."
        )
    if paths.scores and not Path(paths.scores).is_file():
        yield f"{paths.scores}: no such scores table (paths.scores)."


def _training_stops(study: StudyConfig, sessions: pd.DataFrame) -> Iterator[str]:
    known = sessions[sessions["age_years"].notna()].reset_index(drop=True)
    if known.empty:
        yield (
            "reference: no session has an age, so there is nobody to train on. Name the people "
            "table in paths.reference.participants and its columns in paths.reference.columns."
        )
        return
    clock = study.science.clock
    validation = clock.validation
    reason = why_not_kept(clock)
    if reason is not None:
        yield f"science.clock.estimator: {reason}"
    try:
        make_folds(known, validation, seed=study.science.seed)
    except LeakageError as error:
        n = known["participant_id"].nunique()
        yield f"science.clock.{error} The reference has {n} people with an age: set n_folds lower."
        return
    if validation.leave_one_site_out and "site" in known:
        try:
            site_folds(known)
        except LeakageError as error:
            yield f"science.clock.validation.{error} Set it to false."


def _trial_stops(study: StudyConfig, sessions: pd.DataFrame) -> Iterator[str]:
    if not study.paths.scores:
        try:
            refuse_arm_columns(study)
        except BrainAgeError as error:
            yield str(error)
    options = study.science.trial
    if options is None:
        return
    here = sorted(set(sessions["session_id"]))
    lacking = [visit for visit in options.visits if visit.session_id not in here]
    if len(lacking) == len(options.visits):
        wanted = [visit.session_id for visit in options.visits]
        hint = next(filter(None, (did_you_mean(name, here) for name in wanted)), "")
        yield (
            f"trial: no session is a visit: science.trial.visits has the session_id "
            f"{listed(wanted)}, the files {listed(here)}.{hint} Write the files' labels, without "
            "'ses-', into science.trial.visits."
        )
        return
    for visit in lacking:
        yield (
            f"trial: nobody has a session {visit.session_id} (visit '{visit.label}'); the files "
            f"have {listed(here)}.{did_you_mean(visit.session_id, here)} Mend its session_id in "
            "science.trial.visits, or take the visit out."
        )
    yield from _same_age_stops(study, sessions)


def _same_age_stops(study: StudyConfig, sessions: pd.DataFrame) -> Iterator[str]:
    """Ages of one visit written at every visit make every gap fall by the years between."""
    options = study.science.trial
    assert options is not None
    if "age_years" not in sessions:
        return
    planned = {visit.session_id: visit.nominal_years for visit in options.visits}
    rows = sessions[sessions["session_id"].isin(planned) & sessions["age_years"].notna()]
    rows = rows.assign(planned=rows["session_id"].map(planned))
    spans = rows.groupby("participant_id").agg(
        planned=("planned", lambda years: years.max() - years.min()),
        lived=("age_years", lambda years: years.max() - years.min()),
    )
    apart = spans[spans["planned"] >= _AGES_YEARS]
    if len(apart) and (apart["lived"] == 0).all():
        yield (
            f"trial: all {len(apart)} people with several visits have the same age at each, "
            f"although the visits are {apart['planned'].max():g} years apart: the gap would fall "
            "by the time between visits in every arm. Give the age at each scan: a table with "
            "session_id and age in paths.trial.sessions, or a row a scan in "
            "paths.trial.participants."
        )


def _disjoint_stops(study: StudyConfig, sessions: dict[Cohort, pd.DataFrame]) -> Iterator[str]:
    if "reference" not in sessions or not trains(study) or study.paths.scores:
        return
    try:
        check_disjoint(
            sessions["reference"]["participant_id"].unique(),
            sessions["trial"]["participant_id"].unique(),
            same_people=same_people(study),
        )
    except BrainAgeError as error:
        yield str(error)


def _identity_stops(study: StudyConfig) -> Iterator[str]:
    """Series of another atlas or cleaning than the clock's, lent or to be trained."""
    scored: list[Cohort] = [] if study.paths.scores else ["trial"]
    wanted = [cohort for cohort in (*scored, "external") if has_cohort(study, cohort)]
    if not wanted:
        return
    try:
        # Matrices say what they are when they are read.
        wanted = [cohort for cohort in wanted if not cohort_paths(study, cohort).matrices]
        identities = {cohort: _identity(study, cohort) for cohort in wanted}
        if trains(study):
            known = cohort_paths(study, "reference")
            there = bool(known.scans or known.series)
            reference = _identity(study, "reference") if there else None
            if reference is not None:
                for cohort, other in identities.items():
                    yield from _unlike_reference(cohort, reference, other)
            return
        for clock in study_clocks(study).values():
            for cohort, other in identities.items():
                yield from _unlike_clock(study, clock, cohort, other)
    except BrainAgeError as error:
        yield str(error)


def _identity(study: StudyConfig, cohort: Cohort) -> SeriesIdentity:
    science = study.science
    if cohort_paths(study, cohort).scans:
        atlas = load_atlas(science.atlas)
        fingerprint = cleaning_fingerprint(atlas, science.atlas, science.cleaning)
        return SeriesIdentity(atlas.name, fingerprint, atlas.parcel_names)
    first = read_run(cohort_series(study, cohort)[0])
    return SeriesIdentity(first.atlas, first.cleaning_fingerprint, first.parcel_names)


def _unlike_reference(
    cohort: Cohort, reference: SeriesIdentity, other: SeriesIdentity
) -> Iterator[str]:
    if other.atlas != reference.atlas:
        yield (
            f"{cohort}: series of atlas {other.atlas}, but the reference's are of "
            f"{reference.atlas}: a clock reads one atlas. Choose with paths.{cohort}.atlas, or "
            "extract both with one science.atlas."
        )
    elif other.cleaning_fingerprint != reference.cleaning_fingerprint:
        yield (
            f"{cohort}: series cleaned otherwise than the reference's (fingerprints "
            f"{other.cleaning_fingerprint} and {reference.cleaning_fingerprint}). Clean both "
            "alike: extract them with one study file, or take series of one pipeline."
        )


def _unlike_clock(
    study: StudyConfig, clock: BrainClock, cohort: Cohort, other: SeriesIdentity
) -> Iterator[str]:
    connectivity = study.science.connectivity
    for spec in clock.specs:
        if spec.kind not in connectivity.kinds:
            yield (
                f"paths.clock: clock {clock.clock_id} sees {spec.kind}, which is not among "
                f"science.connectivity.kinds {list(connectivity.kinds)}. Add it there."
            )
            continue
        absent = [name for name in spec.parcel_names if name not in set(other.parcel_names)]
        if absent and spec.atlas == other.atlas:
            yield (
                f"{cohort}: the series lack parcel(s) {listed(absent)} that clock "
                f"{clock.clock_id} reads."
            )
        like = _expected(spec, other, connectivity.shrinkage)
        differences = spec.differences(like)
        if differences:
            yield (
                f"{cohort}: not what clock {clock.clock_id} was trained on: "
                f"{'; '.join(differences)}. {advice(spec, like)}"
            )
            return


def _expected(spec: ViewSpec, other: SeriesIdentity, shrinkage: str) -> ViewSpec:
    """Return the view that a cohort's series will give, with the clock's own parcels."""
    return replace(
        spec,
        atlas=other.atlas,
        cleaning_fingerprint=other.cleaning_fingerprint,
        shrinkage=KINDS[spec.kind].stated_shrinkage(shrinkage),
    )
