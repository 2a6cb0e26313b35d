"""How each stage's result looks on the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from brainage.cli import DONE, SOME_FAILED
from brainage.cli.screen import Screen
from brainage.config import StudyConfig
from brainage.number_words import interval, p_words, plain, signed
from brainage.raw_names import said
from brainage.stages.already_there import extracted_before
from brainage.tables import WHOLE_BRAIN

if TYPE_CHECKING:
    from brainage.stages.already_there import Before
    from brainage.stages.cohorts import Cohort
    from brainage.stages.evaluate import Evaluation
    from brainage.stages.train import Trained
    from brainage.trial import TrialResult

_MOST_REASONS = 10
#: Numbers that stand alone: not the digits of a name (``MNI152``) or of a hexadecimal.
_NUMBER = re.compile(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w-]|\.\d)")


def show_mask_cost(screen: Screen, study: StudyConfig, cohorts: Iterable[Cohort]) -> None:
    """Show what smoothing in each scan's own mask will cost, where that is chosen."""
    from brainage.stages.mask_cost import own_mask_cost

    if screen.silent:
        return
    for cohort in cohorts:
        cost = own_mask_cost(study, cohort)
        if cost:
            screen.line(cost)


def show_already_there(screen: Screen, before: Before) -> None:
    """Say that a stage was there already."""
    if before.is_all:
        screen.line("already there: nothing it rests on has changed (--overwrite makes it again)")


def show_extracted_before(screen: Screen, tables: Mapping[Cohort, pd.DataFrame]) -> None:
    """Say how many scans of an extraction were there already."""
    n = extracted_before(tables.values())
    if n:
        screen.line(f"already there: {n:,} scans, not extracted again")


def show_extracted(screen: Screen, tables: dict[str, pd.DataFrame]) -> None:
    """Show what was extracted of each cohort."""
    for cohort, table in tables.items():
        show_scans(screen, table, cohort)


def show_scans(screen: Screen, table: pd.DataFrame, cohort: str) -> None:
    """Show how many scans of a cohort were done, and which were not and why."""
    counts = scan_counts(table)
    screen.line(f"{cohort}: " + ", ".join(f"{n} {status}" for status, n in counts.items()))
    rest = table[table["status"] != "done"]
    failed = rest[rest["status"] == "failed"]
    if len(failed) and screen.silent:
        screen.problem(
            f"{cohort}: {len(failed)} scan(s) failed, the first: "
            f"{failed['reason'].iloc[0]} (scans.tsv has every reason)"
        )
    screen.table(_by_reason(table), title=f"{cohort}: what was done, and what was not and why")
    if len(rest) and (screen.verbose or len(rest) <= _MOST_REASONS):
        columns = ("participant_id", "session_id", "run", "status", "reason")
        screen.table(rest, title=f"{cohort}: not used", columns=columns)
    elif len(rest):
        screen.line("scans.tsv has the reason of each scan, and -v shows them")


