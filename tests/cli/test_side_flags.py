"""Flags of the verbs beside the stages have the defaults that their help tells."""

from __future__ import annotations

import pytest

from brainage.cli.argument_parser import Parser
from brainage.cli.side_flags import (
    add_clock,
    add_completion,
    add_demo,
    add_init,
    add_power,
    add_sweep,
)
from brainage.trial import TrialShape


@pytest.fixture(scope="module")
def parser():
    parser = Parser(prog="brainage")
    verbs = parser.add_subparsers(dest="verb", parser_class=Parser)
    for add in (add_init, add_demo, add_sweep, add_power, add_clock, add_completion):
        add(verbs)
    return parser


def test_shape_of_a_trial_without_flags_is_that_of_the_package(parser):
    found, shape = parser.parse_args(["power"]), TrialShape()
    for flag, field in (
        ("alpha", "alpha"),
        ("drop_out", "drop_out"),
        ("ratio", "ratio"),
        ("site_icc", "site_icc"),
        ("sites", "n_sites"),
        ("follow_ups", "n_follow_ups"),
    ):
        assert getattr(found, flag) == getattr(shape, field), flag
    assert (found.power, found.n_per_arm, found.simulate, found.icc) == (0.8, None, 0, None)


def test_numbers_are_numbers_and_the_curve_takes_several(parser, capsys):
    found = parser.parse_args(["power", "--effect-years", "-1.4", "--curve", "40", "80"])
    assert (found.effect_years, found.curve) == (-1.4, [40, 80])
    with pytest.raises(SystemExit):
        parser.parse_args(["power", "--n-per-arm", "3.5"])
    assert "invalid int value" in capsys.readouterr().err


def test_init_needs_no_file_and_demo_no_study(parser):
    found = parser.parse_args(["init", "derivatives", "--clock", "x.clock"])
    assert (found.where, found.to, found.preset) == ("derivatives", None, None)
    assert parser.parse_args(["demo"]).output == "brainage-demo"
    with pytest.raises(SystemExit):
        parser.parse_args(["sweep"])
    with pytest.raises(SystemExit):
        parser.parse_args(["clock"])
