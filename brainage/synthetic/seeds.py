"""Random streams addressed by what they are for, never by the order of drawing."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, purpose: str, *index: int) -> np.random.Generator:
    """Return the generator of one purpose and index.

    Two purposes, two people or two scans never share a stream, and a scan's stream does not
    depend on how many others were drawn before it: any worker draws the same numbers.

    Parameters
    ----------
    seed : int
        Of the study.
    purpose : str
        What is drawn ("scan", "person", ...).
    *index : int
        Cohort, person, visit.
    """
    key = (zlib.crc32(purpose.encode()), *index)
    # The bit generator is named: numpy may change its default, which would change every study.
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
