"""Written series are the study's own."""

from __future__ import annotations

import numpy as np

from brainage.series import find_series, read_series
from brainage.synthetic.series_files import write_series_scans


def test_a_written_scan_reads_back_as_it_was_drawn(study, tmp_path):
    scans = study.scans("reference").iloc[:1]
    write_series_scans(study, scans, tmp_path, counterfactual=False)
    (file,) = find_series(tmp_path / "series")
    drawn = study.make_series(scans.iloc[0])
    np.testing.assert_array_equal(read_series(file).values, drawn.values)
