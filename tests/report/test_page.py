"""The page and its summary: one from the other, hostile text harmless, small for any cohort."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest

from brainage.report import StudyResults, render_page, render_report
from brainage.report.content import table_of


@pytest.fixture
def page(trial_results, made_once):
    """The page with all its figures; read only."""
    folder = made_once("page", lambda here: render_report(trial_results, here / "report.html"))
    return folder / "report.html"


def test_the_page_is_made_from_the_summary_beside_it(page):
    summary = json.loads((page.parent / "summary.json").read_text())
    assert render_page(summary, page.parent / "figures") == page.read_text()
    assert summary["verdict"][0].startswith("There is")


def test_hostile_text_is_text_on_the_page_and_in_the_figures(page):
    html = page.read_text()
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert html.count("<script>") == 1
    for figure in (page.parent / "figures").glob("*.svg"):
        ElementTree.parse(figure)


def test_every_figure_is_there_as_svg_png_and_pdf(page):
    folder = page.parent / "figures"
    names = {block["name"] for block in blocks(page) if block["kind"] == "figure"}
    assert {"trajectories", "contrasts", "flow", "networks", "sensitivity", "predictions"} <= names
    for name in names:
        for ending in ("svg", "png", "pdf"):
            assert (folder / f"{name}.{ending}").stat().st_size > 500


def blocks(page):
    summary = json.loads((page.parent / "summary.json").read_text())
    return [block for section in summary["sections"] for block in section["blocks"]]


def test_numbers_are_written_as_people_write_them(page):
    cells = [
        cell for b in blocks(page) if b["kind"] == "table" for row in b["rows"] for cell in row
    ]
    assert not [cell for cell in cells if re.fullmatch(r"-?\d+(\.\d+)?e[-+]?\d+", cell)]
    assert not [cell for cell in cells if cell.startswith(("{", "[")) or cell in ("nan", "None")]


def test_headings_go_down_one_level_at_a_time(page):
    levels = [int(level) for level in re.findall(r"<h([1-6])", page.read_text())]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))


def test_every_picture_has_words_and_every_header_a_scope(page):
    html = page.read_text()
    assert len(re.findall("<img ", html)) == len(re.findall('<img [^>]*alt="[^"]{10,}"', html))
    assert len(re.findall("<th[ >]", html)) == len(re.findall('<th scope="', html))


def test_the_same_results_give_the_same_page_whose_svg_alone_links_to_nothing_else(
    trial_results, page, tmp_path
):
    alone = render_report(trial_results, tmp_path / "report.html", figure_files=())
    for svg in (tmp_path / "figures").iterdir():
        assert svg.read_bytes() == (page.parent / "figures" / svg.name).read_bytes()
    assert {path.suffix for path in (tmp_path / "figures").iterdir()} == {".svg"}
    others = re.compile(r' <a href="figures/\w+\.(?:png|pdf)">(?:PNG|PDF)</a>')
    assert others.sub("", page.read_text()) == alone.read_text() != page.read_text()


def test_a_figure_of_an_earlier_report_does_not_stay(page, tmp_path):
    shutil.copytree(page.parent, tmp_path, dirs_exist_ok=True)
    assert {path.suffix for path in (tmp_path / "figures").iterdir()} == {".svg", ".png", ".pdf"}
    render_report(StudyResults(title="nothing"), tmp_path / "report.html")
    assert not list((tmp_path / "figures").iterdir())


def test_forty_thousand_scans_make_a_page_under_five_megabytes(trial_results, tmp_path):
    n = 40_000
    rng = np.random.default_rng(0)
    scans = pd.DataFrame(
        {
            "participant_id": [f"{i:06d}" for i in range(n)],
            "session_id": "bl",
            "run": "n/a",
            "task": "rest",
            "status": np.where(np.arange(n) % 50 == 0, "excluded", "done"),
            "reason": np.where(np.arange(n) % 50 == 0, "mean FD above 0.5 mm", None),
            "n_volumes": 200,
            "n_kept": 180,
            "retained_s": 360.0,
            "mean_fd_mm": rng.gamma(4, 0.05, n),
            "n_missing_parcels": 0,
        }
    )
    age = rng.uniform(20, 80, n)
    predictions = pd.DataFrame({"age_years": age, "predicted_age_years": age + rng.normal(0, 6, n)})
    gaps = predictions.assign(gap_years=1.0, gap_corrected_years=rng.normal(0, 6, n))
    results = StudyResults(
        title="many",
        scans={"reference": scans},
        predictions=predictions,
        reference_gaps=gaps,
        files={"scans reference": "../extract/reference/scans.tsv"},
    )
    page = render_report(results, tmp_path / "report.html", figure_files=())
    assert page.stat().st_size < 5_000_000
    assert "39,000 more rows" in page.read_text()


def test_a_table_says_how_many_rows_its_file_has_more():
    table = table_of(pd.DataFrame({"a": range(5)}), "five", most=2, file="a.tsv")
    assert (len(table.rows), table.n_left_off, table.numeric) == (2, 3, (True,))


def test_each_kind_of_study_has_a_page(trial_results, tmp_path):
    parts = {
        "clock": {"metrics": trial_results.metrics, "predictions": trial_results.predictions},
        "extraction": {"scans": trial_results.scans},
        "nothing": {},
    }
    for name, fields in parts.items():
        results = StudyResults(title=name, **fields)
        path = render_report(results, tmp_path / name / "report.html", figure_files=())
        assert "In short" in path.read_text()
