"""Regressions of age on features, one file each."""
