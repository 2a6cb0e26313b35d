"""What stops a comparison is said before it is begun."""

from __future__ import annotations

import pandas as pd
import pytest

from brainage.errors import BrainAgeError
from brainage.synthetic import examples
from brainage.trial import refuse_incomparable


def _two_clocks(scores):
    return scores.assign(clock_id=scores["session_id"].map(lambda name: f"clock of {name}"))


def _older_before(scores):
    return scores.assign(age_years=140 - scores["age_years"])


BAD = {
    "repeated rows": (lambda s: pd.concat([s, s.iloc[:1]]), "two or more rows"),
    "another clock at follow-up": (_two_clocks, "was scored by 3 clocks"),
    "ages that go backwards": (_older_before, "age goes backwards"),
    "a constant gap": (
        lambda s: s.assign(gap_years=0.0, gap_corrected_years=0.0, predicted_age_years=s.age_years),
        "nothing to compare",
    ),
}


def test_scores_that_can_be_compared_pass():
    refuse_incomparable(examples.scores(), examples.design())


@pytest.mark.parametrize("case", BAD)
def test_what_stops_the_comparison_is_said(case):
    change, words = BAD[case]
    with pytest.raises(BrainAgeError, match=words):
        refuse_incomparable(change(examples.scores()), examples.design())
