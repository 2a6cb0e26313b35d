"""What the data dictionary (JSON) beside a table says of its columns."""

from __future__ import annotations

import re
from pathlib import Path

from brainage.files import read_json


def described(path: Path, column: str) -> dict[str, object]:
    """Return what the dictionary beside a table says of a column; empty where it says nothing.

    What a nearer file says goes before what one further up says.

    Parameters
    ----------
    path : Path
        The table; its dictionary has the same name and ends in ``.json``.
    column : str
        Name in the file.

    Raises
    ------
    TableError
        The dictionary is there and is no JSON.
    """
    stem = re.sub(r"\.(tsv|csv|txt)(\.gz)?$", "", path.name)
    # BIDS inheritance: sessions.json at the dataset's root speaks for every person's file.
    inherited = f"{stem.rsplit('_', 1)[-1]}.json"
    places = [path.with_name(f"{stem}.json"), *(up / inherited for up in path.parents[:2])]
    said: dict[str, object] = {}
    for place in reversed(dict.fromkeys(places)):
        columns = read_json(place) if place.is_file() else None
        entry = columns.get(column) if isinstance(columns, dict) else None
        if isinstance(entry, dict):
            said |= {str(key): value for key, value in entry.items()}
    return said
