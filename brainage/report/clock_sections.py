"""The clock's part of the page: accuracy, bias, other people, what it looks at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from brainage.raw_names import said_in, said_key
from brainage.report.content import Block, Figure, Prose, Section, pairs, table_of
from brainage.report.figures import (
    plot_efficiency,
    plot_gap_on_age,
    plot_gap_slopes,
    plot_learning_curve,
    plot_length_curve,
    plot_predictions,
    plot_sites,
)
from brainage.report.figures.drawing import FigureFolder, FigureStem, figure_of
from brainage.report.results import StudyResults

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def clock_sections(results: StudyResults, folder: FigureFolder) -> Iterator[Section]:
    """Yield how good the clock is, what its gap owes to age, and whether these scans suit it.

    Parameters
    ----------
    results : StudyResults
        Everything that is shown.
    folder : FigureFolder
        For the figures.
    """
    yield Section("clock", "How good is the clock?", tuple(_accuracy(results, folder)))
    yield Section("bias", "What the gap owes to age", tuple(_bias(results, folder)))
    yield Section("trust", "Does the clock suit these scans?", tuple(_trust(results)))
    yield Section("reliability", "Reliability", tuple(_reliability(results)))
    yield Section("patterns", "What the clock looks at", tuple(_patterns(results)))
    yield Section("card", "The clock's model card", tuple(_card(results)))


def _accuracy(results: StudyResults, folder: FigureFolder) -> Iterator[Block]:
    if results.metrics is not None:
        yield Prose(
            (
                "Accuracy is that of uncorrected predictions of people the clock had not seen. "
                "Accuracy computed after age-bias correction is not accuracy and is not shown.",
            )
        )
    if results.predictions is not None:
        yield _figure(
            plot_predictions(results.predictions),
            folder / "predictions",
            "Each point is a scan predicted by a clock trained without that person.",
            f"Scatter of {len(results.predictions)} predicted ages against ages.",
        )
    if results.metrics is not None:
        yield table_of(
            _metrics_view(results.metrics),
            "Out-of-fold accuracy with 95 % bootstrap intervals over people, beside the median "
            "predictor.",
            file=results.files.get("metrics"),
        )
    yield from _cohort(results, folder)
    yield from _other_tests(results)


def _cohort(results: StudyResults, folder: FigureFolder) -> Iterator[Block]:
    """Yield what more people would bring, what a trial would need, and how sites differ."""
    if results.learning_curve is not None:
        yield _figure(
            plot_learning_curve(results.learning_curve),
            folder / "learning_curve",
            "Would more people help? Cross-validated on random parts of the cohort.",
            "Error over the number of people.",
        )
        yield table_of(
            results.learning_curve,
            "Learning curve",
            folded=True,
            file=results.files.get("learning_curve"),
        )
    yield from _efficiency(results, folder)
    yield from _length(results, folder)
    if results.sites is not None and len(results.sites) > 1:
        yield _figure(
            plot_sites(results.sites),
            folder / "sites",
            "Mean out-of-fold gap of each site of the reference cohort with 95 % intervals: a site "
            "far from zero is one the clock reads as older or younger.",
            f"Mean gap of {len(results.sites)} sites.",
        )
        yield table_of(results.sites, "Sites of the reference cohort", folded=True)


def _other_tests(results: StudyResults) -> Iterator[Block]:
    """Yield the clock on other people, and on shuffled ages."""
    for table, caption, name in (
        (
            results.external,
            "External test set: uncorrected predictions of the frozen clocks on people of another "
            "study, 95 % bootstrap intervals over people, beside the reference's median age "
            "and this cohort's own.",
            "external",
        ),
        (
            results.external_slopes,
            "External test set: slope of the gap on age.",
            "external_slopes",
        ),
        (
            results.permutation,
            "Permutation test: every step repeated on shuffled ages; p = (b + 1) / (m + 1).",
            "permutation",
        ),
    ):
        if table is not None:
            yield table_of(table, caption, file=results.files.get(name))


def _efficiency(results: StudyResults, folder: FigureFolder) -> Iterator[Block]:
    """Yield what the clock asks of a trial: shares as a figure, all of it as a table."""
    for table, whose, name in (
        (results.efficiency, "left-out scans of the reference", "efficiency"),
        (results.external_efficiency, "the external test set", "external_efficiency"),
    ):
        if table is None:
            continue
        if table["measure"].isin(["share_pooled"]).any():
            yield _figure(
                plot_efficiency(table),
                folder / name,
                f"Trial efficiency, on {whose}: which share of a true shift of brain age the clock "
                "shows, with 95 % intervals. Of all people together it can be gamed by sites; what "
                "a trial has is the share within people, which only a planted shift shows.",
                "Shares of a true shift with intervals, one a way of asking.",
            )
        yield table_of(
            table,
            f"What the clock asks of a trial, on {whose}: noise of a scan, shares of a true shift, "
            "and people per arm for one latent year at 80 % power. Within-scan part only, unless a "
            "row says otherwise.",
            file=results.files.get(name),
        )


def _metrics_view(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return accuracy with words for short names; whether a clock shows nothing is said above."""
    view = metrics.drop(columns="shows_nothing", errors="ignore")
    return view.assign(metric=[said_in("metric", name) for name in view["metric"]])


