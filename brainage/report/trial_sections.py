"""The trial's part of the page: answer, flow, people, plan, networks, analyses, missing data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from brainage.number_words import interval, p_equals, signed
from brainage.report.content import Block, Figure, Prose, Section, pairs, table_of
from brainage.report.figures import (
    plot_changes,
    plot_contrasts,
    plot_flow,
    plot_networks,
    plot_sensitivity,
    plot_specifications,
    plot_trajectories,
)
from brainage.report.figures.drawing import FigureFolder, FigureStem, figure_of
from brainage.report.figures.of_trial import plot_forest
from brainage.report.results import StudyResults
from brainage.report.views import (
    analysis_table,
    estimates_table,
    of_whole_brain,
    paired_table,
    planned,
)
from brainage.tables import WHOLE_BRAIN
from brainage.trial import TableRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_ESTIMAND = ("population", "treatments", "variable", "summary", "missing_data")
_FOREST = {"estimate_years", "ci_low_years", "ci_high_years"}


def answer_sections(results: StudyResults, folder: FigureFolder) -> Iterator[Section]:
    """Yield what the trial found, who was analysed, and what was planned.

    Parameters
    ----------
    results : StudyResults
        Everything that is shown.
    folder : FigureFolder
        For the figures.
    """
    if results.contrasts is None:
        return
    yield Section(
        "answer", "Did the treatment make brains look younger?", tuple(_answer(results, folder))
    )
    yield Section("flow", "Who was randomised, scanned and analysed", tuple(_flow(results, folder)))
    yield Section("people", "The arms at baseline", tuple(_people(results)))
    yield Section("plan", "Estimand and plan", tuple(_plan(results)))
    yield Section("networks", "Networks", tuple(_networks(results, folder)))
    yield Section("sensitivity", "By other means", tuple(_sensitivity(results, folder)))
    yield from _analyses(results, folder)
    yield Section("missing", "Missing data", tuple(_missing(results)))
    yield Section("models", "Models", tuple(_models(results)))


def primary_row(results: StudyResults) -> pd.Series:
    """Return the primary contrast's row."""
    if results.contrasts is None:
        raise ValueError("expected results with contrasts, found none.")
    return results.contrasts[results.contrasts["primary"]].iloc[0]


def primary_line(results: StudyResults) -> str:
    """Return the primary contrast in one line, with whether and by whom it was planned."""
    row = primary_row(results)
    return (
        f"Primary contrast ({results.standing}): {row['arm']} minus {row['versus']} at "
        f"{row['visit']}, {signed(row['estimate_years'])} years (95 % interval "
        f"{interval(row['ci_low_years'], row['ci_high_years'])}, {p_equals(row['p_value'])}); "
        f"{row['n_model']} participants in the model, {row['n_at_visit']} of them seen at this "
        f"visit; {row['method']}."
    )


def _answer(results: StudyResults, folder: FigureFolder) -> Iterator[Block]:
    yield Prose((primary_line(results),))
    if results.gap_means is not None:
        axes = plot_trajectories(results.gaps, results.gap_means, visits=results.visits)
        yield _figure(
            axes,
            folder / "trajectories",
            "Brain-age gap of every participant (thin) and the mean of each arm with its 95 % "
            "interval (thick), observed scores, baseline included.",
            f"Mean brain-age gap over the visits in {len(set(results.gap_means['arm']))} arms.",
        )
    whole = of_whole_brain(results.contrasts)
    yield _figure(
        plot_contrasts(results),
        folder / "contrasts",
        "Contrasts with control, whole brain: estimates with 95 % intervals.",
        f"Forest plot of {len(whole)} contrasts with control.",
    )
    yield estimates_table(
        whole,
        "Contrasts with control. The primary contrast is not adjusted for multiplicity; how the "
        "others are is in the plan.",
        file=results.files.get("contrasts"),
    )
    if results.deltas is not None:
        own = of_whole_brain(results.deltas)
        yield _figure(
            plot_changes(results),
            folder / "arm_deltas",
            "Mean change from baseline within each arm with 95 % intervals; no comparison of arms.",
            "Change from baseline in each arm at each later visit.",
        )
        yield estimates_table(
            own,
            "Change from baseline within each arm (of the headline analysis).",
            file=results.files.get("deltas"),
        )
        yield paired_table(
            own,
            "The same by paired t test, as LISA-like studies report it: plain mean change, "
            "adjusted over arm x visit. Cohen's d_z is over the standard deviation of change, "
            "d_av over the mean standard deviation of the two visits.",
            folded=True,
            file=results.files.get("deltas"),
        )
    yield from _truth(results)
    if results.notes:
        notes = pd.DataFrame({"note": results.notes})
        yield table_of(
            notes,
            "What the analysis says of itself: what was left out, fallen back on, not as planned.",
        )


