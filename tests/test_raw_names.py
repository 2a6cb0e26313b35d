"""Raw names of columns, measures and choices are said in words where people read them."""

from __future__ import annotations

import re
import typing
from pathlib import Path

import pytest

import brainage.clock
import brainage.config
import brainage.imaging
import brainage.synthetic
import brainage.trial
from brainage.connectivity import KINDS
from brainage.options import Options
from brainage.raw_names import METRIC_WORDS, heading, said, said_in

#: Whose options are asked.
ROOMS = (brainage.clock, brainage.config, brainage.imaging, brainage.synthetic, brainage.trial)


def _children(of: type[Options]) -> list[type[Options]]:
    below = of.__subclasses__()
    return below + [each for child in below for each in _children(child)]


def _choices(annotation: object) -> list[str]:
    """Return every text that a type's literals allow."""
    inner = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return [each for each in inner if isinstance(each, str)]
    return [choice for each in inner for choice in _choices(each)]


def test_every_choice_of_an_option_has_words():
    fields = [field for each in _children(Options) for field in each.model_fields.values()]
    choices = {choice for field in fields for choice in _choices(field.annotation)}
    raw = sorted(choice for choice in choices | set(KINDS) if "_" in choice)
    assert len(raw) > 15
    assert [name for name in raw if said(name) == name] == []


def test_every_measure_of_trial_efficiency_and_of_accuracy_has_words():
    page = Path(__file__).parents[1] / "docs" / "efficiency.md"
    named = re.findall(
        r"`(\w+)`", page.read_text().partition("| measure |")[2].partition("\n\n")[0]
    )
    measures = [name.removesuffix("_S") + "_4" * name.endswith("_S") for name in named]
    assert len(measures) > 10
    for name in (*measures, *METRIC_WORDS):
        assert "_" not in said_in("metric", name)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("kenward_roger degrees of freedom", "Kenward-Roger degrees of freedom"),
        ("whole_brain: arm MIT has 3", "whole brain: arm MIT has 3"),
        ("baseline_gap x visit, sex", "baseline gap x visit, sex"),
        # A column of somebody's own table, a key, a path, what is quoted, a flag: as they are.
        ("my_own_score x visit", "my_own_score x visit"),
        ("science.clock.half_scans: half_weight", "science.clock.half_scans: half weight"),
        ("clocks/whole_brain.clock", "clocks/whole_brain.clock"),
        ("found 'fisher_z'", "found 'fisher_z'"),
        ("--set run.x=fisher_z", "--set run.x=fisher_z"),
        ("not_whole_brain", "not_whole_brain"),
    ],
)
def test_names_that_stand_on_their_own_are_said(raw, words):
    assert said(raw) == words


def test_a_heading_has_its_unit_and_no_underscore():
    assert heading("mean_fd_mm") == "mean FD (mm)"
    assert heading("ci_low_years") == "95 % low (years)"
    assert heading("p_value") == "p"
    assert not re.search("_", heading("n_at_visit"))
