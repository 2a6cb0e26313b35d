"""Column schemas with units, and the reading, checking and writing of tables.

Tables are plain DataFrames. A schema says what each column means and in which unit; reading a
file reports every problem at once, and writing puts a BIDS data dictionary (JSON) beside it.
Missing text is ``None``/NaN; ``n/a`` in a file. A key column (participant_id, session_id) is
never missing: a scan without sessions has the session_id ``"n/a"``, as text.
"""

from __future__ import annotations

import difflib
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from brainage.errors import TableError
from brainage.files import atomic_path, write_json

NO_SESSION = "n/a"
_MISSING_WORDS = {"", "n/a", "na", "nan", "null", "none"}
_MOST_PROBLEMS = 20


@dataclass(frozen=True)
class Column:
    """One column: its name, kind, unit and meaning.

    Parameters
    ----------
    name : str
        Ends in the unit where there is one (``age_years``).
    kind : {"text", "number", "integer", "boolean"}
        What a cell must be.
    description : str
        For the data dictionary.
    unit : str or None, default=None
        ``years``, ``mm``, ``s``; None for unitless.
    required : bool, default=True
        Whether the column must be there.
    nullable : bool, default=False
        Whether a cell may be ``n/a``.
    low, high : float or None, default=None
        Smallest and largest value that can be true.
    """

    name: str
    kind: Literal["text", "number", "integer", "boolean"]
    description: str
    unit: str | None = None
    required: bool = True
    nullable: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class TableSchema:
    """The columns of one kind of table; `key` columns together are unique."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    _by_name: dict = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "_by_name", {c.name: c for c in self.columns})

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(self._by_name)

    def __getitem__(self, name: str) -> Column:
        return self._by_name[name]


_ID = Column("participant_id", "text", "Participant, with or without the BIDS prefix 'sub-'.")
_SESSION = Column("session_id", "text", "Session label, 'n/a' where the study has none.")
_AGE = Column("age_years", "number", "Age at that scan.", "years", low=0, high=120)

PEOPLE = TableSchema(
    "people",
    (
        _ID,
        _SESSION,
        # A scan without an age is left out with a reason; it does not stop the others.
        replace(_AGE, nullable=True),
        Column("sex", "text", "Sex as recorded.", required=False, nullable=True),
        Column("site", "text", "Site that scanned.", required=False, nullable=True),
        Column("scanner", "text", "Scanner or software.", required=False, nullable=True),
        Column("family_id", "text", "Family; kept in one fold.", required=False, nullable=True),
    ),
    key=("participant_id", "session_id"),
)

SCORES = TableSchema(
    "scores",
    (
        _ID,
        _SESSION,
        _AGE,
        Column("sex", "text", "Sex as recorded.", nullable=True),
        Column("site", "text", "Site that scanned.", nullable=True),
        Column("scanner", "text", "Scanner or software.", required=False, nullable=True),
        Column("mean_fd_mm", "number", "Mean framewise displacement.", "mm", nullable=True),
        Column("network", "text", "'whole_brain' or the network whose edges made this score."),
        Column("predicted_age_years", "number", "Brain age, uncorrected.", "years"),
        Column("gap_years", "number", "Predicted minus age; positive looks older.", "years"),
        Column("gap_corrected_years", "number", "Gap after the frozen age-bias line.", "years"),
        Column("interval_low_years", "number", "90 % interval of the uncorrected prediction.",
               "years", nullable=True),
        Column("interval_high_years", "number", "90 % interval of the uncorrected prediction.",
               "years", nullable=True),
        Column("in_age_range", "boolean", "Age lies inside the reference cohort's range."),
        Column("distance_percentile", "number", "Share of reference scans nearer to the "
               "reference mean, in percent.", "percent", nullable=True, low=0, high=100),
        Column("clock_id", "text", "Content hash of the clock."),
    ),
    key=("participant_id", "session_id", "network"),
)  # fmt: skip


def read_table(
    path: str | Path,
    schema: TableSchema,
    *,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Read a TSV or CSV file and check it against a schema.

    Parameters
    ----------
    path : str or Path
        ``.csv`` is split at commas, everything else at tabs.
    schema : TableSchema
        Only its columns are read: a column the schema does not name is never seen, which is
        how arm stays out of every room but the trial's.
    columns : mapping of str to str, optional
        Schema name -> name in the file, for files that call things otherwise.

    Returns
    -------
    frame : DataFrame
        Columns in schema order, cells converted.

    Raises
    ------
    TableError
        With every problem found (row numbers count the header as line 1).
    """
    path = Path(path)
    text = read_text_table(path)
    wanted = {name: (columns or {}).get(name, name) for name in schema.names}
    present = {name: source for name, source in wanted.items() if source in text.columns}
    frame = text[list(present.values())].set_axis(list(present), axis=1)
    return parse_table(frame, schema, where=str(path), found=list(text.columns), wanted=wanted)


