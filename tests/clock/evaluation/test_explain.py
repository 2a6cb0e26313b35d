"""A clock's patterns find the planted edges, and its folds agree on them."""

import numpy as np
import pandas as pd
import pytest

from brainage.clock import ClockOptions, fit_clock
from brainage.clock.evaluation.explain import NETWORKS as NETWORK_MEANS
from brainage.clock.evaluation.explain import PARCELS, explain_clock
from brainage.clock.evaluation.patterns import haufe_pattern
from brainage.clock.options import HarmonizationOptions, ValidationOptions
from brainage.connectivity import FeatureTable, View, ViewSpec, edge_mask
from brainage.errors import BrainAgeError
from brainage.tables import read_table

P = 12
PLANTED = [f"p{i}" for i in range(4, 8)]
NETWORKS = ("default",) * 4 + ("motor",) * 4 + ("visual",) * 4


def _spec(kind):
    return ViewSpec(kind, "none", "upper", tuple(f"p{i}" for i in range(P)), NETWORKS, "toy", "0")


@pytest.fixture(scope="module")
def cohort():
    """Only edges within the motor network change with age."""
    rng = np.random.default_rng(0)
    age = rng.uniform(20, 80, 120)
    views = {}
    for kind in ("fisher_z", "partial"):
        motor = edge_mask(_spec(kind), within="motor")
        values = rng.normal(0, 0.3, (120, 66)) + 0.01 * np.outer(age, motor)
        views[kind] = View(values.astype(np.float32), _spec(kind))
    rows = pd.DataFrame(
        {
            "participant_id": [f"{i:03d}" for i in range(120)],
            "session_id": "n/a",
            "age_years": age,
            "sex": None,
            "site": np.where(np.arange(120) % 2 == 0, "A", "B"),
            "scanner": None,
            "family_id": None,
            "mean_fd_mm": np.nan,
            "retained_s": 300.0,
        }
    )
    return FeatureTable(views, rows)


def _options(**choices):
    return ClockOptions(**{"validation": ValidationOptions(n_folds=5, n_bootstrap=0), **choices})


def test_the_planted_network_has_the_largest_pattern_and_the_folds_agree(cohort):
    found = explain_clock(fit_clock(cohort, _options()), cohort)
    networks = found.networks.set_index(["network", "other_network"])
    assert networks["pattern"].idxmax() == ("motor", "motor")
    # Planted: 0.01 edge units a year of age; per year of a shrunken prediction it is more.
    assert networks.loc[("motor", "motor"), "pattern"] > 0.01
    assert set(found.parcels.nlargest(4, "pattern")["network"]) == {"motor"}
    stability = found.stability.set_index(["of", "level"])["mean_correlation"]
    assert stability["pattern", "network"] > 0.99
    assert stability["weights", "edge"] > 0.5


def test_pattern_is_that_of_the_scores(cohort):
    clock = fit_clock(cohort, _options())
    predicted = clock.score(cohort)["predicted_age_years"].to_numpy()
    expected = haufe_pattern(cohort.views["fisher_z"].values, predicted)
    found = explain_clock(clock, cohort).patterns["fisher_z"]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


def test_every_view_of_a_stack_is_explained(cohort):
    clock = fit_clock(cohort, _options(estimator="stacked", views=("fisher_z", "partial")))
    found = explain_clock(clock, cohort)
    assert set(found.patterns) == {"fisher_z", "partial"}
    assert found.stability.groupby("view").size().tolist() == [6, 6]


@pytest.mark.parametrize(
    "choices",
    [{"estimator": "gaussian_process"}, {"harmonization": HarmonizationOptions(method="center")}],
)
def test_clocks_without_fold_models_have_patterns_and_no_stability(cohort, choices):
    found = explain_clock(fit_clock(cohort, _options(**choices)), cohort)
    networks = found.networks.set_index(["network", "other_network"])
    assert networks["pattern"].idxmax() == ("motor", "motor")
    assert found.stability.empty


def test_tables_are_written_and_read_back(cohort, tmp_path):
    found = explain_clock(fit_clock(cohort, _options()), cohort)
    found.save(tmp_path)
    written = pd.read_csv(tmp_path / "patterns_parcels.tsv", sep="\t", float_precision="round_trip")
    np.testing.assert_array_equal(written["pattern"], found.parcels["pattern"])


def test_every_edge_has_its_pattern_weight_and_how_steady_its_sign_is(cohort):
    clock = fit_clock(cohort, _options())
    edges = explain_clock(clock, cohort).edges
    assert len(edges) == 66
    np.testing.assert_array_equal(edges["weight"], clock.regression.weights)
    expected = np.maximum((clock.fold_weights > 0).mean(0), (clock.fold_weights < 0).mean(0))
    np.testing.assert_allclose(edges["weight_sign_consistency"], expected)
    inside = edges["parcel"].isin(PLANTED) & edges["other_parcel"].isin(PLANTED)
    assert inside.sum() == 6
    assert (edges.loc[inside, "pattern_sign_consistency"] == 1).all()
    assert edges["pattern_sign_consistency"].mean() < 1


def test_steadiness_is_said_of_parcels_and_networks_and_missing_without_fold_models(cohort):
    found = explain_clock(fit_clock(cohort, _options()), cohort)
    motor = found.networks.set_index(["network", "other_network"]).loc[("motor", "motor")]
    assert motor["sign_consistency"] == 1
    assert found.parcels["sign_consistency"].between(0.4, 1).all()
    kernel = explain_clock(fit_clock(cohort, _options(estimator="gaussian_process")), cohort)
    assert kernel.parcels["sign_consistency"].isna().all()
    assert kernel.edges["weight"].isna().all()
    assert kernel.edges["pattern"].notna().all()


def test_a_networks_clock_is_refused(cohort):
    clock = fit_clock(cohort, _options(), network="motor")
    with pytest.raises(BrainAgeError, match="network motor"):
        explain_clock(clock, cohort)


def test_an_atlas_without_networks_leaves_a_table_without_rows(cohort, tmp_path):
    bare = ViewSpec(
        "fisher_z", "none", "upper", _spec("fisher_z").parcel_names, (None,) * P, "toy", "0"
    )
    view = View(np.asarray(cohort.views["fisher_z"].values), bare)
    features = FeatureTable({"fisher_z": view}, cohort.rows)
    explain_clock(fit_clock(features, _options()), features).save(tmp_path)
    written = read_table(tmp_path / "patterns_networks.tsv", NETWORK_MEANS)
    assert written.empty
    assert len(read_table(tmp_path / "patterns_parcels.tsv", PARCELS)) == P
