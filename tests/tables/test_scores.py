"""A statistician with scores alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.errors import TableError
from brainage.tables import WHOLE_BRAIN, complete_scores, read_scores, refuse_unfit_scores

ROWS = {"participant_id": ["1", "2"], "session_id": ["a", "a"], "age_years": [60.0, 61.5]}


def test_a_predicted_age_gives_the_gap_and_a_gap_the_predicted_age():
    predicted = complete_scores(pd.DataFrame(ROWS | {"predicted_age_years": [62.5, 61.0]}))
    gap = complete_scores(pd.DataFrame(ROWS | {"gap_years": [2.5, -0.5]}))
    for found in (predicted, gap):
        assert found["gap_years"].tolist() == [2.5, -0.5]
        assert found["predicted_age_years"].tolist() == [62.5, 61.0]
        assert set(found["network"]) == {WHOLE_BRAIN}
        assert "gap_corrected_years" not in found
        assert "in_age_range" not in found


def test_a_corrected_gap_stays_the_only_one():
    found = complete_scores(pd.DataFrame(ROWS | {"gap_corrected_years": [1.0, 2.0]}))
    assert "gap_years" not in found
    assert "predicted_age_years" not in found


def test_a_gap_that_is_not_predicted_minus_age_is_refused(tmp_path):
    scores = pd.DataFrame(ROWS | {"predicted_age_years": [62.5, 61.0], "gap_years": [2.5, 1.0]})
    scores.to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(TableError, match=r"participant '2' \(1 against -0.5 years\)"):
        read_scores(tmp_path / "s.csv")
    scores.assign(gap_years=[2.4, -0.6]).to_csv(tmp_path / "s.csv", index=False)
    assert read_scores(tmp_path / "s.csv")["gap_years"].tolist() == [2.4, -0.6]


def test_scores_without_any_gap_are_refused():
    with pytest.raises(TableError, match="predicted_age_years, gap_years or gap_corrected_years"):
        complete_scores(pd.DataFrame(ROWS))


def test_five_columns_are_a_scores_table(tmp_path):
    pd.DataFrame(ROWS | {"gap_years": [2.5, -0.5], "sex": ["female", "M"]}).to_csv(
        tmp_path / "s.csv", index=False
    )
    found = read_scores(tmp_path / "s.csv")
    assert found["sex"].tolist() == ["F", "M"]
    assert np.isnan(found["mean_fd_mm"]).all()


@pytest.mark.parametrize("name", ["predicted_age_years", "gap_years", "gap_corrected_years"])
def test_an_age_that_no_brain_has_is_told_with_its_scan(name):
    scores = pd.DataFrame(
        {"participant_id": ["01", "02", "03"], "session_id": "bl", name: [61.0, 1e6, np.nan]}
    )
    with pytest.raises(TableError, match=rf"{name}: expected .* found 1e\+06 \(sub-02 ses-bl\)\."):
        refuse_unfit_scores(scores)
    refuse_unfit_scores(scores.drop(index=1))
