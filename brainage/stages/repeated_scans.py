"""What the trial's repeated scans say of the scores' reliability, blind to arm."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from brainage.errors import DesignError
from brainage.tables import write_table
from brainage.trial import RELIABILITY, reliability_table

RELIABILITY_FILE = "reliability.tsv"


def write_reliability(scores: pd.DataFrame, folder: Path, *, seed: int) -> list[Path]:
    """Write the reliability of the age-corrected gap over the sessions that people repeat.

    Parameters
    ----------
    scores : DataFrame
        Schema `brainage.tables.SCORES`, of every clock.
    folder : Path
        Of the score stage.
    seed : int
        Of the bootstrap where visits are missing.

    Returns
    -------
    written : list of Path
        Table and dictionary; empty where no two people were scanned twice, and what an earlier
        scoring wrote is removed.
    """
    path = folder / RELIABILITY_FILE
    for old in (path, path.with_suffix(".json")):
        old.unlink(missing_ok=True)
    try:
        # Nobody's arm is known here: effects of treatment that differ between people count as
        # error. The comparison has the same table of control alone.
        table = reliability_table(scores, people="everyone, arms not known", seed=seed)
    except DesignError:
        return []
    write_table(table, path, RELIABILITY)
    return [path, path.with_suffix(".json")]
