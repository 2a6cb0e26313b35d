"""Train, evaluate and score from files: external test sets, new sites, people told apart."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from brainage.clock import BrainClock
from brainage.config import load_study
from brainage.errors import LeakageError, StageError
from brainage.stages.check import check
from brainage.stages.evaluate import evaluate
from brainage.stages.report import gather, report
from brainage.stages.score import load_calibrations, score, scoring_clock
from brainage.stages.train import train

STUDY = """\
paths:
  output: out
  reference: {series: reference, participants: reference.tsv}
  trial: {series: trial, participants: trial.tsv}
run: {n_jobs: 1, figure_files: []}
science:
  clock: {networks: false, validation: {n_folds: 4, n_bootstrap: 20}}
"""
CALIBRATE = STUDY.replace(
    "clock: {", "clock: {harmonization: {method: center, unseen_site: calibrate}, "
)
TRIAL = """\
  trial:
    arms: [CON, EX]
    control_arm: CON
    visits:
      - {label: start, session_id: start, nominal_years: 0}
      - {label: end, session_id: end, nominal_years: 1}
    primary_visit: end
"""


def _write_cohort(folder, name, people, sessions=("",), *, sites, first_age=20.0):
    """Write series whose first edge grows with age, and their participants table."""
    rng = np.random.default_rng(len(people))
    (folder / name).mkdir()
    rows = []
    for i, person in enumerate(people):
        for j, session in enumerate(sessions):
            values = pd.DataFrame(rng.standard_normal((60, 5)), columns=list("abcde"))
            values = values.add(rng.standard_normal(60), axis=0)
            values["a"] += 0.1 * i * values["b"]
            label = f"sub-{person}_ses-{session}" if session else f"sub-{person}"
            path = folder / name / f"{label}_atlas-toy_timeseries.tsv"
            values.to_csv(path, sep="\t", index=False)
            row = {
                "participant_id": person,
                "age": first_age + 1.5 * i + j,
                "site": sites[i % len(sites)],
            }
            rows.append(row | ({"session_id": session} if session else {}))
    pd.DataFrame(rows).to_csv(folder / f"{name}.tsv", sep="\t", index=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clock_stages")
    _write_cohort(folder, "reference", [f"R{i:02d}" for i in range(24)], sites=["s1", "s2"])
    _write_cohort(
        folder, "trial", [f"T{i}" for i in range(6)], ["start", "end"], sites=["new"], first_age=35
    )
    _write_cohort(folder, "external", [f"E{i}" for i in range(8)], sites=["s9"], first_age=30)
    return folder


@pytest.fixture
def study_in(data, tmp_path):
    """Return a function that writes a study among copies of the data and loads it."""
    shutil.copytree(data, tmp_path, dirs_exist_ok=True, copy_function=shutil.copy2)

    def write(text=STUDY, overrides=()):
        path = tmp_path / "study.yaml"
        path.write_text(text)
        return load_study(path, overrides=overrides)

    return write


def _external(folder, **more):
    paths = {"series": str(folder / "external"), "participants": str(folder / "external.tsv")}
    return [
        f"paths.external={json.dumps(paths)}",
        *(f"{k}={json.dumps(v)}" for k, v in more.items()),
    ]


def test_an_external_test_set_is_scored_by_the_frozen_clock_and_shown(study_in, tmp_path):
    study = study_in(overrides=_external(tmp_path))
    trained = train(study)
    found = evaluate(study)
    table = found.external.set_index("metric")
    scores = found.external_scores
    error = (scores["predicted_age_years"] - scores["age_years"]).abs().mean()
    assert table.loc["MAE", "estimate"] == pytest.approx(error)
    assert table.loc["MAE", ["n_scans", "n_people"]].tolist() == [8, 8]
    assert set(scores["clock_id"]) == {trained.clocks["whole_brain"].clock_id}
    assert found.permutation is None
    assert found.learning_curve is None
    page = report(study).read_text()
    assert "External test set: uncorrected predictions" in page
    assert any("external: 8 parcel series" in line for line in check(study).lines)


def test_permutation_test_and_learning_curve_are_of_the_config_and_kept(study_in, tmp_path):
    asked = ["science.evaluation.n_permutations=4", "science.evaluation.learning_curve=[0.5, 1.0]"]
    study = study_in(overrides=asked)
    metrics = train(study).metrics.set_index("metric")
    found = evaluate(study)
    assert found.permutation["n_permutations"].tolist() == [4, 4]
    assert found.permutation["p_value"].between(0.2, 1).all()
    whole = found.learning_curve.iloc[-1]
    assert whole["MAE"] == pytest.approx(metrics.loc["MAE", "estimate"])
    kept = (tmp_path / "out" / "evaluate").rglob("*.tsv")
    times = {p: p.stat().st_mtime_ns for p in kept}
    assert times
    pd.testing.assert_frame_equal(evaluate(study).permutation, found.permutation)
    assert times == {p: p.stat().st_mtime_ns for p in times}
    page = report(study).read_text()
    assert "p = (b + 1) / (m + 1)" in page
    assert "Learning curve" in page


def test_trial_efficiency_is_measured_on_half_scans_and_shown(study_in, tmp_path):
    more = ["science.evaluation.efficiency_scans=20"]
    study = study_in(overrides=[*_external(tmp_path), *more])
    trained = train(study)
    found = trained.efficiency.set_index("measure")
    assert found.loc["within_scan_noise_years", "estimate"] > 0
    # Of the reference's 24 scans.
    assert found.loc["within_scan_noise_years", "n"] == 20
    shares = found.loc[["share_pooled", "share_within_site", "share_used"], "estimate"]
    assert shares.notna().all()
    assert found.loc["share_planted", "note"] == "no twin: nothing was planted"
    metrics = trained.metrics.set_index("metric")["estimate"]
    for name in ("within_scan_noise_years", "share_used"):
        assert metrics[name] == found.loc[name, "estimate"]
    card = trained.clocks["whole_brain"].card()
    noise = found.loc["within_scan_noise_years", "estimate"]
    assert card["within_scan_noise_years"].startswith(f"{noise:.3f} [")
    assert not list((tmp_path / "out" / "train").glob(".halves-*"))
    evaluated = evaluate(study)
    pd.testing.assert_frame_equal(evaluated.efficiency, trained.efficiency)
    reason = evaluated.external_efficiency["note"][0]
    assert reason == "8 scans could be halved, at least 10 needed"
    assert "What the clock asks of a trial" in report(study).read_text()


def test_a_study_that_asks_for_nothing_is_told_what_it_may_ask(study_in):
    with pytest.raises(StageError, match="paths.external.*n_permutations.*learning_curve"):
        evaluate(study_in(overrides=["science.evaluation.efficiency=false"]))


def test_a_new_site_is_calibrated_on_the_first_visit_and_its_ages_are_told(study_in):
    study = study_in(CALIBRATE + TRIAL)
    train(study)
    scores = score(study)
    assert np.isfinite(scores["predicted_age_years"]).all()
    row = load_calibrations(study).iloc[0]
    assert row["site"] == "new"
    assert row["n_scans"] == 6
    ages = [row[f"site_{word}_years"] for word in ("youngest", "median", "oldest")]
    assert ages == pytest.approx([35.0, 38.75, 42.5])
    assert row["reference_youngest_years"] == pytest.approx(20.0)
    assert set(scores["clock_id"]) == {scoring_clock(study).clock_id}
    assert gather(study).calibrations is not None


def test_scans_after_baseline_never_enter_a_calibration(study_in, tmp_path):
    study = study_in(CALIBRATE + TRIAL)
    train(study)
    before = score(study)
    for path in (tmp_path / "trial").glob("*ses-end*"):
        values = pd.read_csv(path, sep="\t")
        values["c"] += 3 * values["d"]
        values.to_csv(path, sep="\t", index=False)
    after = score(study)
    start = before["session_id"] == "start"
    columns = ["predicted_age_years", "clock_id"]
    pd.testing.assert_frame_equal(before.loc[start, columns], after.loc[start, columns])
    assert not np.allclose(before.loc[~start, columns[0]], after.loc[~start, columns[0]])


def test_named_baseline_scans_calibrate_whatever_arm_stands_beside_them(study_in, tmp_path):
    table = tmp_path / "baseline.tsv"
    override = [f"paths.calibration={table}"]
    found = []
    for arm in ("CON", "EX"):
        table.write_text(
            "participant_id\tsession_id\tarm\n"
            + "".join(f"sub-T{i}\tses-start\t{arm}\n" for i in range(4))
        )
        study = study_in(CALIBRATE, overrides=override)
        train(study)
        found.append(score(study))
        assert load_calibrations(study)["n_scans"].tolist() == [4]
    pd.testing.assert_frame_equal(*found)


def test_a_new_site_without_baseline_scans_says_how_to_name_them(study_in, tmp_path):
    study = study_in(CALIBRATE)
    train(study)
    with pytest.raises(StageError, match=r"site\(s\) new.*paths.calibration"):
        score(study)
    table = tmp_path / "baseline.tsv"
    table.write_text("participant_id\tsession_id\nT99\tstart\n")
    study = study_in(CALIBRATE, overrides=[f"paths.calibration={table}"])
    with pytest.raises(StageError, match="no baseline scan of the new"):
        score(study)


def test_a_clock_from_elsewhere_is_calibrated_and_the_calibrated_one_kept(study_in, tmp_path):
    first = study_in(CALIBRATE + TRIAL)
    train(first)
    elsewhere = tmp_path / "lent.clock"
    shutil.copy2(tmp_path / "out" / "train" / "clocks" / "whole_brain.clock", elsewhere)
    shutil.rmtree(tmp_path / "out")
    study = study_in(CALIBRATE + TRIAL, overrides=[f"paths.clock={elsewhere}"])
    scores = score(study)
    kept = BrainClock.load(tmp_path / "out" / "score" / "clocks" / "whole_brain.clock")
    assert set(scores["clock_id"]) == {kept.clock_id} != {BrainClock.load(elsewhere).clock_id}
    assert "6 baseline scans" in kept.card()["calibrated site new"]


def test_people_of_the_reference_are_refused_in_trial_and_external_test(study_in, tmp_path):
    study = study_in(overrides=_external(tmp_path))
    train(study)
    for cohort, person in (("trial", "T3"), ("external", "E3")):
        same = tmp_path / f"{cohort}_same.tsv"
        same.write_text(f"participant_id\treference_id\n{person}\tsub-R05\n")
        asked = study_in(overrides=_external(tmp_path, **{"paths.same_people": str(same)}))
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


def test_a_report_shows_the_clock_that_scored_and_no_other(study_in, tmp_path):
    train(study_in(overrides=["science.seed=5"]))
    elsewhere = tmp_path / "lent.clock"
    shutil.copy2(tmp_path / "out" / "train" / "clocks" / "whole_brain.clock", elsewhere)
    train(study_in())
    study = study_in(overrides=[f"paths.clock={elsewhere}", "science.clock.estimator=svr"])
    scores = score(study)
    shown = gather(study)
    assert shown.card["clock"] == scores["clock_id"].iloc[0]
    assert shown.metrics is None
    assert shown.predictions is None
    words = " ".join(shown.methods)
    assert "trained before" in words
    assert "support vector" not in words
    assert scores["clock_id"].iloc[0] in report(study).read_text(encoding="utf-8")


def test_a_report_shows_the_scores_that_were_named(study_in, tmp_path):
    study = study_in()
    train(study)
    score(study)
    shutil.copy2(tmp_path / "out" / "score" / "scores.tsv", tmp_path / "mine.tsv")
    table = pd.read_csv(tmp_path / "mine.tsv", sep="\t")
    table[table["session_id"] == "start"].to_csv(tmp_path / "mine.tsv", sep="\t", index=False)
    shown = gather(study_in(overrides=[f"paths.scores={tmp_path / 'mine.tsv'}"]))
    assert set(shown.scores["session_id"]) == {"start"}


def test_patterns_of_an_earlier_clock_are_not_shown_for_a_kernel_clock(study_in, tmp_path):
    train(study_in())
    study = study_in(overrides=["science.clock.estimator=gaussian_process"])
    train(study)
    shown = gather(study)
    assert shown.card["estimator"] == "gaussian_process"
    assert shown.pattern_parcels is None
    assert not list((tmp_path / "out" / "train" / "explain").glob("patterns_*"))
