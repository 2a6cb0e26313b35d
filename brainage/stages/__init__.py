"""Folders in, folders out: each stage reads what the one before wrote, and leaves a manifest."""
