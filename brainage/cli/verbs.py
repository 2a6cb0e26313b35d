"""What each verb does: calls one stage and shows what it made."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TypeVar

import pandas as pd

from brainage.cli import BAD_INPUT, DONE, SOME_FAILED
from brainage.cli.screen import Screen
from brainage.cli.shows import (
    scan_counts,
    show_calibrations,
    show_comparison,
    show_evaluation,
    show_extracted,
    show_left_out,
    show_mask_cost,
    show_recovery,
    show_report,
    show_scans,
    show_scores,
    show_synthetic,
    show_trained,
    show_truth,
    some_failed,
)
from brainage.config import StudyConfig, load_study, study_schema, study_template
from brainage.errors import ConfigError
from brainage.files import write_json, write_text

_LEADERBOARD_COLUMNS = (
    "rank",
    "alternative",
    "mae_years",
    "mae_low_years",
    "mae_high_years",
    "r",
    "worse_than_best_years",
    "mae_new_sites_years",
    "gap_slope_before",
    "gap_slope_after",
)
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
    from brainage.config import is_sweep, load_sweep
    from brainage.stages.check import check, check_sweep

    screen = _screen(arguments)
    if is_sweep(arguments.study):
        study = load_sweep(arguments.study, overrides=_overrides(arguments))
        found = check_sweep(_with_own_data(study, arguments.verb))
    else:
        study = _study(arguments)
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
    from brainage.stages.cohorts import COHORTS, cohort_paths
    from brainage.stages.extract import collect_cohort, extract_cohort

    screen, study = _screen(arguments), _study(arguments)
    shard = _shard(arguments.shard)
    wanted = [arguments.cohort] if arguments.cohort else COHORTS
    cohorts = [cohort for cohort in wanted if cohort_paths(study, cohort).scans]
    if not cohorts:
        raise ConfigError(
            "paths.reference.scans, paths.trial.scans: expected a derivatives folder "
            "or a table of scans in one of them, found none."
        )
    if arguments.collect and (shard or arguments.participant):
        raise ConfigError(
            "--collect: expected alone, after every --shard or --participant, found "
            "with one of them."
        )
    if not arguments.collect:
        show_mask_cost(screen, study, cohorts)
    tables = {}
    for cohort, people in _people_of(study, cohorts, arguments.participant).items():
        if arguments.collect:
            tables[cohort] = collect_cohort(study, cohort)
            continue
        with screen.progress() as bar:
            tables[cohort] = extract_cohort(
                study,
                cohort,
                participants=people,
                shard=shard,
                overwrite=arguments.overwrite,
                progress=bar,
            )
    for cohort, table in tables.items():
        show_scans(screen, table, cohort)
    if shard or arguments.participant:
        screen.line(
            "after the last of them: brainage extract --collect writes scans.tsv, from "
            "which the next stages go on"
        )
    screen.result(
        {
            cohort: scan_counts(table) | {"not_used": _not_used(table)}
            for cohort, table in tables.items()
        }
    )
    return SOME_FAILED if any(some_failed(table) for table in tables.values()) else DONE


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
    screen.result(
        {
            "folder": str(trained.folder),
            "metrics": trained.metrics.to_dict("records"),
            "left_out": excluded.to_dict("records"),
        }
    )
    return code


def run_evaluate(arguments: argparse.Namespace) -> int:
    """Test the clock on other people, against chance, and on smaller cohorts."""
    from brainage.stages.cohorts import stage_folder
    from brainage.stages.evaluate import evaluate
    from brainage.stages.features import left_out

    screen, study = _screen(arguments), _study(arguments)
    with screen.progress() as bar:
        found = evaluate(study, overwrite=arguments.overwrite, progress=bar)
    show_evaluation(screen, found)
    excluded = left_out(study, "evaluate/external")
    code = show_left_out(screen, excluded, "external")
    tables = {
        name: table.to_dict("records")
        for name, table in vars(found).items()
        if table is not None and name != "external_scores"
    }
    screen.result(
        {
            "folder": str(stage_folder(study, "evaluate")),
            **tables,
            "left_out": excluded.to_dict("records"),
        }
    )
    return code


def run_score(arguments: argparse.Namespace) -> int:
    """Score the trial."""
    from brainage.stages.cohorts import stage_folder
    from brainage.stages.features import left_out
    from brainage.stages.score import load_calibrations, score

    screen, study = _screen(arguments), _study(arguments)
    with screen.progress() as bar:
        scores = score(study, overwrite=arguments.overwrite, progress=bar)
    calibrations = load_calibrations(study)
    show_calibrations(screen, calibrations)
    show_scores(screen, scores)
    excluded = left_out(study, "score")
    code = show_left_out(screen, excluded, "trial")
    screen.result(
        {
            "scores": str(stage_folder(study, "score") / "scores.tsv"),
            "n_scores": len(scores),
            "calibrations": calibrations.to_dict("records"),
            "left_out": excluded.to_dict("records"),
        }
    )
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
    screen.result(
        {
            "contrasts": result.contrasts.to_dict("records"),
            "deltas": result.deltas.to_dict("records"),
            "flow": result.flow.to_dict("records"),
            "notes": list(result.notes),
            "estimand": result.estimand,
            "plan_hash": result.plan_hash,
            "scores_hash": result.scores_hash,
        }
    )
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
    from brainage.stages.cohorts import COHORTS, cohort_paths
    from brainage.stages.features import left_out
    from brainage.stages.run import run_stages
    from brainage.stages.score import load_calibrations

    if study.synthetic is None:
        show_mask_cost(screen, study, [c for c in COHORTS if cohort_paths(study, c).scans])
    code, summary = DONE, {}
    cohorts = {"train": "reference", "score": "trial", "evaluate": "external"}
    shows = {
        "synthetic": show_synthetic,
        "extract": show_extracted,
        "train": show_trained,
        "evaluate": show_evaluation,
        "score": show_scores,
        "truth": show_truth,
        "compare": show_comparison,
        "recovery": show_recovery,
        "report": show_report,
    }
    with screen.progress() as bar:
        for stage in run_stages(study, overwrite=overwrite, progress=bar):
            screen.line(f"== {stage.name} ({stage.seconds:.1f} s)")
            if stage.name == "score":
                show_calibrations(screen, load_calibrations(study))
            shows[stage.name](screen, stage.result)
            summary[stage.name] = {"seconds": round(stage.seconds, 2)}
            if stage.name == "extract" and any(map(some_failed, stage.result.values())):
                code = SOME_FAILED
            if stage.name in cohorts:
                folder = "evaluate/external" if stage.name == "evaluate" else stage.name
                excluded = left_out(study, folder)
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
    # Without leave-one-site-out that column is empty.
    screen.table(
        board.table if screen.verbose else board.table.dropna(axis="columns", how="all"),
        title="leaderboard (identical folds, uncorrected out-of-fold)",
        columns=None if screen.verbose else _LEADERBOARD_COLUMNS,
    )
    for note in board.notes:
        screen.line(note)
    for note in board.failed:
        screen.problem(note)
    screen.line(f"written to {board.folder}")
    screen.result(
        {
            "leaderboard": board.table.to_dict("records"),
            "notes": list(board.notes),
            "failed": list(board.failed),
        }
    )
    return SOME_FAILED if board.failed else DONE


def run_power(arguments: argparse.Namespace) -> int:
    """Plan a trial's size."""
    from brainage.trial import power_two_arm

    screen = _screen(arguments)
    found = power_two_arm(
        effect_years=arguments.effect_years,
        sd_years=arguments.sd_years,
        icc=arguments.icc,
        n_per_arm=arguments.n_per_arm,
        power=arguments.power,
        alpha=arguments.alpha,
        drop_out=arguments.drop_out,
        n_follow_ups=arguments.follow_ups,
    )
    screen.table(found, title="power of one arm against control")
    screen.result({"power": found.to_dict("records")})
    return DONE


