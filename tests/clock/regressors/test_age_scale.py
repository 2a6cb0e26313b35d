"""Claims about the scale on which a stacked clock predicts age."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.clock import BrainClock, ClockOptions, cross_validate_clock, fit_clock
from brainage.clock.options import ValidationOptions
from brainage.clock.regressors.age_scale import candidate_scales, to_scale, to_years
from brainage.clock.regressors.stacked import StackedClock, fit_stack_on_grams
from brainage.connectivity import FeatureTable, View, ViewSpec
from brainage.connectivity.sessions import ROWS
from brainage.errors import BrainAgeError

N_SCANS, N_PARCELS = 120, 12


def _view(age_signal: np.ndarray, kind: str, seed: int) -> View:
    rng = np.random.default_rng(seed)
    spec = ViewSpec(
        kind,
        "none",
        "upper",
        tuple(f"P{i}" for i in range(N_PARCELS)),
        (None,) * N_PARCELS,
        "toy",
        "cleaned",
    )
    direction = rng.standard_normal(spec.n_features)
    values = np.outer(age_signal - age_signal.mean(), direction) / age_signal.std()
    values += 2.0 * rng.standard_normal(values.shape)
    return View(values.astype(np.float32), spec)


def _cohort(scale: str) -> FeatureTable:
    """Ages spread evenly on a scale, features linear in age on that scale."""
    rng = np.random.default_rng(5)
    low, high = to_scale(np.array([6.0, 80.0]), scale)
    signal = rng.uniform(low, high, N_SCANS)
    rows = pd.DataFrame(dict.fromkeys(ROWS.names), index=range(N_SCANS))
    rows["participant_id"] = [f"{i:03d}" for i in range(N_SCANS)]
    rows["session_id"] = "n/a"
    rows["age_years"] = to_years(signal, scale)
    rows["mean_fd_mm"] = rows["retained_s"] = np.nan
    views = {kind: _view(signal, kind, i) for i, kind in enumerate(("fisher_z", "pearson"))}
    return FeatureTable(views, rows)


def _options(age_scale: str) -> ClockOptions:
    return ClockOptions(
        estimator="stacked",
        views=("fisher_z", "pearson"),
        age_scale=age_scale,
        networks=False,
        validation=ValidationOptions(n_folds=5, n_bootstrap=0),
    )


@pytest.mark.parametrize("scale", ["years", "sqrt", "log"])
def test_years_come_back_from_every_scale(scale):
    age = np.array([0.5, 6.0, 33.3, 90.0])
    np.testing.assert_allclose(to_years(to_scale(age, scale), scale), age, rtol=1e-14)


def test_a_scan_unlike_all_others_gets_a_finite_age_on_every_scale():
    extreme = np.array([-1e6, 1e6])
    assert np.isfinite(to_years(extreme, "log")).all()
    assert to_years(extreme, "sqrt")[0] == 0.0


def test_ages_of_zero_leave_years_as_the_only_candidate():
    assert candidate_scales(np.array([0.0, 3.0]), "auto") == ("years",)
    with pytest.raises(BrainAgeError, match="ages above 0, found 0"):
        to_scale(np.array([0.0, 3.0]), "log")
    with pytest.raises(BrainAgeError, match="expected one of .* found 'cubic'"):
        candidate_scales(np.array([3.0]), "cubic")


@pytest.mark.parametrize("scale", ["years", "log"])
def test_the_scale_on_which_features_are_linear_is_found(scale):
    features = _cohort(scale)
    age = features.rows["age_years"].to_numpy()
    grams = [v.values.astype(float) @ v.values.T.astype(float) for v in features.views.values()]
    assert fit_stack_on_grams(grams, age, age_scale="auto").age_scale == scale


def test_the_right_scale_lowers_the_out_of_fold_error():
    features = _cohort("log")

    def error(age_scale: str) -> float:
        cv = cross_validate_clock(features, _options(age_scale), seed=1)
        out = cv.predictions
        return float((out["predicted_age_years"] - out["age_years"]).abs().mean())

    assert error("auto") < 0.95 * error("years")


def test_stack_on_columns_equals_stack_on_grams_on_the_log_scale():
    features = _cohort("log")
    age = features.rows["age_years"].to_numpy()
    blocks = [view.values.astype(float) for view in features.views.values()]
    by_column = StackedClock(block_sizes=[b.shape[1] for b in blocks], age_scale="log")
    by_column.fit(np.hstack(blocks), age)
    by_gram = fit_stack_on_grams([b @ b.T for b in blocks], age, age_scale="log")
    np.testing.assert_allclose(
        by_column.predict(np.hstack(blocks)), by_gram.predict([b @ b.T for b in blocks]), rtol=1e-8
    )
    assert by_column.age_scale_ == "log"


def test_saved_log_scale_clock_scores_alike_and_each_scan_alone(tmp_path):
    features = _cohort("log")
    clock = fit_clock(features, _options("auto"), seed=0)
    clock.save(tmp_path / "toy.clock")
    loaded = BrainClock.load(tmp_path / "toy.clock")
    together = clock.score(features)
    pd.testing.assert_frame_equal(loaded.score(features), together)
    alone = loaded.score(features.select(np.array([7])))
    pd.testing.assert_frame_equal(alone, together.iloc[[7]].reset_index(drop=True))
    # In years, not in their logarithm: inside the range of a cohort aged 6 to 80.
    assert together["predicted_age_years"].between(2, 200).all()
    assert (together["interval_low_years"] < together["predicted_age_years"]).all()
    assert (together["interval_high_years"] > together["predicted_age_years"]).all()


def test_shuffled_ages_are_not_predicted_out_of_fold_with_a_learnt_scale():
    features = _cohort("log")
    blocks = [view.values.astype(float) for view in features.views.values()]
    X, sizes = np.hstack(blocks), [block.shape[1] for block in blocks]
    rng = np.random.default_rng(0)
    correlations = []
    for _ in range(20):
        age = rng.permutation(features.rows["age_years"].to_numpy())
        fold = rng.permutation(np.arange(N_SCANS) % 5)
        predicted = np.empty(N_SCANS)
        for k in range(5):
            clock = StackedClock(block_sizes=sizes, age_scale="auto")
            predicted[fold == k] = clock.fit(X[fold != k], age[fold != k]).predict(X[fold == k])
        correlations.append(np.corrcoef(predicted, age)[0, 1])
    assert np.mean(correlations) <= 0.05
