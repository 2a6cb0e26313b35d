"""The trial's part of the page: answer, plan, flow, sensitivity; every row says if planned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from brainage.report import figures as draw
from brainage.report.blocks import Block, Section, figure_block, table_html, tables
from brainage.report.results import StudyResults
from brainage.tables import WHOLE_BRAIN

_SIGNS = (
    "Negative years: the brain looks younger than at baseline (change) or than under control "
    "(contrast). A within-arm change is not an effect of treatment: read the contrast. A brain-age "
    "gap is not a rate of ageing; these are within-person changes in predicted age."
)
_ESTIMAND = ("population", "treatments", "variable", "summary", "missing_data")


def answer_sections(results: StudyResults, folder: Path) -> Iterator[Section]:
    """Yield what the trial found, what was planned, and who was analysed.

    Parameters
    ----------
    results : StudyResults
        Everything that is shown.
    folder : Path
        For the figures.
    """
    if results.contrasts is None:
        return
    yield Section(
        "answer",
        "Did the treatment make brains look younger?",
        _answer(results),
        (*_answer_blocks(results, folder), *_notes(results)),
    )
    yield Section("plan", "Estimand and plan", (), tuple(_plan_blocks(results)))
    yield Section("networks", "Networks", (), tuple(_network_blocks(results, folder)))
    yield Section("flow", "Participant flow", (), tuple(_flow_blocks(results)))


def qualifying_sections(results: StudyResults, folder: Path) -> Iterator[Section]:
    """Yield what qualifies the answer: other analyses, models, motion.

    Parameters
    ----------
    results : StudyResults
        Everything that is shown.
    folder : Path
        For the figures.
    """
    yield Section("sensitivity", "Sensitivity", (), tuple(_sensitivity_blocks(results, folder)))
    yield Section("analyses", "Further analyses", (), tuple(_analysis_blocks(results)))
    yield Section("models", "Models", (), tuple(_model_blocks(results)))
    yield Section("motion", "Motion", (), tuple(_motion_blocks(results, folder)))


def _answer(results: StudyResults) -> tuple[str, ...]:
    primary = results.contrasts[results.contrasts["primary"]].iloc[0]
    found = (
        f"Primary contrast ({results.standing}): "
        f"{primary['arm']} minus {primary['versus']} at "
        f"{primary['visit']}, {primary['estimate_years']:+.2f} years "
        f"({_interval(primary['ci_low_years'], primary['ci_high_years'])}, p = "
        f"{_p(primary['p_value'])}; {primary['n_model']} participants in the model, "
        f"{primary['n_at_visit']} of them seen at this visit; {primary['method']})."
    )
    return (*(f"Read this first: {each}." for each in results.read_first), found, _SIGNS)


def _answer_blocks(results: StudyResults, folder: Path) -> Iterator[Block]:
    whole = _of_whole_brain(results.contrasts)
    yield figure_block(
        draw.draw_contrasts(whole, _labels(whole), title="Contrasts with control"),
        folder / "contrasts",
        "Whole brain, estimates with 95 % intervals; the first row is the primary contrast.",
    )
    yield Block(
        "table",
        "Contrasts with control. The primary contrast is not adjusted for "
        "multiplicity; how the others are is in the plan.",
        table_html(_contrast_view(whole)),
    )
    if results.deltas is not None:
        own = _of_whole_brain(results.deltas)
        yield figure_block(
            draw.draw_arm_deltas(own, title="Change from baseline within each arm"),
            folder / "arm_deltas",
            "Mean change with 95 % intervals; not a comparison of arms.",
        )
        yield Block(
            "table",
            "Change from baseline within each arm (of the headline analysis).",
            table_html(_contrast_view(own)),
        )
        yield Block(
            "table",
            "The same by paired t test, as LISA-like studies report it: plain "
            "mean change, adjusted over arm x visit; d_z is over the SD of change, d_av "
            "over the mean SD of the two visits.",
            table_html(_paired_view(own)),
        )
    yield from tables(
        (
            results.truth,
            "Synthetic study: estimates beside the planted years and the "
            "clock-scale truth (what the frozen clock can show of them).",
        )
    )


def _notes(results: StudyResults) -> Iterator[Block]:
    if results.notes:
        notes = pd.DataFrame({"note": list(results.notes)})
        yield Block(
            "wrapped",
            "What the analysis says of itself: what was left out, fallen back on, not as planned.",
            table_html(notes),
        )


def _plan_blocks(results: StudyResults) -> Iterator[Block]:
    estimand = results.estimand
    if estimand:
        rows = [(name.replace("_", " "), estimand[name]) for name in _ESTIMAND if name in estimand]
        events = estimand.get("intercurrent_events", {})
        rows[3:3] = [
            (f"intercurrent event: {event}", strategy) for event, strategy in events.items()
        ]
        rows.append(("id, in every row of the primary contrast", estimand.get("id")))
        yield Block(
            "wrapped",
            "Estimand of the primary contrast (ICH E9(R1)).",
            table_html(pd.DataFrame(rows, columns=["part", "as planned"])),
        )
    if results.plan is not None:
        caption = (
            "Statistical analysis plan in force. Rows it does not name, or that were done "
            "otherwise, are marked post hoc."
        )
        told = results.plan["about"].str.startswith(("Estimand", "Intercurrent", "Missing"))
        yield Block("wrapped", caption, table_html(results.plan[~told]))


def _network_blocks(results: StudyResults, folder: Path) -> Iterator[Block]:
    networks = results.contrasts[results.contrasts["network"] != WHOLE_BRAIN]
    if not len(networks):
        return
    primary = results.contrasts[results.contrasts["primary"]].iloc[0]
    shown = networks[(networks["arm"] == primary["arm"]) & (networks["visit"] == primary["visit"])]
    title = f"{primary['arm']} - {primary['versus']}, {primary['visit']}, one clock a network"
    labels = [f"{row.network}{_post_hoc(row.prespecified)}" for row in shown.itertuples()]
    yield figure_block(
        draw.draw_contrasts(shown, labels, title=title),
        folder / "networks",
        "The same clock retrained on the edges within each network; years of each network's own "
        "clock, so lengths are not comparable between networks.",
    )
    yield Block(
        "table",
        "The primary contrast by network; adjusted p over networks.",
        table_html(_contrast_view(shown, network=True)),
    )
    yield Block(
        "folded", "Every network, arm and visit", table_html(_contrast_view(networks, network=True))
    )
    if results.deltas is not None:
        own = results.deltas[results.deltas["network"] != WHOLE_BRAIN]
        yield Block(
            "folded",
            "Change from baseline within each arm, by network",
            table_html(_paired_view(own, network=True)),
        )


def _flow_blocks(results: StudyResults) -> Iterator[Block]:
    if results.flow is not None:
        flow = results.flow.rename(columns=lambda name: name.replace("_", " "))
        yield Block(
            "wrapped",
            "Participants by arm and visit. Randomised = scanned + not scanned; "
            "scanned = excluded + scored; scored = without baseline + baseline only + "
            "without covariate + analysed.",
            table_html(flow),
        )
    if results.exclusions is not None and len(results.exclusions):
        yield Block("folded", "Each excluded scan", table_html(results.exclusions))
    if results.timing is not None:
        timing = results.timing.rename(columns=lambda name: name.replace("_", " "))
        yield Block(
            "table",
            "Time since baseline, from the dates of the scans or the ages at them.",
            table_html(timing),
        )


def _sensitivity_blocks(results: StudyResults, folder: Path) -> Iterator[Block]:
    if results.sensitivity is None:
        return
    whole = _of_whole_brain(results.sensitivity)
    primary = results.contrasts[results.contrasts["primary"]].iloc[0]
    own = whole
    for name in ("arm", "versus", "visit"):
        own = own[own[name] == primary[name]]
    shown = pd.concat([primary.to_frame().T.assign(analysis="main analysis"), own])
    shown = shown.astype({"estimate_years": float, "ci_low_years": float, "ci_high_years": float})
    labels = [f"{row.analysis}{_post_hoc(row.prespecified)}" for row in shown.itertuples()]
    title = f"{primary['arm']} - {primary['versus']}, {primary['visit']}, by other means"
    yield figure_block(
        draw.draw_contrasts(shown, labels, title=title),
        folder / "sensitivity",
        "The primary contrast by other means; not adjusted, no second chance. Corrections of the "
        "gap (none, offset, slope) are one test, not three analyses.",
    )
    view = _contrast_view(own).drop(columns=["comparison", "visit", "adjusted p"])
    view.insert(0, "analysis", list(own["analysis"]))
    yield Block("table", "The primary contrast by other means.", table_html(view))
    every = _contrast_view(whole).drop(columns="adjusted p")
    every.insert(0, "analysis", list(whole["analysis"]))
    yield Block("folded", "Every contrast and change by other means", table_html(every))


def _analysis_blocks(results: StudyResults) -> Iterator[Block]:
    """Yield the analyses' own tables as they are, and what was asked for and not done."""
    for name, table in results.tables.items():
        record = results.table_records[name]
        view = table.drop(columns="plan_hash").assign(
            prespecified=[_planned(row) for _, row in table.iterrows()]
        )
        yield Block(record.shown, record.caption, table_html(view.rename(columns=_heading)))
    if results.analyses is not None and len(results.analyses):
        view = results.analyses.drop(columns="analysis").rename(columns={"title": "analysis"})
        yield Block(
            "folded",
            "Every analysis asked for: done, or not run and why.",
            table_html(view),
        )


