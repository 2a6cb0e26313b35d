"""One HTML file that needs no network, and the figures beside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib import rc_context
from matplotlib.figure import Figure

from brainage import __version__
from brainage.files import atomic_path, write_text
from brainage.report import figures as draw
from brainage.report.results import StudyResults

_YEARS = ("estimate_years", "se_years", "ci_low_years", "ci_high_years", "df", "p_value",
          "p_adjusted", "n")  # fmt: skip
_CONTRASTS = ("arm", "versus", "visit", *_YEARS, "prespecified")
_DELTAS = ("arm", "visit", *_YEARS, "mean_change_years", "paired_p_value", "cohens_d_z",
           "cohens_d_av")  # fmt: skip
_SENSITIVITY = ("analysis", "arm", "versus", "visit", *_YEARS, "outcome", "prespecified")

# Fixed ids and no date: the same results give the same bytes.
_SVG = {"svg.hashsalt": "brainage", "svg.fonttype": "none"}


@dataclass(frozen=True)
class Block:
    """One figure or table of a section."""

    kind: str
    caption: str
    body: str


@dataclass(frozen=True)
class Section:
    """A heading with its text and blocks."""

    anchor: str
    heading: str
    lines: tuple[str, ...]
    blocks: tuple[Block, ...]


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
    """
    path = Path(path)
    sections = [section for section in _sections(results, path.parent / "figures")
                if section.blocks or section.lines]  # fmt: skip
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
    _figure(draw.draw_leaderboard(leaderboard, corrected), Path(stem), "")


def table_html(frame: pd.DataFrame, *, most: int = 200) -> str:
    """Return a table as HTML, cells escaped, numbers to three digits, missing as n/a."""
    text = frame.head(most).map(_cell)
    html = text.to_html(index=False, border=0, escape=True, classes="data")
    if len(frame) > most:
        html += f"<p>... and {len(frame) - most} more rows</p>"
    return html


def _sections(results: StudyResults, folder: Path) -> Iterator[Section]:
    yield Section("answer", "Did the treatment make brains look younger?", _answer(results),
                  tuple(_answer_blocks(results, folder)))  # fmt: skip
    yield Section("networks", "Networks", (), tuple(_network_blocks(results, folder)))
    yield Section("flow", "Participant flow", (), tuple(_tables(
        (results.flow, "Participants by arm and visit: randomised, scanned, excluded, analysed."),
    )))  # fmt: skip
    yield Section("clock", "The clock", _clock_lines(results),
                  tuple(_clock_blocks(results, folder)))  # fmt: skip
    yield Section("sensitivity", "Sensitivity", (), tuple(_tables(
        (_sensitivity(results), "The same contrast by other means. Corrections of the gap (none, "
         "offset, slope) are one test, not three analyses."),
    )))  # fmt: skip
    yield Section("motion", "Motion", (), tuple(_motion_blocks(results, folder)))
    yield Section("scans", "Scans", (), tuple(_scan_blocks(results)))
    yield Section("methods", "Methods", results.methods, ())
    provenance = pd.DataFrame(results.provenance.items(), columns=["what", "value"])
    yield Section("provenance", "Provenance", (), tuple(_tables(
        (provenance if len(provenance) else None, "Hashes, versions and seed of this result."),
    )))  # fmt: skip


def _answer(results: StudyResults) -> tuple[str, ...]:
    if results.contrasts is None:
        return ()
    return (
        "Negative years: the brain looks younger than at baseline (change) or than under control "
        "(contrast). A within-arm change is not an effect of treatment: read the contrast.",
        "A brain-age gap is not a rate of ageing; these are within-person changes in predicted "
        f"age. Model: {results.contrasts['method'].iloc[0]}.",
    )


def _answer_blocks(results: StudyResults, folder: Path) -> Iterator[Block]:
    if results.contrasts is not None:
        whole = _of_whole_brain(results.contrasts)
        labels = [f"{row.arm} - {row.versus}, {row.visit}" for row in whole.itertuples()]
        yield _figure(
            draw.draw_contrasts(whole, labels, title="Contrasts with control"),
            folder / "contrasts",
            "Whole brain, estimates with 95 % intervals; the first row is the primary contrast.",
        )
        yield from _tables((_columns(whole, _CONTRASTS), "Contrasts with control (years)."))
    if results.deltas is not None:
        whole = _of_whole_brain(results.deltas)
        yield _figure(
            draw.draw_arm_deltas(whole, title="Change from baseline within each arm"),
            folder / "arm_deltas",
            "Mean change with 95 % intervals; not a comparison of arms.",
        )
        yield from _tables((_columns(whole, _DELTAS), "Change from baseline (years)."))
    yield from _tables(
        (
            results.truth,
            "Synthetic study: estimates beside the planted years and the clock-scale truth (what "
            "the frozen clock can show of them).",
        )
    )
    if results.notes:
        notes = pd.DataFrame({"note": list(results.notes)})
        yield Block("folded", "Notes of the analysis", table_html(notes))


def _sensitivity(results: StudyResults) -> pd.DataFrame | None:
    if results.sensitivity is None:
        return None
    return _columns(_of_whole_brain(results.sensitivity), _SENSITIVITY)


