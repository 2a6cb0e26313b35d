"""'Whole brain, not networks' is said only where the changes differ in latent years."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError
from brainage.trial import TrialDesign, TrialOptions
from brainage.trial.analyses.network_table import visit_changes
from brainage.trial.analyses.specificity import specificity_rows

SHARES = {
    "whole_brain": {"share": 0.5, "share_se": 0.02, "share_kind": "planted"},
    "motor": {"share": 0.25, "share_se": 0.02, "share_kind": "planted"},
}


@pytest.fixture
def design():
    arms = np.resize(["CON", "HRT"], 400)
    allocation = pd.DataFrame({"participant_id": [f"{i}" for i in range(400)], "arm": arms})
    options = TrialOptions.model_validate(
        {
            "arms": ["CON", "HRT"],
            "control_arm": "CON",
            "primary_visit": "end",
            "visits": [
                {"label": "start", "session_id": "1", "nominal_years": 0.0},
                {"label": "end", "session_id": "2", "nominal_years": 1.0},
            ],
        }
    )
    return TrialDesign.from_options(options, allocation)


def changes_of(design, *, latent, noise=1.0, seed=0):
    """Return changes of clocks that show half and a quarter of a latent effect in HRT."""
    rng = np.random.default_rng(seed)
    tables = []
    for network, effect in latent.items():
        shift = SHARES[network]["share"] * effect
        table = design.allocation.assign(
            visit="end",
            network=network,
            baseline_gap=rng.normal(0, 3, 400),
            baseline_age=rng.uniform(60, 70, 400),
            sex="F",
            site="one",
        )
        change = rng.normal(0, noise, 400) + shift * (table["arm"] == "HRT")
        tables.append(table.assign(change=change))
    return visit_changes(pd.concat(tables, ignore_index=True), design, "end")


def rows_of(design, latent, *, clocks=SHARES, margin=2.0, **given):
    return specificity_rows(
        changes_of(design, latent=latent, **given),
        design,
        clocks,
        arm="HRT",
        visit="end",
        whole_brain="whole_brain",
        margin_years=margin,
        n_bootstraps=400,
        n_draws=199,
        seed=1,
    ).iloc[0]


def test_effect_of_the_whole_brain_alone_is_claimed_within_the_margin(design):
    row = rows_of(design, {"whole_brain": -4.0, "motor": 0.0}, noise=0.5)
    assert row["whole_brain_latent_years"] == pytest.approx(-4.0, abs=0.5)
    assert row["network_latent_years"] == pytest.approx(0.0, abs=0.8)
    assert row["claimed"]
    assert row["p_value"] == pytest.approx(1 / 200)


def test_same_latent_effect_is_not_claimed_although_the_network_clock_shows_half_as_much(design):
    row = rows_of(design, {"whole_brain": -4.0, "motor": -4.0}, noise=0.5)
    assert row["difference_latent_years"] == pytest.approx(0.0, abs=0.8)
    assert not row["claimed"]
    assert "do not differ" in row["reads"]
    assert "reaches beyond 2 latent years" in row["reads"]


def test_without_a_planned_margin_nothing_is_claimed(design):
    row = rows_of(design, {"whole_brain": -4.0, "motor": 0.0}, margin=None, noise=0.5)
    assert not row["claimed"]
    assert "no margin was planned" in row["reads"]


def test_error_of_the_share_widens_the_interval(design):
    unsure = {name: known | {"share_se": 0.1} for name, known in SHARES.items()}
    latent = {"whole_brain": -4.0, "motor": -4.0}
    sure_row = rows_of(design, latent, noise=0.5)
    row = rows_of(design, latent, clocks=unsure, noise=0.5)
    width = row["ci_high_latent_years"] - row["ci_low_latent_years"]
    assert width > 2 * (sure_row["ci_high_latent_years"] - sure_row["ci_low_latent_years"])


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({}, "is not known"),
        ({"share": 0.3, "share_kind": "within site"}, "found in different ways"),
        ({"share": 0.1, "share_se": 0.06, "share_kind": "planted"}, "is not told from 0"),
    ],
)
def test_network_without_a_like_share_is_a_row_that_says_so(design, known, words):
    clocks = {"whole_brain": SHARES["whole_brain"], "motor": known}
    row = rows_of(design, {"whole_brain": 0.0, "motor": 0.0}, clocks=clocks)
    assert row["reads"].startswith("not run: ")
    assert words in row["reads"]
    assert np.isnan(row["difference_latent_years"])


def test_whole_brain_without_a_share_is_refused(design):
    with pytest.raises(DesignError, match="planted or within-site share"):
        rows_of(design, {"whole_brain": 0.0, "motor": 0.0}, clocks={})
