"""The analysis data set and the R program: what R found with it is what we found."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from brainage.trial import TrialDesign, TrialResult, compare_arms
from brainage.trial.analyses.planned import HEADLINE, analysis
from brainage.trial.analyses.record import AnalysisInputs
from brainage.trial.design.join import join_scores
from brainage.trial.design.sets import analysis_sets

PROJECT = Path(__file__).resolve().parents[3]
_SPEC = importlib.util.spec_from_file_location(
    "reproduce_trials", PROJECT / "scripts" / "reference" / "reproduce_trials.py"
)
made = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(made)


def headline(scores, design):
    data = join_scores(scores, design, outcome=design.options.outcome)
    inputs = AnalysisInputs(
        design,
        data,
        scores,
        network="whole_brain",
        changes=data.changes,
        sets=analysis_sets(data, design),
    )
    return analysis(HEADLINE[design.options.style]).run(inputs)


@pytest.mark.parametrize("name", made.TRIALS)
@pytest.mark.parametrize("way", list(made.WAYS))
def test_primary_contrast_is_what_the_program_gave_in_r(name, way):
    wanted = json.loads((made.FOLDER / "reproduced.json").read_text())[f"{name}, {way}"]
    scores, design = made.reference_trial(name, **made.WAYS[way])
    rows = {(row.arm, row.visit): row.found for row in headline(scores, design).contrasts}
    found = rows[design.primary_arm, design.primary_visit]
    assert found.estimate == pytest.approx(wanted["estimate"], abs=1e-4 * wanted["se"])
    assert found.se == pytest.approx(wanted["se"], rel=1e-4)
    assert found.df == pytest.approx(wanted["df"], rel=1e-3)


def test_analysis_data_set_has_a_row_a_person_and_visit_and_says_who_is_in_the_model(
    trial, make_options
):
    scores, design = trial
    bmi = np.where(np.arange(60) == 3, np.nan, np.arange(60.0))
    options = make_options(covariates=["bmi"])
    used = TrialDesign.from_options(options, design.allocation.assign(bmi=bmi))
    result = compare_arms(scores, used)
    data = result.tables["analysis_data"]
    later = scores[scores["session_id"] != "bl"]
    assert len(data) == len(later)
    assert data.groupby("in_model")["participant_id"].nunique().to_dict() == {False: 1, True: 59}
    np.testing.assert_allclose(data["change"], data["gap"] - data["baseline_gap"])
    assert result.table_records["analysis_data"].schema["bmi"].kind == "number"
    assert result.table_records["analysis_data"].schema["stratum"].kind == "text"


def test_program_and_data_are_written_read_back_and_forgotten(as_drawn, make_options, tmp_path):
    scores, design, result = as_drawn
    result.save(tmp_path)
    text = (tmp_path / "reproduce.R").read_text()
    assert "change ~ arm * visit + baseline_gap * visit" in text
    assert "@" not in text
    assert TrialResult.load(tmp_path).files == result.files
    levakov = TrialDesign(make_options(style="levakov2023"), design.allocation)
    other = compare_arms(scores, levakov)
    other.save(tmp_path)
    assert not (tmp_path / "reproduce.R").exists()
    assert any("bootstrap draws cannot be drawn again in R" in note for note in other.notes)


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_names_with_blanks_and_quotes_are_no_trouble_in_r(trial, make_options, tmp_path):
    scores, design = trial
    options = make_options(style="lisa_like", arms=['C "0"', "MIT", "HRT"], control_arm='C "0"')
    renamed = design.allocation.replace({"CON": 'C "0"'})
    compare_arms(scores, TrialDesign.from_options(options, renamed)).save(tmp_path)
    told = subprocess.run(["Rscript", "reproduce.R"], cwd=tmp_path, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
