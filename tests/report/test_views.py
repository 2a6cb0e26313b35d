"""Tables of analyses as readers want them: intervals whole, empty columns gone, words said once."""

from __future__ import annotations

import pandas as pd

from brainage.report.views import MOST_OPEN_ROWS, analysis_table, of_whole_brain, planned

METHOD = "MMRM (change from baseline), unstructured covariance"


def rows(n: int = 2) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "network": ["whole_brain"] * n,
            "estimate_years": [-1.25, 0.5] * (n // 2),
            "ci_low_years": [-2.5, -1.0] * (n // 2),
            "ci_high_years": [0.0, 2.0] * (n // 2),
            "p_holm": [0.0421, 0.5] * (n // 2),
            "margin_years": [float("nan")] * n,
            "method": [METHOD] * n,
        }
    )


def test_an_interval_is_one_column_and_an_empty_column_is_none():
    table = analysis_table(rows(), "Caption.")
    assert table.columns == ("network", "estimate (years)", "95 % interval (years)", "p (Holm)")
    assert table.rows[0] == ("whole brain", "-1.25", "-2.50 to 0.00", ".042")


def test_words_of_every_row_are_said_once_in_the_caption():
    table = analysis_table(rows(), "Caption.")
    assert table.caption == f"Caption. Method: {METHOD}."


def test_a_long_table_is_folded():
    assert not analysis_table(rows(), "Caption.").folded
    assert analysis_table(rows(MOST_OPEN_ROWS + 2), "Caption.").folded


def test_a_row_is_primary_prespecified_or_post_hoc():
    assert planned(pd.Series({"prespecified": True, "primary": True})) == "primary, planned"
    assert planned(pd.Series({"prespecified": True, "primary": False})) == "planned"
    assert planned(pd.Series({"prespecified": False})) == "post hoc"


def test_rows_of_the_whole_brain_are_its_clocks_alone():
    table = pd.DataFrame({"network": ["whole_brain", "Visual"], "estimate_years": [1.0, 2.0]})
    assert of_whole_brain(table)["estimate_years"].tolist() == [1.0]
