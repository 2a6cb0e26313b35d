"""Clock-scale truth and the bank of potential scores, against a clock whose answers are known."""

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError, TableError
from brainage.synthetic import (
    clock_scale_truth,
    draw_score_bank,
    local_truth,
    make_study,
    network_scale_truth,
)
from brainage.synthetic.options import DropoutOptions

SEED = 11


def mean_edge_clock(edges):
    return 50 - 100 * edges.mean(axis=1)


def scores_of(study, clock, **choices):
    table = study.features("trial", **choices)
    return table.rows.assign(predicted_age_years=clock(table["fisher_z"].values))


def test_clock_that_reads_the_latent_age_has_a_share_of_one(study):
    scans = study.scans("trial")
    keys = scans[["participant_id", "session_id"]]
    with_ = keys.assign(predicted_age_years=scans["brain_age_years"].astype(float))
    without = keys.assign(predicted_age_years=scans["brain_age_without_effect_years"].astype(float))
    table = clock_scale_truth(with_, without, study.truth)
    np.testing.assert_allclose(table["clock_scale_years"], table["planted_years"], atol=1e-9)
    assert table["share"].dropna().tolist() == pytest.approx([1.0] * 4)
    assert table["n"].sum() == len(scans)


def test_clock_that_halves_everything_has_a_share_of_a_half(study):
    scans = study.scans("trial")
    keys = scans[["participant_id", "session_id"]]
    columns = ("brain_age_years", "brain_age_without_effect_years")
    with_, without = (keys.assign(predicted_age_years=scans[c].astype(float) / 2) for c in columns)
    table = clock_scale_truth(with_, without, study.truth)
    assert table["share"].dropna().tolist() == pytest.approx([0.5] * 4)


def test_clock_scale_truth_of_control_and_baseline_is_exactly_zero(study):
    table = clock_scale_truth(
        scores_of(study, mean_edge_clock),
        scores_of(study, mean_edge_clock, counterfactual=True),
        study.truth,
    )
    none = table[(table["arm"] == "CON") | (table["session_id"] == "baseline")]
    assert (none["clock_scale_years"] == 0).all()
    assert (table.drop(none.index)["clock_scale_years"] != 0).all()


def test_each_network_has_the_clock_scale_truth_of_its_own_clock(study):
    scans = study.scans("trial")
    keys = scans[["participant_id", "session_id"]]
    columns = ("brain_age_years", "brain_age_without_effect_years")
    with_, without = (
        pd.concat(
            keys.assign(network=name, predicted_age_years=share * scans[column].astype(float))
            for name, share in (("whole_brain", 1.0), ("motor", 0.25))
        )
        for column in columns
    )
    shares = network_scale_truth(with_, without, study.truth).groupby("network")["share"]
    assert shares.mean().to_dict() == pytest.approx({"whole_brain": 1.0, "motor": 0.25})


def test_region_moves_by_what_was_planted_and_control_does_not(study):
    truth = study.truth[study.truth["cohort"] == "trial"]
    index = pd.MultiIndex.from_frame(truth[["participant_id", "session_id"]])
    regions = pd.MultiIndex.from_tuples([("named region", "prefrontal"), ("network", "a - a")])
    rng = np.random.default_rng(0)
    without = pd.DataFrame(rng.normal(size=(len(truth), 2)), index, regions)
    with_ = without.copy()
    rise = truth["regional_z"].to_numpy(dtype=float)
    with_["named region", "prefrontal"] += rise
    table = local_truth(with_, without, study.truth)
    prefrontal = table[table["region"] == "prefrontal"]
    assert prefrontal["planted_z"].max() > 0
    np.testing.assert_allclose(prefrontal["change_in_view_units"], prefrontal["planted_z"])
    assert table.loc[table["region"] == "a - a", "change_in_view_units"].abs().max() < 1e-12


def test_a_scan_without_its_counterfactual_is_an_error(study):
    scores = scores_of(study, mean_edge_clock)
    with pytest.raises(TableError, match="found none of 1"):
        clock_scale_truth(scores, scores.iloc[1:], study.truth)


@pytest.fixture(scope="module")
def bank(study):
    return draw_score_bank(study, mean_edge_clock, n_people=60, seed=SEED)


def test_bank_holds_what_the_study_of_its_seed_would_have_scored(parcels, options, bank):
    arms = tuple(arm.model_copy(update={"n": 20}) for arm in options.trial.arms)
    plan = options.trial.model_copy(update={"arms": arms, "dropout": DropoutOptions(rate=0.0)})
    study = make_study(options.model_copy(update={"trial": plan}), seed=SEED, parcels=parcels)
    truth = study.scans("trial")
    scored = scores_of(study, mean_edge_clock)["predicted_age_years"].to_numpy().reshape(60, 3)
    for person, arm in enumerate(truth["arm"].iloc[::3]):
        np.testing.assert_allclose(bank.predicted_years[arm][person], scored[person], atol=1e-4)


def test_bank_without_effect_equals_control_and_baseline(bank):
    np.testing.assert_array_equal(bank.predicted_years["CON"], bank.without_years)
    for predicted in bank.predicted_years.values():
        np.testing.assert_array_equal(predicted[:, 0], bank.without_years[:, 0])


def test_bank_does_not_depend_on_the_number_of_processes(study, bank):
    again = draw_score_bank(study, mean_edge_clock, n_people=60, seed=SEED, n_jobs=2)
    for arm in bank.predicted_years:
        np.testing.assert_array_equal(again.predicted_years[arm], bank.predicted_years[arm])


def test_trials_drawn_from_the_bank_average_to_its_clock_scale_truth(bank):
    trials = [bank.draw_trial(seed) for seed in range(80)]
    expected = bank.clock_scale_years().set_index(["arm", "session_id"])["clock_scale_years"]
    for (arm, session), value in expected.items():
        seen = [t[(t["arm"] == arm) & (t["session_id"] == session)] for t in trials]
        change = [
            (s["predicted_age_years"] - s["predicted_without_effect_years"]).mean() for s in seen
        ]
        error = np.std(change) / len(change) ** 0.5
        assert np.mean(change) == pytest.approx(value, abs=4 * error + 1e-9)


def test_a_drawn_trial_is_the_same_for_the_same_seed_and_has_the_planned_arms(bank, options):
    first, again, other = (bank.draw_trial(seed) for seed in (5, 5, 6))
    assert first.equals(again)
    assert not first["predicted_age_years"].equals(other["predicted_age_years"])
    counts = first.drop_duplicates("participant_id")["arm"].value_counts().to_dict()
    assert counts == {arm.name: arm.n for arm in options.trial.arms}


def test_a_bank_smaller_than_the_trial_is_refused(study):
    with pytest.raises(DesignError, match="at least the 24 people"):
        draw_score_bank(study, mean_edge_clock, n_people=10, seed=0)
