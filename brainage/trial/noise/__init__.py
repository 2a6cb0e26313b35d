"""Reliability of a score, and power."""