def _by_reason(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each status and reason: the same one a hundred times is one line."""
    reasons = table["reason"].fillna("").map(_without_paths)
    shown = table.assign(
        # A scan's own files and numbers do not make it another reason.
        kind=reasons.map(lambda reason: _NUMBER.sub("#", reason)),
        reason=reasons,
        minutes=table["retained_s"] / 60,
        order=table["status"].map({"done": 0, "excluded": 1, "failed": 2}),
    )
    grouped = shown.groupby(["order", "status", "kind"], as_index=False).agg(
        scans=("status", "size"),
        participants=("participant_id", "nunique"),
        mean_minutes_kept=("minutes", "mean"),
        mean_fd_mm=("mean_fd_mm", "mean"),
        why=("reason", _with_ranges),
        first=("participant_id", "first"),
    )
    ordered = grouped.sort_values(["order", "scans"], ascending=[True, False], kind="stable")
    return ordered[
        ["status", "scans", "participants", "mean_minutes_kept", "mean_fd_mm", "why", "first"]
    ]


def _with_ranges(reasons: Iterable[str]) -> str:
    """Return reasons that differ in numbers as one, each number from its least to its greatest."""
    pieces = [_NUMBER.split(reason) for reason in reasons]
    told = [_NUMBER.findall(reason) for reason in reasons]
    spans = [sorted(set(column), key=float) for column in zip(*told, strict=True)]
    shown = [span[0] if len(span) == 1 else f"{span[0]} to {span[-1]}" for span in spans]
    return "".join(part + number for part, number in zip(pieces[0], [*shown, ""], strict=True))


def _without_paths(reason: str) -> str:
    """Return a reason with each file's path and name shortened to its kind (``bold.nii.gz``)."""
    # What a reason starts with may have blanks in its name.
    reason = re.sub(r"^/[^:]+(?=: )", _kind_of_file, reason)
    return re.sub(r"(?:/[^/:\s]+)+/[^/:\s]+|\bsub-[^:\s]+", _kind_of_file, reason)


def _kind_of_file(found: re.Match) -> str:
    name = found[0].rsplit("/", 1)[-1]
    _, dot, ending = name.partition(".")
    return f"*.{ending}" if dot and "_" not in name else name.rsplit("_", 1)[-1]


def show_left_out(screen: Screen, excluded: pd.DataFrame, cohort: str) -> int:
    """Show sessions without features; return 1 where the tables lack a row or an age, else 0."""
    from brainage.stages.features import lacks_a_person

    faulty = lacks_a_person(excluded)
    if len(excluded):
        title = f"{cohort}: sessions left out of the features"
        screen.table(excluded, title=title, most=_MOST_REASONS)
    if faulty and screen.silent:
        screen.problem(
            f"{cohort}: sessions without a row or an age in the people table are left "
            "out (excluded.tsv names them)"
        )
    return SOME_FAILED if faulty else DONE


def show_no_clock(screen: Screen, reasons: dict[str, str]) -> None:
    """Say of clocks that show nothing of age that they do: {clock: why}."""
    whole = reasons.get(WHOLE_BRAIN)
    if whole:
        screen.problem(
            f"this clock shows nothing of age (no better than the median): {whole}. Changes within "
            "an arm on it are elapsed time and noise."
        )
    others = [name for name in reasons if name != WHOLE_BRAIN]
    if others:
        screen.problem(f"{len(others)} network clock(s) show nothing of age: {', '.join(others)}")


def show_gap_lines(screen: Screen, lines: dict[str, str]) -> None:
    """Show how gaps were freed of age and sex on the trial's own scans."""
    if WHOLE_BRAIN in lines:
        screen.sentence(f"corrected gap: {lines[WHOLE_BRAIN]}")


def show_trained(screen: Screen, trained: Trained) -> None:
    """Show a clock's out-of-fold accuracy."""
    from brainage.stages.train import clocks_that_show_nothing

    show_no_clock(screen, clocks_that_show_nothing(trained.clocks))
    shown = trained.metrics if trained.metrics["shows_nothing"].any() else _told(trained.metrics)
    screen.table(shown, title="reference clock, uncorrected out-of-fold predictions")
    _show_efficiency(screen, trained.efficiency)
    # Of people left out: an in-sample correction's own slopes are of training scans.
    slopes = trained.clocks[WHOLE_BRAIN].facts["gap_slope_out_of_fold"]
    for words, when in (("raw", "before"), ("corrected", "after")):
        slope = slopes[when]
        screen.line(
            f"slope of the {words} gap on age: {signed(slope['slope'], 3)} "
            f"[{signed(slope['low'], 3)}, {signed(slope['high'], 3)}] years per year"
        )
    screen.sentence(f"with scan length: {trained.clocks[WHOLE_BRAIN].length_words}")
    screen.sentence(f"drift with elapsed time: {trained.clocks[WHOLE_BRAIN].drift_words}")


def _told(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return metrics without what none of them has to tell."""
    return metrics.drop(columns="shows_nothing")


def _show_efficiency(screen: Screen, efficiency: pd.DataFrame | None) -> None:
    """Show what the clock asks of a trial, or why that could not be measured."""
    if efficiency is None:
        return
    noise = efficiency.iloc[0]
    if noise["n"] == 0:
        screen.sentence(f"what the clock asks of a trial: noise not measured: {noise['note']}")
    if screen.verbose:
        title = "what the clock asks of a trial, within-scan part only unless a row says otherwise"
        screen.table(efficiency, title=title)


def show_evaluation(screen: Screen, found: Evaluation) -> None:
    """Show how a clock did on other people, against chance, and on smaller cohorts."""
    if found.external is not None:
        whole = found.external["network"] == WHOLE_BRAIN
        first = found.external.iloc[0]
        people = f"{first['n_scans']} scans of {first['n_people']} people"
        screen.table(
            found.external[whole].drop(columns=["network", "n_scans", "n_people"]),
            title=f"external test set ({people}), uncorrected predictions of the frozen clock",
        )
        slopes = found.external_slopes
        assert slopes is not None  # Written with `external`.
        for row in slopes[slopes["network"] == WHOLE_BRAIN].itertuples():
            screen.line(
                f"slope of the {row.gap} gap on age: {signed(row.slope, 3)} "
                f"[{signed(row.low, 3)}, {signed(row.high, 3)}] years per year"
            )
        if not whole.all():
            mae = found.external[~whole & (found.external["metric"] == "MAE")]
            screen.table(
                mae.drop(columns=["metric", "n_scans", "n_people"]),
                title="external test set, MAE of each network's clock (years)",
            )
    if found.permutation is not None:
        screen.table(found.permutation, title="permutation test, every step on shuffled ages")
    if found.learning_curve is not None:
        screen.table(found.learning_curve, title="learning curve, uncorrected out-of-fold")
    for table, whose in (
        (found.efficiency, "left-out scans of the reference"),
        (found.external_efficiency, "external test set"),
    ):
        if table is not None:
            title = f"what the clock asks of a trial ({whose}), within-scan part only"
            screen.table(table, title=title)


def show_calibrations(screen: Screen, calibrations: pd.DataFrame) -> None:
    """Show on whom the whole-brain clock learnt new sites, and the ages of both."""
    rows = calibrations[calibrations["network"] == WHOLE_BRAIN]
    for row in (rows if len(rows) else calibrations).to_dict("records"):
        ages = {cohort: _ages(row, cohort) for cohort in ("site", "reference")}
        screen.line(
            f"calibrated site {row['site']} on {row['n_scans']} baseline scans "
            f"({row['corrected']}), ages {ages['site']}; reference ages "
            f"{ages['reference']}; {row['n_outside_reference_ages']} outside them"
        )


def _ages(row: dict, cohort: str) -> str:
    low, high = row[f"{cohort}_youngest_years"], row[f"{cohort}_oldest_years"]
    inner = [row[f"{cohort}_{q}_years"] for q in ("first_quartile", "median", "third_quartile")]
    words = f"{low:.1f} to {high:.1f}"
    if any(pd.isna(value) for value in inner):
        return words
    return words + " (quartiles " + ", ".join(f"{value:.1f}" for value in inner) + ")"


def show_scores(screen: Screen, scores: pd.DataFrame) -> None:
    """Show how many scans were scored."""
    whole = scores[scores["network"] == scores["network"].iloc[0]]
    outside = int((~whole["in_age_range"]).sum())
    far = int((whole["distance_percentile"] > 95).sum())
    n_clocks = scores["network"].nunique()
    screen.sentence(
        f"{len(whole)} scans of {whole['participant_id'].nunique()} participants scored by "
        f"{n_clocks} clock{'s' if n_clocks > 1 else ''}; {outside} outside the clock's age range, "
        f"{far} farther from the reference than 95 % of it"
    )


def show_comparison(screen: Screen, result: TrialResult) -> None:
    """Show flow, deltas and contrasts of the whole brain, and each network's primary contrast."""
    for sentence in result.read_first:
        screen.sentence(f"READ THIS FIRST: {sentence}")
    whole = result.contrasts["network"] == WHOLE_BRAIN
    deltas = result.deltas[result.deltas["network"] == WHOLE_BRAIN]
    flow = result.flow if screen.verbose else _flow_view(result.flow)
    screen.table(flow, title="participants by arm and visit")
    _show_planned(
        screen,
        _delta_view(deltas, paired=screen.verbose),
        title="change from baseline within each arm (years; negative: younger)",
    )
    _show_planned(
        screen,
        _contrast_view(result.contrasts[whole]),
        title="contrasts with control (years; negative: younger than under control)",
    )
    screen.sentence(f"model: {result.contrasts['method'].iloc[0]}")
    screen.sentence(
        f"primary contrast: {result.standing}; plan {result.plan_hash}, "
        f"scores {result.scores_hash[:16]} (hashed before the "
        f"allocation was read), estimand {result.estimand['id']}"
    )
    primary = result.contrasts[result.contrasts["primary"]].iloc[0]
    networks = result.contrasts[
        ~whole
        & (result.contrasts["arm"] == primary["arm"])
        & (result.contrasts["visit"] == primary["visit"])
    ]
    if len(networks):
        view = _contrast_view(networks).drop(columns=["contrast", "visit"])
        view.insert(0, "network", list(networks["network"]))
        named = f"{primary['arm']} - {primary['versus']}, {primary['visit']}"
        _show_planned(screen, view, title=f"networks: {named}")
    for note in result.notes:
        screen.sentence(f"note: {said(note)}")


def _show_planned(screen: Screen, view: pd.DataFrame, *, title: str) -> None:
    """Show estimates; what is the same of every row's plan is said once, in the title."""
    words = view["plan"].str.removeprefix("primary, ")
    if len(view) and words.nunique() == 1:
        title = f"{title}; {words.iloc[0]}"
        primary = view["plan"].str.startswith("primary")
        own = view["plan"].where(~primary, "primary").where(primary, "")
        view = view.assign(plan=own) if primary.any() else view.drop(columns="plan")
    screen.table(view, title=title)


def _contrast_view(table: pd.DataFrame) -> pd.DataFrame:
    """Return contrasts as they are read: the interval in one column, numbers as people write."""
    return pd.DataFrame({"contrast": table["arm"] + " - " + table["versus"]}).join(
        _estimates(table)
    )


def _delta_view(table: pd.DataFrame, *, paired: bool) -> pd.DataFrame:
    """Return within-arm changes as they are read; `paired`: the plain paired tests beside them."""
    view = pd.DataFrame({"arm": table["arm"]}).join(_estimates(table))
    if paired:
        view["mean change"] = table["mean_change_years"].map(signed)
        view["paired p"] = table["paired_p_value"].map(p_words)
        view["d_z"] = table["cohens_d_z"].map(plain)
    return view


def _estimates(table: pd.DataFrame) -> pd.DataFrame:
    """Return what every estimate has: n of the model, and how many were seen at the visit."""
    return pd.DataFrame(
        {
            "visit": table["visit"],
            "years": table["estimate_years"].map(signed),
            "95 % interval": list(map(interval, table["ci_low_years"], table["ci_high_years"])),
            "p": table["p_value"].map(p_words),
            "adj. p": table["p_adjusted"].map(p_words),
            "n model": table["n_model"],
            "n seen": table["n_at_visit"],
            "plan": _plan_words(table),
        }
    )


def _flow_view(flow: pd.DataFrame) -> pd.DataFrame:
    """Return the participant flow without the losses that nobody had."""
    always = {"arm", "visit", "randomised", "scanned", "analysed"}
    told = [
        name
        for name in flow.columns
        if name in always or (flow[name].notna() & flow[name].astype(object).ne(0)).any()
    ]
    return flow[told]


def _plan_words(table: pd.DataFrame) -> pd.Series:
    """Say of each row in words whether it was planned."""
    # Not "prespecified": the comparison may have written the plan itself, as the headline says.
    words = table["prespecified"].map({True: "planned", False: "post hoc"})
    return ("primary, " + words).where(table["primary"], words) if "primary" in table else words


def show_report(screen: Screen, path: Path) -> None:
    """Say where the report is."""
    screen.line(f"report: {path} (opens in any browser, needs no network)")


def show_end(
    screen: Screen, *, results: str | Path | None = None, next_step: str | None = None
) -> None:
    """Say where a verb's results are and what to do next."""
    if results is not None:
        screen.line(f"results: {results}")
    if next_step is not None:
        screen.line(f"next: {next_step}")


def scan_counts(table: pd.DataFrame) -> dict[str, int]:
    """Return how many scans have each status."""
    counts = table["status"].value_counts()
    return {s: int(counts.get(s, 0)) for s in ("done", "excluded", "failed")}


def some_failed(table: pd.DataFrame) -> bool:
    """Return whether any scan failed; one that a rule excludes did not."""
    return bool((table["status"] == "failed").any())
