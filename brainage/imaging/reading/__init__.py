"""Scans and sidecars found, images read in one pass."""
