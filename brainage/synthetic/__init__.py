"""Cohorts and trials with known truth: one generative model, at three depths."""

from brainage.synthetic import examples
from brainage.synthetic.bank import ScoreBank, draw_score_bank
from brainage.synthetic.options import SyntheticOptions
from brainage.synthetic.people import ALLOCATION, TRUTH, draw_attendance
from brainage.synthetic.presets import demo_options, tiny_options, twin_options
from brainage.synthetic.study import SyntheticStudy, make_study
from brainage.synthetic.truth import (
    CLOCK_SCALE,
    LOCAL_SCALE,
    NETWORK_SCALE,
    clock_scale_truth,
    local_truth,
    network_scale_truth,
)
from brainage.synthetic.writing import write_study

__all__ = [
    "ALLOCATION",
    "CLOCK_SCALE",
    "LOCAL_SCALE",
    "NETWORK_SCALE",
    "TRUTH",
    "ScoreBank",
    "SyntheticOptions",
    "SyntheticStudy",
    "clock_scale_truth",
    "demo_options",
    "draw_attendance",
    "draw_score_bank",
    "examples",
    "local_truth",
    "make_study",
    "network_scale_truth",
    "tiny_options",
    "twin_options",
    "write_study",
]