def _network_blocks(results: StudyResults, folder: Path) -> Iterator[Block]:
    if results.contrasts is None:
        return
    networks = results.contrasts[results.contrasts["network"] != "whole_brain"]
    if not len(networks):
        return
    primary = results.contrasts[results.contrasts["primary"]].iloc[0]
    shown = networks[(networks["arm"] == primary["arm"]) & (networks["visit"] == primary["visit"])]
    title = f"{primary['arm']} - {primary['versus']}, {primary['visit']}, one clock a network"
    yield _figure(
        draw.draw_contrasts(shown, shown["network"].tolist(), title=title),
        folder / "networks",
        "The same clock retrained on the edges within each network; years of each network's own "
        "clock, so lengths are not comparable between networks.",
    )
    yield from _tables((_columns(shown, ("network", *_CONTRASTS)), "The primary contrast by "
                        "network; adjusted p over networks."))  # fmt: skip
    yield Block("folded", "Every network, arm and visit",
                table_html(_columns(networks, ("network", *_CONTRASTS))))  # fmt: skip


def _of_whole_brain(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["network"] == "whole_brain"]


def _columns(table: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    return table[[name for name in names if name in table]]


def _clock_lines(results: StudyResults) -> tuple[str, ...]:
    if results.metrics is None:
        return ()
    return (
        "Accuracy is that of uncorrected predictions of people the clock had not seen. Accuracy "
        "computed after age-bias correction is not accuracy and is not shown.",
    )


def _clock_blocks(results: StudyResults, folder: Path) -> Iterator[Block]:
    yield from _tables(
        (
            results.metrics,
            "Out-of-fold accuracy with 95 % bootstrap intervals over "
            "people, beside the median predictor.",
        )
    )
    if results.predictions is not None:
        yield _figure(
            draw.draw_predictions(results.predictions),
            folder / "predictions",
            "Each point is a scan predicted by a clock trained without that person.",
        )
    if results.gap_slopes is not None:
        yield _figure(
            draw.draw_gap_slopes(results.gap_slopes),
            folder / "gap_slopes",
            "A gap that keeps a slope on age drifts by that much per elapsed year in "
            "every arm, with no biology in it.",
        )
        yield from _tables(
            (results.gap_slopes, "Slope of the gap on age, before and after correction.")
        )
    if results.card:
        card = pd.DataFrame([(k, str(v)) for k, v in results.card.items()],
                            columns=["model card", "value"])  # fmt: skip
        yield from _tables((card, "Model card of the whole-brain clock."))
    yield from _pattern_blocks(results)


def _pattern_blocks(results: StudyResults) -> Iterator[Block]:
    means = (
        "change of connectivity per year of predicted age (Haufe pattern, mean over edges; "
        "positive: stronger in scans that look older), strongest first"
    )
    networks = results.pattern_networks
    if networks is not None and len(networks):
        yield Block("table", f"What the clock looks at, by pair of networks: {means}.",
                    table_html(networks, most=15))  # fmt: skip
        yield Block("folded", "Every pair of networks", table_html(networks))
    if results.pattern_parcels is not None:
        yield Block("folded", f"By parcel: {means}", table_html(results.pattern_parcels, most=50))
    stability = results.pattern_stability
    if stability is not None and len(stability):
        yield Block("folded", "How well the fold models agree on weights and patterns",
                    table_html(stability))  # fmt: skip


def _motion_blocks(results: StudyResults, folder: Path) -> Iterator[Block]:
    if results.motion is not None and len(results.motion):
        yield _figure(
            draw.draw_motion(results.motion),
            folder / "motion",
            "Framewise displacement by arm and visit.",
        )
        yield from _tables(
            (results.motion, "Motion by arm and visit, and its correlation with the gap.")
        )


def _scan_blocks(results: StudyResults) -> Iterator[Block]:
    for cohort, table in results.scans.items():
        counts = table["status"].value_counts().rename_axis("status").reset_index(name="scans")
        yield from _tables((counts, f"{cohort}: scans by status."))
        unused = table[table["status"] != "done"]
        columns = ["participant_id", "session_id", "run", "status", "reason"]
        yield from _tables(
            (unused[columns] if len(unused) else None, f"{cohort}: scans not used, and why.")
        )
    for cohort, table in results.excluded.items():
        yield from _tables(
            (
                table if len(table) else None,
                f"{cohort}: sessions left out of the features, and why.",
            )
        )


def _tables(*pairs: tuple[pd.DataFrame | None, str]) -> Iterator[Block]:
    for frame, caption in pairs:
        if frame is not None:
            yield Block("table", caption, table_html(frame))


def _figure(figure: Figure, stem: Path, caption: str) -> Block:
    stem.parent.mkdir(parents=True, exist_ok=True)
    with rc_context(_SVG):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    with atomic_path(stem.with_suffix(".svg")) as temporary:
        temporary.write_bytes(svg)
    with atomic_path(stem.with_suffix(".png")) as temporary:
        figure.savefig(temporary, format="png", dpi=150, metadata={"Software": None})
    # As an image, not inline: ids of two SVG figures in one page would collide.
    return Block("figure", caption, base64.b64encode(svg).decode())


def _cell(value) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return "n/a"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e6:
            return f"{value:.0f}"
        return f"{value:.2e}" if abs(value) < 1e-3 else f"{value:.3f}"
    return str(value)
