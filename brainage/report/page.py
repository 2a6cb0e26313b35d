"""One HTML file that needs no network, made from a summary that lies beside it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from brainage import __version__
from brainage.clock import refuse_corrected
from brainage.files import write_json, write_text
from brainage.number_words import interval, p_words, plain, signed
from brainage.raw_names import said
from brainage.report.clock_sections import clock_sections
from brainage.report.content import Section, Summary, in_words
from brainage.report.figures.drawing import BESIDE, FigureFile, FigureFolder
from brainage.report.record_sections import record_sections
from brainage.report.results import StudyResults
from brainage.report.scan_sections import scan_sections
from brainage.report.trial_sections import answer_sections
from brainage.report.typesetting import SHORT, setting_on_paper, unbroken
from brainage.report.verdict import verdict
from brainage.trial import TrialResult
from brainage.wording import printable

FIGURE_FILES = ("svg", *BESIDE)
FIGURES, SUMMARY = "figures", "summary.json"


def render_report(
    results: StudyResults | TrialResult,
    path: str | Path,
    *,
    figure_files: Sequence[FigureFile] = BESIDE,
) -> Path:
    """Write the report page, its figures, and the summary it is made from.

    Parameters
    ----------
    results : StudyResults or TrialResult
        Everything that is shown; of a comparison alone, `StudyResults.of_trial`.
    path : str or Path
        The HTML file; beside it go ``summary.json`` and ``figures/``.
    figure_files : sequence of {"png", "pdf"}, default=("png", "pdf")
        Files of each figure beside its SVG, which the page holds too.

    Returns
    -------
    path : Path

    Raises
    ------
    CorrectedAccuracyError
        `predictions` were corrected for age: what is computed of them is no accuracy.

    Examples
    --------
    >>> path = ba.render_report(ba.StudyResults("An example"), folder / "report.html")
    >>> path.name, "An example" in path.read_text()
    ('report.html', True)
    """
    path = Path(path)
    if isinstance(results, TrialResult):
        results = StudyResults.of_trial(results)
    if results.predictions is not None:
        refuse_corrected(results.predictions)
    folder = path.parent / FIGURES
    _remove_figures(folder)
    summary = summarise(results, folder, figure_files=figure_files).as_json()
    write_json(path.parent / SUMMARY, summary)
    write_text(path, render_page(summary, folder))
    return path


def summarise(
    results: StudyResults, folder: str | Path, *, figure_files: Sequence[FigureFile] = BESIDE
) -> Summary:
    """Say everything the page says, as plain values, and draw its figures.

    Parameters
    ----------
    results : StudyResults
        Everything that is shown.
    folder : str or Path
        For the figures.
    figure_files : sequence of {"png", "pdf"}, default=("png", "pdf")
        Files of each figure beside its SVG.

    Returns
    -------
    summary : Summary
    """
    figures = FigureFolder(Path(folder), tuple(figure_files))
    for name, figure in results.drawings.items():
        (figures / name).save(figure)
    sections = [
        replace(section, blocks=tuple(map(in_words, section.blocks)))
        for section in _sections(results, figures)
        if section.blocks
    ]
    return Summary(
        printable(results.title),
        tuple(said(printable(sentence)) for sentence in verdict(results)),
        tuple(_facts(results)),
        tuple(sections),
        __version__,
    )


def render_page(summary: Mapping, folder: str | Path) -> str:
    """Return the page of a summary.

    Parameters
    ----------
    summary : mapping
        As `Summary.as_json` gives it, or as read from ``summary.json``.
    folder : str or Path
        Of the figures it names.

    Returns
    -------
    page : str
        HTML that refers to nothing outside itself but the files of its tables.

    Examples
    --------
    >>> _ = ba.render_report(ba.StudyResults("An example"), folder / "report.html")
    >>> import json
    >>> summary = json.loads((folder / "summary.json").read_text())
    >>> "An example" in render_page(summary, folder / "figures")
    True
    """
    folder = Path(folder)

    def picture(name: str) -> str:
        # As an image, not inline: ids of two SVG figures in one page would collide.
        svg = (folder / f"{name}.svg").read_bytes()
        return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")

    def files(name: str) -> list[str]:
        return [ending for ending in FIGURE_FILES if (folder / f"{name}.{ending}").is_file()]

    environment = Environment(
        loader=PackageLoader("brainage.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = unbroken
    return environment.get_template("report.html.jinja").render(
        summary=summary,
        picture=picture,
        files=files,
        fits=setting_on_paper,
        short=SHORT,
        figures=FIGURES,
    )


def _sections(results: StudyResults, folder: FigureFolder) -> Iterator[Section]:
    yield from answer_sections(results, folder)
    yield from clock_sections(results, folder)
    yield from scan_sections(results, folder)
    yield from record_sections(results)


def _facts(results: StudyResults) -> Iterator[tuple[str, str]]:
    """Yield the few numbers that a reader looks for first."""
    if results.contrasts is not None:
        row = results.contrasts[results.contrasts["primary"]].iloc[0]
        yield (
            printable(f"{row['arm']} − {row['versus']}, {row['visit']}"),
            (f"{signed(row['estimate_years'])} years"),
        )
        yield "95 % interval", f"{interval(row['ci_low_years'], row['ci_high_years'])} years"
        yield "p", p_words(row["p_value"])
        yield "participants in the model", f"{int(row['n_model']):,}"
    if results.metrics is not None:
        found = results.metrics.drop_duplicates("metric").set_index("metric")["estimate"]
        if "MAE" in found:
            yield "clock: mean absolute error", f"{found['MAE']:.2f} years"
        if "r" in found:
            yield "clock: r", plain(found["r"])


def _remove_figures(folder: Path) -> None:
    """Remove the figures of an earlier report: one that is not drawn now must not lie there."""
    for ending in FIGURE_FILES:
        for old in folder.glob(f"*.{ending}"):
            old.unlink()
