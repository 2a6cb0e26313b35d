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
    with pytest.raises(ConfigError, match="no strategy '42P'. Known: .*36P"):
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
