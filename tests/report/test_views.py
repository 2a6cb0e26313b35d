"""Whether a row was planned is said in words."""

from __future__ import annotations

import pandas as pd

from brainage.report.views import of_whole_brain, planned


def test_a_row_is_primary_prespecified_or_post_hoc():
    assert planned(pd.Series({"prespecified": True, "primary": True})) == "primary, prespecified"
    assert planned(pd.Series({"prespecified": True, "primary": False})) == "prespecified"
    assert planned(pd.Series({"prespecified": False})) == "post hoc"


def test_rows_of_the_whole_brain_are_its_clocks_alone():
    table = pd.DataFrame({"network": ["whole_brain", "Visual"], "estimate_years": [1.0, 2.0]})
    assert of_whole_brain(table)["estimate_years"].tolist() == [1.0]
