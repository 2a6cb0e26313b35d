"""Write a synthetic study: its tables, then its scans, at the depth that its options name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from joblib import delayed

from brainage.progress import Progress, silent
from brainage.synthetic.bids import write_bids_scans
from brainage.synthetic.series_files import write_series_scans
from brainage.synthetic.study import Cohort, SyntheticStudy
from brainage.synthetic.tables import write_tables
from brainage.workers import processes

_CHUNK = 16

#: Depth of a study -> what writes some of its scans into a cohort's folder.
_WRITERS: dict[str, Callable[..., None]] = {
    "series": write_series_scans,
    "nifti": write_bids_scans,
}


def write_study(
    study: SyntheticStudy,
    folder: str | Path,
    *,
    counterfactual: bool = False,
    n_jobs: int = 1,
    progress: Progress = silent,
) -> None:
    """Write the cohorts of a study: people, allocation, truth, and parcel series or images.

    Parameters
    ----------
    study : SyntheticStudy
        What is written; ``options.depth`` says whether as parcel series (``series/``) or as
        fMRIPrep derivatives (``derivatives/fmriprep/``).
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

    Examples
    --------
    >>> few = ba.tiny_options().model_copy(update={"trial": None, "n_parcels": 8})
    >>> two = few.model_copy(update={"reference": few.reference.model_copy(update={"n": 2})})
    >>> ba.write_study(ba.make_study(two, seed=1), folder)
    >>> sorted(path.name for path in folder.iterdir())
    ['planted.json', 'reference', 'truth.json', 'truth.tsv']
    """
    folder = Path(folder)
    write_tables(study, folder, counterfactual=counterfactual)
    present = set(study.truth["cohort"])
    known: tuple[Cohort, ...] = ("reference", "trial")
    cohorts: list[Cohort] = [cohort for cohort in known if cohort in present]
    if counterfactual and "trial" in present:
        cohorts = ["trial"]
    chunks = []
    for cohort in cohorts:
        scans = study.scans(cohort)
        chunks += [
            (folder / cohort, scans.iloc[start : start + _CHUNK])
            for start in range(0, len(scans), _CHUNK)
        ]
    total = sum(len(scans) for _, scans in chunks)
    parallel = processes(n_jobs, return_as="generator_unordered")
    done = 0
    tasks = (delayed(_write_chunk)(study, scans, where, counterfactual) for where, scans in chunks)
    for written in parallel(tasks):
        done += written
        progress(done, total, "write synthetic scans")


def _write_chunk(
    study: SyntheticStudy, scans: pd.DataFrame, folder: Path, counterfactual: bool
) -> int:
    _WRITERS[study.options.depth](study, scans, folder, counterfactual=counterfactual)
    return len(scans)
