"""The plan is hashed, cannot be changed unseen, and decides what is post hoc."""

from __future__ import annotations

import json

import pytest

from brainage.errors import DesignError
from brainage.trial import AFTERWARDS, read_plan, write_plan


def row(**changed):
    plain = {
        "arm": "HRT",
        "versus": "CON",
        "visit": "1 year",
        "outcome": "gap_corrected_years",
        "analysis_set": "intention_to_treat",
        "network": "whole_brain",
    }
    return plain | changed


def test_plan_reads_back_equal_and_its_hash_depends_on_the_choices(tmp_path, make_options):
    options = make_options()
    plan = write_plan(options, tmp_path / "plan.json")
    again = read_plan(tmp_path / "plan.json")
    assert again.hash == plan.hash
    assert again.options == options
    other = write_plan(make_options(primary_visit="2 years"), tmp_path / "other.json")
    assert other.hash != plan.hash
    assert write_plan(options, tmp_path / "third.json").hash == plan.hash


def test_changed_plan_is_refused(tmp_path, make_options):
    path = tmp_path / "plan.json"
    write_plan(make_options(), path)
    content = json.loads(path.read_text())
    content["options"]["primary_visit"] = "2 years"
    path.write_text(json.dumps(content))
    with pytest.raises(DesignError, match="changed after it was hashed"):
        read_plan(path)


@pytest.mark.parametrize("text", ["{}", "[]", "not json", '{"hash": "x", "analyses": []}'])
def test_file_that_is_no_plan_is_refused(tmp_path, text):
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(DesignError, match=r"plan\.json"):
        read_plan(path)


def test_absent_plan_says_how_to_write_one(tmp_path):
    with pytest.raises(DesignError, match="compare --plan"):
        read_plan(tmp_path / "plan.json")


def test_primary_contrast_comes_first_and_is_the_highest_arm(tmp_path, make_options):
    plan = write_plan(make_options(), tmp_path / "plan.json")
    first = plan.analyses[0]
    assert (first["analysis"], first["arm"], first["versus"], first["visit"]) == (
        "mmrm",
        "HRT",
        "CON",
        "1 year",
    )
    assert sum(each.get("primary", False) for each in plan.analyses) == 1


def test_only_what_the_plan_names_is_prespecified(tmp_path, make_options):
    options = make_options()
    plan = write_plan(options, tmp_path / "plan.json")
    assert plan.names("mmrm", options, row())
    assert plan.names("mmrm", options, row(network="default"))
    assert not plan.names("mmrm", options, row(versus="MIT"))
    assert not plan.names("mmrm", options, row(outcome="gap_years"))
    assert not plan.names("ancova", options, row(analysis_set="completers"))


def test_setting_that_changes_an_analysis_makes_only_that_analysis_post_hoc(tmp_path, make_options):
    plan = write_plan(make_options(), tmp_path / "plan.json")
    used = make_options(degrees_of_freedom="kenward_roger")
    assert not plan.names("mmrm", used, row())
    assert plan.names("ancova", used, row())
    assert plan.differences(used) == [
        "degrees_of_freedom: planned satterthwaite, used kenward_roger"
    ]


def test_plan_for_scores_made_otherwise_names_nothing(tmp_path, make_options):
    options = make_options()
    written = write_plan(options, tmp_path / "plan.json", scores_by="one clock")
    plan = read_plan(tmp_path / "plan.json")
    assert plan == written
    assert plan.hash != write_plan(options, tmp_path / "other.json", scores_by="another").hash
    assert "fingerprint one clock" in (tmp_path / "plan.txt").read_text()
    named = ("arm", "versus", "visit", "outcome", "analysis_set")
    row = {name: plan.analyses[0][name] for name in named} | {"network": "whole_brain"}
    for scores_by, planned in (("one clock", True), (None, True), ("another", False)):
        assert plan.judging(scores_by).names("mmrm", options, row) is planned
    # Scores made elsewhere when the plan was written: nobody can tell.
    unknown = write_plan(options, tmp_path / "third.json")
    assert unknown.judging("another").names("mmrm", options, row)


def test_changed_words_of_the_estimand_make_everything_post_hoc(tmp_path, make_options):
    plan = write_plan(make_options(), tmp_path / "plan.json")
    used = make_options(estimand={"population": "those who liked it"})
    assert not plan.names("ancova", used, row())


@pytest.mark.parametrize(("key", "value"), [("written", "beforehand"), ("format", 1)])
def test_word_that_says_when_it_was_written_is_hashed(tmp_path, make_options, key, value):
    path = tmp_path / "plan.json"
    write_plan(make_options(), path, written=AFTERWARDS)
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(DesignError, match=r"changed after it was hashed|plan of format 2"):
        read_plan(path)


def test_choices_that_are_not_made_are_not_in_the_plan_and_emptied_ones_are(tmp_path, make_options):
    options = make_options(score_covariates=[])
    write_plan(options, tmp_path / "plan.json")
    chosen = json.loads((tmp_path / "plan.json").read_text())["options"]
    assert chosen["score_covariates"] == []
    assert "dose_column" not in chosen
    assert read_plan(tmp_path / "plan.json").options == options
