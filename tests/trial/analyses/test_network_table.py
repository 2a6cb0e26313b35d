"""Networks side by side: one family, and beside each what its clock could have seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from brainage.trial import TrialDesign
from brainage.trial.analyses.network_table import (
    network_rows,
    visit_changes,
    westfall_young,
)
from brainage.trial.design.join import join_scores

NETWORKS = ("whole_brain", "motor", "visual", "default")


@pytest.fixture
def table_of(make_trial, make_options):
    def make(clocks=None, **given):
        scores, allocation = make_trial(n=90, networks=NETWORKS, **given)
        design = TrialDesign.from_options(make_options(), allocation)
        data = join_scores(scores, design, outcome="gap_corrected_years")
        changes = visit_changes(data.changes, design, "1 year")
        rows = network_rows(
            changes,
            design,
            clocks or {},
            arm="HRT",
            visit="1 year",
            whole_brain="whole_brain",
            n_draws=199,
            seed=0,
        )
        return rows.set_index("network"), changes

    return make


def test_step_down_equals_its_definition():
    rng = np.random.default_rng(0)
    drawn, own = rng.normal(size=(50, 4)), np.array([0.4, 2.4, 1.1, 1.9])
    order = [1, 3, 2, 0]
    expected, before = {}, 0.0
    for place, k in enumerate(order):
        rest = order[place:]
        b = sum(np.abs(row[rest]).max() >= own[k] for row in drawn)
        before = max(before, (b + 1) / 51)
        expected[k] = before
    assert westfall_young(own, drawn) == pytest.approx([expected[k] for k in range(4)])


def test_whole_brain_is_no_member_of_the_family_of_networks(table_of):
    table, _ = table_of()
    family = ["p_benjamini_hochberg", "p_holm", "p_westfall_young"]
    assert table.loc["whole_brain", family].isna().all()
    local = table.drop("whole_brain")
    assert local[family].notna().all().all()
    assert (local["p_holm"] >= local["p_value"]).all()
    assert (local["p_benjamini_hochberg"] <= local["p_holm"]).all()


def test_detectable_effect_is_the_error_times_both_quantiles(table_of):
    table, changes = table_of({"motor": {"share": 0.5, "share_se": 0.1, "share_kind": "planted"}})
    df = changes.count("CON", "MIT", "HRT") - 7
    expected = table["se_years"] * (stats.t.ppf(0.975, df) + stats.t.ppf(0.8, df))
    assert table["detectable_years"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-3)
    assert table.at["motor", "detectable_latent_years"] == pytest.approx(
        2 * table.at["motor", "detectable_years"]
    )
    assert np.isnan(table.at["visual", "detectable_latent_years"])
    assert table.at["visual", "reads"] == "the clock's share is not known"


def test_people_without_a_scan_in_one_network_are_in_none(make_trial, make_options):
    scores, allocation = make_trial(n=60, networks=NETWORKS, missing=0.0)
    lost = (scores["participant_id"] == "004") & (scores["network"] == "visual")
    design = TrialDesign.from_options(make_options(), allocation)
    data = join_scores(scores[~lost], design, outcome="gap_corrected_years")
    changes = visit_changes(data.changes, design, "1 year")
    assert "004" not in set(changes.people["participant_id"])
    assert changes.change.shape == (59, 4)
