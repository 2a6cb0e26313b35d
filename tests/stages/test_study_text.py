"""`brainage init` from what is there: what it writes is a study, and says what it cannot know."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.cli import BAD_INPUT, DONE, main
from brainage.config import load_study


def init(tmp_path, *arguments):
    path = tmp_path / "study.yaml"
    return main(["init", *map(str, arguments), "--to", str(path)]), path


def test_a_folder_becomes_a_study_with_its_tasks_spaces_sessions_and_arms(
    tmp_path, derivatives, capsys
):
    code, path = init(tmp_path, derivatives)
    assert code == DONE
    study = load_study(path)
    assert study.paths.trial.scans == str(derivatives)
    assert study.paths.trial.participants == str(tmp_path / "bids" / "participants.tsv")
    assert (study.paths.trial.space, study.paths.trial.task) == ("MNI152NLin6Asym", "rest")
    trial = study.science.trial
    assert trial.arms == ("control", "train")
    assert [visit.session_id for visit in trial.visits] == ["bl", "m12"]
    assert study.paths.allocation_columns == {"arm": "GROUP"}
    assert "also T1w" in path.read_text()
    assert "CHANGE" in capsys.readouterr().out


def test_scores_alone_become_a_study_that_check_passes(tmp_path, capsys):
    rows = [
        {
            "participant_id": f"{i:02d}",
            "session_id": session,
            "age_years": 60 + i + years,
            "predicted_age_years": 61 + i + years + (7 * i + 3 * (session == "post")) % 5 / 3,
        }
        for i in range(8)
        for session, years in (("pre", 0.0), ("post", 0.52))
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "scores.csv", index=False)
    arms = {"participant_id": [f"{i:02d}" for i in range(8)], "treatment": ["sham", "drug"] * 4}
    pd.DataFrame(arms).to_csv(tmp_path / "arms.csv", index=False)
    code, path = init(tmp_path, "--scores", tmp_path / "scores.csv")
    assert code == DONE
    assert "extends" not in path.read_text()
    trial = load_study(path).science.trial
    assert trial.arms == ("sham", "drug")
    assert [(v.session_id, v.nominal_years) for v in trial.visits] == [("pre", 0.0), ("post", 0.5)]
    assert main(["check", str(path)]) == DONE
    out = capsys.readouterr().out
    assert "what would run" in out
    assert "scores.csv" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/no/such/folder"], "expected a study file to write"),
        (["study.yaml", "--preset", "recomended"], "Did you mean 'recommended'?"),
        ([], "expected a study file to write, a folder of derivatives, --scores or --clock"),
    ],
)
def test_what_cannot_be_described_is_refused(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main(["init", *arguments]) == BAD_INPUT
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_scans_says_what_it_needs(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    code, _ = init(tmp_path, tmp_path / "empty")
    assert code == BAD_INPUT
    assert "expected files *_bold.nii.gz or *_timeseries.tsv" in capsys.readouterr().err


def test_forms_of_one_run_are_told_apart_and_a_trial_asks_for_a_clock(tmp_path, capsys):
    folder = tmp_path / "halfpipe"
    for session in ("bl", "m12"):
        func = folder / "sub-01" / f"ses-{session}" / "func"
        func.mkdir(parents=True)
        for feature in ("A", "B"):
            name = f"sub-01_ses-{session}_task-rest_feature-{feature}_atlas-x_timeseries.tsv"
            (func / name).touch()
    code, path = init(tmp_path, folder)
    assert code == DONE
    assert load_study(path).paths.trial.atlas == "x:feature-A"
    assert "also feature-B" in path.read_text()
    assert "paths.reference or paths.clock" in capsys.readouterr().out


def test_a_clock_by_name_chooses_the_atlas_with_its_number_of_parcels(tmp_path):
    folder = tmp_path / "giga"
    for session in ("a", "b"):
        func = folder / "sub-01" / f"ses-{session}" / "func"
        func.mkdir(parents=True)
        for atlas in ("Schaefer100Parcels", "Schaefer200Parcels"):
            (func / f"sub-01_ses-{session}_task-rest_seg-{atlas}_timeseries.tsv").touch()
    code, path = init(tmp_path, folder, "--clock", "lemon_schaefer200")
    assert code == DONE
    study = load_study(path)
    assert study.paths.trial.atlas == "Schaefer200Parcels"
    assert (study.extends, study.science.connectivity.kinds) == ("fisher_z_ridge", ("fisher_z",))
    assert "  clock: lemon_schaefer200\n" in path.read_text()


def test_a_preset_named_beside_a_clock_stays_and_takes_the_clocks_views(tmp_path):
    folder = tmp_path / "giga"
    folder.mkdir()
    (folder / "sub-01_seg-Schaefer200Parcels_timeseries.tsv").touch()
    wanted = ("--clock", "lemon_schaefer200", "--preset", "recommended")
    code, path = init(tmp_path, folder, *wanted)
    assert code == DONE
    study = load_study(path)
    assert (study.extends, study.science.clock.views) == ("recommended", ("fisher_z",))


def test_a_folder_of_matrices_alone_extends_the_preset_for_matrices(tmp_path, capsys):
    folder = tmp_path / "matrices"
    folder.mkdir()
    values = np.corrcoef(np.random.default_rng(0).standard_normal((4, 30)))
    for i in range(12):
        name = f"sub-{i:02d}_seg-own_meas-PearsonCorrelation_relmat.tsv"
        pd.DataFrame(values).to_csv(folder / name, sep="\t", index=False)
    people = {"participant_id": [f"sub-{i:02d}" for i in range(12)], "age": range(20, 32)}
    pd.DataFrame(people).to_csv(folder / "participants.tsv", sep="\t", index=False)
    code, path = init(tmp_path, folder)
    assert code == DONE
    study = load_study(path)
    assert (study.extends, study.paths.reference.matrices) == ("recommended_matrices", str(folder))
    assert main(["check", str(path)]) == DONE
    capsys.readouterr()
    assert main(["check", str(path), "--set", "extends=recommended"]) == BAD_INPUT
    said = " ".join("".join(capsys.readouterr()).split())
    assert "matrices cannot give log_covariance, lagged, amplitude" in said
    assert "`extends: recommended_matrices` takes what matrices have of the default" in said
