"""Files listed in a table, with a row a scan; and tables with a row a parcel."""

from __future__ import annotations

from pathlib import Path

from brainage.errors import SeriesError, TableError
from brainage.series.types import SeriesFile
from brainage.tables import NO_SESSION, is_missing, number_of, read_text_table, refuse_misnamed

#: Of a table of files.
_COLUMNS = ("path", "participant_id", "session_id", "run", "task", "atlas", "t_r_s")
#: Of a table of parcels.
_NAME_COLUMNS = ("name", "label", "parcel", "rois", "roi", "region")
_NETWORK_COLUMNS = ("network", "rsn")


def read_parcels(path: Path) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
    r"""Return the names and networks of parcels from a table with a row a parcel, in order.

    Raises
    ------
    SeriesError
        No column of names, a name that is missing or stands twice.

    Examples
    --------
    >>> path = folder / "parcels.tsv"
    >>> _ = path.write_text("name\tnetwork\nleft\tVisual\nright\tn/a\n")
    >>> read_parcels(path)
    (('left', 'right'), ('Visual', None))
    """
    try:
        text = read_text_table(path)
    except TableError as error:
        raise SeriesError(str(error)) from error
    column = {name.lower(): name for name in text}
    named = next((column[name] for name in _NAME_COLUMNS if name in column), None)
    if named is None:
        raise SeriesError(
            f"{path}: expected a column name (or {', '.join(_NAME_COLUMNS[1:])}), found "
            f"{', '.join(text)}."
        )
    names = tuple(text[named])
    if any(map(is_missing, names)) or len(set(names)) < len(names):
        raise SeriesError(f"{path}: column {named}: expected a name for each parcel, each once.")
    network = next((column[name] for name in _NETWORK_COLUMNS if name in column), None)
    if network is None:
        return names, (None,) * len(names)
    return names, tuple(None if is_missing(cell) else cell for cell in text[network])


def files_in_table(path: Path) -> list[SeriesFile]:
    """Return the files that a table lists, in its order; relative ones lie beside it.

    Raises
    ------
    SeriesError
        No column path or participant_id, or a row without one.
    """
    try:
        text = read_text_table(path)
    except TableError as error:
        raise SeriesError(str(error)) from error
    refuse_misnamed(path, list(text.columns), _COLUMNS)
    absent = [c for c in ("path", "participant_id") if c not in text]
    if absent:
        raise SeriesError(
            f"{path}: expected the columns path and participant_id, found "
            f"{', '.join(text.columns)}."
        )
    return [
        _table_file(path, line, row)
        for line, row in zip(text.index, text.to_dict("records"), strict=True)
    ]


def _table_file(path: Path, line: int, row: dict[str, str]) -> SeriesFile:
    cells = {name: "" if is_missing(cell) else cell for name, cell in row.items()}
    label = {
        name: (cells.get(name) or NO_SESSION).removeprefix(prefix)
        for name, prefix in (
            ("participant_id", "sub-"),
            ("session_id", "ses-"),
            ("run", "run-"),
            ("task", "task-"),
            ("atlas", "atlas-"),
        )
    }
    stated = cells.get("t_r_s", "")
    t_r_s = None if not stated else number_of(stated) or 0.0
    if not cells["path"] or label["participant_id"] == NO_SESSION:
        raise SeriesError(f"{path}: line {line}: path and participant_id are needed.")
    if t_r_s is not None and not t_r_s > 0:
        raise SeriesError(f"{path}: line {line}: t_r_s must be seconds above 0, found '{stated}'.")
    return SeriesFile(
        path.parent / cells["path"],
        label["participant_id"],
        label["session_id"],
        run=label["run"],
        task=label["task"],
        atlas=label["atlas"],
        t_r_s=t_r_s,
        by_name=False,
    )
