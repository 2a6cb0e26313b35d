"""A network's clock has a length curve of its own edges alone."""

import numpy as np
import pandas as pd

from brainage.clock import LENGTH_CUTS, ClockOptions, ValidationOptions, fit_network_clocks
from brainage.connectivity import PartFeatures, edge_mask

OPTIONS = ClockOptions(validation=ValidationOptions(n_folds=4, n_bootstrap=0))


def test_parts_that_change_one_network_move_that_network_s_clock_alone(make_cohort):
    cohort = make_cohort(40)
    view = cohort["fisher_z"]
    changed = np.array(view.values, dtype=float)
    motor = edge_mask(view.spec, within="motor")
    changed[:, motor] = changed[:, motor].mean(axis=0)
    parts = {cut.name: {"fisher_z": changed} for cut in LENGTH_CUTS}
    parts = PartFeatures(np.arange(40), parts, pd.DataFrame())
    clocks = fit_network_clocks(cohort, OPTIONS, parts=parts, cut="made up")
    moved, still = (clocks[name].length_curve for name in ("motor", "visual"))
    assert moved.cut == "made up"
    assert (moved.rows["slope_on_age"] < -0.1).all()
    np.testing.assert_allclose(still.rows[["shift_years", "slope_on_age"]], 0, atol=1e-5)
    assert "at 1/2 of the volumes" in clocks["motor"].card()["moves with scan length"]


def test_without_parts_a_network_s_card_says_that_nothing_was_measured(make_cohort):
    clocks = fit_network_clocks(make_cohort(20), OPTIONS)
    assert clocks["motor"].length_curve is None
    assert clocks["motor"].card()["moves with scan length"] == "not known: never measured"
