"""Figures of a clock show the numbers they are given."""

from __future__ import annotations

import pandas as pd

import brainage as ba


def test_shares_of_a_shift_are_drawn_those_that_are_known():
    efficiency = pd.DataFrame(
        {
            "measure": ["within_scan_noise_years", "share_pooled", "share_planted"],
            "estimate": [3.0, 0.7, float("nan")],
            "low": [2.0, 0.6, float("nan")],
            "high": [4.0, 0.8, float("nan")],
        }
    )
    axes = ba.plot_efficiency(efficiency)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["of all people together"]
    assert axes.containers[0].lines[0].get_xdata() == [0.7]


def test_the_diagonal_spans_the_ages_and_the_median_is_drawn_where_it_is_known(trial_results):
    predictions = trial_results.predictions
    axes = ba.plot_predictions(predictions)
    labels = {line.get_label(): line for line in axes.lines}
    ends = [predictions["age_years"].min(), predictions["age_years"].max()]
    assert list(labels["predicted = age"].get_xdata()) == ends
    assert set(labels["median predictor"].get_ydata()) == {50.0}
    without = ba.plot_predictions(predictions.drop(columns="median_age_years"))
    assert "median predictor" not in {line.get_label() for line in without.lines}


def test_gap_before_and_after_correction_are_the_two_columns(trial_results):
    gaps = trial_results.reference_gaps.assign(gap_corrected_years=7.0)
    for corrected, column in ((False, "gap_years"), (True, "gap_corrected_years")):
        axes = ba.plot_gap_on_age(gaps, corrected=corrected)
        assert axes.lines[0].get_ydata().tolist() == gaps[column].tolist()


def test_mean_of_the_draws_is_drawn_through_the_learning_curve():
    curve = pd.DataFrame({"n_people": [20, 20, 40], "MAE": [12.0, 10.0, 9.0]})
    axes = ba.plot_learning_curve(curve)
    assert axes.lines[1].get_xdata().tolist() == [20, 40]
    assert axes.lines[1].get_ydata().tolist() == [11.0, 9.0]


def test_the_smallest_error_of_a_sweep_is_called_optimistic():
    board = pd.DataFrame(
        {"alternative": ["svr", "ridge"], "mae_years": [4.3, 4.1], "mae_low_years": 3.8}
    ).assign(mae_high_years=4.6)
    axes = ba.plot_leaderboard(board, {"estimate": 4.2, "low": 3.9, "high": 4.5})
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert names[1:] == ["svr", "ridge (optimistic: the smallest)"]


def test_sites_have_their_number_of_scans_and_a_scatter_of_many_points_is_an_image():
    sites = pd.DataFrame({"site": ["A"], "n": [20], "mean_gap_years": [0.5]})
    axes = ba.plot_sites(sites.assign(low_years=-1.0, high_years=1.0))
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["A (n = 20)"]
    for n, image in ((100, False), (3000, True)):
        table = pd.DataFrame({"age_years": range(n), "predicted_age_years": range(n)}, dtype=float)
        assert bool(ba.plot_predictions(table).lines[0].get_rasterized()) is image
