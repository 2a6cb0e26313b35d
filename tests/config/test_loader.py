"""YAML's surprises are refused with the line they stand on."""

from __future__ import annotations

import pytest

from brainage.config.loader import parse_value, parse_yaml, read_yaml
from brainage.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: no", "line 1: a: YAML reads no as a truth value"),
        ("b: 1\na: 010", "line 2: a: YAML reads 010 as an octal number; write 10"),
        ("a: 1:30", "line 1: a: YAML reads 1:30 as base 60"),
        ("a: 1\na: 2", r"line 2: a stands twice \(first on line 1\)"),
        ("s:\n  ids: [001, on]", "line 2: s.ids.0: YAML reads 001 as an octal"),
    ],
)
def test_a_value_that_yaml_reads_as_something_else_is_a_problem(text, words):
    assert pytest.raises(AssertionError, _no_problem, text).match(words)


def _no_problem(text):
    problems = parse_yaml(text, where="f.yaml").problems
    assert not problems, " | ".join(problems)


@pytest.mark.parametrize("text", ['a: "no"', 'a: "010"', "a: true", "a: 10", "a: 0", "a: 0.5"])
def test_a_plain_value_is_no_problem(text):
    assert parse_yaml(text, where="f.yaml").problems == []


def test_a_date_stays_text():
    assert parse_value("2024-01-31", where="--set a") == "2024-01-31"


def test_broken_yaml_names_file_and_line(tmp_path):
    (tmp_path / "s.yaml").write_text("a: 1\nb: [1, 2\n")
    with pytest.raises(ConfigError, match=r"s\.yaml: line 3, expected YAML"):
        read_yaml(tmp_path / "s.yaml")


def test_a_list_is_not_a_study():
    with pytest.raises(ConfigError, match="expected sections"):
        parse_yaml("- 1\n- 2\n", where="s.yaml")


def test_an_absent_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        read_yaml(tmp_path / "gone.yaml")
    with pytest.raises(ConfigError, match="found a folder"):
        read_yaml(tmp_path)
