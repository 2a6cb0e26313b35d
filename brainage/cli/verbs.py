"""What each verb does: calls one stage and shows what it made."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TypeVar

import pandas as pd

from brainage.cli import BAD_INPUT, DONE, SOME_FAILED
from brainage.cli.screen import Screen
from brainage.config import StudyConfig, load_study, study_schema, study_template
from brainage.errors import ConfigError
from brainage.files import write_json, write_text

_SHARED = ("estimate_years", "ci_low_years", "ci_high_years", "p_value", "p_adjusted", "n")
_CONTRAST_COLUMNS = ("arm", "versus", "visit", *_SHARED, "primary", "prespecified")
_DELTA_COLUMNS = ("arm", "visit", *_SHARED, "mean_change_years", "paired_p_value", "cohens_d_z")
_MOST_REASONS = 10
Study = TypeVar("Study", bound=StudyConfig)


def run_init(arguments: argparse.Namespace) -> int:
    """Write a study file and the schema editors check it with."""
    screen = _screen(arguments)
    path = Path(arguments.path)
    if path.exists() and not arguments.overwrite:
        raise ConfigError(f"{path}: is there already; choose another name or add --overwrite.")
    write_text(path, study_template(arguments.preset))
    schema = path.with_name("study.schema.json")
    write_json(schema, study_schema())
    screen.line(f"wrote {path} and {schema}; edit it, then: brainage check {path}")
    screen.result({"study": str(path), "schema": str(schema)})
    return DONE


def run_check(arguments: argparse.Namespace) -> int:
    """Show what a study would use, computing nothing."""
    from brainage.stages.check import check

    screen, study = _screen(arguments), _study(arguments)
    found = check(study)
    screen.line(f"{study.title}: output in {study.paths.output}")
    for line in found.lines:
        screen.line(line)
    for title, table in found.tables.items():
        screen.table(table, title=title)
    for problem in found.problems:
        screen.problem(f"problem: {problem}")
    for stop in found.stops:
        screen.problem(f"stops here: {stop}")
    screen.result(found.as_dict())
    if found.stops:
        return BAD_INPUT
    return SOME_FAILED if found.problems else DONE


def run_extract(arguments: argparse.Namespace) -> int:
    """Extract parcel series."""
    from brainage.stages.cohorts import cohort_paths
    from brainage.stages.extract import collect_cohort, extract_cohort

    screen, study = _screen(arguments), _study(arguments)
    shard = _shard(arguments.shard)
    wanted = [arguments.cohort] if arguments.cohort else ["reference", "trial"]
    cohorts = [cohort for cohort in wanted if cohort_paths(study, cohort).scans]
    if not cohorts:
        raise ConfigError("paths.reference.scans, paths.trial.scans: expected a derivatives folder "
                          "or a table of scans in one of them, found none.")  # fmt: skip
    tables = {}
    for cohort in cohorts:
        if arguments.collect:
            tables[cohort] = collect_cohort(study, cohort)
            continue
        with screen.progress() as bar:
            tables[cohort] = extract_cohort(
                study, cohort, participants=arguments.participant, shard=shard,
                overwrite=arguments.overwrite, progress=bar,
            )  # fmt: skip
    for cohort, table in tables.items():
        show_scans(screen, table, cohort)
    screen.result({cohort: _scan_counts(table) | {"not_used": _not_used(table)}
                   for cohort, table in tables.items()})  # fmt: skip
    return SOME_FAILED if any(_some_failed(table) for table in tables.values()) else DONE


def run_train(arguments: argparse.Namespace) -> int:
    """Train the reference clock."""
    from brainage.stages.features import left_out
    from brainage.stages.train import train

    screen, study = _screen(arguments), _study(arguments)
    with screen.progress() as bar:
        trained = train(study, overwrite=arguments.overwrite, progress=bar)
    show_trained(screen, trained)
    excluded = left_out(study, "train")
    code = show_left_out(screen, excluded, "reference")
    screen.result({"folder": str(trained.folder), "metrics": trained.metrics.to_dict("records"),
                   "left_out": excluded.to_dict("records")})  # fmt: skip
    return code


def run_score(arguments: argparse.Namespace) -> int:
    """Score the trial."""
    from brainage.stages.cohorts import stage_folder
    from brainage.stages.features import left_out
    from brainage.stages.score import score

    screen, study = _screen(arguments), _study(arguments)
    with screen.progress() as bar:
        scores = score(study, overwrite=arguments.overwrite, progress=bar)
    show_scores(screen, scores)
    excluded = left_out(study, "score")
    code = show_left_out(screen, excluded, "trial")
    screen.result({"scores": str(stage_folder(study, "score") / "scores.tsv"),
                   "n_scores": len(scores), "left_out": excluded.to_dict("records")})  # fmt: skip
    return code


def run_compare(arguments: argparse.Namespace) -> int:
    """Compare the arms, or write the plan for it."""
    from brainage.stages.compare import compare, plan

    screen, study = _screen(arguments), _study(arguments)
    if arguments.plan:
        path = plan(study, overwrite=arguments.overwrite)
        screen.line(f"the analysis plan is {path}; the allocation was not read")
        screen.result({"plan": str(path)})
        return DONE
    with screen.progress() as bar:
        result = compare(study, overwrite=arguments.overwrite, progress=bar)
    show_comparison(screen, result)
    screen.result({"contrasts": result.contrasts.to_dict("records"),
                   "deltas": result.deltas.to_dict("records")})  # fmt: skip
    return DONE


def run_report(arguments: argparse.Namespace) -> int:
    """Write the report."""
    from brainage.stages.report import report

    screen, study = _screen(arguments), _study(arguments)
    path = report(study)
    screen.line(f"report: {path}")
    screen.result({"report": str(path)})
    return DONE


def run_run(arguments: argparse.Namespace) -> int:
    """Run every stage."""
    return run_study(_screen(arguments), _study(arguments), overwrite=arguments.overwrite)


def run_demo(arguments: argparse.Namespace) -> int:
    """Make the demo's data and run every stage on them."""
    name = "demo_tiny" if arguments.tiny else "demo"
    output = Path(arguments.output).resolve()
    overrides = [f'paths.output="{output}"', *arguments.overrides]
    study = _study(arguments, name=name, overrides=overrides)
    screen = _screen(arguments)
    screen.line(f"demo: a synthetic study with known truth, in {output}")
    return run_study(screen, study, overwrite=arguments.overwrite)


