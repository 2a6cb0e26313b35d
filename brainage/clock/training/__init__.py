"""Clocks made: folds, fits, cross-validation and its figures."""
