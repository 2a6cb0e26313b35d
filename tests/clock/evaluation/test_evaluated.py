"""An evaluation in its folder is the one that was made, or is done again."""

import numpy as np
import pytest

from brainage.clock import (
    AgeBiasCorrector,
    ClockOptions,
    ValidationOptions,
    cross_validate_clock,
    gap_slope,
)
from brainage.clock.evaluation.alternatives import Alternative
from brainage.clock.evaluation.evaluated import is_evaluated, read_evaluation, write_evaluation

OPTIONS = ClockOptions(
    validation=ValidationOptions(n_folds=4, n_repeats=2, n_bootstrap=0), bias_correction="offset"
)
ONE = Alternative("one", OPTIONS)


@pytest.fixture(scope="module")
def cv(make_cohort):
    return cross_validate_clock(make_cohort(40), OPTIONS)


def test_what_is_read_is_what_was_written(cv, tmp_path):
    write_evaluation(tmp_path, cv, ONE, halves=None, why_no_halves="no series")
    found = read_evaluation(tmp_path, ONE)
    np.testing.assert_array_equal(
        found.predictions["predicted_age_years"], cv.predictions["predicted_age_years"]
    )
    mean = cv.mean_predictions().sort_values("participant_id")
    age, predicted = (mean[name].to_numpy() for name in ("age_years", "predicted_age_years"))
    expected = gap_slope(age, predicted - age).slope
    assert found.facts["gap_slope_before"] == pytest.approx(expected, rel=1e-9)
    # The offset's line takes the whole slope of the sample it was fitted on.
    gap = AgeBiasCorrector("offset").fit(age, predicted).corrected_gap(age, predicted)
    assert found.facts["gap_slope_after"] == pytest.approx(gap_slope(age, gap).slope, abs=1e-9)
    assert found.facts["r"] == cv.metrics.set_index("metric").loc["r", "estimate"]
    assert np.isnan(found.facts["mae_new_sites_years"])
    assert (found.halves, found.why_no_halves) == (None, "no series")


def test_folder_without_facts_or_without_what_is_asked_beside_is_not_evaluated(cv, tmp_path):
    assert not is_evaluated(tmp_path, in_sample=False, halves=False)
    write_evaluation(
        tmp_path, cv, ONE, halves=None, why_no_halves="halves of scans were not asked for"
    )
    assert is_evaluated(tmp_path, in_sample=False, halves=False)
    assert not is_evaluated(tmp_path, in_sample=True, halves=False)
    assert not is_evaluated(tmp_path, in_sample=False, halves=True)
    # Measured, with a reason why there are none: not done again.
    write_evaluation(tmp_path, cv, ONE, halves=None, why_no_halves="no series")
    assert is_evaluated(tmp_path, in_sample=False, halves=True)
