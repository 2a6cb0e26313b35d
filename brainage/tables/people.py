"""Who was scanned when, at which age; never in which arm."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from brainage.errors import TableError
from brainage.tables.ages import ages_in_years, capped_ages
from brainage.tables.cells import read_text_table
from brainage.tables.missing import is_missing
from brainage.tables.reading import parse_table
from brainage.tables.schema import NO_SESSION, PEOPLE
from brainage.tables.sex import sex_levels, stated_levels
from brainage.wording import did_you_mean, listed

#: Names that a column of session labels may have, without signs; read only where a map says so.
_LIKE_SESSIONS = frozenset({"session", "sessionid", "ses", "visit", "visitid", "wave", "timepoint"})


@dataclass(frozen=True)
class _Table:
    """One file's columns under our names, as text; what to call its rows; columns not read."""

    path: Path
    header: tuple[str, ...]
    cells: pd.DataFrame
    rows: tuple[str, ...]
    unread: pd.DataFrame


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
        each ``sub-*/sub-*_sessions.tsv`` is one person's. A person without any keeps the row of
        `participants`, for all of that person's sessions.
    columns : mapping of str to str, optional
        Schema name -> name in the file that has it (either, where there are two). BIDS's ``age``
        is understood as age_years, in the unit that the JSON beside the table states; a name may
        differ in capitals and signs (``Age``, ``Participant ID``).

    Returns
    -------
    people : DataFrame
        Columns of `PEOPLE` that the files hold, one row a scan or (without sessions) a person;
        ids without the prefixes ``sub-`` and ``ses-``, sexes as F, M, O. Other columns are never
        read.

    Raises
    ------
    TableError
        An age that is not a number (``n/a``, and a capped age such as ``89+``, are allowed: that
        scan is later left out with a reason), a repeated row, an absent column.

    Warns
    -----
    BrainAgeWarning
        Ages that the table holds in months, weeks or days.

    Examples
    --------
    >>> people = ba.read_people(
    ...     written / "trial" / "participants.tsv", written / "trial" / "sessions.tsv"
    ... )
    >>> people[["participant_id", "session_id", "age_years"]].head(3).round(1)
      participant_id session_id  age_years
    0           T001   baseline       69.5
    1           T001         1y       70.5
    2           T001         2y       71.5
    """
    columns = dict(columns or {})
    _refuse_unknown(columns, Path(participants))
    person = _read_loose(Path(participants), columns)
    if sessions is None:
        _refuse_absent(columns, (person,))
        _refuse_rows_a_visit(person)
        return _parsed(person)
    visits = _read_sessions(Path(sessions), columns)
    _refuse_absent(columns, (person, *visits))
    _refuse_rows_a_visit(person)
    return _parsed(_joined(person, visits, Path(sessions)))


def strip_prefix(labels: pd.Series, prefix: str) -> pd.Series:
    """Return labels without a leading BIDS prefix (``sub-`` or ``ses-``); missing ones as "n/a"."""
    return labels.map(
        lambda label: NO_SESSION if is_missing(label) else str(label).removeprefix(prefix)
    )


def _parsed(table: _Table) -> pd.DataFrame:
    cells = table.cells.fillna("")
    if "session_id" not in cells:
        cells = cells.assign(session_id=NO_SESSION)
    if "age_years" in cells:
        capped = capped_ages(cells["age_years"])
        if capped.any():
            cells = cells.assign(
                age_as_written=cells["age_years"].where(capped, ""),
                age_years=cells["age_years"].mask(capped, ""),
            )
    people = parse_table(
        cells, PEOPLE, where=str(table.path), found=list(table.header), rows=table.rows
    )
    if "sex" in people:
        people["sex"] = sex_levels(people["sex"])
    return people


def _joined(person: _Table, visits: Sequence[_Table], where: Path) -> _Table:
    """Return a row a visit; a person's own row where there is no visit, or no such column."""
    own = person.cells.drop_duplicates("participant_id").set_index("participant_id")
    parts, rows = [], []
    for table in visits:
        cells = table.cells
        more = [name for name in own if name not in cells and name != "session_id"]
        looked_up = own[more].reindex(cells["participant_id"]).set_index(cells.index)
        parts.append(pd.concat([cells, looked_up], axis=1))
        rows += [f"{row} of {table.path.name}" for row in table.rows]
    seen = {name for table in visits for name in table.cells["participant_id"]}
    alone = ~person.cells["participant_id"].isin(seen)
    parts.append(person.cells[alone])
    kept = [row for row, here in zip(person.rows, alone, strict=True) if here]
    rows += [f"{row} of {person.path.name}" for row in kept]
    header = dict.fromkeys(name for table in (*visits, person) for name in table.header)
    cells = pd.concat(parts, ignore_index=True)
    return _Table(where, tuple(header), cells, tuple(rows), person.unread)


def _refuse_unknown(columns: Mapping[str, str], path: Path) -> None:
    for name, source in columns.items():
        if name not in PEOPLE.names:
            raise TableError(
                f"{path}: column '{source}' (for {name}), named in the config's column map: "
                f"'{name}' is not read.{did_you_mean(name, PEOPLE.names)} The map may name "
                f"{', '.join(PEOPLE.names)}."
            )


