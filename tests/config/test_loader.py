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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: !foo bar", "expected a plain value, found the tag '!foo'"),
        ("a: !!python/name:os.system", "found the tag"),
        ("a: !!set {b, c}", "found the tag"),
        ("a: !!int x", "'x' is no int"),
        ("a: !!float [1]", "found the tag"),
        ("a: !!str {b: 1}", "found the tag"),
        ("a: .nan", "expected a finite number"),
        ("a: 1.0e+999", "expected a finite number"),
        ('a: "x\\0y"', "the character .*x00"),
        ('a: "\\ud83d"', "the character .*ud83d"),
        ("a: " + "9" * 5000, "at most 18 digits"),
        ("a: 0x" + "f" * 5000, "at most 18 digits"),
    ],
)
def test_what_no_study_can_mean_is_a_problem_with_its_line(text, words):
    try:
        problems = parse_yaml(text, where="f.yaml").problems
    except ConfigError as error:
        problems = [str(error)]
    assert pytest.raises(AssertionError, _none, problems).match(words)


def _none(problems):
    assert not problems, " | ".join(problems)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &a [*a]", "an alias of itself"),
        ("a: &a {b: *a}", "an alias of itself"),
        ("a: " + "[" * 2000 + "]" * 2000, "at most 40 levels"),
        ("a: " + "{b: " * 100_000, "at most 40 levels"),
        ("x: &a [" + "1, " * 200 + "]\ny: [" + "*a, " * 100 + "]", "at most 20,000 values"),
    ],
)
def test_a_file_made_to_exhaust_a_reader_is_refused(text, words):
    with pytest.raises(ConfigError, match=words):
        parse_yaml(text, where="f.yaml")


def test_324_bytes_of_aliases_of_aliases_are_refused_before_they_are_built():
    text, before = 'a: &a ["l","l","l","l","l","l","l","l","l"]\n', "a"
    for name in "bcdefghi":
        text += f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
        before = name
    with pytest.raises(ConfigError, match="aliases of aliases"):
        parse_yaml(text, where="f.yaml")


def test_an_alias_that_ends_is_read():
    text = "a: &a {x: 1}\nb: *a\n"
    assert parse_yaml(text, where="f.yaml").values == {"a": {"x": 1}, "b": {"x": 1}}


@pytest.mark.parametrize("text", ["=", "<<"])
def test_a_value_that_yaml_gives_a_meaning_of_its_own_stays_text(text):
    assert parse_value(text, where="--set title") == text


def test_a_value_of_two_lines_is_no_way_to_set_two_keys():
    with pytest.raises(ConfigError, match="expected one value"):
        parse_value("x\nother: 1", where="--set title")
