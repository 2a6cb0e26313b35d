"""The contrast of many allocations at once is the contrast of each by itself."""

import sys
from pathlib import Path

import numpy as np
import pytest

from brainage.trial.models.ancova import fit_ancova
from brainage.trial.models.linear_form import linear_form
from brainage.trial.models.model_frame import build_model_frame

sys.path.insert(0, str(Path(__file__).parents[1]))
from r_reference import ARMS, follow_ups  # noqa: E402

COVARIATES = ("baseline_gap", "sex")


def form_of(data, visits, **given):
    data = data[data["visit"].isin(visits)]
    frame = build_model_frame(
        data, response="change", arms=ARMS, visits=visits, covariates=COVARIATES
    )
    label = np.empty(frame.n_participants, dtype=int)
    label[frame.person] = frame.arm
    form = linear_form(frame, visits[-1], fixed_arms=("MIT",), **given)
    return form, (label == ARMS.index("HRT")), label


def permuted(treated, label, n, seed=0):
    """Return allocations in which people of HRT and CON change places."""
    rng = np.random.default_rng(seed)
    moving = np.flatnonzero(label != ARMS.index("MIT"))
    drawn = np.repeat(treated[:, None], n, axis=1)
    for k in range(n):
        drawn[moving, k] = treated[rng.permutation(moving)]
    return drawn[None]


def test_each_allocation_has_the_contrast_and_hc3_error_of_its_own_ancova():
    data = follow_ups("missing")
    data = data[data["visit"] == "v1"].sort_values("participant_id")
    form, treated, label = form_of(data, ("v1",), statistic="ancova")
    drawn = permuted(treated, label, 3)
    estimate, statistic = form.studentised(drawn)
    for k in range(3):
        arm = np.where(label == 1, "MIT", np.where(drawn[0, :, k], "HRT", "CON"))
        table = data.assign(arm=arm)
        own = fit_ancova(
            table, response="change", arms=ARMS, covariates=COVARIATES, errors="hc3"
        ).contrast("HRT")
        assert estimate[k] == pytest.approx(own.estimate, rel=1e-9)
        assert statistic[k] == pytest.approx(own.statistic, rel=1e-9)


@pytest.mark.parametrize(("statistic", "visits"), [("ancova", ("v1",)), ("gls", ("v1", "v2"))])
def test_shift_of_the_arm_moves_the_contrast_by_itself_and_no_error(statistic, visits):
    form, treated, label = form_of(follow_ups("missing"), visits, statistic=statistic)
    moved = form.shift_of(treated)
    drawn = permuted(treated, label, 4)
    responses = np.stack([form.response, moved, form.response - 2.5 * moved])
    estimate, products = form.moments(drawn, responses)
    np.testing.assert_allclose(estimate[2], estimate[0] - 2.5 * estimate[1], atol=1e-9)
    variance = products[0, 0] - 5 * products[0, 1] + 6.25 * products[1, 1]
    np.testing.assert_allclose(products[2, 2], variance, rtol=1e-7)
    own = treated[None, :, None]
    assert form.moments(own, moved[None])[0][0, 0] == pytest.approx(1.0, rel=1e-9)


def test_allocation_without_anybody_in_the_arm_determines_nothing():
    form, treated, _ = form_of(follow_ups("complete"), ("v1",), statistic="ancova")
    nobody = np.zeros((1, len(treated), 1), dtype=bool)
    estimate, statistic = form.studentised(nobody)
    assert np.isnan(estimate).all()
    assert np.isnan(statistic).all()
