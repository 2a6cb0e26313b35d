"""Series depth: every scan as a ``*_timeseries.tsv``, as the extract stage would have left it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from brainage.progress import Progress, silent
from brainage.series import write_series
from brainage.series.bids import series_path
from brainage.synthetic.tables import write_tables

if TYPE_CHECKING:
    from brainage.synthetic.study import SyntheticStudy

_CHUNK = 16

#: Writes the scans of some truth rows of a study into a cohort's folder.
ScanWriter = Callable[["SyntheticStudy", pd.DataFrame, Path, bool], None]


def write_series_study(
    study: SyntheticStudy,
    folder: str | Path,
    *,
    counterfactual: bool = False,
    n_jobs: int = 1,
    progress: Progress = silent,
) -> None:
    """Write ``reference/series/`` and ``trial/series/`` with their tables.

    Parameters
    ----------
    study : SyntheticStudy
        What is written.
    folder : str or Path
        Gets ``reference/``, ``trial/``, ``truth.tsv`` and ``planted.json``. A scan that is there
        already is kept, so an interrupted run goes on where it stopped.
    counterfactual : bool, default=False
        Write the same scans without the arms' effects; the reference cohort, which has none,
        is then left out.
    n_jobs : int, default=1
        Processes; never changes a byte.
    progress : Progress, optional
        Told of every chunk of scans.

    Raises
    ------
    StageError
        The folder holds another synthetic study.
    """
    write_study(
        study,
        Path(folder),
        _write_series_chunk,
        counterfactual=counterfactual,
        n_jobs=n_jobs,
        progress=progress,
    )


def write_study(
    study: SyntheticStudy,
    folder: Path,
    writer: ScanWriter,
    *,
    counterfactual: bool,
    n_jobs: int,
    progress: Progress,
) -> None:
    """Write tables, then every scan through `writer`, cohort by cohort, chunk by chunk."""
    write_tables(study, folder, counterfactual=counterfactual)
    present = set(study.truth["cohort"])
    cohorts = [c for c in ("reference", "trial") if c in present]
    if counterfactual and "trial" in present:
        cohorts = ["trial"]
    chunks = []
    for cohort in cohorts:
        scans = study.scans(cohort)
        chunks += [
            (folder / cohort, scans.iloc[s : s + _CHUNK]) for s in range(0, len(scans), _CHUNK)
        ]
    total = sum(len(scans) for _, scans in chunks)
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    done = 0
    tasks = (
        delayed(_count)(writer, study, scans, where, counterfactual) for where, scans in chunks
    )
    for written in parallel(tasks):
        done += written
        progress(done, total, "write synthetic scans")


def _count(writer: ScanWriter, study, scans: pd.DataFrame, folder: Path, counterfactual) -> int:
    writer(study, scans, folder, counterfactual)
    return len(scans)


def _write_series_chunk(
    study: SyntheticStudy, scans: pd.DataFrame, folder: Path, counterfactual: bool
) -> None:
    nothing = np.empty((0, len(study.parcels)))
    for _, row in scans.iterrows():
        path = series_path(folder / "series", study.wrap_series(row, nothing))
        # The table is renamed into place after its sidecar: if it is there, it is whole.
        if not path.is_file():
            write_series(study.make_series(row, counterfactual=counterfactual), folder / "series")