def run_clock(arguments: argparse.Namespace) -> int:
    """Show a clock's model card."""
    from brainage.clock import BrainClock

    screen = _screen(arguments)
    clock = BrainClock.load(arguments.file)
    card = clock.card()
    for key, value in card.items():
        screen.line(f"{key}: {value}")
    if clock.regression.holds_features:
        screen.problem(f"warning: {arguments.file} holds {clock.regression.data_in_file}")
    screen.result(card)
    return DONE


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
        raise ConfigError(
            f"{data}: the synthetic data are not made yet; `brainage run` makes them."
        )
    return with_synthetic_paths(study)


def _people_of(study: StudyConfig, cohorts: list, wanted: list[str] | None) -> dict:
    """Return each cohort's share of the participants asked for; None stands for everybody."""
    from brainage.stages.extract import cohort_scans

    if wanted is None:
        return dict.fromkeys(cohorts)
    names = {name.removeprefix("sub-") for name in wanted}
    found = {}
    for cohort in cohorts:
        here = names & {scan.participant_id for scan in cohort_scans(study, cohort)}
        if here:
            found[cohort] = sorted(here)
    absent = sorted(names.difference(*found.values()))
    if absent:
        raise ConfigError(
            f"--participant: no scans of {', '.join(absent)} in the cohort(s) {', '.join(cohorts)}."
        )
    return found


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise ConfigError(f"--shard {text}: expected K/N with 1 <= K <= N, e.g. 3/16.")
    return int(match[1]), int(match[2])


def _not_used(table: pd.DataFrame) -> list[dict]:
    rest = table[table["status"] != "done"]
    return rest[["participant_id", "session_id", "run", "status", "reason"]].to_dict("records")
