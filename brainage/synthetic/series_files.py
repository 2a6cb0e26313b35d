"""Series depth: every scan as a ``*_timeseries.tsv``, as the extract stage would have left it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from brainage.series import series_path, write_series
from brainage.synthetic.study import SyntheticStudy


def write_series_scans(
    study: SyntheticStudy, scans: pd.DataFrame, folder: Path, *, counterfactual: bool
) -> None:
    """Write ``series/`` of some scans of a cohort.

    Parameters
    ----------
    study : SyntheticStudy
        Whose.
    scans : DataFrame
        Rows of its truth.
    folder : Path
        The cohort's; a scan that is there already is kept.
    counterfactual : bool
        Without the arm's effect.
    """
    nothing = np.empty((0, len(study.parcels)))
    for _, row in scans.iterrows():
        path = series_path(folder / "series", study.wrap_series(row, nothing))
        # The table is renamed into place after its sidecar: if it is there, it is whole.
        if not path.is_file():
            write_series(study.make_series(row, counterfactual=counterfactual), folder / "series")
