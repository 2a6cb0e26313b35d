"""Strategies are data: every one is valid, and a bad file is refused with its reason."""

from __future__ import annotations

import pytest

from brainage.errors import ConfigError
from brainage.imaging.cleaning.strategies import list_strategies, load_strategy
from brainage.imaging.options import CleaningOptions

NAMED_BY_THE_ISSUE = {
    "simple",
    "scrubbing",
    "compcor",
    "ica_aroma",
    "24P",
    "36P",
    "36P+scrub",
    "24P+aCompCor",
    "minimal",
    "none",
    "levakov2023",
}


def test_every_strategy_the_documentation_names_is_there_and_valid():
    assert set(list_strategies()) >= NAMED_BY_THE_ISSUE
    for name in list_strategies():
        assert load_strategy(name).name == name


def test_strategies_differ_in_what_they_do_and_not_in_their_name(tmp_path):
    prints = [load_strategy(name).fingerprint() for name in list_strategies()]
    assert len(set(prints)) == len(prints)
    copy = tmp_path / "mine.toml"
    copy.write_text('[load_confounds]\nstrategy = ["motion"]\nmotion = "full"\n')
    assert load_strategy(str(copy)).fingerprint() == load_strategy("24P").fingerprint()


def test_unknown_strategy_lists_the_known_ones():
    with pytest.raises(ConfigError, match="no strategy '42P'.* Known: .*36P"):
        load_strategy("42P")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("scrub = 3", "unknown keys.*scrub"),
        ('[load_confounds]\nstrategy = ["motion"]\nmoton = "full"', "unknown keys.*moton"),
        ('[load_confounds]\nstrategy = "motion"', "expected a list"),
        ("scrub_fd_mm = -1", "expected millimetres above 0"),
        ("all_columns = 1", "expected true or false"),
        ("description = ", "cannot be read as TOML"),
    ],
)
def test_bad_strategy_file_is_refused_with_its_key(tmp_path, text, words):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        load_strategy(str(path))


@pytest.mark.parametrize("edges", [(0.1, 0.01), (0.05, 0.05)])
def test_a_band_without_frequencies_is_refused_before_any_scan(edges):
    with pytest.raises(ValueError, match="high_pass_hz below low_pass_hz"):
        CleaningOptions(high_pass_hz=edges[0], low_pass_hz=edges[1])
    assert CleaningOptions(high_pass_hz=0.2, low_pass_hz=None).high_pass_hz == 0.2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("load_confounds = 3\n", r"expected a table \[load_confounds\]"),
        ("a = " + "[" * 3000 + "]" * 3000, "nested"),
        ("a" + ".a" * 3_000 + " = 1\n", "c.toml"),
        ("scrub_fd_mm = inf\n", "finite"),
        ("scrub_fd_mm = " + "9" * 5000 + "\n", "digits"),
        ('[load_confounds]\nstrategy = ["motion"]\nmotion = 1979-05-27\n', "motion: expected"),
        ('[load_confounds]\nstrategy = ["motion"]\nfd_threshold = nan\n', "finite"),
        ('[load_confounds]\nstrategy = ["motion"]\nfd_threshold = "0.5"\n', "millimetres"),
        ("[load_confounds]\nstrategy = [1]\n", "strategy: expected a list of names"),
        ('[load_confounds]\nstrategy = ["compcor"]\nn_compcor = true\n', "n_compcor: expected"),
        ("description = 3\n", "description: expected text"),
        ("\x00", "TOML"),
    ],
)
def test_a_strategy_of_any_shape_is_read_or_told_and_no_bug(tmp_path, text, words):
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        load_strategy(str(path))


@pytest.mark.parametrize("name", ["a\0b", "a\0b.toml", "x" * 5000])
def test_a_name_that_no_file_can_have_is_told(name):
    with pytest.raises(ConfigError):
        load_strategy(name)


def test_a_device_and_a_folder_are_no_strategies(tmp_path):
    (tmp_path / "d.toml").mkdir()
    (tmp_path / "z.toml").symlink_to("/dev/zero")
    for name in ("d.toml", "z.toml"):
        with pytest.raises(ConfigError, match="found a folder or device"):
            load_strategy(str(tmp_path / name))
