"""The dates of scans: from BIDS sessions or scans tables, or any table with a date column."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd

from brainage.errors import DesignError, TableError
from brainage.tables import NO_SESSION, is_missing, read_text_table

#: Names a date column may have where the column map names none; BIDS's own first.
DATE_COLUMNS = ("acq_time", "scan_date")
_KNOWN = ("participant_id", "session_id", "scan_date")
_COLUMNS = ["participant_id", "session_id", "scan_date"]
_TIME = re.compile(r"\d{2}:\d{2}(:\d{2}(\.\d+)?)?")
_ENTITIES = re.compile(r"sub-(?P<person>[a-zA-Z0-9]+)(?:_ses-(?P<session>[a-zA-Z0-9]+))?")


def read_visit_dates(
    source: str | Path, *, columns: Mapping[str, str] | None = None
) -> pd.DataFrame | None:
    r"""Read when each session was scanned.

    Parameters
    ----------
    source : str or Path
        A table with participant_id, session_id and a date column; or a BIDS folder, whose
        ``sub-*/[ses-*/]*_scans.tsv`` and ``sub-*/sub-*_sessions.tsv`` are read (the scans' own
        time wins, a BOLD run's before another's).
    columns : mapping of str to str, optional
        participant_id, session_id or scan_date -> name in the file. Without it the date is the
        first of acq_time and scan_date. Dates are ISO 8601 (1925-03-31 or 1925-03-31T13:45:00);
        dates shifted for anonymity serve as well, if all of a person's are shifted alike. A time
        of day alone (older acq_time) is no date.

    Returns
    -------
    dates : DataFrame or None
        participant_id, session_id, scan_date (a session's earliest); None where no file has a
        date column.

    Raises
    ------
    TableError
        A date that is not ISO 8601, a column of the map that is not there.

    Examples
    --------
    >>> path = folder / "dates.tsv"
    >>> header = "participant_id\tsession_id\tscan_date\n"
    >>> _ = path.write_text(header + "01\tbaseline\t2020-03-01\n01\t1y\t2021-03-05\n")
    >>> len(ba.read_visit_dates(path))
    2
    """
    columns = dict(columns or {})
    strange = sorted(set(columns) - set(_KNOWN))
    if strange:
        raise TableError(
            f"column map of dates: expected {', '.join(_KNOWN)}, found {', '.join(strange)}."
        )
    path = Path(source)
    if path.is_dir():
        tables = [_of_scans(file, columns) for file in _files(path, "_scans.tsv")]
        tables += [_of_person(file, columns) for file in _files(path, "_sessions.tsv")]
    else:
        tables = [_of_table(path, columns)]
    found = [table for table in tables if table is not None]
    if not found:
        return None
    # The first table that knows a session wins: a scan's own time before its session's.
    joined = pd.concat(found, ignore_index=True)
    joined = joined.assign(_rank=joined["_rank"].astype(int))
    joined = joined.sort_values(["_rank", "scan_date"], kind="stable")
    first = joined.drop_duplicates(["participant_id", "session_id"])
    return first.sort_values(["participant_id", "session_id"])[_COLUMNS].reset_index(drop=True)


def check_dates(dates: pd.DataFrame) -> pd.DataFrame:
    """Return visit dates as the design keeps them: ids without prefixes, dates as dates.

    Parameters
    ----------
    dates : DataFrame
        participant_id, session_id, scan_date (text in ISO 8601, or dates).

    Raises
    ------
    DesignError
        Absent columns, or a session with two dates.
    """
    absent = [name for name in _COLUMNS if name not in dates]
    if absent:
        raise DesignError(f"dates: expected {', '.join(_COLUMNS)}; absent: {', '.join(absent)}.")
    parsed = _parsed(dates["scan_date"], "dates")
    clean = (
        dates.assign(
            participant_id=dates["participant_id"].astype(str).str.removeprefix("sub-"),
            session_id=dates["session_id"].astype(str).str.removeprefix("ses-"),
            scan_date=parsed,
        )[_COLUMNS]
        .dropna()
        .drop_duplicates(ignore_index=True)
    )
    twice = clean.duplicated(["participant_id", "session_id"])
    if twice.any():
        row = clean[twice].iloc[0]
        raise DesignError(
            f"dates: participant {row['participant_id']}, session "
            f"{row['session_id']}: two dates; keep one."
        )
    return clean


def _files(folder: Path, ending: str) -> list[Path]:
    patterns = (f"sub-*/sub-*{ending}", f"sub-*/ses-*/sub-*{ending}")
    # macOS leaves ._NAME beside NAME on other file systems.
    found = (file for pattern in patterns for file in folder.glob(pattern))
    return sorted(file for file in found if not file.name.startswith("."))


def _of_scans(path: Path, columns: Mapping[str, str]) -> pd.DataFrame | None:
    text = read_text_table(path)
    name = _date_column(text, columns, path)
    if name is None or "filename" not in text:
        return None
    found = _ENTITIES.match(path.name)
    bold = text["filename"].str.contains("_bold")
    return _table(
        text[name],
        str(path),
        participant_id=found["person"] if found else "",
        session_id=(found and found["session"]) or NO_SESSION,
        _rank=(~bold).astype(int),
    )


def _of_person(path: Path, columns: Mapping[str, str]) -> pd.DataFrame | None:
    text = read_text_table(path)
    name = _date_column(text, columns, path)
    if name is None or "session_id" not in text:
        return None
    person = path.name.removesuffix("_sessions.tsv").removeprefix("sub-")
    sessions = _labels(text["session_id"], "ses-")
    return _table(text[name], str(path), participant_id=person, session_id=sessions, _rank=2)


def _of_table(path: Path, columns: Mapping[str, str]) -> pd.DataFrame | None:
    text = read_text_table(path)
    name = _date_column(text, columns, path)
    if name is None:
        return None
    # A map may be meant for another of the study's tables, where ours has our own name.
    person, session = (
        columns[own] if columns.get(own) in text else own
        for own in ("participant_id", "session_id")
    )
    absent = [column for column in (person, session) if column not in text]
    if absent:
        raise TableError(
            f"{path}: expected the columns {person}, {session} and {name} for dates "
            f"of scans; absent: {', '.join(absent)}."
        )
    return _table(
        text[name],
        str(path),
        participant_id=_labels(text[person], "sub-"),
        session_id=_labels(text[session], "ses-"),
        _rank=0,
    )


def _date_column(text: pd.DataFrame, columns: Mapping[str, str], path: Path) -> str | None:
    named = columns.get("scan_date")
    if named is not None and named not in text:
        raise TableError(
            f"{path}: expected the date column '{named}', the header has "
            f"{', '.join(text.columns[:12])}."
        )
    return named or next((name for name in DATE_COLUMNS if name in text), None)


def _labels(cells: pd.Series, prefix: str) -> pd.Series:
    return cells.map(lambda cell: NO_SESSION if is_missing(cell) else cell.removeprefix(prefix))


def _table(cells: pd.Series, where: str, **others: object) -> pd.DataFrame:
    return pd.DataFrame({"scan_date": _parsed(cells, where), **others}).dropna(subset="scan_date")


def _parsed(cells: Sequence | pd.Series, where: str) -> pd.Series:
    dates, wrong = [], []
    lines = cells.index if isinstance(cells, pd.Series) else range(2, len(cells) + 2)
    for line, cell in zip(lines, cells, strict=True):
        text = str(cell).strip()
        if cell is None or cell is pd.NaT or is_missing(text) or _TIME.fullmatch(text):
            dates.append(pd.NaT)
            continue
        try:
            # The time of day is local in BIDS; a zone would only mix two clocks.
            dates.append(datetime.fromisoformat(text).replace(tzinfo=None))
        except ValueError:
            wrong.append(f"line {line}: '{text}'")
    if wrong:
        raise TableError(
            f"{where}: expected dates as 1925-03-31 or 1925-03-31T13:45:00 (ISO "
            f"8601), found {'; '.join(wrong[:8])}."
        )
    index = cells.index if isinstance(cells, pd.Series) else None
    return pd.Series(pd.to_datetime(dates), index=index, dtype="datetime64[s]")
