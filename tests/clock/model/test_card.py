"""The model card says what a reader must know, in words and with the clock's own numbers."""

from dataclasses import replace

import numpy as np
import pytest

from brainage.cli import DONE, main
from brainage.clock import ClockOptions, HarmonizationOptions, ValidationOptions, fit_clock

FOLDS = ValidationOptions(n_folds=4, n_bootstrap=20)


def _clock(make_cohort, **options):
    return fit_clock(make_cohort(60, n_sites=3), ClockOptions(validation=FOLDS, **options))


def test_every_part_the_issue_names_is_on_the_card(make_cohort):
    card = _clock(make_cohort).card()
    named = (
        "trained on",
        "sites",
        "MAE, 4-fold",
        "bias line",
        "atlas",
        "cleaning",
        "harmonisation",
        "estimator",
        "intended use",
        "limits",
        "versions",
    )
    assert all(card[name] for name in named)
    assert "60 scans of 60 people" in card["trained on"]
    assert "median" in card["trained on"]
    assert "60 F" in card["trained on"]
    assert card["sites"] == "site0 (20), site1 (20), site2 (20)"


@pytest.mark.parametrize("kind", ["offset", "slope", "spline"])
def test_the_bias_line_is_that_of_the_correction(make_cohort, kind):
    clock = _clock(make_cohort, bias_correction=kind)
    oldest = clock.age_range_years[1]
    expected = clock.bias.expected_gap(np.array([oldest]))[0]
    assert f"{expected:+.2f} at {oldest:.0f} years" in clock.card()["bias line"]


def test_harmonisation_says_whether_age_was_used_and_what_an_unknown_site_gets(make_cohort):
    options = HarmonizationOptions(method="combat", preserve_age=True, unseen_site="refuse")
    with pytest.warns(UserWarning, match="uses the target"):
        words = _clock(make_cohort, harmonization=options).card()["harmonisation"]
    assert words == "combat, age preserved; a site it does not know: refuse"
    assert _clock(make_cohort).card()["harmonisation"] == "none"


def test_a_clock_no_better_than_the_median_says_so_first_on_card_and_in_repr(make_cohort):
    clock = fit_clock(make_cohort(60, effect=0.0), ClockOptions(validation=FOLDS))
    assert clock.shows_nothing
    assert list(clock.card())[2] == "shows nothing"
    assert "shows nothing of age" in repr(clock).splitlines()[1]
    assert "shows nothing" not in _clock(make_cohort).card()


def test_repr_and_its_html_fit_on_a_screen_and_escape_the_files_text(make_cohort):
    clock = _clock(make_cohort)
    assert clock.clock_id in repr(clock)
    assert len(repr(clock)) < 700
    hostile = replace(clock, facts=clock.facts | {"study": "<script>"})
    assert "&lt;script&gt;" in hostile._repr_html_()


@pytest.mark.parametrize(("estimator", "warned"), [("gaussian_process", True), ("ridge", False)])
def test_clock_show_warns_of_a_file_with_participants_features(
    make_cohort, tmp_path, capsys, estimator, warned
):
    path = tmp_path / "kernel.clock"
    _clock(make_cohort, estimator=estimator).save(path)
    assert main(["clock", "show", str(path), "--json"]) == DONE
    assert ("warning:" in capsys.readouterr().err) is warned
