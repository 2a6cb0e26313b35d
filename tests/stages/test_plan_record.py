"""Results keep the plan they were made under, whatever becomes of the folder they lie in."""

from __future__ import annotations

import json
import shutil

import pytest

from brainage.cli import BAD_INPUT, DONE, main
from brainage.config import load_study
from brainage.options import fingerprint_of
from brainage.stages.compare import compare, load_comparison, plan
from brainage.stages.plan_record import first_plan_hash
from brainage.trial import AFTERWARDS, read_plan

OTHER = ["science.trial.primary_visit=1 year"]


def study_of(folder, overrides=()):
    return load_study(folder / "study.yaml", overrides=overrides)


def test_planning_anew_after_the_comparison_was_deleted_comes_afterwards(copy_of_finished):
    first = first_plan_hash(study_of(copy_of_finished))
    assert first == load_comparison(study_of(copy_of_finished)).plan_hash
    shutil.rmtree(copy_of_finished / "out" / "compare")
    path = plan(study_of(copy_of_finished, OTHER))
    assert read_plan(path).written == AFTERWARDS
    kept = copy_of_finished / "out" / "plans" / f"{first}.json"
    assert read_plan(kept).hash == first


def test_a_plan_edited_after_results_and_hashed_anew_plans_nothing(copy_of_finished):
    path = copy_of_finished / "out" / "compare" / "plan.json"
    content = json.loads(path.read_text())
    content["options"]["primary_visit"] = "1 year"
    content["written"] = "beforehand"
    content["hash"] = fingerprint_of({k: v for k, v in content.items() if k != "hash"})
    path.write_text(json.dumps(content))
    result = compare(study_of(copy_of_finished, OTHER))
    assert not result.contrasts["prespecified"].any()
    assert any("after" in note for note in result.notes)


def test_the_same_plan_written_again_is_the_one_on_record(copy_of_finished):
    study = study_of(copy_of_finished)
    before = read_plan(copy_of_finished / "out" / "compare" / "plan.json")
    shutil.rmtree(copy_of_finished / "out" / "compare")
    assert read_plan(plan(study)).written == before.written


def test_a_comparison_under_another_plan_than_the_one_signed_off_is_refused(
    copy_of_finished, capsys
):
    shutil.rmtree(copy_of_finished / "out" / "compare")
    shutil.rmtree(copy_of_finished / "out" / "plans")
    file = str(copy_of_finished / "study.yaml")
    assert main(["compare", file, "--plan"]) == DONE
    signed = read_plan(copy_of_finished / "out" / "compare" / "plan.json").hash
    assert signed in capsys.readouterr().out
    assert main(["compare", file, "--plan-hash", "0" * 16]) == BAD_INPUT
    assert "expected the plan that was signed off, 0000000000000000" in capsys.readouterr().err
    assert not (copy_of_finished / "out" / "compare" / "results").exists()
    assert main(["compare", file, "--plan", "--plan-hash", signed]) == DONE
    assert main(["compare", file, "--plan-hash", signed]) == DONE


@pytest.mark.parametrize("text", ["[]", "{}", '{"compared_under": [{}]}', "{"])
def test_a_record_that_is_none_is_told(copy_of_finished, capsys, text):
    (copy_of_finished / "out" / "plans" / "record.json").write_text(text)
    assert main(["compare", str(copy_of_finished / "study.yaml")]) == BAD_INPUT
    assert "record.json" in capsys.readouterr().err
