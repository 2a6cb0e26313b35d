"""What only imaging can draw for the page: the worst scans as carpets, parcels in a glass brain."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from brainage.config import StudyConfig
from brainage.errors import BrainAgeError, SeriesError
from brainage.imaging import plot_carpet, plot_parcels
from brainage.report import figure_of, plot_region_matrix, worst_first
from brainage.series import ParcelSeries, find_series, read_series
from brainage.stages.cohorts import (
    Cohort,
    cohort_paths,
    extraction_summary,
    made_elsewhere,
    stage_folder,
)
from brainage.stages.parcels import PARCELS
from brainage.tables import read_table
from brainage.wording import scan_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Scans drawn of each cohort: the most moving of those that were used.
_WORST = 3
_COORDINATES = ["x_mm", "y_mm", "z_mm"]

Drawn: TypeAlias = "dict[str, tuple[Figure, str]]"


def carpets(
    study: StudyConfig, scans: Mapping[Cohort, pd.DataFrame]
) -> tuple[Drawn, tuple[str, ...]]:
    """Draw the scans that moved most as carpet strips.

    Parameters
    ----------
    study : StudyConfig
        Whose extraction wrote the series.
    scans : mapping of str to DataFrame
        Cohort -> its ``scans.tsv``.

    Returns
    -------
    drawn : dict of str to (Figure, str)
        Name -> figure and caption.
    not_drawn : tuple of str
        A line for every scan among them whose series cannot be read: which file, and why.
    """
    from matplotlib.figure import Figure

    drawn: Drawn = {}
    not_drawn: list[str] = []
    for cohort, table in scans.items():
        used = worst_first(table[(table["status"] == "done") & table["series"].notna()])
        folder = stage_folder(study, "extract") / cohort
        for place, row in enumerate(used.head(_WORST).itertuples(), start=1):
            named = scan_words(row.participant_id, row.session_id, row.run)
            try:
                series = _series_at(folder / str(row.series))
            except (BrainAgeError, ValueError, OSError) as error:
                # One picture of one scan: the page says so and goes on.
                not_drawn.append(
                    f"{cohort}: no carpet of {named}, {place} of the used scans that moved most: "
                    f"{cohort}/{row.series} cannot be read: {_why(error, folder)}"
                )
                continue
            figure = Figure(figsize=(9.0, 1.9), layout="constrained")
            plot_carpet(series, axes=figure.add_subplot())
            moved = f"{row.mean_fd_mm:.2f} mm" if row.mean_fd_mm == row.mean_fd_mm else "unknown"
            caption = (
                f"{cohort}, {place} of the {min(_WORST, len(used))} used scans that moved most: "
                f"{named}, mean framewise "
                f"displacement {moved}, {row.n_kept} of {row.n_volumes} volumes kept (white: "
                "censored)."
            )
            drawn[f"carpet_{cohort}_{place}"] = (figure, caption)
    return drawn, tuple(not_drawn)


def brains(study: StudyConfig, patterns: pd.DataFrame | None) -> Drawn:
    """Draw what the clock looks at by parcel in a glass brain, where coordinates are known.

    Parameters
    ----------
    study : StudyConfig
        Whose extraction wrote ``parcels.tsv``.
    patterns : DataFrame or None
        parcel, pattern: change of connectivity per year of predicted age.
    """
    path = stage_folder(study, "extract") / "reference" / "parcels.tsv"
    own = extraction_summary(study, "reference") is not None
    if patterns is None or made_elsewhere(cohort_paths(study, "reference")) or not own:
        return {}
    if not path.is_file() or not len(patterns):
        return {}
    parcels = read_table(path, PARCELS)
    if not set(parcels.columns) >= set(_COORDINATES):
        return {}
    placed = patterns.merge(parcels[["name", *_COORDINATES]], left_on="parcel", right_on="name")
    values = placed["pattern"].to_numpy(float)
    if not len(placed) or not np.isfinite(values).any():
        return {}
    figure = plot_parcels(values, placed[_COORDINATES].to_numpy(float))
    caption = (
        "What the clock looks at: mean change of each parcel's connectivity per year of predicted "
        "age (Haufe pattern)."
    )
    return {"brain_patterns": (figure, caption)}


def local_connectivity(local: pd.DataFrame | None, primary: pd.Series) -> Drawn:
    """Draw where connectivity changed more than under control: a glass brain, and a matrix.

    Parameters
    ----------
    local : DataFrame or None
        Table "local" of the comparison; None where that analysis was not asked for.
    primary : Series
        The primary contrast: its arm and visit are drawn.
    """
    if local is None:
        return {}
    here = local[(local["arm"] == primary["arm"]) & (local["visit"] == primary["visit"])]
    what = f"{primary['arm']} minus {primary['versus']}, {primary['visit']}"
    column = "difference_in_view_units"
    drawn: Drawn = {}
    parcels = here[here["level"] == "parcel"].dropna(subset=[*_COORDINATES, column])
    if len(parcels):
        figure = plot_parcels(
            parcels[column].to_numpy(float), parcels[_COORDINATES].to_numpy(float)
        )
        caption = f"Change of each parcel's mean connectivity, {what} (not thresholded)."
        drawn["local_brain"] = (figure, caption)
    networks = here[here["level"] == "network"].dropna(subset=[column])
    if len(networks) > 1:
        axes = plot_region_matrix(list(networks["region"]), list(networks[column]))
        caption = f"Change of mean connectivity between networks, {what} (not thresholded)."
        drawn["local_matrix"] = (figure_of(axes), caption)
    return drawn


def _series_at(path: Path) -> ParcelSeries:
    """Read one scan's series, known by its name among the files beside it."""
    if not path.is_file():
        raise SeriesError("the file is gone since the scans were extracted.")
    for file in find_series(path.parent):
        if Path(file.path) == path:
            return read_series(file)
    raise SeriesError("its name is no longer that of a series.")


def _why(error: Exception, folder: Path) -> str:
    """Return an error's text without this machine's folder: equal results give an equal page."""
    return str(error).replace(f"{folder}/", "")