def run_study(screen: Screen, study: StudyConfig, *, overwrite: bool) -> int:
    """Run every stage of a study, showing each as it ends."""
    from brainage.stages.features import left_out
    from brainage.stages.run import run_stages

    code, summary = DONE, {}
    cohorts = {"train": "reference", "score": "trial"}
    shows = {
        "synthetic": show_synthetic, "extract": show_extracted, "train": show_trained,
        "score": show_scores, "truth": show_truth, "compare": show_comparison,
        "recovery": show_recovery, "report": show_report,
    }  # fmt: skip
    with screen.progress() as bar:
        for stage in run_stages(study, overwrite=overwrite, progress=bar):
            screen.line(f"== {stage.name} ({stage.seconds:.1f} s)")
            shows[stage.name](screen, stage.result)
            summary[stage.name] = {"seconds": round(stage.seconds, 2)}
            if stage.name == "extract" and any(map(_some_failed, stage.result.values())):
                code = SOME_FAILED
            if stage.name in cohorts:
                excluded = left_out(study, stage.name)
                code = max(code, show_left_out(screen, excluded, cohorts[stage.name]))
            if stage.name == "report":
                summary["report"]["file"] = str(stage.result)
            elif stage.name == "compare":
                summary["compare"]["contrasts"] = stage.result.contrasts.to_dict("records")
    screen.result(summary)
    return code


def run_sweep(arguments: argparse.Namespace) -> int:
    """Evaluate alternatives on identical folds."""
    from brainage.config import load_sweep
    from brainage.stages.sweep import sweep

    screen = _screen(arguments)
    study = load_sweep(arguments.study, overrides=_overrides(arguments))
    study = _with_own_data(study, arguments.verb)
    with screen.progress() as bar:
        board = sweep(study, overwrite=arguments.overwrite, progress=bar)
    screen.table(board.table, title="leaderboard (identical folds, uncorrected out-of-fold)")
    for note in board.notes:
        screen.line(note)
    screen.line(f"written to {board.folder}")
    screen.result({"leaderboard": board.table.to_dict("records"), "notes": list(board.notes)})
    return DONE


def run_power(arguments: argparse.Namespace) -> int:
    """Plan a trial's size."""
    from brainage.trial import power_two_arm

    screen = _screen(arguments)
    found = power_two_arm(
        effect_years=arguments.effect_years, sd_years=arguments.sd_years, icc=arguments.icc,
        n_per_arm=arguments.n_per_arm, power=arguments.power, alpha=arguments.alpha,
        drop_out=arguments.drop_out,
    )  # fmt: skip
    screen.table(found, title="power of one arm against control")
    screen.result({"power": found.to_dict("records")})
    return DONE


