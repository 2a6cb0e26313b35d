"""Options refuse plans that contradict themselves."""

import pytest
from pydantic import ValidationError

from brainage.config import load_study
from brainage.synthetic import SyntheticOptions, demo_options, tiny_options, twin_options
from brainage.synthetic.options import ArmPlan, TrialPlan

VISITS = [
    {"session_id": "baseline", "nominal_years": 0.0},
    {"session_id": "1y", "nominal_years": 1.0},
]


@pytest.mark.parametrize("preset", [demo_options, tiny_options, twin_options])
def test_a_preset_survives_the_way_through_a_study_file(preset):
    options = preset()
    assert SyntheticOptions.model_validate(options.model_dump(mode="json")) == options


@pytest.mark.parametrize(("name", "preset"), [("demo", demo_options), ("lisa_twin", twin_options)])
def test_the_packaged_study_file_makes_the_preset(name, preset):
    assert load_study(name).synthetic == preset()


def test_the_twin_has_the_size_and_the_planted_effects_of_the_issue():
    options = twin_options()
    planted = {arm.name: arm.effects_years for arm in options.trial.arms}
    assert options.reference.n == 2433
    assert sum(arm.n for arm in options.trial.arms) == 309
    assert planted == {"CON": (0.0, 0.0), "MIT": (-1.39, -1.4), "HRT": (-1.4, -2.3)}


def test_the_demo_says_by_how_much_its_effects_are_scaled_up():
    options = demo_options()
    factor = options.trial.arms[2].effects_years[1] / -2.3
    assert factor > 1
    assert f"{factor:g} times" in options.note


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"arms": [{"name": "A", "n": 3, "effects_years": []}]}, "effects_years of length 1"),
        ({"visits": VISITS[::-1]}, "baseline"),
        ({"visits": [VISITS[0], VISITS[0] | {"nominal_years": 1.0}]}, "differ"),
        ({"scanner_change_from": "baseline"}, "scanner_change_from to be one of"),
        ({"allocation": "stratified_blocks", "block_size": 3}, "multiple of the number of arms"),
        ({"age_low_years": 71.0}, "age_high_years"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(change, words):
    arms = [{"name": name, "n": 3, "effects_years": [0.0]} for name in ("A", "B")]
    with pytest.raises(ValidationError, match=words):
        TrialPlan.model_validate({"arms": arms, "visits": VISITS} | change)


def test_a_band_beyond_the_nyquist_frequency_is_refused():
    with pytest.raises(ValidationError, match="Nyquist"):
        SyntheticOptions(t_r_s=60.0)


def test_a_misspelt_key_is_refused():
    with pytest.raises(ValidationError, match="effect_years"):
        ArmPlan.model_validate({"name": "A", "n": 3, "effect_years": [0.0]})
