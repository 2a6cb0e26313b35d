"""Networks side by side: what is compared, what is not, and with which shares."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.trial import TrialDesign
from brainage.trial.analyses.networks_compared import compare_networks
from brainage.trial.analyses.record import NothingToDo


@pytest.fixture
def compare(make_trial, make_options, inputs_of):
    scores, allocation = make_trial(networks=("whole_brain", "motor"))

    def run(clocks=None, features=None, **networks):
        options = make_options(networks={"n_draws": 99, "n_bootstraps": 200} | networks)
        design = TrialDesign.from_options(options, allocation)
        return compare_networks(inputs_of(scores, design, clocks=clocks or {}, features=features))

    return run


def test_scores_of_one_network_are_nothing_to_do(inputs):
    with pytest.raises(NothingToDo, match="of one network"):
        compare_networks(inputs)


def test_without_shares_the_networks_stand_side_by_side_and_the_rest_is_said(compare):
    found = compare()
    assert set(found.tables["networks"]["network"]) == {"whole_brain", "motor"}
    assert "network_specificity" not in found.tables
    assert any("whole brain against networks was not done" in note for note in found.notes)


def test_shares_that_the_plan_gives_are_taken_for_those_of_the_clocks(compare):
    clock = {"share": 0.9, "share_se": 0.05, "share_kind": "planted"}
    clocks = {"whole_brain": clock, "motor": clock}
    given = {"whole_brain": {"share": 0.45, "se": 0.05}, "motor": {"share": 0.3, "se": 0.02}}
    columns = ["whole_brain_latent_years", "network_latent_years"]
    rows = [
        compare(clocks=clocks, shares=shares).tables["network_specificity"][columns]
        for shares in ({}, given)
    ]
    # Latent years are those of the clock over the share.
    np.testing.assert_allclose(rows[1], rows[0] * [0.9 / 0.45, 0.9 / 0.3])


def test_network_of_too_few_parcels_is_named(compare, trial, edges_of):
    features = edges_of(trial[0], networks=("motor",) * 5 + ("limbic",) * 2 + (None,))
    notes = compare(features=features).notes
    assert any(
        note.startswith("network 'limbic' is not compared: it has 2 parcel(s)") for note in notes
    )
    assert not any("'motor'" in note for note in notes)
