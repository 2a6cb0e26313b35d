"""Figures of a trial show the numbers of its tables."""

from __future__ import annotations

import brainage as ba


def test_an_arm_whose_name_begins_with_an_underscore_is_in_the_legend(trial_results):
    deltas = trial_results.deltas.replace({"arm": {"MIT": "_MIT"}})
    axes = ba.plot_changes(type("R", (), {"deltas": deltas})())
    names = [text.get_text().lstrip("\u200b") for text in axes.get_legend().get_texts()]
    assert "_MIT" in names


def test_the_forest_has_a_point_and_an_interval_for_each_contrast(trial_results):
    axes = ba.plot_contrasts(trial_results)
    whole = trial_results.contrasts[trial_results.contrasts["network"] == "whole_brain"]
    points = [line for line in axes.lines if line.get_marker() == "s"]
    assert sorted(line.get_xdata()[0] for line in points) == sorted(whole["estimate_years"])
    assert len(axes.get_yticklabels()) == len(whole)


def test_a_matrix_of_networks_is_symmetric_and_has_what_is_within_one_on_its_diagonal():
    axes = ba.plot_region_matrix(["A - B", "A", "B - B"], [1.0, 2.0, -3.0])
    picture = axes.images[0].get_array().filled(float("nan"))
    assert picture.tolist() == [[2.0, 1.0], [1.0, -3.0]]
    assert axes.images[0].get_clim() == (-3.0, 3.0)


def lines_by_colour(axes):
    return {line.get_color(): line for line in axes.lines if line.get_linewidth() == 2.4}


def test_mean_of_each_arm_is_drawn_at_its_visits_and_each_person_as_one_line(trial_results):
    gaps, means = trial_results.gaps, trial_results.gap_means
    axes = ba.plot_trajectories(gaps, means, visits=trial_results.visits)
    people = [line for line in axes.lines if line.get_linewidth() == 0.6]
    assert len(people) == gaps["participant_id"].nunique()
    first = means[means["arm"] == "CON"]
    drawn = next(c.lines[0] for c in axes.containers if c.get_label() == "CON")
    assert drawn.get_ydata().tolist() == first["mean_years"].tolist()


def test_networks_and_sensitivity_show_the_primary_contrast_alone(trial_results):
    networks = ba.plot_networks(trial_results)
    names = [tick.get_text() for tick in networks.get_yticklabels()]
    assert names[0] == "whole brain"
    assert len(names) == 2
    assert networks.get_title(loc="left").endswith("2 years")
    means = ba.plot_sensitivity(trial_results)
    # One of the four rows by other means is of the primary contrast's arm and visit.
    names = [tick.get_text() for tick in means.get_yticklabels()]
    assert names == ["main analysis", "completers"]


def test_post_hoc_rows_are_hollow_and_that_is_said(trial_results):
    rows = trial_results.contrasts.head(2).assign(prespecified=[True, False])
    axes = ba.plot_forest(rows, ["planned", "not"])
    filled = [line.get_markerfacecolor() for line in axes.lines if line.get_marker() == "s"]
    assert (filled[0] != "white", filled[1]) == (True, "white")
    assert axes.get_xlabel().endswith("hollow: post hoc")
    planned = ba.plot_forest(rows.head(1), ["planned"])
    assert "hollow" not in planned.get_xlabel()