def _heading(column: str) -> str:
    return "plan" if column == "prespecified" else column.replace("_", " ")


def _model_blocks(results: StudyResults) -> Iterator[Block]:
    if results.models is not None and len(results.models):
        yield Block(
            "wrapped",
            "Covariance fitted, and what was fallen back from and why.",
            table_html(results.models.drop(columns="method")),
        )
    if results.covariates is not None and len(results.covariates):
        grouped = results.covariates.groupby(["analysis", "network"], sort=False)["covariate"]
        view = grouped.agg(", ".join).rename("covariates").reset_index()
        yield Block(
            "wrapped",
            "Covariates of each model; 'x visit' has a slope of its own at each "
            "visit. Only the sensitivity models hold anything measured after "
            "randomisation.",
            table_html(view),
        )


def _motion_blocks(results: StudyResults, folder: Path) -> Iterator[Block]:
    if results.motion is not None and len(results.motion):
        yield figure_block(
            draw.draw_motion(results.motion),
            folder / "motion",
            "Framewise displacement by arm and visit.",
        )
        yield from tables(
            (results.motion, "Motion by arm and visit, and its correlation with the gap.")
        )


def _of_whole_brain(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["network"] == WHOLE_BRAIN]


def _labels(table: pd.DataFrame) -> list[str]:
    return [
        f"{row.arm} - {row.versus}, {row.visit}{_post_hoc(row.prespecified)}"
        for row in table.itertuples()
    ]


