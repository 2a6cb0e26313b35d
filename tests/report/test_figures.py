"""Figures take results and return axes; any text is drawn as it stands."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

import brainage as ba


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
