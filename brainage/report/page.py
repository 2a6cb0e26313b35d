"""One HTML file that needs no network, and the figures beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from brainage import __version__
from brainage.clock import refuse_corrected
from brainage.files import write_text
from brainage.report import figures as draw
from brainage.report.blocks import Block, Section, figure_block, table_html, tables
from brainage.report.results import StudyResults
from brainage.report.trial_page import answer_sections, qualifying_sections


def render_report(results: StudyResults, path: str | Path) -> Path:
    """Write the report page and its figures.

    Parameters
    ----------
    results : StudyResults
        Everything that is shown.
    path : str or Path
        The HTML file; figures go to ``figures/`` beside it as SVG and PNG.

    Returns
    -------
    path : Path

    Raises
    ------
    CorrectedAccuracyError
        `predictions` were corrected for age: what is computed of them is no accuracy.
    """
    path = Path(path)
    if results.predictions is not None:
        refuse_corrected(results.predictions)
    sections = [
        section
        for section in _sections(results, path.parent / "figures")
        if section.blocks or section.lines
    ]
    environment = Environment(
        loader=PackageLoader("brainage.report"), autoescape=True, undefined=StrictUndefined
    )
    page = environment.get_template("report.html.jinja").render(
        title=results.title, sections=sections, version=__version__
    )
    write_text(path, page)
    return path


def write_leaderboard_figure(
    leaderboard: pd.DataFrame, stem: str | Path, *, corrected: Mapping[str, float]
) -> None:
    """Write a sweep's leaderboard as ``stem.svg`` and ``stem.png``."""
    figure_block(draw.draw_leaderboard(leaderboard, corrected), Path(stem), "")


def _sections(results: StudyResults, folder: Path) -> Iterator[Section]:
    yield from answer_sections(results, folder)
    yield Section(
        "clock", "The clock", _clock_lines(results), tuple(_clock_blocks(results, folder))
    )
    yield from qualifying_sections(results, folder)
    yield Section("scans", "Scans", (), tuple(_scan_blocks(results)))
    yield Section("methods", "Methods", results.methods, ())
    provenance = pd.DataFrame(results.provenance.items(), columns=["what", "value"])
    yield Section(
        "provenance",
        "Provenance",
        (),
        tuple(
            tables(
                (
                    provenance if len(provenance) else None,
                    "Hashes, versions and seed of this result.",
                ),
            )
        ),
    )


def _clock_lines(results: StudyResults) -> tuple[str, ...]:
    if results.metrics is None:
        return ()
    return (
        "Accuracy is that of uncorrected predictions of people the clock had not seen. Accuracy "
        "computed after age-bias correction is not accuracy and is not shown.",
    )


def _clock_blocks(results: StudyResults, folder: Path) -> Iterator[Block]:
    yield from tables(
        (
            results.metrics,
            "Out-of-fold accuracy with 95 % bootstrap intervals over "
            "people, beside the median predictor.",
        )
    )
    if results.predictions is not None:
        yield figure_block(
            draw.draw_predictions(results.predictions),
            folder / "predictions",
            "Each point is a scan predicted by a clock trained without that person.",
        )
    if results.gap_slopes is not None:
        yield figure_block(
            draw.draw_gap_slopes(results.gap_slopes),
            folder / "gap_slopes",
            "A gap that keeps a slope on age drifts by that much per elapsed year in "
            "every arm, with no biology in it.",
        )
        yield from tables(
            (results.gap_slopes, "Slope of the gap on age, before and after correction.")
        )
    yield from tables(
        (results.clock_slopes, "The same in people left out of the training, every clock."),
    )
    yield from _evaluation_blocks(results, folder)
    if results.card:
        card = pd.DataFrame(
            [(k, str(v)) for k, v in results.card.items()], columns=["model card", "value"]
        )
        yield Block("wrapped", "Model card of the whole-brain clock.", table_html(card))
    yield from tables(
        (
            results.calibrations,
            "New sites, learnt from baseline scans blind to arm, on residuals "
            "from the reference's age trend; the ages of both.",
        ),
        (
            results.trust,
            "Can the clock be trusted on these scans? Outside the reference's ages it "
            "extrapolates; of scans like the reference 5 % are farther than 95 % of it.",
        ),
    )
    yield from _pattern_blocks(results)


def _evaluation_blocks(results: StudyResults, folder: Path) -> Iterator[Block]:
    yield from tables(
        (
            results.external,
            "External test set: uncorrected predictions of the frozen clocks on "
            "people of another study, 95 % bootstrap intervals over people, beside the reference's "
            "median age (MAE_median) and this cohort's own (MAE_own_median).",
        ),
        (results.external_slopes, "External test set: slope of the gap on age."),
        (
            results.permutation,
            "Permutation test: every step repeated on shuffled ages; p = (b + 1) / (m + 1).",
        ),
    )
    if results.learning_curve is not None:
        yield figure_block(
            draw.draw_learning_curve(results.learning_curve),
            folder / "learning_curve",
            "Cross-validated on random parts of the cohort.",
        )
        yield Block("folded", "Learning curve", table_html(results.learning_curve))


def _pattern_blocks(results: StudyResults) -> Iterator[Block]:
    means = (
        "change of connectivity per year of predicted age (Haufe pattern, mean over edges; "
        "positive: stronger in scans that look older), strongest first"
    )
    networks = results.pattern_networks
    if networks is not None and len(networks):
        yield Block(
            "table",
            f"What the clock looks at, by pair of networks: {means}.",
            table_html(networks, most=15),
        )
        yield Block("folded", "Every pair of networks", table_html(networks))
    if results.pattern_parcels is not None:
        yield Block("folded", f"By parcel: {means}", table_html(results.pattern_parcels, most=50))
    stability = results.pattern_stability
    if stability is not None and len(stability):
        yield Block(
            "folded",
            "How well the fold models agree on weights and patterns",
            table_html(stability),
        )


def _scan_blocks(results: StudyResults) -> Iterator[Block]:
    for cohort, table in results.scans.items():
        counts = table["status"].value_counts().rename_axis("status").reset_index(name="scans")
        yield from tables((counts, f"{cohort}: scans by status."))
        unused = table[table["status"] != "done"]
        columns = ["participant_id", "session_id", "run", "status", "reason"]
        yield from tables(
            (unused[columns] if len(unused) else None, f"{cohort}: scans not used, and why.")
        )
    for cohort, table in results.excluded.items():
        yield from tables(
            (
                table if len(table) else None,
                f"{cohort}: sessions left out of the features, and why.",
            )
        )