def _contrast_view(table: pd.DataFrame, *, network: bool = False) -> pd.DataFrame:
    """Return rows as a reader wants them: one interval column, words for planned or not."""
    view = pd.DataFrame(
        {
            "comparison": table["arm"] + " - " + table["versus"],
            "visit": table["visit"],
            "years": table["estimate_years"].map("{:+.2f}".format),
            "95 % interval": list(map(_interval, table["ci_low_years"], table["ci_high_years"])),
            "SE": table["se_years"].map("{:.2f}".format),
            "df": table["df"].map(_df),
            "p": table["p_value"].map(_p),
            "adjusted p": table["p_adjusted"].map(_p),
            "n in model": table["n_model"].astype(int),
            "n at visit": table["n_at_visit"].astype(int),
            "plan": [_planned(row) for _, row in table.iterrows()],
        }
    )
    if network:
        view.insert(0, "network", table["network"])
    return view


def _paired_view(table: pd.DataFrame, *, network: bool = False) -> pd.DataFrame:
    view = pd.DataFrame(
        {
            "arm": table["arm"],
            "visit": table["visit"],
            "n": table["n_paired"].astype(int),
            "years": table["mean_change_years"].map("{:+.2f}".format),
            "95 % interval": list(
                map(_interval, table["change_ci_low_years"], table["change_ci_high_years"])
            ),
            "t": table["paired_statistic"].map("{:.2f}".format),
            "df": table["paired_df"].map(_df),
            "p": table["paired_p_value"].map(_p),
            "adjusted p": table["paired_p_adjusted"].map(_p),
            "Cohen's d_z": table["cohens_d_z"].map("{:.2f}".format),
            "d_av": table["cohens_d_av"].map("{:.2f}".format),
            "years since baseline": table["mean_interval_years"].map("{:.2f}".format),
        }
    )
    if network:
        view.insert(0, "network", table["network"])
    return view


def _planned(row: pd.Series) -> str:
    words = "prespecified" if row["prespecified"] else "post hoc"
    return f"primary, {words}" if row.get("primary", False) else words


def _post_hoc(prespecified: bool) -> str:
    return "" if prespecified else " (post hoc)"


def _interval(low: float, high: float) -> str:
    return "n/a" if low != low or high != high else f"{low:+.2f} to {high:+.2f}"


def _df(value: float) -> str:
    return "n/a" if value != value else f"{value:.1f}"


def _p(value: float) -> str:
    return "n/a" if value != value else f"{value:.3g}"
