"""What training will need is told before, and what no machine can do is refused."""

import pytest

from brainage.clock import ClockOptions, HarmonizationOptions, training_cost
from brainage.config import load_study
from brainage.errors import BrainAgeError

EDGES = 44_850


@pytest.mark.parametrize(
    ("n_scans", "n_features", "way"),
    [(2433, EDGES, "grams"), (40_000, 4950, "moments"), (40_000, EDGES, "passes")],
)
def test_a_ridge_takes_the_way_that_its_size_asks_for(n_scans, n_features, way):
    cost = training_cost(ClockOptions(), n_scans=n_scans, n_features=[n_features])
    assert cost.way == way
    # The measured ones: 52 s with 51 fits (11 here), 161 s and 2 GB (docs/benchmarks.md).
    assert cost.cpu_s < 3600
    assert cost.memory_bytes < 8e9


def test_forty_thousand_harmonised_scans_of_five_views_fit_in_eight_gigabytes():
    views = ("fisher_z", "pearson", "partial_correlation", "lagged", "log_correlation")
    options = ClockOptions(
        estimator="stacked", views=views, harmonization=HarmonizationOptions(method="combat")
    )
    cost = training_cost(options, n_scans=40_000, n_features=[EDGES] * 5)
    assert cost.way == "passes"
    assert cost.memory_bytes < 8e9


def test_a_stack_of_eight_thousand_scans_is_not_decomposed_view_by_view():
    clock = load_study("recommended_stacked").science.clock
    cost = training_cost(clock, n_scans=8000, n_features=[4950] * 5 + [100])
    assert cost.way == "passes"
    assert cost.cpu_s < 600
    assert training_cost(clock, n_scans=2433, n_features=[EDGES] * 6).way == "grams"


@pytest.mark.parametrize("method", ["none", "combat"])
@pytest.mark.parametrize("half_scans", ["off", "half_weight"])
@pytest.mark.parametrize("estimator", ["ridge", "stacked"])
def test_more_scans_than_pairs_can_serve_are_served_with_any_number_of_edges(
    method, half_scans, estimator
):
    options = ClockOptions(
        estimator=estimator,
        half_scans=half_scans,
        harmonization=HarmonizationOptions(method=method),
    )
    for n_features in (300, 4950, 9870):
        cost = training_cost(options, n_scans=40_000, n_features=[n_features])
        assert cost.way in ("moments", "passes")
        assert cost.cpu_s < 3600
        assert cost.memory_bytes < 8e9


@pytest.mark.parametrize("method", ["none", "combat"])
def test_the_recommended_stack_of_forty_thousand_scans_is_fitted_in_passes(method):
    clock = load_study("recommended_stacked").science.clock
    sites = HarmonizationOptions(method=method)
    clock = clock.model_copy(update={"harmonization": sites})
    cost = training_cost(clock, n_scans=40_000, n_features=[EDGES] * 5 + [300])
    assert cost.way == "passes"
    assert cost.memory_bytes < 8e9


@pytest.mark.parametrize("options", [{"estimator": "svr"}, {"views": ("tangent",)}])
def test_what_needs_all_pairs_of_forty_thousand_scans_is_refused_with_its_cost(options):
    with pytest.raises(BrainAgeError, match=r"40000 scans with .* 13 GB and days of work"):
        training_cost(ClockOptions(**options), n_scans=40_000, n_features=[EDGES])


def test_the_time_of_an_estimator_that_was_not_measured_is_not_told():
    assert (
        training_cost(ClockOptions(estimator="elastic_net"), n_scans=99, n_features=[9]).cpu_s
        is None
    )
