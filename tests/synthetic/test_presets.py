"""Packaged studies: three arms as published, control without effect."""

from __future__ import annotations

import pytest

from brainage.synthetic import demo_options, tiny_options, twin_options


@pytest.mark.parametrize("preset", [demo_options, tiny_options, twin_options])
def test_control_has_no_effect_and_heavy_training_the_largest(preset):
    control, moderate, heavy = preset().trial.arms
    assert set(control.effects_years) == {0.0}
    assert min(heavy.effects_years) < min(moderate.effects_years) < 0


def test_the_twin_is_the_studys_size():
    twin = twin_options()
    assert (twin.reference.n, sum(arm.n for arm in twin.trial.arms)) == (2433, 309)
