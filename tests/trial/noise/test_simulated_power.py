"""Drawn trials reject as often as the closed form says."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.errors import DesignError
from brainage.trial import TrialShape, given_noise, simulated_power, trial_power


@pytest.mark.parametrize(
    "shape",
    [
        TrialShape(),
        TrialShape(ratio=2.0, drop_out=0.2),
        TrialShape(n_sites=6, site_icc=0.15),
        TrialShape(n_sites=10, site_icc=0.05, randomised="sites"),
    ],
    ids=["equal", "unequal with drop-out", "people within sites", "whole sites"],
)
def test_closed_form_is_what_drawn_trials_reject(shape):
    table = trial_power(
        effect_years=-2.3,
        noise=given_noise(sd_change_years=7.5, icc=0.7),
        shape=shape,
        n_control=100,
    )
    own = (table["effect_read_as"] == "clock scale") & (table["analysis"] == "ancova")
    drawn = simulated_power(
        effect_years=-2.3,
        sd_change_years=7.5,
        icc=0.7,
        n_control=100,
        shape=shape,
        n_trials=300,
        seed=3,
    )
    expected = table.loc[own & (table["noise"] == "as found"), "power"].item()
    assert drawn.power == pytest.approx(expected, abs=4 * drawn.mc_se)


def test_no_effect_rejects_at_the_nominal_rate():
    drawn = simulated_power(
        effect_years=0.0, sd_change_years=5.0, icc=0.6, n_control=20, n_trials=400
    )
    # Four Monte-Carlo errors of 5 %.
    assert abs(drawn.power - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 400)
    assert drawn.mc_se == pytest.approx(np.sqrt(drawn.power * (1 - drawn.power) / 400))


def test_sites_that_cannot_be_filled_and_unknown_analyses_are_refused():
    given = {"effect_years": 1.0, "sd_change_years": 5.0, "icc": 0.6, "n_control": 3}
    with pytest.raises(DesignError, match="6 people are too few for 4 sites"):
        simulated_power(**given, shape=TrialShape(n_sites=4))
    with pytest.raises(DesignError, match="'mmrm': expected change scores or ancova"):
        simulated_power(**given, analysis="mmrm")
