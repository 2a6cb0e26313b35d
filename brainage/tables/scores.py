"""Scores made anywhere: who, when, how old, and a predicted age or a gap suffice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.errors import TableError
from brainage.tables.missing import missing_cells
from brainage.tables.reading import read_table
from brainage.tables.schema import SCORES, WHOLE_BRAIN
from brainage.tables.sex import sex_levels
from brainage.wording import listed, scan_words

#: Rounding of two printed numbers to one decimal, years.
_ROUNDING_YEARS = 0.11
#: Numbers of a scan that scores made elsewhere may lack.
_NOT_KNOWN = (
    "mean_fd_mm",
    "retained_s",
    "interval_low_years",
    "interval_high_years",
    "distance_percentile",
)
_GAPS = ("predicted_age_years", "gap_years", "gap_corrected_years")


def read_scores(path: str | Path, *, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read a scores table, ours or another tool's, and complete it.

    Parameters
    ----------
    path : str or Path
        TSV or CSV with participant_id, session_id, age_years and predicted_age_years, gap_years
        or gap_corrected_years; further columns of `SCORES` are read where they are there.
    columns : mapping of str to str, optional
        Our name -> name in the file.

    Returns
    -------
    scores : DataFrame
        See `complete_scores`.

    Raises
    ------
    TableError
        Not such a table, or a gap_years that is not predicted age minus age.

    Examples
    --------
    >>> path = folder / "scores.tsv"
    >>> ba.write_table(examples.scores(), path, ba.SCORES)
    >>> ba.read_scores(path).shape
    (64, 17)
    """
    scores = read_table(path, SCORES, columns=columns)
    _refuse_another_gap(scores, str(path))
    return complete_scores(scores, where=str(path))


def complete_scores(scores: pd.DataFrame, *, where: str = "scores") -> pd.DataFrame:
    """Add to scores what follows from what they hold, and empty columns for what nobody knows.

    Parameters
    ----------
    scores : DataFrame
        participant_id, session_id, age_years and one of predicted_age_years, gap_years,
        gap_corrected_years. Columns that `SCORES` does not name are kept.
    where : str, default="scores"
        For messages.

    Returns
    -------
    completed : DataFrame
        A copy: predicted age and gap from each other; network "whole_brain", clock_id "n/a" and
        sex, site, motion, interval and distance missing where there is no such column. A gap that
        is there only corrected stays the only one, and in_age_range is never made up.

    Raises
    ------
    TableError
        None of the three numbers.

    Examples
    --------
    >>> own = pd.DataFrame(
    ...     {
    ...         "participant_id": ["01"],
    ...         "session_id": ["1y"],
    ...         "age_years": [66.0],
    ...         "predicted_age_years": [63.5],
    ...     }
    ... )
    >>> complete_scores(own)["gap_years"].tolist()
    [-2.5]
    """
    out = scores.copy()
    if not any(name in out for name in _GAPS):
        raise TableError(
            f"{where}: expected a column predicted_age_years, gap_years or gap_corrected_years, "
            f"found {', '.join(map(str, list(scores.columns)[:12]))}."
        )
    if "gap_years" not in out and "predicted_age_years" in out:
        out["gap_years"] = out["predicted_age_years"] - out["age_years"]
    elif "predicted_age_years" not in out and "gap_years" in out:
        out["predicted_age_years"] = out["gap_years"] + out["age_years"]
    for name, value in (("network", WHOLE_BRAIN), ("clock_id", "n/a")):
        if name not in out:
            out[name] = value
    for name in ("sex", "site"):
        if name not in out:
            out[name] = None
    for name in _NOT_KNOWN:
        if name not in out:
            out[name] = np.nan
    out["sex"] = sex_levels(out["sex"])
    named = [name for name in SCORES.names if name in out]
    return out[[*named, *(name for name in out if name not in named)]]


def _refuse_another_gap(scores: pd.DataFrame, where: str) -> None:
    if "gap_years" not in scores or "predicted_age_years" not in scores:
        return
    gap = scores["predicted_age_years"] - scores["age_years"]
    rows = np.flatnonzero((scores["gap_years"] - gap).abs() > _ROUNDING_YEARS)
    if len(rows):
        first = scores.iloc[rows[0]]
        raise TableError(
            f"{where}: gap_years is not predicted_age_years - age_years in {len(rows)} row(s), "
            f"first of participant '{first['participant_id']}' ({first['gap_years']:g} against "
            f"{gap.iloc[rows[0]]:g} years). A gap that was corrected for age is "
            "gap_corrected_years."
        )


#: Brain ages and gaps that no clock means, years: a unit, a decimal mark or a code for missing.
_AGES_YEARS, _MOST_GAP_YEARS = (-100.0, 200.0), 200.0


def refuse_unfit_scores(scores: pd.DataFrame) -> None:
    """Refuse scores that nothing can be compared by: several clocks, ages that no brain has.

    One predicted age of a million years among thousands decides every mean and every error.

    Parameters
    ----------
    scores : DataFrame
        Schema `SCORES`; a missing number or clock says nothing.

    Raises
    ------
    TableError
        Two clocks of one network (`refuse_several_clocks`); predicted ages outside -100 to 200
        years or gaps of more than 200, with the first scans.

    Examples
    --------
    >>> scores = examples.scores()
    >>> refuse_unfit_scores(scores)
    >>> refuse_unfit_scores(scores.assign(predicted_age_years=1e6))
    Traceback (most recent call last):
        ...
    brainage.errors.TableError: scores: predicted_age_years: expected -100 to 200 years, found...
    """
    refuse_several_clocks(scores)
    gaps = (-_MOST_GAP_YEARS, _MOST_GAP_YEARS)
    limits = {"predicted_age_years": _AGES_YEARS, "gap_years": gaps, "gap_corrected_years": gaps}
    for name, (low, high) in limits.items():
        if name not in scores:
            continue
        strange = scores[(scores[name] < low) | (scores[name] > high)]
        if len(strange):
            cells = (strange[key].tolist() for key in ("participant_id", "session_id", name))
            shown = [
                f"{number:g} ({scan_words(str(person), str(session))})"
                for person, session, number in zip(*cells, strict=True)
            ]
            raise TableError(
                f"scores: {name}: expected {low:g} to {high:g} years, found {listed(shown)}. "
                "Correct the number (its unit, decimal mark, a code for missing), or leave the "
                "scan out."
            )


def refuse_several_clocks(scores: pd.DataFrame) -> None:
    """Refuse scores of one network by several clocks: a change between clocks is none of a brain.

    Parameters
    ----------
    scores : DataFrame
        Schema `SCORES`; a missing clock_id says nothing.

    Raises
    ------
    TableError
        Names the clocks.

    Examples
    --------
    >>> scores = examples.scores()
    >>> refuse_several_clocks(scores)
    >>> refuse_several_clocks(scores.assign(clock_id=["a", "b"] * (len(scores) // 2)))
    Traceback (most recent call last):
        ...
    brainage.errors.TableError: scores: network whole_brain was scored by 2 clocks (clock_id...
    """
    if "clock_id" not in scores:
        return
    named = scores[~missing_cells(scores["clock_id"])]
    for network, own in named.groupby("network"):
        clocks = sorted(own["clock_id"].astype(str).unique())
        if len(clocks) > 1:
            raise TableError(
                f"scores: network {network} was scored by {len(clocks)} clocks (clock_id "
                f"{', '.join(clocks[:3])}); a change between clocks is none of a brain. Score "
                "all visits with one clock, or compare each clock's scores in a study of its own."
            )
