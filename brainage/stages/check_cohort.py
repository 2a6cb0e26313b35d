"""One cohort seen from outside: its files, what was extracted of them, and its people."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from brainage.config import StudyConfig
from brainage.connectivity import read_run, refuse_kinds_of_series
from brainage.errors import BrainAgeError
from brainage.imaging import Scan, check_space, load_atlas, load_strategy
from brainage.series import SeriesFile
from brainage.stages.check_findings import Check
from brainage.stages.cohorts import (
    Cohort,
    cohort_paths,
    cohort_people,
    extraction_summary,
    made_elsewhere,
)
from brainage.stages.extract import SCANS, cohort_scans
from brainage.stages.features import cohort_series
from brainage.tables import NO_SESSION, read_table
from brainage.wording import scan_words


def check_cohort(study: StudyConfig, cohort: Cohort, found: Check) -> pd.DataFrame | None:
    """Look at a cohort's files and people, opening no image.

    Parameters
    ----------
    study : StudyConfig
        Names the files.
    cohort : {"reference", "trial", "external"}
        Whose.
    found : Check
        Receives lines, tables, problems and stops.

    Returns
    -------
    sessions : DataFrame or None
        A row a session, joined with the people table; None where a stop was found.
    """
    paths = cohort_paths(study, cohort)
    items: list[Scan] | list[SeriesFile]
    try:
        if paths.scans:
            items = cohort_scans(study, cohort)
            _check_files(study, items, cohort, found)
            _check_extracted(study, cohort, found)
        else:
            items = cohort_series(study, cohort)
            if paths.matrices:
                # What no matrix can give, and what its file must state, before anything is built.
                refuse_kinds_of_series(study.science.connectivity.kinds)
                read_run(items[0])
    except BrainAgeError as error:
        found.stops.append(str(error))
        return None
    seen = pd.DataFrame(
        [(item.participant_id, item.session_id, item.run) for item in items],
        columns=["participant_id", "session_id", "run"],
    )
    kind = "scans" if paths.scans else "matrices" if paths.matrices else "parcel series"
    found.lines.append(
        f"{cohort}: {len(seen)} {kind} of {seen['participant_id'].nunique()} "
        f"participants in {paths.scans or made_elsewhere(paths)}"
    )
    tasks = Counter(item.task for item in items)
    if len(tasks) > 1:
        found.lines.append(
            f"{cohort}: tasks "
            + ", ".join(f"{task} ({n})" for task, n in sorted(tasks.items()))
            + f": a session's runs of all are joined; paths.{cohort}.task takes one"
        )
    sessions = seen.groupby(["participant_id", "session_id"], as_index=False).agg(
        runs=("run", "size")
    )
    return _with_people(study, cohort, sessions, found)


def _check_extracted(study: StudyConfig, cohort: Cohort, found: Check) -> None:
    """Show what an extraction that was run already left out."""
    summary = extraction_summary(study, cohort)
    if summary is None:
        return
    table = read_table(summary, SCANS)
    counts = table["status"].value_counts()
    found.lines.append(
        f"{cohort}: extracted: " + ", ".join(f"{n} {status}" for status, n in counts.items())
    )
    unused = table[table["status"] != "done"]
    if len(unused):
        columns = ["participant_id", "session_id", "run", "status", "reason"]
        found.tables[f"{cohort}: extracted, and not used"] = unused[columns]


def _check_files(study: StudyConfig, scans: list[Scan], cohort: str, found: Check) -> None:
    # A name is no file yet: datasets come with links to data that were not fetched.
    named = [path for scan in scans for path in (scan.bold, scan.confounds, scan.mask) if path]
    missing = [path for path in dict.fromkeys(named) if not path.is_file()]
    gone = set(missing)
    if scans and all(scan.bold in gone for scan in scans):
        found.stops.append(
            f"{cohort}: none of {len(scans)} scans is there (the first: {scans[0].bold}): links to "
            "files that were not fetched, or a table of scans with other paths?"
        )
        return
    found.problems += [f"{path}: no such file" for path in missing[:20]]
    if len(missing) > 20:
        found.problems.append(f"{cohort}: and {len(missing) - 20} more missing files")
    strategy = load_strategy(study.science.cleaning.strategy)
    bare = [scan for scan in scans if scan.confounds is None]
    needs_confounds = bool(strategy.load_confounds or strategy.all_columns)
    if scans and len(bare) == len(scans) and needs_confounds:
        found.stops.append(
            f"{cohort}: none of {len(scans)} scans has a confounds table, which strategy "
            f"{strategy.name} needs: all would fail. Set science.cleaning.strategy: none, or name "
            "the tables in a table of scans (column confounds)."
        )
    elif bare and needs_confounds:
        found.problems.append(
            f"{cohort}: {len(bare)} scans without a confounds table, which strategy "
            f"{strategy.name} needs: they will fail (the first: {bare[0].bold})"
        )
    elif bare:
        found.lines.append(f"{cohort}: {len(bare)} scans without a confounds table")
    maskless = sum(scan.mask is None for scan in scans)
    if maskless:
        found.lines.append(f"{cohort}: {maskless} scans without a brain mask")
    atlas = load_atlas(study.science.atlas)
    refused = []
    for scan in scans:
        try:
            check_space(atlas, scan, study.science.atlas.allow_spaces)
        except BrainAgeError as error:
            refused.append(str(error))
    if scans and len(refused) == len(scans):
        found.stops.append(f"{cohort}: every scan is refused: {refused[0]}")
    else:
        found.problems += sorted(set(refused))[:5]


def _with_people(
    study: StudyConfig, cohort: Cohort, sessions: pd.DataFrame, found: Check
) -> pd.DataFrame | None:
    try:
        people = cohort_people(study, cohort)
    except BrainAgeError as error:
        found.stops.append(str(error))
        return None
    _tell_unscanned(cohort, sessions, people, found)
    keys = ["participant_id", "session_id"]
    if (people["session_id"] == NO_SESSION).all():
        keys = ["participant_id"]
        people = people.drop(columns="session_id")
    joined = sessions.merge(people, on=keys, how="left", indicator=True)
    unknown = joined[joined["_merge"] == "left_only"]
    bare = {name.lstrip("0"): name for name in people["participant_id"]}
    for row in unknown.head(10).itertuples():
        # Spreadsheets turn 007 into 7.
        alike = bare.get(row.participant_id.lstrip("0"), row.participant_id)
        hint = "" if alike == row.participant_id else f" (it has {alike}: were zeros lost?)"
        found.problems.append(
            f"{cohort}: {scan_words(row.participant_id, row.session_id)}: not in the people table"
            f"{hint}; will be left out"
        )
    ageless = joined[(joined["_merge"] == "both") & joined["age_years"].isna()]
    for row in ageless.head(10).itertuples():
        found.problems.append(
            f"{cohort}: {scan_words(row.participant_id, row.session_id)}: no age; will be left out"
        )
    ages = joined["age_years"].dropna()
    if len(ages):
        found.lines.append(
            f"{cohort}: {len(sessions)} sessions, ages {ages.min():.1f} to "
            f"{ages.max():.1f} (mean {ages.mean():.1f})"
        )
    if "site" in joined and joined["site"].notna().any():
        sites = joined.groupby("site", as_index=False).agg(
            sessions=("participant_id", "size"),
            youngest_years=("age_years", "min"),
            mean_age_years=("age_years", "mean"),
            oldest_years=("age_years", "max"),
        )
        found.tables[f"{cohort}: sites"] = sites
    return joined


def _tell_unscanned(
    cohort: str, sessions: pd.DataFrame, people: pd.DataFrame, found: Check
) -> None:
    absent = sorted(set(people["participant_id"]) - set(sessions["participant_id"]))
    if absent:
        more = f" and {len(absent) - 10} more" if len(absent) > 10 else ""
        found.lines.append(
            f"{cohort}: {len(absent)} participants of the people table were not "
            f"found among the files: {', '.join(absent[:10])}{more}"
        )