def _length(results: StudyResults, folder: FigureFolder) -> Iterator[Block]:
    if results.length_curve is None:
        if results.length_words:
            yield Prose((f"How far predictions move with scan length is {results.length_words}.",))
        return
    yield _figure(
        plot_length_curve(results.length_curve),
        folder / "length_curve",
        "A clock that reads short scans as older makes an arm that loses more of its scans seem to "
        f"age. Left-out scans; {results.length_words}.",
        "Shift of the prediction over the share of the scan kept.",
    )
    yield table_of(
        results.length_curve,
        "Length curve: prediction of a part minus that of the whole scan, and its slope on age, "
        "95 % intervals over people.",
        folded=True,
        file=results.files.get("length_curve"),
    )


def _bias(results: StudyResults, folder: FigureFolder) -> Iterator[Block]:
    if results.reference_gaps is not None:
        for corrected, words in ((False, "before"), (True, "after")):
            yield _figure(
                plot_gap_on_age(results.reference_gaps, corrected=corrected),
                folder / f"gap_on_age_{words}",
                f"Out-of-fold gap of the reference cohort against age, {words} correction.",
                f"Scatter of gaps against age {words} the age-bias correction.",
                wide=False,
            )
    if results.gap_slopes is not None:
        yield _figure(
            plot_gap_slopes(results.gap_slopes),
            folder / "gap_slopes",
            "A gap that keeps a slope on age drifts by that much per elapsed year in every arm, "
            "with no biology in it.",
            "Slopes of the gap on age with intervals, before and after correction.",
        )
        yield table_of(
            results.gap_slopes,
            "Slope of the gap on age (years per year), before and after correction.",
        )
    if results.clock_slopes is not None:
        yield table_of(
            results.clock_slopes,
            "The same in people left out of the training, every clock.",
            folded=True,
        )


def _trust(results: StudyResults) -> Iterator[Block]:
    if results.trust is not None:
        yield table_of(
            results.trust,
            "Outside the reference's ages the clock extrapolates; of scans like the reference 5 % "
            "are farther than 95 % of it.",
            file=results.files.get("scores"),
        )
    if results.calibrations is not None:
        yield table_of(
            results.calibrations,
            "New sites, learnt from baseline scans blind to arm, on residuals from the reference's "
            "age trend; the ages of both.",
        )


def _reliability(results: StudyResults) -> Iterator[Block]:
    if results.reliability is not None:
        yield table_of(
            results.reliability,
            "Repeated scans of the control arm's participants, gap in years. ICC: 1 is a perfect "
            "ruler; the time between visits is in it, so it is a lower bound.",
        )


def _patterns(results: StudyResults) -> Iterator[Block]:
    means = (
        "change of connectivity per year of predicted age (Haufe pattern, mean over edges; "
        "positive: stronger in scans that look older), strongest first"
    )
    for name in results.drawings:
        if name.startswith("brain"):
            caption = results.drawing_captions[name]
            yield Figure(name, caption, f"{caption} Seen from four sides.")
    networks = results.pattern_networks
    if networks is not None and len(networks):
        yield table_of(networks, f"By pair of networks: {means}.", most=15)
        yield table_of(networks, "Every pair of networks", folded=True)
    if results.pattern_parcels is not None:
        yield table_of(
            results.pattern_parcels,
            f"By parcel: {means}",
            folded=True,
            most=50,
            file=results.files.get("pattern_parcels"),
        )
    stability = results.pattern_stability
    if stability is not None and len(stability):
        yield table_of(
            stability, "How well the fold models agree on weights and patterns", folded=True
        )


def _card(results: StudyResults) -> Iterator[Block]:
    if results.card:
        lines = [(said_key(key), value) for key, value in results.card.items()]
        yield pairs(lines, "Model card of the whole-brain clock.", folded=True)


def _figure(axes: Axes, stem: FigureStem, caption: str, alt: str, *, wide: bool = True) -> Figure:
    stem.save(figure_of(axes))
    return Figure(stem.name, caption, alt, wide=wide)
