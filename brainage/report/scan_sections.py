"""The scans' part of the page: motion and minutes by arm, what was not used, the worst scans."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from brainage.report.content import Block, Figure, Prose, Section, table_of
from brainage.report.figures import plot_quality
from brainage.report.figures.drawing import FigureFolder, figure_of
from brainage.report.results import StudyResults

_SCAN_COLUMNS = {
    "participant_id": "participant",
    "session_id": "session",
    "run": "run",
    "status": "status",
    "reason": "reason",
    "minutes": "minutes kept",
    "n_kept": "volumes kept",
    "n_volumes": "volumes",
    "mean_fd_mm": "mean FD (mm)",
    "n_missing_parcels": "missing parcels",
}


def scan_sections(results: StudyResults, folder: FigureFolder) -> Iterator[Section]:
    """Yield how good the scans are and which were left out.

    Parameters
    ----------
    results : StudyResults
        Everything that is shown.
    folder : FigureFolder
        For the figures.
    """
    yield Section("scans", "How good are the scans?", tuple(_scans(results, folder)))


def _scans(results: StudyResults, folder: FigureFolder) -> Iterator[Block]:
    yield from _by_arm(results, folder)
    for cohort, table in results.scans.items():
        counts = table["status"].value_counts().rename_axis("status").reset_index(name="scans")
        yield table_of(counts, f"{cohort}: scans by status.")
        unused = table[table["status"] != "done"]
        if len(unused):
            yield table_of(_by_reason(unused), f"{cohort}: scans not used, by reason.")
    for cohort, table in results.excluded.items():
        if len(table):
            yield table_of(
                table,
                f"{cohort}: sessions left out of the features, and why.",
                folded=len(table) > 10,
                file=results.files.get(f"excluded {cohort}"),
            )
    for name in results.drawings:
        if name.startswith("carpet"):
            caption = results.drawing_captions[name]
            alt = f"{caption} Parcels down, time across."
            yield Figure(name, caption, alt, picture=True)
    if results.not_drawn:
        yield Prose(results.not_drawn, "Carpets that could not be drawn, and why.")
    for cohort, table in results.scans.items():
        yield table_of(
            worst_first(table).assign(minutes=table["retained_s"] / 60),
            f"{cohort}: every scan, worst first (not used, then by motion)",
            columns=_SCAN_COLUMNS,
            folded=True,
            file=results.files.get(f"scans {cohort}"),
        )


def _by_arm(results: StudyResults, folder: FigureFolder) -> Iterator[Block]:
    if results.quality is not None and len(results.quality):
        for what, stem, words in (
            ("fd_mm", "motion", "Mean framewise displacement"),
            ("minutes", "minutes", "Minutes kept after censoring"),
        ):
            if f"{what}_median" not in results.quality:
                continue
            axes = plot_quality(results.quality, what=what)
            (folder / stem).save(figure_of(axes))
            caption = f"{words} by arm and visit: median and quartiles over scored scans."
            yield Figure(stem, caption, caption, wide=False)
    if results.motion is not None and len(results.motion):
        yield table_of(
            results.motion,
            "Motion by arm and visit (mm), and its correlation with the gap: where arms differ in "
            "motion, a difference in gap may be motion.",
            file=results.files.get("motion"),
        )


def worst_first(scans: pd.DataFrame) -> pd.DataFrame:
    """Return scans with those not used first, then by falling motion.

    Examples
    --------
    >>> scans = pd.DataFrame({"status": ["done", "excluded"], "mean_fd_mm": [0.1, 0.6]})
    >>> worst_first(scans)["status"].tolist()
    ['excluded', 'done']
    """
    order = scans["status"].map({"failed": 0, "excluded": 1}).fillna(2)
    keyed = scans.assign(_order=order, _fd=-scans["mean_fd_mm"].fillna(0))
    return keyed.sort_values(["_order", "_fd"], kind="stable").drop(columns=["_order", "_fd"])


def _by_reason(unused: pd.DataFrame) -> pd.DataFrame:
    grouped = unused.groupby(["status", "reason"], dropna=False, sort=False)
    counts = grouped.agg(scans=("status", "size"), first=("participant_id", "first")).reset_index()
    return counts.sort_values("scans", ascending=False, kind="stable").rename(
        columns={"first": "first participant"}
    )