def _truth(results: StudyResults) -> Iterator[Block]:
    """Yield what a synthetic study planted, beside what was found."""
    if results.truth is not None:
        yield table_of(
            results.truth.drop(columns="method", errors="ignore"),
            "Synthetic study: estimates beside the planted years and the clock-scale truth (what "
            "the frozen clock can show of them).",
        )
    for beside, caption in (
        (
            results.truth_of_networks,
            "Synthetic study: the same of every network's clock.",
        ),
        (
            results.truth_of_regions,
            "Synthetic study: change of connectivity by region beside what the planted effects do "
            "to it (same scans, same noise, with minus without), arm less control.",
        ),
    ):
        if beside is not None and len(beside):
            yield table_of(beside.drop(columns="method", errors="ignore"), caption, folded=True)


def _flow(results: StudyResults, folder: FigureFolder) -> Iterator[Block]:
    if results.flow is None:
        return
    yield _figure(
        plot_flow(results.flow),
        folder / "flow",
        "Participant flow after CONSORT 2025. What came before randomisation (assessed, not "
        "eligible, declined) is not known to this software.",
        "Flow diagram: randomised, scanned at each visit with losses and reasons, analysed; the "
        "table below has the same numbers.",
    )
    yield table_of(
        results.flow,
        "Participants by arm and visit. Randomised = scanned + not scanned; scanned = excluded + "
        "scored; scored = without baseline + baseline only + without covariate + analysed.",
        file=results.files.get("flow"),
        folded=True,
    )
    if results.exclusions is not None and len(results.exclusions):
        yield table_of(
            results.exclusions,
            "Each excluded scan",
            folded=True,
            file=results.files.get("exclusions"),
        )
    if results.timing is not None:
        yield table_of(
            results.timing,
            "Time since baseline, from the dates of the scans or the ages at them.",
            file=results.files.get("timing"),
        )


def _people(results: StudyResults) -> Iterator[Block]:
    if results.baseline is not None:
        names = {str(name): str(name) for name in results.baseline.columns}
        yield table_of(
            results.baseline,
            "Participants scanned at baseline: mean (standard deviation), or number (percent). "
            "No test: after randomisation every difference at baseline is chance.",
            columns=names,
        )


def _plan(results: StudyResults) -> Iterator[Block]:
    estimand = results.estimand
    if estimand:
        rows = [(name.replace("_", " "), estimand[name]) for name in _ESTIMAND if name in estimand]
        events = estimand.get("intercurrent_events", {})
        rows[3:3] = [(f"intercurrent event: {event}", how) for event, how in events.items()]
        rows.append(("id, in every row of the primary contrast", estimand.get("id")))
        yield pairs(rows, "Estimand of the primary contrast (ICH E9(R1)).")
    if results.plan is not None:
        told = results.plan["about"].str.startswith(("Estimand", "Intercurrent", "Missing"))
        yield table_of(
            results.plan[~told],
            "Statistical analysis plan in force. Rows it does not name, or that were done "
            "otherwise, are marked post hoc.",
            folded=True,
        )


def _networks(results: StudyResults, folder: FigureFolder) -> Iterator[Block]:
    if results.contrasts is None:
        return
    networks = results.contrasts[results.contrasts["network"] != WHOLE_BRAIN]
    if not len(networks):
        return
    primary = primary_row(results)
    shown = networks[(networks["arm"] == primary["arm"]) & (networks["visit"] == primary["visit"])]
    yield _figure(
        plot_networks(results),
        folder / "networks",
        "The same clock retrained on the edges within each network; years of each network's own "
        "clock, so lengths are not comparable between networks.",
        f"Forest plot of the primary contrast in {len(shown)} networks and the whole brain.",
    )
    yield estimates_table(
        shown, "The primary contrast by network; adjusted p over networks.", lead=("network",)
    )
    yield estimates_table(
        networks,
        "Every network, arm and visit",
        lead=("network",),
        folded=True,
        file=results.files.get("contrasts"),
    )
    if results.deltas is not None:
        yield paired_table(
            results.deltas[results.deltas["network"] != WHOLE_BRAIN],
            "Change from baseline within each arm, by network",
            network=True,
            folded=True,
            file=results.files.get("deltas"),
        )


