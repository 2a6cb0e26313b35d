"""Choices that contradict each other, or that nothing would read, are refused."""

import pytest
from pydantic import ValidationError

from brainage.clock import ClockOptions


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"views": ("fisher_z", "pearson")}, "one view for estimator 'ridge'.*found 2"),
        ({"estimator": "svr", "views": ("fisher_z", "pearson")}, "one view for estimator 'svr'"),
        ({"views": ()}, "at least one view"),
        ({"estimator": "stacked", "views": ("fisher_z", "fisher_z")}, "each view once"),
        ({"age_scale": "log"}, "age_scale 'log' only with estimator 'stacked'"),
        ({"strong_views": ("fisher_z",)}, "strong_views only with estimator 'stacked'"),
        ({"estimator": "stacked", "strong_views": ("pearson",)}, "strong_views among views"),
        ({"estimator": "svr", "svr_c": ()}, "svr_c above 0.*none"),
        ({"estimator": "svr", "svr_c": (1.0, 0.0)}, "svr_c above 0"),
    ],
)
def test_clock_that_cannot_be_fitted_as_written_is_refused(changed, words):
    with pytest.raises(ValidationError, match=words):
        ClockOptions(**changed)


def test_stack_takes_several_views_and_any_scale():
    views = ("fisher_z", "pearson")
    assert ClockOptions(estimator="stacked", views=views, age_scale="log").views == views
    # What ridge does anyway.
    assert ClockOptions(age_scale="years").age_scale == "years"
