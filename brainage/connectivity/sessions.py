"""Which series make one session, and who was scanned: matching files to people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainage.connectivity.matrices import ParcelMatrix
from brainage.errors import SeriesError, TableError
from brainage.series import ParcelSeries, SeriesFile
from brainage.tables import NO_SESSION, Column, TableSchema, sex_levels

#: The row table of every view: who, when, how old, and what the scan was like. Never arm.
ROWS = TableSchema(
    "feature rows",
    (
        Column("participant_id", "text", "Participant."),
        Column("session_id", "text", "Session label, 'n/a' where the study has none."),
        Column("age_years", "number", "Age at that scan.", "years", low=0, high=120),
        Column("sex", "text", "Sex as recorded.", nullable=True),
        Column("site", "text", "Site that scanned.", nullable=True),
        Column("scanner", "text", "Scanner or software.", nullable=True),
        Column("family_id", "text", "Family; kept in one fold.", nullable=True),
        Column("mean_fd_mm", "number", "Mean framewise displacement.", "mm", nullable=True),
        Column("retained_s", "number", "Signal left after scrubbing.", "s", nullable=True),
    ),
    key=("participant_id", "session_id"),
)

#: How a reason ends that is no rule's: the tables lack what the scan needs.
IN_PEOPLE_TABLE = "in the people table"

EXCLUDED = TableSchema(
    "excluded sessions",
    (
        Column("participant_id", "text", "Participant."),
        Column("session_id", "text", "Session label, 'n/a' where the study has none."),
        Column("reason", "text", "Why the session has no features."),
    ),
    key=("participant_id", "session_id"),
)

#: A capped or binned age as the people table has it; not an age.
_WRITTEN = "age_as_written"
#: A run of a session: signals or a matrix, opened or not.
Run = SeriesFile | ParcelSeries | ParcelMatrix
_PERSON = ("age_years", "sex", "site", "scanner", "family_id")


def tidy_rows(frame: pd.DataFrame, schema: TableSchema) -> pd.DataFrame:
    """Return the schema's columns alike wherever they came from: floats, and text or None."""
    tidy = frame.reindex(columns=list(schema.names)).reset_index(drop=True)
    for column in schema.columns:
        if column.kind == "number":
            tidy[column.name] = tidy[column.name].astype(float)
        else:
            cells = tidy[column.name].astype(object)
            tidy[column.name] = cells.where(cells.notna(), None)
    return tidy


@dataclass(frozen=True)
class Session:
    """The runs of one session and the person's row, or the reason why it is not used."""

    participant_id: str
    session_id: str
    runs: tuple[Run, ...]
    person: dict
    reason: str | None


def gather_sessions(series: Iterable[Run], people: pd.DataFrame) -> list[Session]:
    """Group series into sessions in the order of their first run, and match them to people.

    Parameters
    ----------
    series : iterable of SeriesFile, ParcelSeries or ParcelMatrix
        Runs, in any order; runs of one session are joined in the order given.
    people : DataFrame
        participant_id, session_id, age_years and, where known, sex, site, scanner, family_id
        (see `tables.PEOPLE`). A row whose session_id is "n/a" stands for every session of that
        person that has no row of its own. No other column is read.

    Returns
    -------
    sessions : list of Session

    Raises
    ------
    SeriesError
        No series; the same run twice.
    TableError
        Two rows for one session.
    """
    grouped: dict[tuple[str, str], list] = {}
    seen = set()
    for item in series:
        key = (item.participant_id, item.session_id)
        run = (*key, item.task, item.run)
        if run in seen:
            raise SeriesError(
                f"sub-{item.participant_id} session {item.session_id} task {item.task} run "
                f"{item.run}: expected one series, found two or more. Keep one atlas and one "
                "cleaning in the folder."
            )
        seen.add(run)
        grouped.setdefault(key, []).append(item)
    if not grouped:
        raise SeriesError("build_features: expected at least one series, found none.")
    persons = _persons(people)
    known = {participant for participant, _ in persons}
    return [_session(key, runs, persons, known) for key, runs in grouped.items()]


def _session(key: tuple[str, str], runs: list, persons: dict, known: set[str]) -> Session:
    person = persons.get(key) or persons.get((key[0], NO_SESSION))
    reason = None
    if person is None:
        reason = (
            f"no row for session '{key[1]}' {IN_PEOPLE_TABLE}"
            if key[0] in known
            else f"no row for this participant {IN_PEOPLE_TABLE}"
        )
    elif not np.isfinite(person["age_years"]):
        written = person[_WRITTEN]
        what = "no age" if written is None else f"the age '{written}', no single number,"
        reason = f"{what} {IN_PEOPLE_TABLE}"
    kept = {name: person[name] for name in _PERSON} if person else {}
    return Session(*key, runs=tuple(runs), person=kept, reason=reason)


def _persons(people: pd.DataFrame) -> dict[tuple[str, str], dict]:
    for name in ("participant_id", "age_years"):
        if name not in people:
            raise TableError(
                f"people table: expected a column '{name}', found {', '.join(people.columns)}."
            )
    frame = people.reindex(columns=["participant_id", "session_id", *_PERSON, _WRITTEN])
    frame["session_id"] = frame["session_id"].fillna(NO_SESSION)
    repeated = frame[frame.duplicated(["participant_id", "session_id"])]
    if len(repeated):
        first = repeated.iloc[0]
        raise TableError(
            f"people table: expected one row a session, found two or more for participant "
            f"'{first.participant_id}' session '{first.session_id}' (and {len(repeated) - 1} "
            "others). Keep one."
        )
    frame["age_years"] = pd.to_numeric(frame["age_years"], errors="coerce")
    frame["sex"] = sex_levels(frame["sex"])
    texts = frame[["sex", "site", "scanner", "family_id", _WRITTEN]].astype(object)
    frame[texts.columns] = texts.where(texts.notna(), None)
    records = frame.to_dict("records")
    return {(str(r["participant_id"]), str(r["session_id"])): r for r in records}