def _sensitivity(results: StudyResults, folder: FigureFolder) -> Iterator[Block]:
    if results.sensitivity is None or not len(results.sensitivity):
        return
    whole = of_whole_brain(results.sensitivity)
    primary = primary_row(results)
    own = whole
    for name in ("arm", "versus", "visit"):
        own = own[own[name] == primary[name]]
    yield _figure(
        plot_sensitivity(results),
        folder / "sensitivity",
        "The primary contrast by other means; not adjusted, no second chance. Corrections of the "
        "gap (none, offset, slope) are one test, not three analyses.",
        f"Forest plot of the primary contrast by {len(own)} other analyses.",
    )
    if results.specifications is not None and len(results.specifications) > 1:
        yield _figure(
            plot_specifications(results.specifications),
            folder / "specifications",
            "The primary contrast by every means, from the lowest estimate to the highest, over "
            "the choices behind each: outcome, people, model, covariates. Coloured: the main "
            "analysis. Hollow: uses what was measured after randomisation.",
            f"Specification plot of {len(results.specifications)} analyses of one contrast.",
        )
    file = results.files.get("sensitivity")
    yield estimates_table(
        own, "The primary contrast by other means.", lead=("analysis",), adjusted=False, file=file
    )
    yield estimates_table(
        whole,
        "Every contrast and change by other means",
        lead=("analysis",),
        adjusted=False,
        folded=True,
        file=file,
    )


def _analyses(results: StudyResults, folder: FigureFolder) -> Iterator[Section]:
    """Yield each analysis's own tables under its title, as its record describes them."""
    by_title: dict[str, list[Block]] = {}
    for name, table in results.tables.items():
        record = results.table_records[name]
        by_title.setdefault(record.title, []).extend(_own_table(results, folder, name, table))
    if results.analyses is not None and len(results.analyses):
        view = results.analyses.drop(columns="analysis").rename(columns={"title": "analysis"})
        caption = "Every analysis asked for: done, or not run and why."
        file = results.files.get("analyses")
        by_title.setdefault("", []).append(table_of(view, caption, folded=True, file=file))
    blocks: list[Block] = []
    for title, own in by_title.items():
        if title:
            blocks.append(Prose((), caption=title[:1].upper() + title[1:]))
        blocks += own
    yield Section("analyses", "Further analyses", tuple(blocks))


def _own_table(
    results: StudyResults, folder: FigureFolder, name: str, table: pd.DataFrame
) -> Iterator[Block]:
    record = results.table_records[name]
    if record.shown == "file":
        # A row a person: named here, and read in the file.
        yield Prose((f"{record.caption} File: {results.files.get(name, f'{name}.tsv')}.",))
        return
    view = table.drop(columns="plan_hash", errors="ignore")
    if "prespecified" in view:
        view = view.assign(plan=[planned(row) for _, row in view.iterrows()])
        view = view.drop(columns="prespecified")
    if set(table.columns) >= _FOREST and 1 < len(table) <= 40:
        yield from _own_forests(table, name, record, folder)
    folded = record.shown == "folded"
    yield analysis_table(view, record.caption, folded=folded, file=results.files.get(name))


def _own_forests(
    table: pd.DataFrame, name: str, record: TableRecord, folder: FigureFolder
) -> Iterator[Block]:
    """Yield a forest plot of a table's rows; rows in other units have an axis of their own."""
    by_unit = [("", table)]
    if "unit" in table and table["unit"].nunique() > 1:
        by_unit = [(str(unit), rows) for unit, rows in table.groupby("unit", sort=False)]
    for place, (unit, rows) in enumerate(by_unit, start=1):
        words = [
            column
            for column in ("name", "analysis", "network", "region", "arm", "versus", "visit")
            if column in rows and rows[column].nunique() > 1
        ]
        labels = [
            ", ".join(str(row[column]) for column in words) or record.title
            for _, row in rows.iterrows()
        ]
        yield _figure(
            plot_forest(rows, labels, unit=f"years, {unit}" if unit else "years"),
            folder / (f"analysis_{name}_{place}" if unit else f"analysis_{name}"),
            record.caption + (f" In this figure: {unit}." if unit else ""),
            f"Forest plot of {len(rows)} rows; the table below has the same numbers.",
        )


def _missing(results: StudyResults) -> Iterator[Block]:
    if results.missing is not None:
        if len(results.missing):
            yield table_of(
                results.missing, "Planned scans without a score, and what is known of why."
            )
        else:
            yield Prose(("Every planned scan of every randomised participant was scored.",))


def _models(results: StudyResults) -> Iterator[Block]:
    if results.models is not None and len(results.models):
        yield table_of(
            results.models.drop(columns="method", errors="ignore"),
            "Covariance fitted, and what was fallen back from and why.",
            folded=True,
            file=results.files.get("models"),
        )
    if results.covariates is not None and len(results.covariates):
        grouped = results.covariates.groupby(["analysis", "network"], sort=False)["covariate"]
        view = grouped.agg(", ".join).rename("covariates").reset_index()
        yield table_of(
            view,
            "Covariates of each model; 'x visit' has a slope of its own at each visit. Only the "
            "sensitivity models hold anything measured after randomisation.",
            folded=True,
            file=results.files.get("covariates"),
        )


def _figure(axes: Axes, stem: FigureStem, caption: str, alt: str) -> Figure:
    stem.save(figure_of(axes))
    return Figure(stem.name, caption, alt)
