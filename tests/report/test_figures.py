"""Figures take results and return axes; any text is drawn as it stands."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import brainage as ba
from brainage.report import plot_specifications
from brainage.report.figures.drawing import literal


@pytest.mark.parametrize(
    "text",
    ["$\\nope$", "a$b", "$x^2$", "100 $ and 5 $", "\\$", "\\", "_under", "a\nb", "\x1b[2J", "年"],
)
def test_any_label_is_drawn_as_it_stands(text, tmp_path):
    figure = Figure()
    axes = figure.add_subplot()
    axes.set_title(literal(text))
    axes.plot([0, 1], label=literal(text))
    ba.report.save_figure(figure, tmp_path / "f")
    assert (tmp_path / "f.svg").stat().st_size > 500


def test_figures_return_axes_and_take_them(trial_results):
    mine = Figure().add_subplot()
    assert ba.plot_contrasts(trial_results, axes=mine) is mine
    for axes in (
        ba.plot_changes(trial_results),
        ba.plot_networks(trial_results),
        ba.plot_sensitivity(trial_results),
        ba.plot_flow(trial_results.flow),
        ba.plot_predictions(trial_results.predictions),
        ba.plot_gap_slopes(trial_results.gap_slopes),
        ba.plot_trajectories(
            trial_results.gaps, trial_results.gap_means, visits=trial_results.visits
        ),
    ):
        assert isinstance(axes, Axes)


def test_an_arm_whose_name_begins_with_an_underscore_is_in_the_legend(trial_results):
    deltas = trial_results.deltas.replace({"arm": {"MIT": "_MIT"}})
    axes = ba.plot_changes(type("R", (), {"deltas": deltas})())
    names = [text.get_text().lstrip("\u200b") for text in axes.get_legend().get_texts()]
    assert "_MIT" in names


def test_the_forest_has_a_point_and_an_interval_for_each_contrast(trial_results):
    axes = ba.plot_contrasts(trial_results)
    whole = trial_results.contrasts[trial_results.contrasts["network"] == "whole_brain"]
    points = [line for line in axes.lines if line.get_marker() == "s"]
    assert sorted(line.get_xdata()[0] for line in points) == sorted(whole["estimate_years"])
    assert len(axes.get_yticklabels()) == len(whole)


def test_a_users_own_style_stays(trial_results):
    import matplotlib

    before = dict(matplotlib.rcParams)
    ba.plot_contrasts(trial_results)
    assert dict(matplotlib.rcParams) == before


def test_a_matrix_of_networks_is_symmetric_and_has_what_is_within_one_on_its_diagonal():
    axes = ba.plot_region_matrix(["A - B", "A", "B - B"], [1.0, 2.0, -3.0])
    picture = axes.images[0].get_array().filled(float("nan"))
    assert picture.tolist() == [[2.0, 1.0], [1.0, -3.0]]
    assert axes.images[0].get_clim() == (-3.0, 3.0)


def test_the_specification_plot_has_a_point_an_analysis_and_a_dot_a_choice_it_made():
    table = pd.DataFrame(
        {
            "rank": [2, 1, 3],
            "analysis": ["main analysis", "no covariates", "adjusted for motion"],
            "role": ["main analysis", "by other means", "a description of dependence, ..."],
            "estimate_years": [-1.0, -1.5, -0.5],
            "ci_low_years": [-2.0, -2.5, -1.5],
            "ci_high_years": [0.0, -0.5, 0.5],
            "outcome": "gap_corrected_years",
            "analysis_set": "intention_to_treat",
            "model": "MMRM",
            "covariates": ["sex; baseline_gap", None, "sex; baseline_gap; fd_mm"],
        }
    )
    axes = plot_specifications(table)
    points = [line for line in axes.lines if line.get_marker() == "s"]
    assert [line.get_ydata()[0] for line in points] == [-1.5, -1.0, -0.5]
    dots = axes.figure.axes[-1]
    names = [tick.get_text() for tick in dots.get_yticklabels()]
    made = {
        name: sum(
            len(line.get_xdata())
            for line in dots.lines
            if line.get_markersize() == 4 and set(line.get_ydata()) == {height}
        )
        for height, name in enumerate(names)
    }
    assert made["covariate: sex"] == 2
    assert made["covariate: fd mm"] == 1
    assert made["model: MMRM"] == 3


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


def test_a_saved_figure_keeps_its_layout_engine(trial_results, tmp_path):
    figure = ba.report.figure_of(ba.plot_flow(trial_results.flow))
    engine = figure.get_layout_engine()
    ba.report.save_figure(figure, tmp_path / "flow")
    assert figure.get_layout_engine() is engine
