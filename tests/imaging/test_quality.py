"""Each exclusion rule stands alone, says its number, and is not applied where nothing is known."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.imaging import ExclusionRules
from brainage.imaging.quality import judge_scan


def judge(**changed):
    facts = {"mean_fd_mm": 0.2, "n_volumes": 200, "n_kept": 180, "t_r_s": 2.0,
             "coverage": np.ones(10), "missing": np.zeros(10, dtype=bool)}  # fmt: skip
    return judge_scan(ExclusionRules(), **(facts | changed))


def test_a_good_scan_is_not_excluded_and_its_time_is_counted():
    quality = judge()
    assert quality.exclusion is None
    assert quality.retained_s == 360.0


@pytest.mark.parametrize(("changed", "words"), [
    ({"mean_fd_mm": 0.51}, "framewise displacement 0.51 mm, more than 0.5 mm"),
    ({"n_kept": 99}, "99 of 200 volumes kept, less than 50 %"),
    ({"n_kept": 110, "t_r_s": 1.0}, "110 s kept, less than 120 s"),
    ({"missing": np.arange(10) < 3}, "70 % of parcels seen, less than 80 %"),
])  # fmt: skip
def test_a_broken_rule_is_told_with_its_number(changed, words):
    assert words in judge(**changed).exclusion


def test_every_broken_rule_is_told():
    assert judge(mean_fd_mm=1.0, n_kept=10).exclusion.count(";") == 2


def test_unknown_motion_breaks_no_rule():
    assert judge(mean_fd_mm=None).exclusion is None
