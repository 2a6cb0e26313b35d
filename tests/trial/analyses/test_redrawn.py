"""Many responses under many allocations: the model's statistic, and a test of its size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.api import OLS

from brainage.errors import DesignError
from brainage.trial import TrialDesign
from brainage.trial.analyses.redrawn import ManyResponses, max_t, redraw_labels


@pytest.fixture
def drawn():
    rng = np.random.default_rng(3)
    n = 40
    fixed = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    return rng.normal(size=(n, 5)), fixed, rng


def test_statistic_of_each_response_is_hc3_t_of_the_arm(drawn):
    responses, fixed, rng = drawn
    labels = rng.permuted(np.tile(np.resize([0.0, 1.0], 40), (3, 1)), axis=1)
    many = ManyResponses.prepare(responses, fixed)
    found = many.studentised(labels[:, None])
    for draw, label in enumerate(labels):
        for k in range(5):
            fit = OLS(responses[:, k], np.column_stack([label, fixed])).fit(cov_type="HC3")
            assert found[draw, k] == pytest.approx(fit.tvalues[0], rel=1e-9)


def test_arms_that_move_too_are_in_the_model(drawn):
    responses, fixed, rng = drawn
    code = rng.permutation(np.resize([0, 1, 2], 40))
    labels = np.stack([(code == 2), (code == 1)]).astype(float)[None]
    many = ManyResponses.prepare(responses, fixed)
    design = np.column_stack([labels[0].T, fixed])
    # Its slope is the model's; its error keeps what the other arm explains, as under the null.
    slope = OLS(responses[:, 0], design).fit().params[0]
    assert np.sign(many.studentised(labels)[0, 0]) == np.sign(slope)


def test_own_baseline_is_taken_off_each_response(drawn):
    responses, fixed, rng = drawn
    own = rng.normal(size=responses.shape)
    many = ManyResponses.prepare(responses + 3.0 * own, fixed, own_baseline=own)
    for k in range(5):
        columns = np.column_stack([fixed, own[:, k]])
        residual = OLS(responses[:, k], columns).fit().resid
        assert many.residuals[:, k] == pytest.approx(residual, abs=1e-10)


def test_max_t_is_never_below_the_smallest_p_and_is_monotone(drawn, make_trial, make_options):
    responses, fixed, _ = drawn
    _, allocation = make_trial(n=40)
    design = TrialDesign.from_options(make_options(), allocation)
    redraw = redraw_labels(
        design, allocation["participant_id"].to_numpy(), arm="HRT", n_draws=99, seed=1
    )
    statistics, p, largest = max_t(ManyResponses.prepare(responses, fixed), redraw)
    assert len(largest) == 99
    assert p.min() >= 1 / 100
    order = np.argsort(-np.abs(statistics))
    assert (np.diff(p[order]) >= 0).all()


def test_only_the_labels_of_the_two_arms_move(make_trial, make_options):
    _, allocation = make_trial(n=30)
    design = TrialDesign.from_options(make_options(), allocation)
    people = allocation["participant_id"].to_numpy()
    redraw = redraw_labels(design, people, arm="HRT", n_draws=150, seed=1)
    third = (allocation["arm"] == "MIT").to_numpy()
    batches = list(redraw.batches)
    assert sum(len(batch) for batch in batches) == 150
    for batch in batches:
        assert not batch[:, 0, third].any()
        assert (batch.sum(axis=2) == (allocation["arm"] == "HRT").sum()).all()
    assert redraw.fixed_arms == ("MIT",)


def test_replayed_allocations_move_everyone(make_trial, make_options):
    _, allocation = make_trial(n=30)
    rng = np.random.default_rng(0)
    replayed = np.stack([rng.permutation(allocation["arm"].to_numpy()) for _ in range(120)])
    design = TrialDesign.from_options(make_options(), allocation, replayed=replayed.astype(str))
    people = allocation["participant_id"].to_numpy()[::-1]
    redraw = redraw_labels(design, people, arm="HRT", n_draws=7, seed=1)
    first = next(redraw.batches)
    assert redraw.n_draws == 120
    assert (first[0, 0] == (replayed[0][::-1] == "HRT")).all()
    assert (first[0, 1] == (replayed[0][::-1] == "MIT")).all()


def test_person_who_was_not_randomised_is_named(make_trial, make_options):
    _, allocation = make_trial(n=30)
    design = TrialDesign.from_options(make_options(), allocation)
    with pytest.raises(DesignError, match="the first is zz"):
        redraw_labels(design, np.array(["zz"]), arm="HRT", n_draws=99, seed=0)


def test_family_wise_error_is_the_nominal_one_with_unequal_variances_and_correlated_responses():
    rng = np.random.default_rng(11)
    arms = np.resize(["CON", "HRT"], 40)
    allocation = pd.DataFrame({"participant_id": [f"{i}" for i in range(40)], "arm": arms})
    from brainage.trial import TrialOptions

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
    design = TrialDesign.from_options(options, allocation)
    rejected = 0
    spread = np.where(arms == "HRT", 2.0, 1.0)[:, None]
    for trial in range(200):
        common = rng.normal(size=(40, 1))
        responses = spread * (common + rng.normal(size=(40, 8)))
        redraw = redraw_labels(
            design, allocation["participant_id"].to_numpy(), arm="HRT", n_draws=99, seed=trial
        )
        p = max_t(ManyResponses.prepare(responses, np.ones((40, 1))), redraw)[1]
        rejected += p.min() <= 0.05
    # Binomial: 200 trials at 5 % reject 10 times, standard deviation 3.1.
    assert 2 <= rejected <= 19
