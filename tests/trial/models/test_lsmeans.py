"""t tests and intervals of a linear combination."""

import pytest
from scipy import stats

from brainage.trial.models.lsmeans import t_estimate


def test_interval_excludes_zero_exactly_when_p_is_below_five_per_cent():
    for statistic in (1.9, 2.0, 2.2, 2.3):
        found = t_estimate(-statistic, 1.0, 10.0)
        assert (found.ci_high < 0) == (found.p_value < 0.05)


def test_p_value_and_interval_are_those_of_the_t_distribution():
    found = t_estimate(-1.5, 0.6, 7.3)
    assert found.p_value == pytest.approx(2 * stats.t.cdf(-2.5, 7.3), rel=1e-12)
    assert found.ci_low == pytest.approx(stats.t.interval(0.95, 7.3, -1.5, 0.6)[0], rel=1e-12)
    assert found.ci_high == pytest.approx(stats.t.interval(0.95, 7.3, -1.5, 0.6)[1], rel=1e-12)
