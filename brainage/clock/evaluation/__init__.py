"""Clocks judged: sweeps, comparisons, external tests, explanations."""
