"""A sweep judges every clock on the same people and does not believe the winner's own figure."""

import json

import numpy as np
import pandas as pd
import pytest

from brainage.clock.evaluation.alternatives import Alternative
from brainage.clock.evaluation.sweep import run_sweep
from brainage.clock.options import ClockOptions, ValidationOptions
from brainage.clock.training.validation import cross_validate_clock
from brainage.connectivity import FeatureTable, View, ViewSpec
from brainage.errors import BrainAgeError, ConfigError

VALIDATION = ValidationOptions(n_folds=5, n_bootstrap=0)
P = 12


def _features(n=60, *, kinds=("fisher_z", "pearson"), seed=0, atlas="toy"):
    rng = np.random.default_rng(seed)
    age = rng.uniform(20, 80, n)
    views = {}
    for kind in kinds:
        spec = ViewSpec(
            kind, "none", "upper", tuple(f"p{i}" for i in range(P)), (None,) * P, atlas, "0"
        )
        planted = rng.normal(size=spec.n_features)
        noise = 1.0 if kind == "fisher_z" else 4.0
        values = 0.02 * np.outer(age, planted) + rng.normal(0, noise, (n, spec.n_features))
        views[kind] = View(values.astype(np.float32), spec)
    rows = pd.DataFrame(
        {
            "participant_id": [f"{i:03d}" for i in range(n)],
            "session_id": "n/a",
            "age_years": age,
            "sex": None,
            "site": np.where(np.arange(n) % 3 == 0, "A", "B"),
            "scanner": None,
            "family_id": None,
            "mean_fd_mm": np.nan,
            "retained_s": 300.0,
        }
    )
    return FeatureTable(views, rows)


def _clock(**choices):
    return ClockOptions(**{"validation": VALIDATION, "networks": False, **choices})


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    alternatives = [
        Alternative("good", _clock()),
        Alternative("noisy", _clock(views=("pearson",))),
        Alternative("good, spline", _clock(bias_correction="spline")),
        Alternative("good, none", _clock(bias_correction="none")),
    ]
    features = {"features": _features()}
    return folder, alternatives, features, run_sweep(alternatives, features, folder, n_draws=400)


def test_leaderboard_holds_the_errors_of_plain_cross_validation(swept):
    _, alternatives, features, result = swept
    table = result.leaderboard.set_index("alternative")
    for alternative in alternatives:
        cv = cross_validate_clock(features["features"], alternative.options, seed=0)
        expected = cv.metrics.set_index("metric").loc["MAE", "estimate"]
        assert table.loc[alternative.name, "mae_years"] == pytest.approx(expected, rel=1e-12)
    assert table["mae_years"].is_monotonic_increasing
    assert table.loc["noisy", "rank"] == 4


def test_alternatives_that_differ_after_prediction_only_are_evaluated_once(swept):
    folder, _, _, result = swept
    assert len(list((folder / "evaluations").iterdir())) == 2
    table = result.leaderboard.set_index("alternative")
    assert table.loc[["good", "good, spline", "good, none"], "rank"].tolist() == [1, 1, 1]
    assert table["chosen_share"].sum() == pytest.approx(1)


def test_bias_correction_shows_in_the_slope_of_the_gap(swept):
    table = swept[3].leaderboard.set_index("alternative")
    assert table.loc["good", "gap_slope_before"] < -0.05
    assert abs(table.loc["good", "gap_slope_after"]) < 1e-9
    none = table.loc["good, none"]
    assert none["gap_slope_after"] == none["gap_slope_before"]


def test_slopes_come_with_intervals_that_repeats_do_not_narrow(swept, tmp_path):
    _, alternatives, features, result = swept
    row = result.leaderboard.set_index("alternative").loc["good"]
    assert row["gap_slope_before_low"] < row["gap_slope_before"] < row["gap_slope_before_high"]
    assert row["gap_slope_after_low"] < 0 < row["gap_slope_after_high"]
    twice = alternatives[0].options.validation.model_copy(update={"n_repeats": 4})
    again = Alternative("good", alternatives[0].options.model_copy(update={"validation": twice}))
    repeated = run_sweep([again], features, tmp_path, n_draws=100).leaderboard.iloc[0]
    widths = [r["gap_slope_before_high"] - r["gap_slope_before_low"] for r in (row, repeated)]
    assert widths[1] > 0.7 * widths[0]


