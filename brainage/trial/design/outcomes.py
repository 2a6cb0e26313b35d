"""Outcomes measured beside the scans (leg strength, ...): one row a person and session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.errors import TableError
from brainage.tables import NO_SESSION, Column, TableSchema, read_table


def read_outcomes(
    path: str | Path, names: Sequence[str], *, columns: Mapping[str, str] | None = None
) -> pd.DataFrame:
    r"""Read the outcomes that the analyses name.

    Parameters
    ----------
    path : str or Path
        A table with participant_id, session_id and one column an outcome.
    names : sequence of str
        Outcomes wanted; no other column is read.
    columns : mapping of str to str, optional
        participant_id, session_id or an outcome -> name in the file.

    Returns
    -------
    outcomes : DataFrame
        participant_id and session_id without BIDS prefixes, and the outcomes as numbers, NaN
        where they were not measured.

    Raises
    ------
    TableError
        Absent columns, cells that are no numbers, two rows for one session.

    Examples
    --------
    >>> path = folder / "outcomes.tsv"
    >>> _ = path.write_text("participant_id\tsession_id\tleg_power\nT001\tbaseline\t210.5\n")
    >>> ba.read_outcomes(path, ["leg_power"])["leg_power"].tolist()
    [210.5]
    """
    schema = TableSchema(
        "outcomes",
        (
            Column("participant_id", "text", "Participant, with or without 'sub-'."),
            Column("session_id", "text", "Session of the visit, with or without 'ses-'."),
            *(Column(name, "number", f"Outcome {name}.", nullable=True) for name in names),
        ),
        key=("participant_id", "session_id"),
    )
    table = read_table(path, schema, columns=columns)
    return check_outcomes(table, names, where=str(path))


def check_outcomes(
    table: pd.DataFrame, names: Sequence[str], *, where: str = "outcomes"
) -> pd.DataFrame:
    """Check outcomes made in Python; ids lose their BIDS prefixes.

    Raises
    ------
    TableError
        Absent columns, cells that are no numbers, two rows for one session.
    """
    wanted = ["participant_id", "session_id", *names]
    absent = [name for name in wanted if name not in table]
    if absent:
        raise TableError(
            f"{where}: expected the columns {', '.join(wanted)}; absent: {', '.join(absent)}."
        )
    text = [name for name in names if not pd.api.types.is_numeric_dtype(table[name])]
    if text:
        raise TableError(f"{where}: expected numbers in {', '.join(text)}, found text.")
    numbers = table[list(names)].astype(float)
    if np.isinf(numbers.to_numpy()).any():
        raise TableError(f"{where}: infinite values among {', '.join(names)}.")
    checked = pd.DataFrame(
        {
            "participant_id": table["participant_id"].astype(str).str.removeprefix("sub-"),
            "session_id": table["session_id"]
            .fillna(NO_SESSION)
            .astype(str)
            .str.removeprefix("ses-"),
        }
    ).join(numbers)
    twice = checked.duplicated(["participant_id", "session_id"])
    if twice.any():
        row = checked[twice].iloc[0]
        raise TableError(
            f"{where}: participant {row['participant_id']}, session {row['session_id']}: two "
            "rows; keep one."
        )
    return checked
