"""Confounds, strategies and censoring."""