def run_clock(arguments: argparse.Namespace) -> int:
    """Show a clock's model card."""
    from brainage.clock import BrainClock

    screen = _screen(arguments)
    card = BrainClock.load(arguments.file).card()
    for key, value in card.items():
        screen.line(f"{key}: {value}")
    screen.result(card)
    return DONE


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
    counts = _scan_counts(table)
    screen.line(f"{cohort}: " + ", ".join(f"{n} {status}" for status, n in counts.items()))
    rest = table[table["status"] != "done"]
    failed = rest[rest["status"] == "failed"]
    if len(failed) and screen.silent:
        screen.problem(f"{cohort}: {len(failed)} scan(s) failed, the first: "
                       f"{failed['reason'].iloc[0]} (scans.tsv has every reason)")  # fmt: skip
    if len(rest) > _MOST_REASONS and not screen.verbose:
        # The same reason a hundred times is one line; scans.tsv has every scan.
        grouped = rest.groupby(["status", "reason"], as_index=False, sort=False).agg(
            scans=("participant_id", "size"), first=("participant_id", "first")
        )
        screen.table(grouped, title=f"{cohort}: not used, by reason", most=_MOST_REASONS)
    elif len(rest):
        columns = ("participant_id", "session_id", "run", "status", "reason")
        screen.table(rest, title=f"{cohort}: not used", columns=columns)


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
    """Show deltas and contrasts of the whole brain, and the primary contrast of each network."""
    whole = result.contrasts["network"] == "whole_brain"
    deltas = result.deltas[result.deltas["network"] == "whole_brain"]
    screen.table(
        deltas,
        title="change from baseline within each arm (years; negative: younger)",
        columns=_DELTA_COLUMNS,
    )
    screen.table(
        result.contrasts[whole], title="contrasts with control (years)", columns=_CONTRAST_COLUMNS
    )
    screen.line(f"model: {result.contrasts['method'].iloc[0]}")
    primary = result.contrasts[result.contrasts["primary"]].iloc[0]
    networks = result.contrasts[
        ~whole & (result.contrasts["arm"] == primary["arm"])
        & (result.contrasts["visit"] == primary["visit"])
    ]  # fmt: skip
    if len(networks):
        screen.table(
            networks,
            columns=("network", *_SHARED),
            title=f"networks: {primary['arm']} - {primary['versus']}, {primary['visit']}",
        )
    for note in result.notes:
        screen.line(f"note: {note}")


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


def _screen(arguments: argparse.Namespace) -> Screen:
    return Screen(quiet=arguments.quiet, as_json=arguments.json, verbose=arguments.verbose)


def _overrides(arguments: argparse.Namespace) -> list[str]:
    overrides = list(arguments.overrides)
    if arguments.n_jobs is not None:
        overrides.append(f"run.n_jobs={arguments.n_jobs}")
    return overrides


def _study(arguments, *, name: str | None = None, overrides: list[str] | None = None):
    given = _overrides(arguments) if overrides is None else overrides
    if overrides is not None and arguments.n_jobs is not None:
        given = [*given, f"run.n_jobs={arguments.n_jobs}"]
    return _with_own_data(load_study(name or arguments.study, overrides=given), arguments.verb)


def _with_own_data(study: Study, verb: str) -> Study:
    """Return a study whose every verb finds the data that a synthetic one makes for itself."""
    if study.synthetic is None:
        return study
    from brainage.stages.cohorts import stage_folder
    from brainage.stages.synthesize import with_synthetic_paths

    data = stage_folder(study, "data")
    if verb in ("extract", "train", "score", "sweep") and not data.is_dir():
        raise ConfigError(f"{data}: the synthetic data are not made yet; `brainage run` makes them."
                          )  # fmt: skip
    return with_synthetic_paths(study)


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise ConfigError(f"--shard {text}: expected K/N with 1 <= K <= N, e.g. 3/16.")
    return int(match[1]), int(match[2])


def _scan_counts(table: pd.DataFrame) -> dict[str, int]:
    counts = table["status"].value_counts()
    return {s: int(counts.get(s, 0)) for s in ("done", "excluded", "failed")}


def _not_used(table: pd.DataFrame) -> list[dict]:
    rest = table[table["status"] != "done"]
    return rest[["participant_id", "session_id", "run", "status", "reason"]].to_dict("records")


def _some_failed(table: pd.DataFrame) -> bool:
    return bool((table["status"] == "failed").any())
