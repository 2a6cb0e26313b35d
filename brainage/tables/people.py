"""Who was scanned when, at which age; never in which arm."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from brainage.errors import TableError
from brainage.tables.reading import parse_table, read_text_table
from brainage.tables.schema import NO_SESSION, PEOPLE


def read_people(
    participants: str | Path,
    sessions: str | Path | None = None,
    *,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Read who was scanned when, at which age, from BIDS tables or any table.

    Parameters
    ----------
    participants : str or Path
        ``participants.tsv`` or any table with a participant column. It may hold one row a
        person, or one row a scan (with a session column).
    sessions : str or Path, optional
        One table with participant_id and session_id (age at each scan), or a folder in which
        each ``sub-*/sub-*_sessions.tsv`` is one person's.
    columns : mapping of str to str, optional
        Schema name -> name in the file that has it (either, where there are two). BIDS's ``age``
        is understood as age_years.

    Returns
    -------
    people : DataFrame
        Columns of `PEOPLE` that the files hold, one row a scan or (without sessions) a person;
        ids without the prefixes ``sub-`` and ``ses-``. Other columns are never read.

    Raises
    ------
    TableError
        An age that is not a number (``n/a`` is allowed: that scan is later left out with a
        reason), a repeated row, an absent column.
    """
    columns = dict(columns or {})
    person = _read_loose(Path(participants), columns)
    where = str(sessions or participants)
    if sessions is None:
        if "session_id" not in person:
            person = person.assign(session_id=NO_SESSION)
        merged = person
    else:
        visits = _read_sessions(Path(sessions), columns)
        overlap = [c for c in visits if c in person and c != "participant_id"]
        merged = visits.merge(person.drop(columns=overlap), on="participant_id", how="left")
    lost = [
        f"column '{source}' (for {name}), named in the config's column map"
        for name, source in columns.items()
        if name not in merged
    ]
    if lost:
        raise TableError(
            f"{where if sessions is None else f'{participants} and {sessions}'}: "
            f"absent: {'; '.join(lost)}. The map may name "
            f"{', '.join(PEOPLE.names)}."
        )
    return parse_table(merged.fillna(""), PEOPLE, where=where, found=list(merged.columns))


def strip_prefix(labels: pd.Series, prefix: str) -> pd.Series:
    """Return labels without a leading BIDS prefix (``sub-`` or ``ses-``)."""
    return labels.str.removeprefix(prefix)


def _read_loose(path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    frame = _renamed(read_text_table(path), columns)
    if "participant_id" not in frame:
        source = columns.get("participant_id", "participant_id")
        raise TableError(
            f"{path}: absent: column '{source}'; the header has {', '.join(frame.columns[:12])}"
        )
    frame = frame[[name for name in PEOPLE.names if name in frame]]
    frame = frame.assign(participant_id=strip_prefix(frame["participant_id"], "sub-"))
    if "session_id" in frame:
        frame = frame.assign(session_id=strip_prefix(frame["session_id"], "ses-"))
    return frame


def _renamed(text: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return a file's columns under our names, as far as the file has them."""
    present = {source: name for name, source in columns.items() if source in text}
    # A column that a mapped one takes the name of must not stand beside it.
    taken = [name for source, name in present.items() if name in text and name != source]
    frame = text.drop(columns=taken).rename(columns=present)
    if "age_years" not in frame and "age_years" not in columns and "age" in frame:
        frame = frame.rename(columns={"age": "age_years"})
    return frame


def _read_sessions(path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    if not path.is_dir():
        frame = _read_loose(path, columns)
        if "session_id" not in frame:
            raise TableError(
                f"{path}: expected a column "
                f"'{columns.get('session_id', 'session_id')}', found none."
            )
        return frame
    files = sorted(path.glob("sub-*/sub-*_sessions.tsv"))
    if not files:
        found = "none" if os.access(path, os.R_OK | os.X_OK) else "no permission to list it"
        raise TableError(f"{path}: expected sub-*/sub-*_sessions.tsv, found {found}.")
    frames = []
    for file in files:
        text = _renamed(read_text_table(file), columns)
        text["participant_id"] = file.name.split("_")[0]
        if "session_id" not in text:
            raise TableError(
                f"{file}: expected a column 'session_id', found {', '.join(text.columns)}."
            )
        frames.append(text[[name for name in PEOPLE.names if name in text]])
    frame = pd.concat(frames, ignore_index=True).fillna("")
    frame["participant_id"] = strip_prefix(frame["participant_id"], "sub-")
    frame["session_id"] = strip_prefix(frame["session_id"], "ses-")
    return frame
