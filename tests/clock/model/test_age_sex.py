"""A gap freed of age and sex: on the reference frozen, on the trial's own scans on request."""

import numpy as np
import pandas as pd
import pytest

from brainage.clock import AgeSexLine, BrainClock, ClockOptions, ValidationOptions, fit_clock
from brainage.clock.model.age_sex import free_scores
from brainage.errors import BrainAgeError

FOLDS = ValidationOptions(n_folds=4, n_bootstrap=0)


def _with_sexes(features):
    features.rows["sex"] = np.where(np.arange(len(features.rows)) % 3 == 0, "F", "M")
    return features


def test_the_line_gives_back_what_was_planted_and_an_unknown_sex_the_mean_of_all():
    rng = np.random.default_rng(0)
    age, sex = rng.uniform(20, 80, 60), np.array(["F", "M", "M"] * 20, dtype=object)
    gap = 4 - 0.2 * age + np.where(sex == "F", 3.0, 0.0)
    line = AgeSexLine.fit(age, gap, sex, fitted_on="reference")
    assert line.per_year == pytest.approx(-0.2)
    assert line.by_sex == pytest.approx({"F": 2.0, "M": -1.0})
    np.testing.assert_allclose(line.expected(age, sex), gap, atol=1e-9)
    assert line.expected(np.zeros(1), [None])[0] == pytest.approx(line.intercept)
    assert AgeSexLine.from_dict(line.to_dict()) == line


def test_a_clock_freed_on_its_reference_says_so_and_keeps_the_line(make_cohort, tmp_path):
    cohort = _with_sexes(make_cohort(60))
    plain = ClockOptions(validation=FOLDS, bias_correction="none")
    options = plain.model_copy(update={"gap_freed_of_age_and_sex": "reference"})
    clock = fit_clock(cohort, options)
    assert abs(clock.facts["gap_slope_out_of_fold"]["after"]["slope"]) < 0.02
    assert "fitted on out-of-fold gaps" in clock.card()["gap freed of age and sex"]
    clock.save(tmp_path / "a.clock")
    again = BrainClock.load(tmp_path / "a.clock")
    new = _with_sexes(make_cohort(5, seed=1))
    assert again.score(new).equals(clock.score(new))
    freed, raw = (c.score(new)["gap_corrected_years"] for c in (clock, fit_clock(cohort, plain)))
    expected = clock.age_sex.expected(new.rows["age_years"].to_numpy(), new.rows["sex"])
    np.testing.assert_allclose(raw - freed, expected, atol=1e-9)


def test_a_line_on_every_visit_takes_the_arms_change_off_and_one_on_baselines_does_not(make_cohort):
    cohort = _with_sexes(make_cohort(60))
    scores = fit_clock(cohort, ClockOptions(validation=FOLDS)).score(cohort)
    # One arm only, aged 62 to 70, that drifts by -1 year a year for two years.
    rng = np.random.default_rng(1)
    scores["age_years"] = rng.uniform(62, 64, 60)
    scores["gap_corrected_years"] = rng.normal(0, 0.1, 60)
    later = scores.assign(session_id="2y", age_years=scores["age_years"] + 2)
    later["gap_corrected_years"] -= 2
    both = pd.concat([scores.assign(session_id="base"), later], ignore_index=True)

    def change(fitted_on):
        on = np.ones(120, bool) if fitted_on == "everyone" else (both["session_id"] == "base")
        freed, words = free_scores(both, np.asarray(on), fitted_on=fitted_on)
        means = freed.groupby("session_id")["gap_corrected_years"].mean()
        return means["2y"] - means["base"], words["whole_brain"]

    kept, _ = change("baselines")
    taken, words = change("everyone")
    assert kept == pytest.approx(-2, abs=0.3)
    assert abs(taken) < 0.7
    assert "taken off with it" in words


def test_too_few_scans_are_refused():
    with pytest.raises(BrainAgeError, match="at least 3 scans of different ages"):
        AgeSexLine.fit(np.array([60.0, 61]), np.zeros(2), ["F", "F"], fitted_on="baselines")
