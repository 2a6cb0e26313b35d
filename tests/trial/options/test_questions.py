"""Questions beside the primary contrast: a region by one rule, a box with two ends a side."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from brainage.trial.options import RegionOptions, ShareOptions

BOX = [-10, 10, 20, 60, 0, 40]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "one of pattern, network and mni_box_mm for region 'x' .found 0"),
        ({"pattern": "a", "network": "b"}, "found 2"),
        ({"pattern": "("}, "regular expression as pattern of region 'x'"),
        ({"mni_box_mm": BOX[:4]}, "x low, x high"),
        ({"mni_box_mm": [10, -10, *BOX[2:]]}, "x low, x high"),
    ],
)
def test_region_that_no_rule_or_two_rules_make_is_refused_by_name(given, words):
    with pytest.raises(ValidationError, match=words):
        RegionOptions(name="x", **given)


def test_region_of_one_rule_is_taken():
    assert RegionOptions(name="x", mni_box_mm=BOX).mni_box_mm == tuple(BOX)


@pytest.mark.parametrize("changed", [{"share": 0.0}, {"se": -0.1}, {"kind": "pooled"}])
def test_share_that_no_clock_can_have_is_refused(changed):
    with pytest.raises(ValidationError):
        ShareOptions(**({"share": 0.5, "se": 0.1} | changed))