def read_text_table(path: str | Path) -> pd.DataFrame:
    """Read every cell of a TSV or CSV file as text, unchanged."""
    path = Path(path)
    separator = "," if path.name.lower().endswith((".csv", ".csv.gz")) else "\t"
    try:
        # Without this pandas guesses an index when rows are longer than the header.
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            text = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False,
                               index_col=False, encoding="utf-8-sig")  # fmt: skip
    except FileNotFoundError:
        raise TableError(f"{path}: no such file. Check the path in the config.") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning) as error:
        raise TableError(f"{path}: expected a table with a header line, found: {error}") from error
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: expected UTF-8 text, found other bytes ({error})") from error
    except OSError as error:
        raise TableError(f"{path}: cannot be read ({error.strerror or error}).") from error
    return text.apply(lambda cells: cells.fillna("").str.strip())


def parse_table(
    frame: pd.DataFrame,
    schema: TableSchema,
    *,
    where: str,
    found: list[str] | None = None,
    wanted: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Convert text cells to the schema's kinds, reporting every problem at once.

    Parameters
    ----------
    frame : DataFrame
        Cells as text.
    schema : TableSchema
        What is expected.
    where : str
        The file, for messages.
    found : list of str, optional
        The file's own header, for "did you mean".
    wanted : mapping of str to str, optional
        Schema name -> name in the file.

    Returns
    -------
    parsed : DataFrame

    Raises
    ------
    TableError
        With every problem found.
    """
    problems: list[str] = []
    parsed: dict[str, pd.Series] = {}
    for column in schema.columns:
        if column.name not in frame:
            if column.required:
                source = (wanted or {}).get(column.name, column.name)
                problems.append(_absent(source, column, found or list(frame.columns)))
            continue
        cells = frame[column.name]
        if column.name in schema.key:
            cells = cells.where(cells != "", NO_SESSION if column.name == "session_id" else "")
        parsed[column.name] = _convert(cells, column, problems, is_key=column.name in schema.key)
    result = pd.DataFrame(parsed, index=frame.index).reset_index(drop=True)
    problems += _duplicates(result, schema)
    _raise(problems, schema, where)
    return result


def check_table(frame: pd.DataFrame, schema: TableSchema, *, where: str = "table") -> None:
    """Check a DataFrame made in Python against a schema.

    Raises
    ------
    TableError
        Required columns absent, wrong kinds, missing cells, impossible values, repeated keys.
    """
    problems = [
        _absent(c.name, c, list(frame.columns))
        for c in schema.columns
        if c.required and c.name not in frame
    ]
    for column in schema.columns:
        if column.name in frame:
            problems += _check_column(frame[column.name], column)
    problems += _duplicates(frame, schema)
    _raise(problems, schema, where)


def write_table(frame: pd.DataFrame, path: str | Path, schema: TableSchema) -> None:
    """Write a TSV and its JSON data dictionary, both atomically.

    Numbers are written with every digit (they read back equal), missing cells as ``n/a``.
    Columns the schema does not name are refused.

    Parameters
    ----------
    frame : DataFrame
        Checked against `schema` first.
    path : str or Path
        Ends in ``.tsv``.
    schema : TableSchema
        Gives order and dictionary.
    """
    path = Path(path)
    extra = [name for name in frame.columns if name not in schema.names]
    if extra:
        raise TableError(f"{path}: columns {extra} are not in the schema '{schema.name}'.")
    check_table(frame, schema, where=str(path))
    names = [name for name in schema.names if name in frame]
    out = pd.DataFrame({name: _as_text(frame[name], schema[name]) for name in names})
    write_json(path.with_suffix(".json"), {
        name: {"Description": schema[name].description,
               **({"Units": schema[name].unit} if schema[name].unit else {})}
        for name in names
    })  # fmt: skip
    with atomic_path(path) as temporary:
        out.to_csv(temporary, sep="\t", index=False, lineterminator="\n")


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
        Schema name -> name in the file. BIDS's ``age`` is understood as age_years.

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
    if sessions is None:
        if "session_id" not in person:
            person = person.assign(session_id=NO_SESSION)
        merged = person
    else:
        visits = _read_sessions(Path(sessions), columns)
        overlap = [c for c in visits if c in person and c != "participant_id"]
        merged = visits.merge(person.drop(columns=overlap), on="participant_id", how="left")
    where = str(sessions or participants)
    return parse_table(merged.fillna(""), PEOPLE, where=where, found=list(merged.columns))


def strip_prefix(labels: pd.Series, prefix: str) -> pd.Series:
    """Return labels without a leading BIDS prefix (``sub-`` or ``ses-``)."""
    return labels.str.removeprefix(prefix)


def _read_loose(path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    text = read_text_table(path)
    source = {name: columns.get(name, name) for name in PEOPLE.names}
    if "age_years" not in columns and "age_years" not in text and "age" in text:
        source["age_years"] = "age"
    missing = [f"column '{src}' (for {name}), named in the config's column map" for name, src in
               source.items() if name in columns and src not in text]  # fmt: skip
    if source["participant_id"] not in text:
        missing.append(f"column '{source['participant_id']}'; the header has "
                       f"{', '.join(text.columns[:12])}")  # fmt: skip
    if missing:
        raise TableError(f"{path}: absent: " + "; ".join(missing))
    present = {name: src for name, src in source.items() if src in text}
    frame = text[list(present.values())].set_axis(list(present), axis=1)
    frame["participant_id"] = strip_prefix(frame["participant_id"], "sub-")
    if "session_id" in frame:
        frame["session_id"] = strip_prefix(frame["session_id"], "ses-")
    return frame


def _read_sessions(path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    if not path.is_dir():
        frame = _read_loose(path, {k: v for k, v in columns.items() if k in ("participant_id",)})
        if "session_id" not in frame:
            raise TableError(f"{path}: expected a column 'session_id', found none.")
        return frame
    files = sorted(path.glob("sub-*/sub-*_sessions.tsv"))
    if not files:
        found = "none" if os.access(path, os.R_OK | os.X_OK) else "no permission to list it"
        raise TableError(f"{path}: expected sub-*/sub-*_sessions.tsv, found {found}.")
    frames = []
    for file in files:
        text = read_text_table(file)
        text["participant_id"] = file.name.split("_")[0]
        if "age_years" not in text and "age" in text:
            text = text.rename(columns={"age": "age_years"})
        if "session_id" not in text:
            raise TableError(f"{file}: expected a column 'session_id', found "
                             f"{', '.join(text.columns)}.")  # fmt: skip
        frames.append(text[[name for name in PEOPLE.names if name in text]])
    frame = pd.concat(frames, ignore_index=True).fillna("")
    frame["participant_id"] = strip_prefix(frame["participant_id"], "sub-")
    frame["session_id"] = strip_prefix(frame["session_id"], "ses-")
    return frame


def _absent(source: str, column: Column, found: list[str]) -> str:
    near = difflib.get_close_matches(source, found, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return (f"no column '{source}' ({column.description.rstrip('.')}); the header has "
            f"{', '.join(map(str, found[:12]))}.{hint}")  # fmt: skip


def _is_missing(cells: pd.Series) -> pd.Series:
    return cells.isna() | cells.astype(str).str.lower().isin(_MISSING_WORDS)


def _convert(cells: pd.Series, column: Column, problems: list[str], *, is_key: bool) -> pd.Series:
    if is_key:
        for row in np.flatnonzero((cells == "").to_numpy()):
            problems.append(f"line {row + 2}: {column.name} is empty.")
        return cells
    missing = _is_missing(cells)
    if not column.nullable:
        for row in np.flatnonzero(missing.to_numpy()):
            problems.append(f"line {row + 2}: {column.name} is missing "
                            f"(found '{cells.iloc[row]}'); a value is needed.")  # fmt: skip
    if column.kind == "text":
        return cells.mask(missing, None)
    if column.kind == "boolean":
        lower = cells.str.lower()
        bad = ~missing & ~lower.isin(["true", "false"])
        _report(cells, bad, column, "true or false", problems)
        return lower == "true"
    numbers = pd.to_numeric(cells.mask(missing, None), errors="coerce")
    _report(cells, ~missing & ~np.isfinite(numbers), column, "a number", problems)
    if column.kind == "integer":
        _report(cells, numbers.notna() & (numbers % 1 != 0), column, "a whole number", problems)
    _report(cells, _outside(numbers, column), column, _range_text(column), problems)
    whole = column.kind == "integer" and not numbers.isna().any()
    return numbers.astype("int64" if whole else "float64", errors="ignore" if whole else "raise")


def _outside(numbers: pd.Series, column: Column) -> pd.Series:
    outside = pd.Series(False, index=numbers.index)
    if column.low is not None:
        outside |= numbers < column.low
    if column.high is not None:
        outside |= numbers > column.high
    return outside


def _range_text(column: Column) -> str:
    unit = f" {column.unit}" if column.unit else ""
    low = "-inf" if column.low is None else f"{column.low:g}"
    high = "inf" if column.high is None else f"{column.high:g}"
    return f"a value from {low} to {high}{unit}"


def _report(cells, bad, column: Column, expected: str, problems: list[str]) -> None:
    for row in np.flatnonzero(np.asarray(bad, dtype=bool)):
        problems.append(f"line {row + 2}: {column.name} must be {expected}, "
                        f"found '{cells.iloc[row]}'.")  # fmt: skip


def _check_column(values: pd.Series, column: Column) -> list[str]:
    problems = []
    missing = values.isna()
    if missing.any() and not column.nullable:
        problems.append(f"column {column.name}: {int(missing.sum())} missing values; needed.")
    if column.kind in ("number", "integer"):
        if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            return [*problems, f"column {column.name}: expected numbers, found {values.dtype}."]
        numbers = values[~missing].astype(float)
        if not np.isfinite(numbers).all():
            problems.append(f"column {column.name}: infinite values.")
        if _outside(numbers, column).any():
            problems.append(f"column {column.name}: expected {_range_text(column)}, found "
                            f"{numbers.min():g} to {numbers.max():g}.")  # fmt: skip
    elif column.kind == "boolean" and not pd.api.types.is_bool_dtype(values):
        problems.append(f"column {column.name}: expected true/false, found {values.dtype}.")
    elif column.kind == "text" and not values[~missing].map(lambda v: isinstance(v, str)).all():
        problems.append(f"column {column.name}: expected text, found other types.")
    return problems


def _duplicates(frame: pd.DataFrame, schema: TableSchema) -> list[str]:
    key = [name for name in schema.key if name in frame]
    if not key or len(key) != len(schema.key):
        return []
    repeated = frame[frame.duplicated(key, keep=False)]
    problems = []
    for _, rows in repeated.groupby(key, sort=False):
        lines = ", ".join(str(line + 2) for line in rows.index)
        labels = ", ".join(f"{name} '{rows[name].iloc[0]}'" for name in key)
        problems.append(f"lines {lines}: two or more rows for {labels}; keep one.")
    return problems


def _raise(problems: list[str], schema: TableSchema, where: str) -> None:
    if not problems:
        return
    shown = problems[:_MOST_PROBLEMS]
    rest = len(problems) - len(shown)
    lines = [f"{where}: {len(problems)} problem(s) in the {schema.name} table:"]
    lines += [f"  - {p}" for p in shown]
    if rest:
        lines.append(f"  - and {rest} more")
    raise TableError("\n".join(lines))


def _as_text(values: pd.Series, column: Column) -> pd.Series:
    missing = values.isna()
    if column.kind == "boolean":
        text = values.map({True: "true", False: "false"})
    elif column.kind == "number":
        text = values.map(lambda v: repr(float(v)) if v == v else "n/a")
    elif column.kind == "integer":
        text = values.map(lambda v: str(int(v)) if v == v else "n/a")
    else:
        text = values.astype(object)
    return text.astype(object).where(~missing, "n/a")
