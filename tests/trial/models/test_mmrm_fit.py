"""Means and contrasts of a fitted model."""

import functools
import sys
from pathlib import Path

import numpy as np
import pytest

from brainage.errors import DesignError
from brainage.trial.models.mmrm import fit_mmrm

sys.path.insert(0, str(Path(__file__).parents[1]))
from r_reference import ARMS, COVARIATES, follow_ups, trial_data, visits_of  # noqa: E402


@functools.cache
def fitted():
    data = follow_ups("three")
    return fit_mmrm(
        data,
        response="change",
        arms=ARMS,
        visits=visits_of(data),
        covariates=COVARIATES,
        covariance_by_arm=False,
        errors="model",
    )


def test_average_over_visits_is_the_mean_of_the_visits():
    for ask in (fitted().contrast, fitted().lsmean):
        single = [ask("HRT", visit).estimate for visit in ("v1", "v2", "v3")]
        assert ask("HRT").estimate == pytest.approx(np.mean(single), abs=1e-12)


def test_contrast_is_the_difference_of_means_and_turns_its_sign_with_the_arms():
    fit = fitted()
    means = [fit.lsmean(arm, "v2").estimate for arm in ("HRT", "MIT")]
    one, other = fit.contrast("HRT", "v2", versus="MIT"), fit.contrast("MIT", "v2", versus="HRT")
    assert one.estimate == pytest.approx(means[0] - means[1], abs=1e-12)
    assert (other.estimate, other.se, other.df) == pytest.approx((-one.estimate, one.se, one.df))


def test_change_form_means_are_the_changes_within_arms():
    fit = fitted()
    assert fit.arm_delta("MIT", "v1") == fit.lsmean("MIT", "v1")


def test_arm_is_not_compared_with_itself_and_strangers_are_refused():
    with pytest.raises(DesignError, match="'CON' cannot be compared with itself"):
        fitted().contrast("CON", "v1")
    with pytest.raises(DesignError, match="visit 'v9': expected one of v1, v2, v3"):
        fitted().contrast("HRT", "v9")


def test_akaikes_criterion_counts_the_covariance_alone():
    # Three visits without structure: six parameters.
    assert fitted().aic == pytest.approx(12 - 2 * fitted().log_likelihood)


def test_constrained_form_gives_all_arms_one_baseline_mean():
    data = trial_data("missing")
    fit = fit_mmrm(
        data,
        response="gap",
        arms=ARMS,
        visits=visits_of(data),
        form="constrained",
        covariates=("sex",),
    )
    means = [fit.lsmean(arm, "v0").estimate for arm in ARMS]
    assert means[0] == means[1] == means[2]
    delta = fit.arm_delta("HRT", "v1").estimate
    assert delta == pytest.approx(fit.lsmean("HRT", "v1").estimate - means[0], abs=1e-12)
