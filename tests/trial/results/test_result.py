"""A result reads back as it was, and its headline says no more than was done."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from brainage.errors import DesignError
from brainage.trial import BEFOREHAND, BY_COMPARISON, TrialResult


def test_headline_says_no_more_of_the_plan_than_was_done(compared, as_drawn):
    planned, unplanned = compared[-1], as_drawn[-1]
    assert unplanned.standing == "post hoc"
    assert replace(planned, plan_written=BEFOREHAND).standing == "prespecified"
    late = replace(planned, plan_written=BY_COMPARISON)
    assert late.standing == "planned by this comparison itself"


def test_result_reads_back_equal(as_drawn, tmp_path):
    *_, result = as_drawn
    result.save(tmp_path / "results")
    again = TrialResult.load(tmp_path / "results")
    for name in ("deltas", "contrasts", "sensitivity", "motion", "levakov", "covariates"):
        pd.testing.assert_frame_equal(
            getattr(again, name), getattr(result, name), check_dtype=False, check_exact=True
        )
    assert (again.notes, again.estimand, again.seed) == (result.notes, result.estimand, result.seed)
    assert again.standing == result.standing
    assert again.files == result.files
    # And is written again as it was.
    again.save(tmp_path / "again")
    for path in (tmp_path / "results").glob("*.tsv"):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_tables_of_an_earlier_comparison_do_not_stay(as_drawn, tmp_path):
    *_, result = as_drawn
    result.save(tmp_path)
    bare = replace(result, tables={}, table_records={}, files={})
    bare.save(tmp_path)
    assert not (tmp_path / "levakov.tsv").exists()
    assert not list(tmp_path.glob("*.R"))
    assert not len(TrialResult.load(tmp_path).levakov)


def test_unfinished_result_is_refused(tmp_path):
    with pytest.raises(DesignError, match="expected a finished comparison"):
        TrialResult.load(tmp_path)


@pytest.mark.parametrize(
    "content", ["[]", "{}", "[" * 100_000, '{"tables": 5, "files": []}', '{"tables": {}}', "\ud800"]
)
def test_a_record_that_is_none_is_refused_in_words(tmp_path, content):
    """JSON of any shape, as a stage killed or edited leaves it: an error that names the file."""
    (tmp_path / "comparison.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(DesignError, match="comparison.json: expected"):
        TrialResult.load(tmp_path)
