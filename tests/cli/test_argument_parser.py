"""A parser that takes no abbreviation and shows what was probably meant."""

from __future__ import annotations

import pytest

from brainage.cli.argument_parser import EXIT_CODES, Parser, add_output, add_shared, add_verb


@pytest.fixture
def parser():
    parser = Parser(prog="toy")
    verbs = parser.add_subparsers(dest="verb", parser_class=Parser)
    verb = add_verb(verbs, "paint", "paint a wall", "toy paint --colour red", "toy paint")
    verb.add_argument("--colour", choices=("red", "green"))
    add_shared(verb, works=True)
    add_output(add_verb(verbs, "look", "look at it", "toy look"))
    return parser


def refused(parser, capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        parser.parse_args(arguments)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_choice_that_is_none_names_the_nearest_or_all(parser, capsys):
    near = refused(parser, capsys, "paint", "--colour", "gren")
    assert near.startswith("usage: toy paint")
    assert near.rstrip().endswith("Did you mean 'green'?")
    assert "There are: red, green." in refused(parser, capsys, "paint", "--colour", "12345")


def test_flag_is_not_abbreviated_and_loud_and_quiet_exclude_each_other(parser, capsys):
    assert "unrecognized arguments: --colou" in refused(parser, capsys, "paint", "--colou", "red")
    assert "not allowed with" in refused(parser, capsys, "look", "--quiet", "--verbose")


def test_overrides_add_up_and_flags_of_work_are_of_verbs_that_work(parser):
    found = parser.parse_args(["paint", "--set", "a.b=1", "--set", "c.d=2", "--n-jobs", "3"])
    assert found.overrides == ["a.b=1", "c.d=2"]
    assert (found.n_jobs, found.overwrite, found.json) == (3, False, False)
    assert not hasattr(parser.parse_args(["look"]), "n_jobs")


def test_help_ends_with_examples_to_copy_and_the_exit_codes(parser, capsys):
    with pytest.raises(SystemExit):
        parser.parse_args(["paint", "--help"])
    told = capsys.readouterr().out
    assert "examples:\n  toy paint --colour red\n  toy paint\n" in told
    assert told.rstrip().endswith(EXIT_CODES)
