"""Nobody whom a clock is judged on has trained it."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from brainage.errors import LeakageError
from brainage.stages.evaluate import evaluate
from brainage.stages.score import score
from brainage.stages.train import train


def test_people_of_the_reference_are_refused_in_trial_and_external_test(
    study_in, tmp_path, external_of
):
    study = study_in(overrides=external_of(tmp_path))
    train(study)
    for cohort, person in (("trial", "T3"), ("external", "E3")):
        same = tmp_path / f"{cohort}_same.tsv"
        same.write_text(f"participant_id\treference_id\n{person}\tsub-R05\n")
        asked = study_in(overrides=external_of(tmp_path, **{"paths.same_people": str(same)}))
        with pytest.raises(LeakageError, match=rf"{person} \(R05 in the reference\)"):
            (score if cohort == "trial" else evaluate)(asked)


def test_a_namesake_in_the_reference_is_let_pass_when_said_so(study_in, tmp_path):
    people = pd.read_csv(tmp_path / "trial.tsv", sep="\t").replace("T3", "R05")
    people.to_csv(tmp_path / "trial.tsv", sep="\t", index=False)
    for path in (tmp_path / "trial").glob("sub-T3*"):
        path.rename(str(path).replace("sub-T3", "sub-R05"))
    train(study_in())
    with pytest.raises(LeakageError, match="in the trial: R05"):
        score(study_in())
    same = tmp_path / "same.tsv"
    same.write_text("participant_id\treference_id\nR05\tn/a\n")
    assert len(score(study_in(overrides=[f"paths.same_people={same}"]))) == 12


def test_a_copied_series_under_another_id_is_refused(study_in, tmp_path):
    train(study_in())
    for path in (tmp_path / "trial").glob("sub-T3_ses-end*.tsv"):
        shutil.copy(next((tmp_path / "reference").glob("sub-R05*.tsv")), path)
    with pytest.raises(LeakageError, match="T3 has the same scan as R05"):
        score(study_in())


def test_a_lent_clock_is_checked_against_the_reference_people_that_are_named(study_in, tmp_path):
    study = study_in()
    train(study)
    elsewhere = tmp_path / "lent.clock"
    shutil.copy2(tmp_path / "out" / "train" / "clocks" / "whole_brain.clock", elsewhere)
    people = pd.read_csv(tmp_path / "reference.tsv", sep="\t").replace("R05", "T3")
    people.to_csv(tmp_path / "reference.tsv", sep="\t", index=False)
    with pytest.raises(LeakageError, match="in the trial: T3"):
        score(study_in(overrides=[f"paths.clock={elsewhere}"]))


def test_people_named_after_a_scoring_are_looked_at_although_no_score_changed(study_in, tmp_path):
    study = study_in()
    train(study)
    elsewhere = tmp_path / "lent.clock"
    shutil.copy2(tmp_path / "out" / "train" / "clocks" / "whole_brain.clock", elsewhere)
    lent = [f"paths.clock={elsewhere}"]
    score(study_in(overrides=lent))
    people = pd.read_csv(tmp_path / "reference.tsv", sep="\t").replace("R05", "T3")
    people.to_csv(tmp_path / "reference.tsv", sep="\t", index=False)
    with pytest.raises(LeakageError, match="in the trial: T3"):
        score(study_in(overrides=lent))
    same = tmp_path / "same.tsv"
    same.write_text("participant_id\treference_id\nT1\tR07\n")
    score(study)
    with pytest.raises(LeakageError, match=r"T1 \(R07 in the reference\)"):
        score(study_in(overrides=[f"paths.same_people={same}"]))
