"""The repeated-measures model against nlme, lmerTest, pbkrtest and emmeans, and its faults.

Reference values: scripts/reference/trial_models.R on data simulated by make_trial_data.py.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError
from brainage.trial.models.mmrm import fit_mmrm

sys.path.insert(0, str(Path(__file__).parents[1]))
from r_reference import (  # noqa: E402
    ARMS,
    COVARIATES,
    DATA_SETS,
    follow_ups,
    r_values,
    trial_data,
    visits_of,
)


def fit(name, **options):
    data = follow_ups(name)
    options = {"covariates": COVARIATES, "covariance_by_arm": False, "errors": "model", **options}
    return fit_mmrm(data, response="change", arms=ARMS, visits=visits_of(data), **options)


def contrast(fitted, key):
    arm, visit = key.split()
    return fitted.contrast(arm, None if visit == "average" else visit)


def close(ours, theirs, relative, floor=0.0):
    assert abs(ours - theirs) <= relative * max(abs(theirs), floor), (ours, theirs)


@pytest.mark.parametrize("name", DATA_SETS)
def test_estimates_and_errors_match_nlme_gls(name):
    fitted, reference = fit(name), r_values()["mmrm"][name]
    assert fitted.log_likelihood == pytest.approx(reference["log_likelihood"], abs=1e-7)
    for row in reference["gls"]:
        found = contrast(fitted, row["contrast"])
        # 1e-4 relative; an estimate near zero is judged against its own error instead, because
        # nlme stops its search at about 1e-6 of that.
        close(found.estimate, row["estimate"], 1e-4, floor=row["se"])
        close(found.se, row["se"], 1e-4)


@pytest.mark.parametrize("name", DATA_SETS)
def test_least_squares_means_match_emmeans_on_gls_at_proportional_weights(name):
    fitted = fit(name)
    for row in r_values()["mmrm"][name]["gls_means"]:
        found = fitted.lsmean(row["arm"], row["visit"])
        assert abs(found.estimate - row["emmean"]) <= 1e-4 * row["SE"]
        close(found.se, row["SE"], 1e-4)


@pytest.mark.parametrize("name", DATA_SETS)
def test_unstructured_satterthwaite_matches_lmertest(name):
    fitted = fit(name)
    for row in r_values()["mmrm"][name]["satterthwaite_unstructured"]:
        found = contrast(fitted, row["contrast"])
        close(found.se, row["se"], 1e-4)
        close(found.df, row["df"], 1e-3)


@pytest.mark.parametrize("name", ["complete", "missing"])
def test_a_covariance_for_each_arm_matches_lmer_with_a_block_for_each_arm(name):
    fitted, reference = fit(name, covariance_by_arm=True), r_values()["per_arm"][name]
    assert fitted.covariance_name == "unstructured, one per arm"
    assert fitted.log_likelihood == pytest.approx(reference["log_likelihood"], abs=1e-6)
    for row in reference["satterthwaite"]:
        found = contrast(fitted, row["contrast"])
        assert abs(found.estimate - row["estimate"]) <= 1e-5 * row["se"]
        close(found.se, row["se"], 1e-5)
        close(found.df, row["df"], 1e-4)


@pytest.mark.parametrize("name", DATA_SETS)
def test_exchangeable_satterthwaite_matches_lmertest(name):
    fitted = fit(name, covariance="compound symmetry")
    for row in r_values()["mmrm"][name]["satterthwaite_exchangeable"]:
        found = contrast(fitted, row["contrast"])
        close(found.se, row["se"], 1e-4)
        close(found.df, row["df"], 1e-3)


@pytest.mark.parametrize("name", DATA_SETS)
def test_exchangeable_kenward_roger_matches_pbkrtest(name):
    fitted = fit(name, covariance="compound symmetry", degrees_of_freedom="kenward_roger")
    for row in r_values()["mmrm"][name]["kenward_roger_exchangeable"]:
        found = contrast(fitted, row["contrast"])
        close(found.se, row["se"], 1e-4)
        close(found.df, row["df"], 1e-2)


def test_unstructured_kenward_roger_is_the_per_visit_ancova_when_nobody_is_missing():
    # Every covariate crossed with visit and no missing visit: same t, df = n - rank.
    covariates = ("baseline_gap", "baseline_age", "sex")
    fitted = fit(
        "complete",
        covariates=covariates,
        crossed_with_visit=covariates,
        degrees_of_freedom="kenward_roger",
    )
    for row in r_values()["identity"]:
        found = fitted.contrast("HRT", row["visit"])
        assert found.estimate == pytest.approx(row["estimate"], rel=1e-8)
        assert found.se == pytest.approx(row["se"], rel=1e-7)
        assert found.statistic == pytest.approx(row["t"], rel=1e-7)
        assert found.df == pytest.approx(row["df"], rel=1e-6)


@pytest.mark.parametrize("name", ["missing", "three"])
def test_fall_back_structures_match_nlme_gls(name):
    for structure, row in r_values()["structures"][name].items():
        fitted = fit(
            name, covariates=("baseline_gap", "sex"), crossed_with_visit=(), covariance=structure
        )
        found = fitted.contrast("HRT", "v1")
        assert fitted.covariance_name == structure
        assert fitted.log_likelihood == pytest.approx(row["log_likelihood"], abs=1e-7)
        close(found.estimate, row["estimate"], 1e-4, floor=row["se"])
        close(found.se, row["se"], 1e-4)


@pytest.mark.parametrize("name", DATA_SETS)
def test_cluster_robust_errors_match_clubsandwich_cr2(name):
    fitted = fit(
        name,
        covariates=("baseline_gap", "sex"),
        crossed_with_visit=(),
        covariance="AR(1)",
        errors="cluster_robust",
    )
    for row in r_values()["cluster_robust"][name]:
        found = fitted.contrast(row["contrast"], "v1")
        close(found.se, row["se"], 1e-5)
        close(found.df, row["df"], 1e-5)


@pytest.mark.parametrize("name", ["complete", "missing"])
def test_constrained_form_matches_gls_with_a_common_baseline_mean(name):
    data = trial_data(name)
    fitted = fit_mmrm(
        data,
        response="gap",
        arms=ARMS,
        visits=visits_of(data),
        form="constrained",
        covariates=("baseline_age", "sex"),
        covariance_by_arm=False,
        errors="model",
    )
    for row in r_values()["constrained"][name]:
        found = fitted.contrast(*row["contrast"].split("_"))
        close(found.estimate, row["estimate"], 1e-4, floor=row["se"])
        close(found.se, row["se"], 1e-4)


def test_constrained_form_keeps_people_without_a_follow_up():
    data = trial_data("missing")
    changed = data[data["visit_index"] > 0]
    full = fit_mmrm(data, response="gap", arms=ARMS, visits=visits_of(data), form="constrained")
    change = fit_mmrm(changed, response="change", arms=ARMS, visits=visits_of(changed))
    assert full.n_participants == data["participant_id"].nunique() == 120
    assert change.n_participants == changed["participant_id"].nunique() < 120


def test_one_covariance_per_arm_gives_welchs_t_test_when_nobody_is_missing():
    data = follow_ups("complete")
    fitted = fit_mmrm(data, response="change", arms=ARMS, visits=visits_of(data), errors="model")
    found, welch = fitted.contrast("HRT", "v1"), r_values()["welch"]
    assert found.estimate == pytest.approx(welch["estimate"], rel=1e-8)
    assert found.se == pytest.approx(welch["se"], rel=1e-8)
    assert found.df == pytest.approx(welch["df"], rel=1e-6)
    assert found.p_value == pytest.approx(welch["p"], rel=1e-6)
    assert found.ci_low == pytest.approx(welch["ci_low"], rel=1e-6)
    assert found.ci_high == pytest.approx(welch["ci_high"], rel=1e-6)


def test_contrasts_do_not_depend_on_row_order_or_unit():
    data = follow_ups("missing")
    first = fit("missing").contrast("HRT", "v2")
    shuffled = data.sample(frac=1, random_state=1).assign(change=lambda d: 365.25 * d["change"])
    again = fit_mmrm(
        shuffled,
        response="change",
        arms=ARMS,
        visits=visits_of(data),
        covariates=COVARIATES,
        covariance_by_arm=False,
        errors="model",
    )
    found = again.contrast("HRT", "v2")
    assert found.estimate == pytest.approx(365.25 * first.estimate, rel=1e-7)
    assert found.df == pytest.approx(first.df, rel=1e-6)


def test_contrast_is_unchanged_by_a_shift_linear_in_baseline_gap_and_age_at_each_visit():
    # So an offset bias correction cannot change a between-arm contrast (SCIENCE.md, section 3).
    data = follow_ups("missing")
    shift = np.where(
        data["visit"] == "v1",
        0.3 * data["baseline_age"] + 0.2 * data["baseline_gap"],
        7 - 0.5 * data["baseline_age"],
    )
    moved = data.assign(change=data["change"] + shift)
    options = {
        "response": "change",
        "arms": ARMS,
        "visits": visits_of(data),
        "covariates": COVARIATES,
    }
    first = fit_mmrm(data, **options).contrast("HRT", "v2")
    second = fit_mmrm(moved, **options).contrast("HRT", "v2")
    assert second.estimate == pytest.approx(first.estimate, abs=1e-6)
    assert second.se == pytest.approx(first.se, rel=1e-6)
    assert second.df == pytest.approx(first.df, rel=1e-5)


def test_visits_never_seen_together_fall_back_by_name_with_robust_errors():
    data = follow_ups("three")
    half = data["participant_id"] < "p037"
    apart = data[(half & (data["visit"] != "v3")) | (~half & (data["visit"] != "v1"))]
    # Kenward-Roger is asked for, so that few people are no reason of their own.
    fitted = fit_mmrm(
        apart,
        response="change",
        arms=ARMS,
        visits=visits_of(data),
        degrees_of_freedom="kenward_roger",
    )
    assert fitted.covariance_name == "heterogeneous AR(1)"
    assert fitted.fell_back_because[0] == (
        "unstructured, one per arm: nobody was seen at both v1 and v3"
    )
    assert fitted.fell_back_because[1].startswith("unstructured: nobody")
    assert fitted.fell_back_because[2].startswith("heterogeneous Toeplitz: ")
    assert "cluster-robust" in fitted.method
    assert np.isfinite(fitted.contrast("HRT", "v1").p_value)


def test_data_that_identify_no_structure_are_refused_with_each_reason():
    data = follow_ups("complete")
    half = data["participant_id"] < "p045"
    apart = data[(half & (data["visit"] == "v1")) | (~half & (data["visit"] == "v2"))]
    with pytest.raises(DesignError, match="nobody was seen at both v1 and v2.*compound symmetry"):
        fit_mmrm(apart, response="change", arms=ARMS, visits=visits_of(data))


def test_an_arm_of_few_people_gets_robust_errors_with_the_correction_for_estimated_weights():
    data, covariates = follow_ups("small"), ("baseline_gap", "sex")
    options = {
        "response": "change",
        "arms": ARMS,
        "visits": visits_of(data),
        "covariates": covariates,
    }
    few = fit_mmrm(data, **options)
    assert few.covariance_name == "unstructured"
    assert "cluster-robust" in few.method
    assert any("fewer than 60" in note for note in few.notes)
    shared = {"covariance_by_arm": False, **options}
    robust = fit_mmrm(data, errors="cluster_robust", **shared)
    adjusted = fit_mmrm(data, errors="model", degrees_of_freedom="kenward_roger", **shared)
    plain = fit_mmrm(data, errors="model", **shared)
    for arm in ARMS[1:]:
        weights = few.contrast_weights(arm, "v1")
        variance = [weights @ fitted.vcov @ weights for fitted in (few, robust, adjusted, plain)]
        # CR2 plus what Kenward and Roger add to the model-based covariance.
        assert variance[0] == pytest.approx(variance[1] + variance[2] - variance[3], rel=1e-9)
        assert few.contrast(arm, "v1").df == robust.contrast(arm, "v1").df


def test_kenward_roger_asked_for_is_given_to_few_people_too():
    data = follow_ups("small")
    fitted = fit_mmrm(
        data,
        response="change",
        arms=ARMS,
        visits=visits_of(data),
        degrees_of_freedom="kenward_roger",
    )
    assert fitted.method.endswith("Kenward-Roger degrees of freedom")
    assert not any("fewer than" in note for note in fitted.notes)


def test_lisa_size_is_fitted_in_under_half_a_second():
    rng = np.random.default_rng(0)
    n = 309
    gap = rng.normal(0, 3, (n, 1)) + rng.normal(0, 2, (n, 3))
    frames = [
        pd.DataFrame(
            {
                "participant_id": [f"p{i}" for i in range(n)],
                "visit": f"v{t}",
                "arm": np.array(ARMS)[np.arange(n) % 3],
                "change": gap[:, t] - gap[:, 0],
                "baseline_gap": gap[:, 0],
            }
        )
        for t in (1, 2)
    ]
    data = pd.concat(frames)
    options = {
        "response": "change",
        "arms": ARMS,
        "visits": ("v1", "v2"),
        "covariates": ("baseline_gap",),
    }
    fit_mmrm(data, **options)
    began = time.process_time()
    fit_mmrm(data, **options)
    assert time.process_time() - began < 0.5


class TestFaults:
    """Each fault is a DesignError that says what is wrong."""

    def refused(self, data, words, **options):
        options = {"response": "change", "arms": ARMS, "visits": ("v1", "v2"), **options}
        with pytest.raises(DesignError, match=words):
            fit_mmrm(data, **options)

    def test_constant_response_at_one_visit(self):
        data = follow_ups("complete")
        self.refused(
            data.assign(change=data["change"].where(data["visit"] == "v1", 2.0)),
            "visit 'v2'.*exactly",
        )

    def test_more_coefficients_than_observations(self):
        data = follow_ups("complete")
        few = data[
            data["participant_id"].isin(
                [data.loc[data["arm"] == arm, "participant_id"].iloc[0] for arm in ARMS]
            )
        ]
        self.refused(few, "too few")

    def test_unknown_structure(self):
        self.refused(follow_ups("complete"), "covariance 'banana'", covariance="banana")


def test_aliased_covariates_are_left_out_with_a_note():
    data = follow_ups("missing").assign(
        months=lambda d: 12 * d["baseline_age"], site="only", sex_again=lambda d: d["sex"]
    )
    fitted = fit_mmrm(
        data,
        response="change",
        arms=ARMS,
        visits=visits_of(data),
        covariates=(*COVARIATES, "months", "site", "sex_again"),
        covariance_by_arm=False,
    )
    reference = fit("missing").contrast("HRT", "v1")
    found = fitted.contrast("HRT", "v1")
    assert found.estimate == pytest.approx(reference.estimate, abs=1e-8)
    left_out = [note for note in fitted.notes if "left out" in note]
    assert [word in " ".join(left_out) for word in ("months", "site", "sex_again")] == [True] * 3
    assert "site" not in fitted.covariates


def test_people_without_a_covariate_are_counted_in_the_notes():
    data = follow_ups("complete").copy()
    data.loc[data["participant_id"].isin(["p001", "p002"]), "baseline_age"] = np.nan
    fitted = fit_mmrm(
        data, response="change", arms=ARMS, visits=visits_of(data), covariates=("baseline_age",)
    )
    assert fitted.n_participants == 88
    assert any("2 participant(s) left out" in n and "baseline_age" in n for n in fitted.notes)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(40))
def test_tiny_or_degenerate_trials_give_finite_contrasts_or_a_design_error(seed):
    rng = np.random.default_rng(seed)
    n, n_visits = rng.integers(4, 16), rng.integers(2, 4)
    gap = rng.normal(0, rng.choice([0, 3]), n)[:, None] + rng.normal(0, 1, (n, n_visits + 1))
    gap = np.round(gap) if rng.random() < 0.3 else gap
    arm = rng.permutation(np.array(ARMS)[np.arange(n) % 3])
    rows = [
        (f"p{i}", arm[i], f"v{t}", gap[i, t], "fm"[i % 2])
        for i in range(n)
        for t in range(n_visits + 1)
        if t == 0 or rng.random() > 0.25
    ]
    data = pd.DataFrame(rows, columns=["participant_id", "arm", "visit", "gap", "sex"])
    visits = tuple(f"v{t}" for t in range(n_visits + 1))
    try:
        fitted = fit_mmrm(
            data, response="gap", arms=ARMS, visits=visits, covariates=("sex",), form="constrained"
        )
    except DesignError:
        return
    for visit in visits[1:]:
        found = fitted.contrast("HRT", visit)
        assert np.isfinite([found.estimate, found.se, found.df, found.p_value]).all()
        assert found.se > 0
