"""A sweep from its file: mistakes are told before any work, failures do not stop it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.config import is_sweep, load_sweep
from brainage.errors import ConfigError
from brainage.stages.check import check_sweep
from brainage.stages.sweep import sweep

SWEEP = """\
paths: {output: out, reference: {series: ., participants: people.tsv}}
run: {n_jobs: 1, figure_files: []}
science:
  connectivity: {kinds: [fisher_z, partial]}
  clock: {networks: false, svr_c: [0.1, 1], validation: {n_folds: 4, n_bootstrap: 20}}
sweep:
  alternatives:
    - {name: ridge, change: {estimator: ridge}}
    - {name: svr, change: {KEY: VALUE}}
  choices: {views: [[fisher_z], [partial]]}
  n_draws: 100
"""


def sweep_file(folder, key="estimator", value="svr"):
    path = folder / "sweep.yaml"
    path.write_text(SWEEP.replace("KEY", key).replace("VALUE", value))
    return path


@pytest.fixture
def cohort(tmp_path):
    """Sixteen people's series of five parcels."""
    rng = np.random.default_rng(0)
    for i in range(16):
        values = pd.DataFrame(rng.standard_normal((60, 5)), columns=list("abcde"))
        # Enough in common that shrinkage leaves every covariance its own shape.
        values = values.add(2 * rng.standard_normal(60), axis=0)
        values["a"] += 0.1 * i * values["b"]
        values.to_csv(tmp_path / f"sub-{i:02d}_atlas-toy_timeseries.tsv", sep="\t", index=False)
    people = pd.DataFrame(
        {"participant_id": [f"{i:02d}" for i in range(16)], "age": [20 + 4 * i for i in range(16)]}
    )
    people.to_csv(tmp_path / "people.tsv", sep="\t", index=False)
    return tmp_path


def test_every_alternative_meets_every_choice_and_a_second_sweep_says_the_same(cohort):
    study = load_sweep(sweep_file(cohort))
    board = sweep(study)
    names = {
        f"{clock}, views={view}" for clock in ("ridge", "svr") for view in ("fisher_z", "partial")
    }
    assert set(board.table["alternative"]) == names, board.notes
    assert board.failed == ()
    assert (board.folder / "leaderboard.tsv").is_file()
    pd.testing.assert_frame_equal(sweep(study).table, board.table)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("estimtor", "svr", "estimtor: no option of a clock. Did you mean 'estimator'"),
        ("validation.folds", "3", "validation.folds: no option of a clock. Did you mean 'n_folds'"),
        ("views.x", "3", "'views' is no section"),
        ("estimator", "svm", "estimator=svm: estimator among"),
    ],
)
def test_an_alternative_that_is_no_clock_is_told_before_any_work(cohort, key, value, words):
    with pytest.raises(ConfigError, match=words):
        sweep(load_sweep(sweep_file(cohort, key, value)))
    assert not (cohort / "out").exists()


def test_views_that_only_alternatives_name_are_computed_too(cohort):
    path = sweep_file(cohort)
    path.write_text(path.read_text().replace("kinds: [fisher_z, partial]", "kinds: [fisher_z]"))
    board = sweep(load_sweep(path))
    assert len(board.table) == 4, board.notes


def _with_two_atlases(cohort, names="[{name: toy}, {name: half}]"):
    for path in list(cohort.glob("*_timeseries.tsv")):
        half = pd.read_csv(path, sep="\t")[["a", "b", "c"]]
        half.to_csv(str(path).replace("atlas-toy", "atlas-half"), sep="\t", index=False)
    path = sweep_file(cohort)
    path.write_text(path.read_text() + f"  atlases: {names}\n")
    return path


def test_atlases_of_one_folder_of_series_are_compared_and_not_confused(cohort):
    board = sweep(load_sweep(_with_two_atlases(cohort))).table.set_index("alternative")
    assert len(board) == 8
    whole = board.loc["ridge, atlas=toy, views=fisher_z", "mae_years"]
    half = board.loc["ridge, atlas=half, views=fisher_z", "mae_years"]
    assert whole != half


def test_two_atlases_of_one_name_are_refused(cohort):
    with pytest.raises(ConfigError, match="sweep.atlases.*'toy'"):
        sweep(load_sweep(_with_two_atlases(cohort, "[{name: toy}, {name: toy}]")))


def test_a_check_of_a_sweep_lists_alternatives_and_the_atlas_that_is_not_there(cohort):
    path = _with_two_atlases(cohort, "[{name: toy}, {name: aal}]")
    assert is_sweep(path)
    found = check_sweep(load_sweep(path))
    assert "8 alternatives, each on the same 4 folds" in found.lines[0]
    assert len(found.tables["alternatives"]) == 8
    assert any("atlas toy: reference: 16 parcel series" in line for line in found.lines)
    assert any("no series of atlas aal" in stop for stop in found.stops)
    assert not (cohort / "out").exists()


def test_a_check_of_a_sweep_stops_at_an_alternative_that_is_no_clock(cohort):
    found = check_sweep(load_sweep(sweep_file(cohort, "estimtor")))
    assert any("Did you mean 'estimator'" in stop for stop in found.stops)


def test_a_sweep_tells_participants_beside_errors_and_ranks_by_them(cohort):
    path = sweep_file(cohort)
    by_error = sweep(load_sweep(path))
    board = sweep(load_sweep(path, overrides=["sweep.rank_by=participants"]))
    figures = ["alternative", "mae_years", "within_scan_noise_years", "efficiency_note"]
    left, right = (
        b.table[figures].set_index("alternative").sort_index() for b in (by_error, board)
    )
    pd.testing.assert_frame_equal(left, right)
    assert (left["within_scan_noise_years"] > 0).all()
    assert any("participants per arm" in note for note in board.notes)
    counted = board.table["participants"].dropna()
    assert counted.is_monotonic_increasing
    assert not list((cohort / "out" / "sweep").glob(".halves-*"))


def test_a_check_of_a_sweep_stops_where_participants_cannot_be_counted(cohort):
    ranked = ["sweep.rank_by=participants", "paths.reference.series=null"]
    study = load_sweep(sweep_file(cohort), overrides=[*ranked, "paths.reference.matrices=."])
    assert any("only matrices are at hand" in stop for stop in check_sweep(study).stops)
