"""The frontier's figure has a line a weight, and rings what was chosen."""

import numpy as np
import pandas as pd

from brainage.report import plot_frontier

FRONTIER = pd.DataFrame(
    {
        "weight": [0.0, 0.0, 1.0, 1.0],
        "penalty": [1.0, 0.1, 0.1, 1.0],
        "mae_years": [5.2, 5.0, 5.1, 5.4],
        "latent_noise_years": [3.5, 4.0, 3.0, np.nan],
        "chosen_by": [None, "error", "participants", None],
    }
)


def test_candidates_of_a_weight_are_joined_by_penalty_and_choices_are_named():
    axes = plot_frontier(FRONTIER)
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert lines["weight 0"].get_xdata().tolist() == [5.0, 5.2]
    assert lines["weight 1"].get_ydata()[0] == 3.0
    assert [text.get_text() for text in axes.texts] == ["by error", "by participants"]
