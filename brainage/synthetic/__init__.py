"""Cohorts and trials with known truth: one generative model, at three depths."""

from brainage.synthetic.options import SyntheticOptions

__all__ = ["SyntheticOptions"]
