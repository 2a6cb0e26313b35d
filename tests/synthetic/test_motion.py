"""Motion has the mean displacement asked for, by Power's formula."""

from __future__ import annotations

import numpy as np

from brainage.synthetic.motion import displacement_mm, draw_motion


def test_mean_displacement_is_the_one_asked_for():
    motion = draw_motion(200, 0.17, np.random.default_rng(0))
    assert motion.parameters.shape == (200, 6)
    np.testing.assert_allclose(motion.mean_fd_mm, 0.17, rtol=1e-6)
    found = displacement_mm(motion.parameters)
    assert np.isnan(found[0])
    np.testing.assert_allclose(np.nanmean(found), 0.17, rtol=1e-6)


def test_a_turn_counts_as_the_arc_on_a_sphere_of_50_mm():
    still = np.zeros((3, 6))
    moved, turned = still.copy(), still.copy()
    moved[1:, 0] = 0.5
    turned[1:, 3] = 0.01
    np.testing.assert_allclose(displacement_mm(moved)[1:], [0.5, 0.0])
    np.testing.assert_allclose(displacement_mm(turned)[1:], [0.5, 0.0])