@pytest.mark.filterwarnings("ignore:bias correction 'in_sample'")
def test_the_in_sample_correction_shares_the_evaluation_of_the_others(swept, tmp_path):
    _, alternatives, features, result = swept
    inside = Alternative("in sample", _clock(bias_correction="in_sample"))
    run_sweep(alternatives[:1], features, tmp_path, n_draws=100)
    table = run_sweep([alternatives[0], inside], features, tmp_path, n_draws=100).leaderboard
    assert len(list((tmp_path / "evaluations").iterdir())) == 1
    table = table.set_index("alternative")
    expected = result.leaderboard.set_index("alternative").loc["good", "mae_years"]
    assert table["mae_years"].tolist() == [expected, expected]
    # A line of training gaps leaves more of the slope that new people show.
    assert abs(table.loc["in sample", "gap_slope_after"]) > 1e-3


def test_a_second_run_repeats_nothing_and_gives_the_same_leaderboard(swept):
    folder, alternatives, features, result = swept
    files = {p: p.stat().st_mtime_ns for p in (folder / "evaluations").rglob("*") if p.is_file()}
    again = run_sweep(alternatives, features, folder, n_draws=400)
    pd.testing.assert_frame_equal(again.leaderboard, result.leaderboard)
    assert files == {p: p.stat().st_mtime_ns for p in files}


def test_an_interrupted_evaluation_is_done_again_and_the_finished_ones_are_kept(swept):
    folder, alternatives, features, result = swept
    first, second = sorted((folder / "evaluations").iterdir())
    (first / "evaluation.json").unlink()
    kept = (second / "evaluation.json").stat().st_mtime_ns
    again = run_sweep(alternatives, features, folder, n_draws=400)
    pd.testing.assert_frame_equal(again.leaderboard, result.leaderboard)
    assert (second / "evaluation.json").stat().st_mtime_ns == kept


def test_changed_features_are_evaluated_anew(swept, tmp_path):
    _, alternatives, _, _ = swept
    features = _features(40)
    run_sweep(alternatives[:1], {"features": features}, tmp_path, n_draws=50)
    values = features.views["fisher_z"].values.copy()
    values[3, 4] += 1
    changed = FeatureTable(
        {**features.views, "fisher_z": View(values, features.views["fisher_z"].spec)}, features.rows
    )
    run_sweep(alternatives[:1], {"features": changed}, tmp_path, n_draws=50)
    assert len(list((tmp_path / "evaluations").iterdir())) == 2


def test_leaderboard_and_correction_are_written(swept):
    folder, _, _, result = swept
    written = pd.read_csv(folder / "leaderboard.tsv", sep="\t")
    np.testing.assert_array_equal(written["mae_years"], result.leaderboard["mae_years"])
    sweep = json.loads((folder / "sweep.json").read_text())
    assert sweep["selection_corrected"]["estimate"] == result.corrected.estimate
    assert sweep["alternatives"]["noisy"]["options"]["views"] == ["pearson"]


def test_tables_of_two_atlases_are_judged_on_the_scans_both_hold(tmp_path):
    whole = _features(60, kinds=("fisher_z",))
    part = _features(60, kinds=("fisher_z",), atlas="other").select(np.arange(59, 9, -1))
    alternatives = [
        Alternative("toy", _clock(), "toy"),
        Alternative("other", _clock(), "other"),
    ]
    result = run_sweep(alternatives, {"toy": whole, "other": part}, tmp_path, n_draws=100)
    assert result.n_scans == 50
    # The same values under another atlas's name: folds and errors are the same.
    np.testing.assert_allclose(*result.leaderboard["mae_years"], rtol=1e-9)


def test_an_alternative_that_cannot_run_is_reported_and_the_others_are_ranked(tmp_path):
    alternatives = [
        Alternative("good", _clock()),
        Alternative("absent", _clock(views=("tangent",))),
    ]
    result = run_sweep(alternatives, {"features": _features(40)}, tmp_path, n_draws=50)
    assert result.leaderboard["alternative"].tolist() == ["good"]
    assert result.failures["alternative"].tolist() == ["absent"]
    assert "tangent" in result.failures["reason"].iloc[0]
    with pytest.raises(BrainAgeError, match="none of the alternatives"):
        run_sweep(alternatives[1:], {"features": _features(40)}, tmp_path, n_draws=50)


def test_differing_folds_and_repeated_names_are_refused(tmp_path):
    features = {"features": _features(40)}
    other = _clock(validation=ValidationOptions(n_folds=4, n_bootstrap=0))
    with pytest.raises(ConfigError, match="identical folds"):
        run_sweep([Alternative("a", _clock()), Alternative("b", other)], features, tmp_path)
    with pytest.raises(ConfigError, match=r"unique names, found \['a'\]"):
        run_sweep([Alternative("a", _clock())] * 2, features, tmp_path)
    with pytest.raises(ConfigError, match="not among"):
        run_sweep([Alternative("a", _clock(), "absent")], features, tmp_path)
