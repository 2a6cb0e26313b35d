"""`brainage compare` on tables made elsewhere: maps, dates, plan, replayed allocations."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from brainage.cli import BAD_INPUT, DONE, main
from brainage.config import study_from_mapping
from brainage.files import configs_folder
from brainage.stages.compare import exclusions, plan
from brainage.stages.extract import SCANS
from brainage.stages.report import gather
from brainage.tables import SCORES, write_table
from brainage.trial import read_plan

STUDY = """
title: tables made elsewhere
run: {figure_files: []}
paths:
  output: out
  scores: scores.tsv
  allocation: people.csv
  allocation_columns: {participant_id: ID, arm: GROUP, bmi: BMI_CLASS, sessions: TRAININGS}
  dates: visits.csv
  dates_columns: {participant_id: ID, session_id: Wave, scan_date: MRI_date}
science:
  trial:
    arms: [CON, HRT]
    control_arm: CON
    visits:
      - {label: baseline, session_id: bl, nominal_years: 0}
      - {label: 1 year, session_id: 1y, nominal_years: 1}
    primary_visit: 1 year
    strata: [bmi]
    dose_column: sessions
    per_protocol_min_dose: 40
    n_bootstraps: 200
    randomization: {n_draws: 199}
"""


@pytest.fixture
def study(tmp_path):
    """Forty people of whom four were never scanned, in files with other people's column names."""
    rng = np.random.default_rng(5)
    ids = [f"sub-{i:02d}" for i in range(40)]
    arm = rng.permutation(np.resize(["CON", "HRT"], 40))
    pd.DataFrame(
        {
            "ID": ids,
            "GROUP": arm,
            "BMI_CLASS": rng.choice(["low", "high"], 40),
            "TRAININGS": rng.integers(0, 120, 40),
        }
    ).to_csv(tmp_path / "people.csv", index=False)
    age, person = rng.uniform(62, 70, 36), rng.normal(0, 3, 36)
    scans, visits = [], []
    for session, years in (("bl", 0.0), ("1y", 1.0)):
        gap = person + rng.normal(0, 1.5, 36) - 1.2 * years * (arm[4:] == "HRT")
        scans.append(
            pd.DataFrame(
                {
                    "participant_id": ids[4:],
                    "session_id": f"ses-{session}",
                    "age_years": age + years,
                    "sex": "F",
                    "site": "one",
                    "mean_fd_mm": rng.gamma(4, 0.05, 36),
                    "network": "whole_brain",
                    "predicted_age_years": age + years + gap,
                    "gap_years": gap,
                    "gap_corrected_years": gap,
                    "interval_low_years": np.nan,
                    "interval_high_years": np.nan,
                    "in_age_range": True,
                    "distance_percentile": 50.0,
                    "clock_id": "made elsewhere",
                }
            )
        )
        day = pd.Timestamp("1925-04-01") + pd.Timedelta(days=round(380 * years))
        visits.append(pd.DataFrame({"ID": ids[4:], "Wave": session, "MRI_date": day.date()}))
    write_table(pd.concat(scans, ignore_index=True), tmp_path / "scores.tsv", SCORES)
    pd.concat(visits).to_csv(tmp_path / "visits.csv", index=False)
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


def results_of(study, name):
    return pd.read_csv(
        study.parent / "out" / "compare" / "results" / f"{name}.tsv", sep="\t", na_values="n/a"
    )


def test_tables_with_other_column_names_are_compared_with_the_intervals_of_their_dates(study):
    assert main(["compare", str(study), "--plan", "--quiet"]) == DONE
    assert main(["compare", str(study), "--quiet"]) == DONE
    timing = results_of(study, "timing")
    np.testing.assert_allclose(timing["mean_years"], 380 / 365.25)
    assert (timing["n_by_dates"] == timing["n"]).all()
    flow = results_of(study, "flow")
    assert flow.groupby("arm")["randomised"].first().sum() == 40
    assert flow.loc[flow["visit"] == "baseline", "not_scanned"].sum() == 4
    planned = json.loads((study.parent / "out" / "compare" / "plan.json").read_text())
    for name in ("contrasts", "deltas", "sensitivity", "levakov"):
        table = results_of(study, name)
        assert set(table["plan_hash"]) == {planned["hash"]}
        assert table["prespecified"].all()


def test_plan_reads_no_allocation_and_a_later_change_is_printed_as_post_hoc(study, capsys):
    people = study.parent / "people.csv"
    hidden = people.rename(people.with_suffix(".hidden"))
    assert main(["compare", str(study), "--plan", "--quiet"]) == DONE
    hidden.rename(people)
    changed = ["--set", "science.trial.degrees_of_freedom=kenward_roger"]
    assert main(["compare", str(study), *changed]) == DONE
    printed = capsys.readouterr().out
    assert "; post hoc" in printed
    assert "not as planned: degrees_of_freedom: planned satterthwaite" in printed
    assert main(["compare", str(study)]) == DONE
    assert "; planned" in capsys.readouterr().out


