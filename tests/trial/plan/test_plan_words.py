"""The plan in words says what was laid down."""

from __future__ import annotations

import pytest

from brainage.trial import write_plan
from brainage.trial.analyses.planned import analysis, asked_for
from brainage.trial.plan.plan_words import plan_statements, plan_text

FIRST = {"analysis": "mmrm", "arm": "HRT", "versus": "CON", "visit": "1 year"}


def test_words_name_estimand_primary_contrast_and_hash(tmp_path, make_options):
    plan = write_plan(make_options(), tmp_path / "plan.json")
    words = (tmp_path / "plan.txt").read_text()
    assert plan.hash in words
    assert "Primary contrast: HRT against CON at 1 year" in words
    assert "stopped training: treatment policy" in words
    assert "missing data, not an intercurrent event" in words


@pytest.mark.parametrize(
    ("changed", "about", "words"),
    [
        ({"multiplicity": "dunnett"}, "Other contrasts with control", "Dunnett over the active"),
        ({"covariance_by_arm": False}, "Covariance of the visits", "one for all arms"),
        ({"degrees_of_freedom": "kenward_roger"}, "Covariance of the visits", "kenward_roger"),
        ({"dose_column": "n", "per_protocol_min_dose": 9}, "Per-protocol set", "n of at least 9"),
        (
            {"randomization": {"scheme": "permuted_blocks", "block_size": 6}},
            "Randomisation",
            "permuted_blocks, block size 6",
        ),
        (
            {"estimand": {"intercurrent_events": {"illness": "hypothetical"}}},
            "Intercurrent event, illness",
            "hypothetical (stated, not carried out",
        ),
    ],
)
def test_each_choice_is_in_its_statement(make_options, changed, about, words):
    plain, other = (dict(plan_statements(make_options(**c), FIRST)) for c in ({}, changed))
    assert words in other[about]
    assert words not in plain.get(about, "")


def test_every_analysis_that_is_asked_for_has_its_line(make_options):
    options = make_options(dose_column="sessions", dose={})
    lines = plan_text(options, "abc", FIRST).splitlines()
    for record in asked_for(options):
        assert f"  - {record.title(options)}: {record.words}" in lines
    of_dose = f"  - {analysis('dose').title(options)}:"
    assert any(line.startswith(of_dose) for line in lines)
    assert not any(
        line.startswith(of_dose) for line in plan_text(make_options(), "abc", FIRST).splitlines()
    )


def test_the_text_has_no_raw_names_of_choices(make_options):
    options = make_options(
        degrees_of_freedom="kenward_roger", outcome="gap_years", style="levakov2023"
    )
    text = plan_text(options, "abc", FIRST)
    assert "Kenward-Roger" in text
    assert "Outcome: uncorrected gap, years" in text
    assert not [word for word in text.split() if "_" in word]
