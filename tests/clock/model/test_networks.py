"""One clock per network, on its own edges, with the whole brain's folds and correction."""

from dataclasses import replace

import numpy as np
import pytest

from brainage.clock import (
    BrainClock,
    ClockOptions,
    ValidationOptions,
    cross_validate_clock,
    fit_clock,
    fit_network_clocks,
)
from brainage.clock.model.networks import network_edges
from brainage.connectivity import FeatureTable, View, edge_mask
from brainage.errors import FeatureMismatchError

OPTIONS = ClockOptions(validation=ValidationOptions(n_folds=4, n_bootstrap=0))


@pytest.fixture(scope="module")
def cohort(make_cohort):
    return make_cohort(40)


@pytest.fixture(scope="module")
def clocks(cohort):
    return fit_network_clocks(cohort, OPTIONS, seed=2)


def test_every_network_of_the_atlas_has_a_clock_named_in_its_scores(cohort, clocks):
    assert sorted(clocks) == ["motor", "visual"]
    for name, clock in clocks.items():
        assert (clock.score(cohort)["network"] == name).all()


def test_edges_outside_a_network_do_not_change_its_scores(make_cohort, clocks):
    new = make_cohort(5, seed=1)
    view = new.views["fisher_z"]
    outside = ~edge_mask(view.spec, within="motor")
    values = view.values.copy()
    values[:, outside] += 1
    changed = FeatureTable({"fisher_z": View(values, view.spec)}, new.rows)
    assert clocks["motor"].score(changed).equals(clocks["motor"].score(new))
    assert not clocks["visual"].score(changed).equals(clocks["visual"].score(new))


def test_network_clocks_hold_out_the_same_people_as_the_whole_brain(cohort, clocks):
    whole = cross_validate_clock(cohort, OPTIONS, seed=2)
    view = cohort.views["fisher_z"]
    within = {"fisher_z": edge_mask(view.spec, within="motor")}
    network = cross_validate_clock(cohort, OPTIONS, columns=within, seed=2)
    assert network.predictions["fold"].equals(whole.predictions["fold"])
    found = {m["metric"]: m["estimate"] for m in clocks["motor"].facts["metrics"]}
    mae = network.metrics.set_index("metric")["estimate"]["MAE"]
    assert found["MAE"] == pytest.approx(mae, abs=1e-12)


def test_network_clocks_correct_their_gap_as_the_whole_brain_does(clocks):
    assert {clock.bias.kind for clock in clocks.values()} == {"offset"}
    for clock in clocks.values():
        assert clock.bias.slope_after_.slope == pytest.approx(0, abs=1e-10)
        assert np.isfinite(clock.bias.slope_before_.low)


def test_a_clock_of_the_edges_between_two_networks_sees_those_alone(make_cohort, cohort, tmp_path):
    clock = fit_clock(cohort, OPTIONS, network="motor - visual", seed=2)
    spec = cohort.views["fisher_z"].spec
    between = edge_mask(spec, between=("visual", "motor"))
    assert len(clock.regression.weights) == between.sum() == 25
    new = make_cohort(5, seed=1)
    values = new.views["fisher_z"].values.copy()
    values[:, ~between] += 1
    changed = FeatureTable({"fisher_z": View(values, spec)}, new.rows)
    assert clock.score(changed).equals(clock.score(new))
    clock.save(tmp_path / "between.clock")
    loaded = BrainClock.load(tmp_path / "between.clock")
    assert loaded.score(new).equals(clock.score(new))
    assert (loaded.score(new)["network"] == "motor - visual").all()


def test_a_network_whose_name_holds_the_joint_is_taken_as_one(cohort):
    spec = cohort.views["fisher_z"].spec
    renamed = replace(spec, networks=tuple(n.replace("motor", "a - b") for n in spec.networks))
    expected = edge_mask(spec, within="motor")
    np.testing.assert_array_equal(network_edges(renamed, "a - b"), expected)


def test_an_unknown_network_is_refused_with_the_known_ones(cohort):
    with pytest.raises(FeatureMismatchError, match="network 'visul'.*motor, visual"):
        fit_clock(cohort, OPTIONS, network="motor - visul")
