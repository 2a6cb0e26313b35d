"""Tables of a trial as readers want them: intervals in one column, words for what was planned."""

from __future__ import annotations

import re

import pandas as pd

from brainage.number_words import interval, is_missing, p_words, plain, signed
from brainage.raw_names import heading
from brainage.report.content import CODE, Table, table_of
from brainage.tables import WHOLE_BRAIN

#: A table of more rows is folded: a page of everything open is read by nobody.
MOST_OPEN_ROWS = 20
#: Words of so many letters that every row repeats are said once.
_SAID_ONCE = 24
#: Longer words of at most so many kinds stand below a table's caption, and a letter in its rows.
_NOTED, _MOST_NOTES = 48, 8


def estimates_table(
    rows: pd.DataFrame,
    caption: str,
    *,
    lead: tuple[str, ...] = (),
    adjusted: bool = True,
    folded: bool = False,
    file: str | None = None,
) -> Table:
    """Return contrasts or changes with estimate, interval, test and numbers.

    Parameters
    ----------
    rows : DataFrame
        Schema `CONTRASTS`, `DELTAS` or `SENSITIVITY` of `brainage.trial`.
    caption : str
        What it shows.
    lead : tuple of str, default=()
        Columns of `rows` to put in front ("network", "analysis").
    adjusted : bool, default=True
        Whether p is adjusted within a family.
    folded, file
        See `brainage.report.content.Table`.
    """
    view = pd.DataFrame({name: rows[name].map(_network) for name in lead}, index=rows.index)
    view["comparison"] = rows["arm"] + " − " + rows["versus"]
    view["visit"] = rows["visit"]
    view["years"] = rows["estimate_years"].map(signed)
    view["95 % interval (years)"] = list(map(interval, rows["ci_low_years"], rows["ci_high_years"]))
    view["standard error (years)"] = rows["se_years"].map(plain)
    view["degrees of freedom"] = rows["df"].map(lambda value: plain(value, 1))
    view["p"] = rows["p_value"].map(p_words)
    if adjusted:
        view["adjusted p"] = rows["p_adjusted"].map(p_words)
    view["n in model"] = rows["n_model"]
    view["n at visit"] = rows["n_at_visit"]
    view["plan"] = [planned(row) for _, row in rows.iterrows()]
    return table_of(view, caption, columns=_as_they_are(view), folded=folded, file=file)


def paired_table(
    rows: pd.DataFrame,
    caption: str,
    *,
    network: bool = False,
    folded: bool = False,
    file: str | None = None,
) -> Table:
    """Return the plain paired tests of change within arms; arguments as `estimates_table`."""
    view = pd.DataFrame(
        {"network": rows["network"].map(_network)} if network else {}, index=rows.index
    )
    view["arm"] = rows["arm"]
    view["visit"] = rows["visit"]
    view["n with both scans"] = rows["n_paired"]
    view["mean change (years)"] = rows["mean_change_years"].map(signed)
    view["95 % interval (years)"] = list(
        map(interval, rows["change_ci_low_years"], rows["change_ci_high_years"])
    )
    view["t"] = rows["paired_statistic"].map(plain)
    view["degrees of freedom"] = rows["paired_df"].map(lambda value: plain(value, 1))
    view["p"] = rows["paired_p_value"].map(p_words)
    view["adjusted p"] = rows["paired_p_adjusted"].map(p_words)
    view["Cohen's d_z"] = rows["cohens_d_z"].map(plain)
    view["Cohen's d_av"] = rows["cohens_d_av"].map(plain)
    view["years since baseline"] = rows["mean_interval_years"].map(plain)
    return table_of(view, caption, columns=_as_they_are(view), folded=folded, file=file)


def analysis_table(
    rows: pd.DataFrame, caption: str, *, folded: bool = False, file: str | None = None
) -> Table:
    """Return an analysis's own table as readers want it.

    Ends of an interval stand in one column; a column without a value is left out; words that are
    the same in every row are said once, in the caption; a long table is folded.

    Parameters
    ----------
    rows : DataFrame
        The table, with its column ``plan`` in words where it has one.
    caption, folded, file
        See `brainage.report.content.Table`.
    """
    view = rows.dropna(axis="columns", how="all")
    for low in [str(name) for name in view if re.search(r"(^|_)ci_low(_|$)", str(name))]:
        high, both = low.replace("ci_low", "ci_high"), low.replace("ci_low", "ci")
        if high in view:
            ends = list(map(interval, view[low], view[high]))
            view.insert(view.columns.get_loc(low), both, ends)
            view = view.drop(columns=[low, high])
    for name in view.columns[1:]:
        text = str(view[name].iloc[0]) if len(view) > 1 else ""
        if len(text) > _SAID_ONCE and view[name].nunique(dropna=False) == 1:
            caption = f"{caption} {heading(str(name)).capitalize()}: {text.rstrip('.')}."
            view = view.drop(columns=name)
    if "network" in view:
        view["network"] = view["network"].map(_network)
    view, caption = _noted(view, caption)
    folded = folded or len(view) > MOST_OPEN_ROWS
    return table_of(view, caption, folded=folded, file=file)


def _noted(view: pd.DataFrame, caption: str) -> tuple[pd.DataFrame, str]:
    """Return a table whose long words that come again are letters, and a caption that has them."""
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    view = view.copy()
    for name in view.columns[1:]:
        kinds = [kind for kind in view[name].dropna().unique() if len(str(kind)) > _NOTED]
        comes_again = len(kinds) * 2 < view[name].isin(kinds).sum()
        if name in CODE or not comes_again or len(kinds) > _MOST_NOTES:
            continue
        marks = dict(zip(kinds, letters, strict=False))
        if len(marks) < len(kinds):
            break
        view[name] = view[name].replace(marks)
        notes = "; ".join(f"{mark}: {str(kind).rstrip('.')}" for kind, mark in marks.items())
        caption = f"{caption.rstrip()} {heading(str(name)).capitalize()}: {notes}."
    return view, caption


def planned(row: pd.Series) -> str:
    """Say in words whether a row was planned, and whether it is the primary one."""
    # Not "prespecified": the comparison may have written the plan itself, as the headline says.
    words = "planned" if row["prespecified"] else "post hoc"
    return f"primary, {words}" if row.get("primary", False) else words


def of_whole_brain(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the whole-brain clock."""
    return table[table["network"] == WHOLE_BRAIN]


def _network(value: object) -> str:
    if is_missing(value):
        return "n/a"
    return "whole brain" if value == WHOLE_BRAIN else str(value)


def _as_they_are(view: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(name) for name in view.columns}
