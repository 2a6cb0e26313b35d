"""The re-randomisation test: equal to enumeration, true to its scheme, quick at LISA's size."""

import itertools
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError
from brainage.trial.analyses.rerandomize import rerandomization_test
from brainage.trial.models.ancova import fit_ancova

sys.path.insert(0, str(Path(__file__).parents[1]))
from r_reference import ARMS, follow_ups, r_values  # noqa: E402


def small_trial(n=10, seed=3):
    rng = np.random.default_rng(seed)
    ids = [f"p{i}" for i in range(n)]
    arm = rng.permutation(np.repeat(["CON", "HRT"], n // 2))
    data = pd.DataFrame(
        {
            "participant_id": ids,
            "visit": "1y",
            "change": rng.normal(0, 1, n),
            "baseline_gap": rng.normal(0, 1, n),
        }
    )
    data["change"] -= 1.2 * (arm == "HRT")
    return pd.DataFrame({"participant_id": ids, "arm": arm}), data


def run(allocation, data, **options):
    options = {"response": "change", "arm": "HRT", "control": "CON", **options}
    return rerandomization_test(allocation, data, **options)


def statistic_of(allocation, data, treated, covariates=()):
    ids = allocation["participant_id"]
    arms = dict(zip(ids, np.where(treated, "HRT", "CON"), strict=True))
    table = data.assign(arm=data["participant_id"].map(arms))
    fitted = fit_ancova(
        table, response="change", arms=("CON", "HRT"), covariates=covariates, errors="hc3"
    )
    return fitted.contrast("HRT").statistic


def test_p_value_equals_full_enumeration_with_the_same_ancova():
    allocation, data = small_trial(n=8)
    observed = statistic_of(allocation, data, allocation["arm"] == "HRT", ("baseline_gap",))
    every = []
    for chosen in itertools.combinations(range(8), 4):
        treated = np.isin(np.arange(8), chosen)
        every.append(statistic_of(allocation, data, treated, ("baseline_gap",)))
    exact = np.mean(np.abs(every) >= abs(observed) * (1 - 1e-9))
    found = run(allocation, data, covariates=("baseline_gap",), n_draws=9999)
    assert found.statistic == pytest.approx(observed, rel=1e-10)
    # Four Monte-Carlo standard errors.
    assert abs(found.p_value - exact) < 4 * np.sqrt(exact * (1 - exact) / 9999) + 1e-4


def test_statistic_is_the_ancova_contrast_when_a_third_arm_is_present():
    data = follow_ups("missing")
    allocation = data.drop_duplicates("participant_id")[["participant_id", "arm"]]
    found = run(allocation, data, visit="v1", covariates=("baseline_gap", "sex"), n_draws=99)
    at_visit = data[data["visit"] == "v1"]
    fitted = fit_ancova(
        at_visit, response="change", arms=ARMS, errors="hc3", covariates=("baseline_gap", "sex")
    )
    assert found.estimate == pytest.approx(fitted.contrast("HRT").estimate, rel=1e-10)
    assert found.statistic == pytest.approx(fitted.contrast("HRT").statistic, rel=1e-10)


@pytest.mark.parametrize("name", ["missing", "three"])
def test_gls_statistic_matches_r(name):
    data = follow_ups(name)
    allocation = data.drop_duplicates("participant_id")[["participant_id", "arm"]]
    theirs = r_values()["gls_statistic"][name]
    found = run(
        allocation,
        data.sort_values("visit_index"),
        visit=theirs["visit"],
        n_draws=99,
        covariates=("baseline_gap", "sex"),
        statistic="gls",
    )
    # nlme stops its search for the covariance at about 1e-6 of an error.
    assert found.estimate == pytest.approx(theirs["estimate"], rel=1e-5)
    assert found.statistic == pytest.approx(theirs["statistic"], rel=1e-5)


def test_p_value_is_b_plus_one_over_m_plus_one():
    allocation, data = small_trial(n=40)
    far = data.assign(change=data["change"] - 50.0 * (allocation["arm"] == "HRT").to_numpy())
    assert run(allocation, far, n_draws=999).p_value == 1 / 1000


def test_p_value_is_two_sided():
    allocation, data = small_trial()
    turned = data.assign(change=-data["change"])
    assert run(allocation, data, seed=5).p_value == run(allocation, turned, seed=5).p_value


def test_replaying_only_the_observed_allocation_gives_p_of_one():
    allocation, data = small_trial()
    same = np.tile(allocation["arm"].to_numpy(), (99, 1))
    assert run(allocation, data, replayed=same, scheme="minimisation").p_value == 1.0


@pytest.mark.parametrize("statistic", ["ancova", "gls"])
def test_replayed_permutations_agree_with_drawn_ones(statistic):
    data = follow_ups("missing")
    allocation = data.drop_duplicates("participant_id")[["participant_id", "arm"]]
    two = allocation[allocation["arm"] != "MIT"].reset_index(drop=True)
    data = data[data["participant_id"].isin(two["participant_id"])]
    rng = np.random.default_rng(1)
    replayed = np.array([rng.permutation(two["arm"].to_numpy()) for _ in range(2000)])
    options = {"visit": "v1", "covariates": ("baseline_gap",), "statistic": statistic}
    one = run(two, data, replayed=replayed, scheme="minimisation", **options)
    other = run(two, data, n_draws=2000, **options)
    assert one.statistic == pytest.approx(other.statistic, rel=1e-12)
    # Both estimate one p-value: four standard errors of their difference.
    assert abs(one.p_value - other.p_value) < 4 * np.hypot(one.p_mc_se, other.p_mc_se)


def test_people_who_were_not_scanned_take_part_in_the_draws():
    allocation, data = small_trial(n=20)
    rng = np.random.default_rng(0)
    few = data[data["participant_id"].isin(rng.choice(data["participant_id"], 14, replace=False))]
    found = run(allocation, few, n_draws=199)
    assert (found.n_allocated, found.n_redrawn, found.n_analysed) == (20, 20, 14)


def test_only_the_labels_of_the_two_arms_are_redrawn():
    data = follow_ups("complete")
    allocation = data.drop_duplicates("participant_id")[["participant_id", "arm"]]
    found = run(allocation, data, visit="v1", n_draws=99)
    assert found.n_redrawn == (allocation["arm"] != "MIT").sum()


def test_studentised_test_keeps_its_level_under_unequal_variances_and_sizes():
    # 300 trials of 12 + 36 people, the smaller arm with three times the spread, equal means: an
    # unstudentised permutation test rejects over 20 % here. Band: 4 Monte-Carlo errors of 5 %.
    rng = np.random.default_rng(8)
    arm = np.repeat(["HRT", "CON"], [12, 36])
    allocation = pd.DataFrame({"participant_id": [f"p{i}" for i in range(48)], "arm": arm})
    rejected = 0
    for _ in range(300):
        change = rng.normal(0, np.where(arm == "HRT", 3.0, 1.0))
        data = allocation[["participant_id"]].assign(visit="1y", change=change)
        rejected += (
            run(allocation, data, n_draws=199, seed=int(rng.integers(10**6))).p_value <= 0.05
        )
    assert rejected / 300 < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 300)


@pytest.mark.parametrize("statistic", ["ancova", "gls"])
def test_9999_draws_at_lisa_size_take_under_ten_seconds(statistic):
    rng = np.random.default_rng(2)
    ids = [f"p{i}" for i in range(451)]
    allocation = pd.DataFrame({"participant_id": ids, "arm": np.array(ARMS)[np.arange(451) % 3]})
    scanned = ids[:309]
    data = pd.concat(
        [
            pd.DataFrame(
                {
                    "participant_id": scanned,
                    "visit": visit,
                    "change": rng.normal(0, 3, 309),
                    "baseline_gap": rng.normal(0, 3, 309),
                }
            )
            for visit in ("1y", "2y")
        ]
    )
    began = time.process_time()
    run(allocation, data, visit="1y", covariates=("baseline_gap",), statistic=statistic)
    assert time.process_time() - began < 10


class TestFaults:
    """Each fault is a DesignError that says what is wrong."""

    def refused(self, words, allocation=None, data=None, **options):
        own = small_trial()
        allocation = own[0] if allocation is None else allocation
        with pytest.raises(DesignError, match=words):
            run(allocation, own[1] if data is None else data, **options)

    def test_minimisation_without_its_sequences(self):
        self.refused("minimisation.*replayed_allocations", scheme="minimisation")

    def test_analysed_people_who_are_not_on_the_list(self):
        self.refused("not on the randomised list.*p9", small_trial()[0].iloc[:9])

    def test_somebody_on_the_list_twice(self):
        allocation = small_trial()[0]
        self.refused("p0 is on the list twice", pd.concat([allocation, allocation.iloc[:1]]))

    def test_unknown_arm(self):
        self.refused("nobody is in arm 'MIT'", arm="MIT")

    def test_list_that_is_not_in_the_order_of_randomisation(self):
        allocation = small_trial(n=40)[0].sort_values("arm")
        self.refused(
            r"block 1 of the list holds CON 4, HRT 0.*order of randomisation",
            allocation,
            scheme="permuted_blocks",
            block_size=4,
        )

    def test_missing_strata(self):
        self.refused("absent: bmi", scheme="stratified_blocks", strata=("bmi",))

    def test_visit_must_be_named(self):
        data = small_trial()[1]
        self.refused("name the visit", data=pd.concat([data, data.assign(visit="2y")]))

    def test_arm_with_one_analysed_person(self):
        allocation, data = small_trial()
        one = allocation.loc[allocation["arm"] == "HRT", "participant_id"].iloc[1:]
        self.refused("cannot be estimated", data=data[~data["participant_id"].isin(one)])


def test_unknown_block_size_is_stated():
    allocation, data = small_trial()
    found = run(allocation, data, scheme="permuted_blocks", n_draws=99)
    assert "block size is not known" in found.note
    assert "Exact if the scheme is the one used" in found.note


def shifted(allocation, data, years):
    """Return data as they would be if the arm's effect were less by some years."""
    treated = (allocation["arm"] == "HRT").to_numpy()
    return data.assign(change=data["change"] - years * treated)


def test_interval_ends_where_the_test_of_that_effect_begins_to_reject():
    allocation, data = small_trial(n=40)
    options = {"covariates": ("baseline_gap",), "n_draws": 999}
    found = run(allocation, data, interval=True, **options)
    assert found.ci_low < found.estimate < found.ci_high
    for end, outwards in ((found.ci_low, -0.01), (found.ci_high, 0.01)):
        assert run(allocation, shifted(allocation, data, end), **options).p_value > 0.05
        outside = shifted(allocation, data, end + outwards)
        assert run(allocation, outside, **options).p_value <= 0.05


def test_interval_moves_with_the_effect():
    allocation, data = small_trial(n=40)
    first = run(allocation, data, interval=True, n_draws=499)
    moved = run(allocation, shifted(allocation, data, 3.0), interval=True, n_draws=499)
    assert first.ci_low - moved.ci_low == pytest.approx(3.0, abs=2e-3)
    assert first.ci_high - moved.ci_high == pytest.approx(3.0, abs=2e-3)


def test_interval_is_close_to_the_t_interval_of_the_same_contrast():
    allocation, data = small_trial(n=100)
    found = run(allocation, data, interval=True, n_draws=1999)
    table = data.assign(arm=allocation["arm"].to_numpy())
    fitted = fit_ancova(table, response="change", arms=("CON", "HRT"), errors="hc3")
    own = fitted.contrast("HRT")
    assert found.ci_low == pytest.approx(own.ci_low, abs=0.15 * own.se)
    assert found.ci_high == pytest.approx(own.ci_high, abs=0.15 * own.se)


def test_interval_that_cannot_be_inverted_is_missing_and_the_note_says_why():
    allocation, data = small_trial(n=40)
    noise = np.random.default_rng(1).normal(0, 1, len(data))
    several = pd.concat([data, data.assign(visit="2y", change=data["change"] + noise)])
    gls = run(allocation, several, visit="1y", statistic="gls", interval=True, n_draws=99)
    assert np.isnan(gls.ci_low)
    assert "No interval: it is inverted for the ANCOVA statistic" in gls.note
    few = run(*small_trial(n=6), interval=True, n_draws=99)
    assert np.isnan(few.ci_high)
    assert "too few different allocations" in few.note


def test_person_alone_in_a_covariate_level_changes_nothing():
    allocation, data = small_trial(n=40)
    alone = data.assign(site=np.where(data["participant_id"] == "p3", "far", "near"))
    found = run(allocation, alone, covariates=("site",), n_draws=199)
    without = run(allocation, alone[alone["participant_id"] != "p3"], n_draws=199)
    assert found.statistic == pytest.approx(without.statistic, rel=1e-8)
    assert found.p_value == without.p_value


def test_people_without_a_covariate_are_not_counted_as_compared():
    allocation, data = small_trial(n=40)
    holes = data.assign(baseline_gap=data["baseline_gap"].where(data.index != 3))
    found = run(allocation, holes, covariates=("baseline_gap",), n_draws=99)
    assert (found.n_allocated, found.n_compared, found.n_analysed) == (40, 39, 39)
