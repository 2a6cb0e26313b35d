"""Drifts are cosines slower than 128 seconds."""

from __future__ import annotations

import numpy as np

from brainage.synthetic.confounds import cosine_drifts


def test_drifts_are_as_many_as_a_scan_has_of_128_seconds_twice_over():
    drifts = cosine_drifts(200, 2.0)
    assert drifts.shape == (200, int(2 * 200 * 2.0 / 128))
    gram = drifts.T @ drifts
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-9)


def test_a_short_scan_has_one():
    assert cosine_drifts(20, 2.0).shape == (20, 1)
