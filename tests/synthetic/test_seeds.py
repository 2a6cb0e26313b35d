"""A random stream is found by its address alone."""

from __future__ import annotations

import numpy as np

from brainage.synthetic.seeds import stream


def test_one_address_is_one_stream_and_another_another():
    first = stream(3, "neural", 0, 5, 1).normal(size=8)
    assert np.array_equal(first, stream(3, "neural", 0, 5, 1).normal(size=8))
    for other in (
        stream(4, "neural", 0, 5, 1),
        stream(3, "motion", 0, 5, 1),
        stream(3, "neural", 0, 5, 2),
    ):
        assert not np.array_equal(first, other.normal(size=8))
