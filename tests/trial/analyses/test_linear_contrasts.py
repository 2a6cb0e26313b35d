"""Which contrasts arms and visits have, and which of them are the same test."""

from __future__ import annotations

from brainage.trial.analyses.linear_contrasts import linear_contrasts


def test_trend_that_is_another_contrast_is_called_so_and_enters_no_family(make_options):
    options = make_options(
        contrasts=[
            {"name": "trend", "arms": {"CON": -0.5, "HRT": 0.5}, "family": "secondary"},
            {"name": "own", "arms": {"CON": -1, "MIT": 2, "HRT": -1}, "family": "secondary"},
        ]
    )
    by_name = {each.name: each for each in linear_contrasts(options)}
    assert by_name["trend"].same_as == "HRT - CON, 1 year"
    assert by_name["trend"].family == "none"
    assert by_name["own"].family == "secondary"
    assert by_name["HRT - MIT, 2 years"].family == "exploratory"


def test_two_arms_have_no_active_pair_and_pool_nothing(make_options):
    options = make_options(arms=["CON", "HRT"])
    assert [each.kind for each in linear_contrasts(options)] == ["durability"]


def test_full_factorial_has_its_margins_and_another_has_none(make_options):
    cells = {
        "CON": {"training": "no", "protein": "no"},
        "MIT": {"training": "yes", "protein": "no"},
        "HRT": {"training": "yes", "protein": "yes"},
    }
    assert not [e for e in linear_contrasts(make_options(arm_factors=cells)) if "yes" in e.name]
    four = make_options(
        arms=["CON", "T", "P", "TP"],
        arm_factors={
            "CON": {"training": "no", "protein": "no"},
            "T": {"training": "yes", "protein": "no"},
            "P": {"training": "no", "protein": "yes"},
            "TP": {"training": "yes", "protein": "yes"},
        },
    )
    by_name = {each.name: each for each in linear_contrasts(four)}
    arms = by_name["training: yes - no, 1 year"].arms
    assert dict(arms) == {"CON": -0.5, "T": 0.5, "P": -0.5, "TP": 0.5}
