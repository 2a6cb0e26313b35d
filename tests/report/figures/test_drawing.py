"""Text is drawn as it stands, and a figure is left as it was."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

import brainage as ba
from brainage.report.figures.drawing import (
    FigureFolder,
    error_bars,
    figure_of,
    label_of,
    literal,
    spread,
)


@pytest.mark.parametrize(
    "text",
    ["$\\nope$", "a$b", "$x^2$", "100 $ and 5 $", "\\$", "\\", "_under", "a\nb", "\x1b[2J", "年"],
)
def test_any_label_is_drawn_as_it_stands(text, tmp_path):
    figure = Figure()
    axes = figure.add_subplot()
    axes.set_title(literal(text))
    axes.plot([0, 1], label=literal(text))
    ba.report.save_figure(figure, tmp_path / "f")
    assert (tmp_path / "f.svg").stat().st_size > 500


def test_a_users_own_style_stays(trial_results):
    import matplotlib

    before = dict(matplotlib.rcParams)
    ba.plot_contrasts(trial_results)
    assert dict(matplotlib.rcParams) == before


def test_a_saved_figure_keeps_its_layout_engine(trial_results, tmp_path):
    figure = ba.report.figure_of(ba.plot_flow(trial_results.flow))
    engine = figure.get_layout_engine()
    ba.report.save_figure(figure, tmp_path / "flow")
    assert figure.get_layout_engine() is engine


def test_arms_stand_around_their_place_and_missing_ends_have_no_length():
    places = [spread(k, 3, 0.2) for k in range(3)]
    assert places == pytest.approx([-0.2, 0.0, 0.2])
    found = error_bars([1.0, float("nan")], [2.0, 2.0], [4.0, 3.0])
    assert found.tolist() == [[1.0, 0.0], [2.0, 1.0]]


def test_label_of_a_legend_does_not_begin_with_an_underscore():
    assert not label_of("_MIT").startswith("_")
    assert label_of("MIT") == "MIT"
    assert literal("100 $") == r"100 \$"


def test_figure_has_the_files_that_its_folder_asks_for(tmp_path):
    figure = Figure()
    figure.add_subplot().plot([0, 1])
    files = (FigureFolder(tmp_path, ("png",)) / "line").save(figure)
    assert {path.name for path in tmp_path.iterdir()} == {"line.svg", "line.png"}
    assert (tmp_path / "line.svg").read_bytes() == files.svg
    assert figure_of(figure.axes[0]) is figure