def test_plan_written_after_a_comparison_plans_nothing(study, capsys):
    assert main(["compare", str(study), "--plan", "--quiet"]) == DONE
    assert main(["compare", str(study), "--quiet"]) == DONE
    changed = ["--set", "science.trial.multiplicity=none"]
    assert main(["compare", str(study), *changed, "--plan"]) == BAD_INPUT
    assert main(["compare", str(study), *changed, "--plan", "--overwrite"]) == DONE
    assert main(["compare", str(study), *changed]) == DONE
    printed = capsys.readouterr().out
    assert "the plan was written after arms had been compared" in printed
    assert "; post hoc" in printed


def test_comparison_without_a_plan_says_that_it_wrote_one_itself(study, capsys):
    assert main(["compare", str(study)]) == DONE
    assert "the plan was written by the comparison itself" in capsys.readouterr().out


def test_dates_that_are_not_there_are_told_by_the_path_that_names_them(study, capsys):
    pd.DataFrame({"ID": ["sub-05"], "Wave": ["bl"]}).to_csv(study.parent / "visits.csv")
    without_map = ["--set", "paths.dates_columns={participant_id: ID, session_id: Wave}"]
    assert main(["compare", str(study), *without_map]) == BAD_INPUT
    assert "no dates there (paths.dates)" in capsys.readouterr().err


def test_dates_of_the_trials_own_sessions_are_found_without_being_named(study):
    visits = pd.read_csv(study.parent / "visits.csv")
    visits = visits.rename(columns={"ID": "participant_id", "MRI_date": "acq_time"})
    visits.to_csv(study.parent / "sessions.tsv", sep="\t", index=False)
    text = study.read_text()
    text = "\n".join(line for line in text.splitlines() if "dates" not in line)
    study.write_text(
        text.replace(
            "  scores:",
            "  trial: {sessions: sessions.tsv, columns: "
            "{participant_id: ID, session_id: Wave}}\n  scores:",
        )
    )
    assert main(["compare", str(study), "--quiet"]) == DONE
    np.testing.assert_allclose(results_of(study, "timing")["mean_years"], 380 / 365.25)


def test_minimisation_is_refused_by_name_until_its_allocations_are_given(study, capsys):
    scheme = ["--set", "science.trial.randomization.scheme=minimisation"]
    assert main(["compare", str(study), *scheme]) == DONE
    assert "'re-randomisation' was not done: randomisation scheme 'minimisation'" in (
        capsys.readouterr().out
    )
    people = pd.read_csv(study.parent / "people.csv")
    rng = np.random.default_rng(1)
    drawn = pd.DataFrame(
        [rng.permutation(people["GROUP"]) for _ in range(120)], columns=people["ID"]
    )
    drawn.to_csv(study.parent / "replayed.csv", index=False)
    given = ["--set", f"paths.replayed_allocations={study.parent / 'replayed.csv'}"]
    assert main(["compare", str(study), *scheme, *given, "--quiet"]) == DONE
    row = results_of(study, "sensitivity").set_index("analysis").loc["re-randomisation"]
    assert "120 draws" in row["method"]


def test_page_names_estimand_plan_and_sums_of_the_flow(study):
    assert main(["compare", str(study), "--plan", "--quiet"]) == DONE
    assert main(["compare", str(study), "--quiet"]) == DONE
    assert main(["report", str(study), "--quiet"]) == DONE
    page = (study.parent / "out" / "report" / "report.html").read_text(encoding="utf-8")
    # A number and its unit do not break.
    page = page.replace("\xa0", " ")
    planned = json.loads((study.parent / "out" / "compare" / "plan.json").read_text())
    for words in (
        "Primary contrast (prespecified): HRT minus CON at 1 year",
        planned["hash"],
        "intercurrent event: control who trains",
        "missing data, not an intercurrent event",
        "Randomised = scanned + not scanned",
        "Levakov&#39;s attenuation",
        "re-randomisation",
    ):
        assert words in page, words


@pytest.mark.parametrize("depth", ["nifti", "series"])
def test_plan_of_a_study_moved_or_not_yet_made_is_for_the_same_scores(tmp_path, depth):
    visits = [{"session_id": "b", "nominal_years": 0}, {"session_id": "c", "nominal_years": 1}]
    arms = [{"name": name, "n": 2, "effects_years": [0]} for name in "AB"]
    values = {
        "science": {
            "atlas": {"name": "mine", "path": "mine.nii.gz"},
            "cleaning": {"strategy": "own.toml"},
            "trial": {
                "arms": ["A", "B"],
                "control_arm": "A",
                "primary_visit": "c",
                "visits": [visit | {"label": visit["session_id"]} for visit in visits],
            },
        },
        "synthetic": {"depth": depth, "trial": {"arms": arms, "visits": visits}},
    }
    found = set()
    for place in ("here", "there"):
        folder = tmp_path / place
        folder.mkdir()
        strategy = (configs_folder() / "cleaning" / "24P.toml").read_text()
        (folder / "own.toml").write_text(strategy)
        study = study_from_mapping(values, base=folder)
        found.add(read_plan(plan(study)).scores_by)
    assert len(found) == 1
    assert found != {None}