def _refuse_absent(columns: Mapping[str, str], tables: Sequence[_Table]) -> None:
    header = dict.fromkeys(name for table in tables for name in table.header)
    lost = [
        f"column '{source}' (for {name}), named in the config's column map"
        f"{did_you_mean(source, header)}"
        for name, source in columns.items()
        if source not in header
    ]
    if lost:
        files = dict.fromkeys(str(table.path) for table in tables)
        raise TableError(
            f"{listed(files, most=2)}: absent: {'; '.join(lost)}. The header has "
            f"{listed(header, most=12)}."
        )


def _refuse_rows_a_visit(table: _Table) -> None:
    """Refuse several rows a person where the column that tells them apart is not read."""
    ids = table.cells["participant_id"]
    if "session_id" in table.cells or not ids.duplicated().any():
        return
    who = ids[ids.duplicated()].iloc[0]
    like = [name for name in table.header if _plain(name) in _LIKE_SESSIONS]
    others = like or [name for name in table.unread if table.unread[name].nunique() > 1]
    if others:
        raise TableError(
            f"{table.path}: two or more rows for participant '{who}', and no column of sessions "
            f"that is read; not read: {listed([repr(name) for name in others])}. If one holds the "
            f"session of each row, say so: columns: {{session_id: {others[0]}}} (or rename it "
            "session_id)."
        )


def _read_loose(path: Path, columns: Mapping[str, str]) -> _Table:
    table = _read_one(path, columns)
    if "participant_id" not in table.cells:
        source = columns.get("participant_id", "participant_id")
        raise TableError(
            f"{path}: absent: column '{source}'; the header has "
            f"{listed(table.header, most=12)}.{did_you_mean(source, table.header)}"
        )
    ids = table.cells["participant_id"]
    empty = [row for row, name in zip(table.rows, ids, strict=True) if is_missing(name)]
    if empty:
        raise TableError(f"{path}: {listed(empty)}: participant_id is missing; a row needs one.")
    return table


def _read_one(path: Path, columns: Mapping[str, str]) -> _Table:
    text = read_text_table(path)
    sources = _sources(path, list(text.columns), columns)
    cells = text[list(sources.values())].set_axis(list(sources), axis=1)
    if "age_years" in sources:
        ages = ages_in_years(cells["age_years"], path=path, column=sources["age_years"])
        cells = cells.assign(age_years=ages)
    if "sex" in sources:
        cells = cells.assign(sex=stated_levels(cells["sex"], path=path, column=sources["sex"]))
    if "participant_id" in cells:
        stripped = cells["participant_id"].map(lambda name: name.removeprefix("sub-"))
        missing = cells["participant_id"].map(is_missing)
        cells = cells.assign(participant_id=stripped.mask(missing, ""))
    if "session_id" in cells:
        cells = cells.assign(session_id=strip_prefix(cells["session_id"], "ses-"))
    rows = tuple(f"line {line}" for line in text.index)
    unread = text.drop(columns=list(sources.values()))
    return _Table(path, tuple(text.columns), cells.reset_index(drop=True), rows, unread)


def _sources(path: Path, header: list[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Return our name -> the file's, as far as the file has them."""
    sources = {name: source for name, source in columns.items() if source in header}
    for name in PEOPLE.names:
        # A map may be meant for another of the study's tables, where ours has our own name.
        if name in sources:
            continue
        own = _alike(path, header, name)
        if own is None and name == "age_years" and name not in columns:
            own = _alike(path, header, "age")
        if own is not None and own not in sources.values():
            sources[name] = own
    return {name: sources[name] for name in PEOPLE.names if name in sources}


def _alike(path: Path, header: Sequence[str], name: str) -> str | None:
    """Return the column of that name, which may differ in capitals and signs."""
    alike = [column for column in header if _plain(column) == _plain(name)]
    if len(alike) > 1:
        raise TableError(
            f"{path}: the columns {listed([repr(c) for c in alike])} differ in capitals or signs "
            f"only; which is {name} cannot be known. Name it: columns: {{{name}: ...}}."
        )
    return alike[0] if alike else None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _read_sessions(path: Path, columns: Mapping[str, str]) -> list[_Table]:
    if not path.is_dir():
        table = _read_loose(path, columns)
        if "session_id" not in table.cells:
            raise TableError(
                f"{path}: expected a column '{columns.get('session_id', 'session_id')}', found "
                f"{listed(table.header, most=12)}."
            )
        return [table]
    files = sorted(
        file for file in path.glob("sub-*/sub-*_sessions.tsv") if not file.name.startswith(".")
    )
    if not files:
        found = "none" if os.access(path, os.R_OK | os.X_OK) else "no permission to list it"
        raise TableError(f"{path}: expected sub-*/sub-*_sessions.tsv, found {found}.")
    return [_of_person(file, columns) for file in files]


def _of_person(file: Path, columns: Mapping[str, str]) -> _Table:
    table = _read_one(file, columns)
    if "session_id" not in table.cells:
        raise TableError(
            f"{file}: expected a column 'session_id', found {', '.join(table.header)}."
        )
    person = file.name.removesuffix("_sessions.tsv").removeprefix("sub-")
    return replace(table, cells=table.cells.assign(participant_id=person))
