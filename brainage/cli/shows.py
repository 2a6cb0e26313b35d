"""How each stage's result looks on the terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from brainage.cli import DONE, SOME_FAILED
from brainage.cli.screen import Screen

_SHARED = ("estimate_years", "ci_low_years", "ci_high_years", "p_value", "p_adjusted", "n")
_CONTRAST_COLUMNS = ("arm", "versus", "visit", *_SHARED, "plan")
_DELTA_COLUMNS = ("arm", "visit", *_SHARED, "mean_change_years", "paired_p_value", "cohens_d_z",
                  "plan")  # fmt: skip
_MOST_REASONS = 10


def show_synthetic(screen: Screen, made) -> None:
    """Show what the synthetic study planted."""
    for line in made.lines:
        screen.line(line)


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
        screen.problem(f"{cohort}: {len(failed)} scan(s) failed, the first: "
                       f"{failed['reason'].iloc[0]} (scans.tsv has every reason)")  # fmt: skip
    screen.table(_by_reason(table), title=f"{cohort}: what was done, and what was not and why")
    if len(rest) and (screen.verbose or len(rest) <= _MOST_REASONS):
        columns = ("participant_id", "session_id", "run", "status", "reason")
        screen.table(rest, title=f"{cohort}: not used", columns=columns)
    elif len(rest):
        screen.line("scans.tsv has the reason of each scan, and -v shows them")


def _by_reason(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each status and reason: the same one a hundred times is one line."""
    shown = table.assign(
        # A scan's own files and numbers do not make it another reason.
        why=table["reason"].fillna("").map(_without_paths),
        minutes=table["retained_s"] / 60,
        order=table["status"].map({"done": 0, "excluded": 1, "failed": 2}),
    )
    grouped = shown.groupby(["order", "status", "why"], as_index=False).agg(
        scans=("status", "size"), participants=("participant_id", "nunique"),
        mean_minutes_kept=("minutes", "mean"), mean_fd_mm=("mean_fd_mm", "mean"),
        first=("participant_id", "first"),
    )  # fmt: skip
    ordered = grouped.sort_values(["order", "scans"], ascending=[True, False], kind="stable")
    return ordered[["status", "scans", "participants", "mean_minutes_kept", "mean_fd_mm", "why",
                    "first"]]  # fmt: skip


def _without_paths(reason: str) -> str:
    """Return a reason with each file's path and name shortened to its kind (``bold.nii.gz``)."""
    return re.sub(r"(?:/[^/:\s]+)+/[^/:\s]+|\bsub-[^:\s]+",
                  lambda found: re.split("[/_]", found[0])[-1], reason)  # fmt: skip


def show_left_out(screen: Screen, excluded: pd.DataFrame, cohort: str) -> int:
    """Show sessions without features; return 1 where the tables lack a row or an age, else 0."""
    from brainage.stages.features import lacks_a_person

    faulty = lacks_a_person(excluded)
    if len(excluded):
        title = f"{cohort}: sessions left out of the features"
        screen.table(excluded, title=title, most=_MOST_REASONS)
    if faulty and screen.silent:
        screen.problem(f"{cohort}: sessions without a row or an age in the people table are left "
                       "out (excluded.tsv names them)")  # fmt: skip
    return SOME_FAILED if faulty else DONE


def show_trained(screen: Screen, trained) -> None:
    """Show a clock's out-of-fold accuracy."""
    screen.table(trained.metrics, title="reference clock, uncorrected out-of-fold predictions")
    bias = trained.clocks["whole_brain"].bias
    for words, slope in (("raw", bias.slope_before_), ("corrected", bias.slope_after_)):
        screen.line(f"slope of the {words} gap on age: {slope.slope:+.3f} "
                    f"[{slope.low:+.3f}, {slope.high:+.3f}] years per year")  # fmt: skip


def show_scores(screen: Screen, scores: pd.DataFrame) -> None:
    """Show how many scans were scored."""
    whole = scores[scores["network"] == scores["network"].iloc[0]]
    outside = int((~whole["in_age_range"]).sum())
    screen.line(f"{len(whole)} scans of {whole['participant_id'].nunique()} participants scored by "
                f"{scores['network'].nunique()} clock(s); {outside} outside the clock's age range"
                )  # fmt: skip


def show_truth(screen: Screen, truth: pd.DataFrame) -> None:
    """Show the planted effects beside what the frozen clock can show of them."""
    screen.table(truth, title="planted effect and its clock-scale truth")


def show_comparison(screen: Screen, result) -> None:
    """Show flow, deltas and contrasts of the whole brain, and each network's primary contrast."""
    contrasts, deltas = _with_plan(result.contrasts), _with_plan(result.deltas)
    whole = contrasts["network"] == "whole_brain"
    deltas = deltas[deltas["network"] == "whole_brain"]
    screen.table(result.flow, title="participants by arm and visit")
    screen.table(
        deltas,
        title="change from baseline within each arm (years; negative: younger)",
        columns=_DELTA_COLUMNS,
    )
    screen.table(
        contrasts[whole], title="contrasts with control (years)", columns=_CONTRAST_COLUMNS
    )
    screen.line(f"model: {contrasts['method'].iloc[0]}")
    screen.line(f"plan {result.plan_hash}, scores {result.scores_hash[:16]} (hashed before the "
                f"allocation was read), estimand {result.estimand['id']}")  # fmt: skip
    primary = contrasts[contrasts["primary"]].iloc[0]
    networks = contrasts[
        ~whole & (contrasts["arm"] == primary["arm"]) & (contrasts["visit"] == primary["visit"])
    ]
    if len(networks):
        screen.table(
            networks,
            columns=("network", *_SHARED, "plan"),
            title=f"networks: {primary['arm']} - {primary['versus']}, {primary['visit']}",
        )
    for note in result.notes:
        screen.line(f"note: {note}")


def _with_plan(table: pd.DataFrame) -> pd.DataFrame:
    """Say of each row in words whether it was planned."""
    words = table["prespecified"].map({True: "prespecified", False: "post hoc"})
    if "primary" in table:
        words = ("primary, " + words).where(table["primary"], words)
    return table.assign(plan=words)


def show_recovery(screen: Screen, recovery: pd.DataFrame) -> None:
    """Show estimates beside both truths, a miss marked as a miss."""
    screen.table(recovery.drop(columns="method"), title="estimates beside the truth (years)")
    between = recovery[recovery["versus"] != "baseline"]
    missed = int((between["interval_covers"] == "MISS").sum())
    screen.line(
        f"{missed} of {len(between)} intervals of contrasts with control miss the "
        "clock-scale truth (5 % would be expected to)"
    )
    screen.line(
        "rows against baseline also hold what all arms share (ageing that the correction "
        "misses, visit effects): compare arms by the rows against control"
    )


def show_report(screen: Screen, path: Path) -> None:
    """Say where the report is."""
    screen.line(f"report: {path}")


def scan_counts(table: pd.DataFrame) -> dict[str, int]:
    """Return how many scans have each status."""
    counts = table["status"].value_counts()
    return {s: int(counts.get(s, 0)) for s in ("done", "excluded", "failed")}


def some_failed(table: pd.DataFrame) -> bool:
    """Return whether any scan failed; one that a rule excludes did not."""
    return bool((table["status"] == "failed").any())