def test_an_earlier_extraction_excludes_nobody_of_series_made_elsewhere(tmp_path):
    row = dict.fromkeys(SCANS.names) | {
        "participant_id": "01",
        "session_id": "1y",
        "run": "n/a",
        "task": "rest",
        "status": "failed",
        "reason": "truncated gzip",
    }
    folder = tmp_path / "out" / "extract" / "trial"
    folder.mkdir(parents=True)
    pd.DataFrame([row]).to_csv(folder / "scans.tsv", sep="\t", na_rep="n/a", index=False)

    def study(**trial):
        return study_from_mapping({"paths": {"output": "out", "trial": trial}}, base=tmp_path)

    assert list(exclusions(study(scans="scans.tsv"))["reason"]) == ["truncated gzip"]
    assert exclusions(study(series="elsewhere")).empty
    assert list(gather(study(scans="scans.tsv")).scans) == ["trial"]
    assert not gather(study(series="elsewhere")).scans


ALONE = """
paths: {output: out, scores: SCORES, allocation: allocation.csv}
run: {figure_files: []}
science:
  trial:
    arms: [CON, HRT]
    control_arm: CON
    visits:
      - {label: baseline, session_id: bl, nominal_years: 0}
      - {label: 1 year, session_id: 1y, nominal_years: 1}
    primary_visit: 1 year
    n_bootstraps: 200
    randomization: {n_draws: 199}
"""


@pytest.fixture
def alone(tmp_path):
    """A statistician's three files, each with one number a scan; no scan, series or clock."""
    rng = np.random.default_rng(1)
    ids, arm = [f"{i:02d}" for i in range(24)], np.resize(["CON", "HRT"], 24)
    age, person = rng.uniform(62, 70, 24), rng.normal(0, 3, 24)
    visits = [
        pd.DataFrame({"participant_id": ids, "session_id": f"ses-{name}", "age_years": age + at})
        for at, name in enumerate(("bl", "1y"))
    ]
    scores = pd.concat(visits, ignore_index=True)
    gap = np.r_[person, person - 2 * (arm == "HRT")] + rng.normal(0, 1, 48)
    for name in ("gap_years", "gap_corrected_years"):
        scores.assign(**{name: gap}).to_csv(tmp_path / f"{name}.csv", index=False)
    predicted = scores.assign(predicted_age_years=scores["age_years"] + gap)
    predicted.to_csv(tmp_path / "predicted.tsv", sep="\t", index=False)
    pd.DataFrame({"participant_id": ids, "arm": arm}).to_csv(
        tmp_path / "allocation.csv", index=False
    )
    return tmp_path


def test_four_columns_of_scores_and_an_allocation_are_a_trial(alone, monkeypatch, capsys):
    monkeypatch.chdir(alone)
    found = {}
    for file in ("predicted.tsv", "gap_years.csv", "gap_corrected_years.csv"):
        study = alone / f"{file}.yaml"
        study.write_text(ALONE.replace("SCORES", file).replace("out,", f"out-{file},"))
        assert main(["check", str(study)]) == DONE
        assert "24 participants" in capsys.readouterr().out
        # A page of each gap by itself: with a predicted age it is that of the gap that is not
        # corrected.
        verb = "compare" if file == "predicted.tsv" else "run"
        assert main([verb, str(study)]) == DONE
        assert (alone / f"out-{file}" / "report" / "report.html").is_file() == (verb == "run")
        results = alone / f"out-{file}" / "compare" / "results"
        found[file] = pd.read_csv(results / "contrasts.tsv", sep="\t").iloc[0]
    estimates = [row["estimate_years"] for row in found.values()]
    np.testing.assert_allclose(estimates, estimates[0], rtol=1e-9)
    assert estimates[0] == pytest.approx(-2, abs=1)
    assert [row["correction"] for row in found.values()] == [
        "uncorrected",
        "uncorrected",
        "corrected",
    ]


def test_an_outcome_that_was_named_and_is_not_among_the_scores_is_refused(alone, capsys):
    study = alone / "study.yaml"
    text = ALONE.replace("SCORES", "gap_years.csv")
    study.write_text(text.replace("control_arm", "outcome: gap_corrected_years\n    control_arm"))
    for verb in ("check", "run", "compare"):
        assert main([verb, str(study)]) == BAD_INPUT
        told = " ".join("".join(capsys.readouterr()).split())
        assert "Set science.trial.outcome: gap_years" in told


def test_a_predicted_age_of_a_million_years_is_refused_before_anything_is_made(alone, capsys):
    scores = pd.read_csv(alone / "predicted.tsv", sep="\t", dtype={"participant_id": str})
    scores.loc[3, "predicted_age_years"] = 1e6
    scores.to_csv(alone / "predicted.tsv", sep="\t", index=False)
    study = alone / "study.yaml"
    study.write_text(ALONE.replace("SCORES", "predicted.tsv"))
    for verb in ("check", "run"):
        assert main([verb, str(study)]) == BAD_INPUT
        told = " ".join("".join(capsys.readouterr()).split())
        assert "expected -100 to 200 years, found 1e+06 (sub-03 ses-bl)" in told
    assert not (alone / "out").exists()
