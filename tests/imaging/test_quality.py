"""Each exclusion rule stands alone, says its number, and is not applied where nothing is known."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.imaging import ExclusionRules
from brainage.imaging.quality import explain_missing, judge_scan


def judge(**changed):
    facts = {
        "mean_fd_mm": 0.2,
        "n_volumes": 200,
        "n_kept": 180,
        "t_r_s": 2.0,
        "coverage": np.ones(10),
        "missing_reasons": {},
    }
    return judge_scan(ExclusionRules(), **(facts | changed))


def test_a_good_scan_is_not_excluded_and_its_time_is_counted():
    quality = judge()
    assert quality.exclusion is None
    assert quality.retained_s == 360.0


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"mean_fd_mm": 0.51}, "framewise displacement 0.51 mm, more than 0.5 mm"),
        ({"n_kept": 99}, "99 of 200 volumes kept, less than 50 %"),
        ({"n_kept": 110, "t_r_s": 1.0}, "110 s kept, less than 120 s"),
        (
            {"missing_reasons": dict.fromkeys("abc", "constant")},
            "70 % of parcels seen, less than 80 %",
        ),
    ],
)
def test_a_broken_rule_is_told_with_its_number(changed, words):
    assert words in judge(**changed).exclusion


def test_every_broken_rule_is_told():
    assert judge(mean_fd_mm=1.0, n_kept=10).exclusion.count(";") == 2


def test_unknown_motion_breaks_no_rule():
    assert judge(mean_fd_mm=None).exclusion is None


def test_each_missing_parcel_has_its_own_reason_and_the_others_have_none():
    on = np.eye(6, dtype=bool)
    reasons = explain_missing(
        ["seen", "gone", "cut", "dark", "torn", "flat"],
        min_coverage=0.5,
        coverage=np.array([0.5 - 1e-12, 0.0, 0.31, 0.0, 1.0, 1.0]),
        empty=on[1],
        broken=on[4],
        constant=on[5] | on[1],
    )
    assert reasons == {
        "gone": "nothing of it in mask and field of view",
        "cut": "coverage 0.31, under 0.5",
        "dark": "no finite value in mask and field of view",
        "torn": "not finite in some volumes",
        "flat": "constant",
    }
