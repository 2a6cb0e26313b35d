"""The noise behind a size, from what a study left behind."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.cli import main
from brainage.errors import DesignError
from brainage.stages.power import noise_of
from brainage.stages.repeated_scans import write_reliability
from brainage.tables import SCORES, write_table
from brainage.trial import noise_of_scores


def draw_scores(n=40, sessions=("1", "2")):
    rng = np.random.default_rng(2)
    age, person = rng.uniform(60, 70, n), rng.normal(0, 4, n)
    tables = []
    for k, session in enumerate(sessions):
        gap = person + rng.normal(0, 2, n)
        tables.append(
            pd.DataFrame(
                {
                    "participant_id": [f"{i:02d}" for i in range(n)],
                    "session_id": session,
                    "age_years": age + k,
                    "sex": "F",
                    "site": "one",
                    "mean_fd_mm": 0.1,
                    "network": "whole_brain",
                    "predicted_age_years": age + k + gap,
                    "gap_years": gap,
                    "gap_corrected_years": gap,
                    "interval_low_years": np.nan,
                    "interval_high_years": np.nan,
                    "in_age_range": True,
                    "distance_percentile": 50.0,
                    "clock_id": "abc",
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


@pytest.fixture
def folder(tmp_path):
    write_table(draw_scores(), tmp_path / "scores.tsv", SCORES)
    return tmp_path


def test_score_folder_and_its_table_give_the_same_noise(folder):
    expected = noise_of_scores(draw_scores()).sd_change_years
    assert noise_of(folder).sd_change_years == pytest.approx(expected)
    assert noise_of(folder / "scores.tsv").sd_change_years == pytest.approx(expected)


def test_compare_folder_gives_the_noise_of_its_control_arm(folder):
    written = write_reliability(draw_scores(), folder / "results", seed=0)
    assert [path.name for path in written] == ["reliability.tsv", "reliability.json"]
    noise = noise_of(folder)
    assert "everyone, arms not known" in noise.source


def test_scores_without_repeats_leave_no_reliability(folder):
    write_reliability(draw_scores(), folder, seed=0)
    assert write_reliability(draw_scores(sessions=("1",)), folder, seed=0) == []
    assert not (folder / "reliability.tsv").exists()


def test_folder_with_nothing_is_named(tmp_path):
    with pytest.raises(DesignError, match="expected a finished score or compare folder"):
        noise_of(tmp_path)


def test_power_verb_reads_a_folder_and_refuses_a_folder_with_values(folder, capsys):
    assert main(["power", str(folder), "--effect-years", "-2", "--share", "0.5"]) == 0
    assert "people with repeated scans" in capsys.readouterr().out
    assert main(["power", str(folder), "--effect-years", "-2", "--icc", "0.5"]) == 2
    assert "found both" in capsys.readouterr().err


def test_power_verb_without_an_effect_says_so(capsys):
    assert main(["power"]) == 2
    assert "--effect-years" in capsys.readouterr().err
