"""What each verb of the corridor does: calls one stage and shows what it made."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainage.cli import DONE, SOME_FAILED
from brainage.cli.check_verb import run_check
from brainage.cli.cluster import is_for_cluster, run_on_cluster
from brainage.cli.screen import Screen
from brainage.cli.show_truth import show_recovery, show_synthetic, show_truth
from brainage.cli.shows import (
    show_already_there,
    show_calibrations,
    show_comparison,
    show_end,
    show_evaluation,
    show_extracted,
    show_extracted_before,
    show_gap_lines,
    show_left_out,
    show_mask_cost,
    show_no_clock,
    show_report,
    show_scans,
    show_scores,
    show_trained,
    some_failed,
)
from brainage.cli.side_verbs import run_clock, run_completion, run_init, run_power, run_sweep
from brainage.cli.studies import as_given, people_of, shard_of, study_of
from brainage.cli.verb_results import result_of
from brainage.config import StudyConfig
from brainage.errors import ConfigError
from brainage.stages.already_there import stands_before

if TYPE_CHECKING:
    from brainage.stages.run import StageDone

_READ = "open that page in any browser; it needs no network"


def run_extract(arguments: argparse.Namespace, screen: Screen) -> int:
    """Extract parcel series."""
    from brainage.stages.cohorts import COHORTS, cohort_paths, stage_folder
    from brainage.stages.extract import collect_cohort, extract_cohort

    study = study_of(arguments)
    shard = shard_of(arguments.shard)
    wanted = [arguments.cohort] if arguments.cohort else COHORTS
    cohorts = [cohort for cohort in wanted if cohort_paths(study, cohort).scans]
    if not cohorts:
        raise ConfigError(
            "paths.reference.scans, paths.trial.scans: expected a derivatives folder "
            "or a table of scans in one of them, found none."
        )
    if arguments.collect and (shard or arguments.participant or arguments.session):
        raise ConfigError(
            "--collect: expected alone, after every --shard or --participant, found "
            "with one of them."
        )
    if is_for_cluster(arguments, study):
        return run_on_cluster(arguments, screen, study, cohorts)
    if not arguments.collect:
        show_mask_cost(screen, study, cohorts)
    tables = {}
    for cohort, people in people_of(study, cohorts, arguments.participant).items():
        if arguments.collect:
            tables[cohort] = collect_cohort(study, cohort)
            continue
        with screen.progress() as bar:
            tables[cohort] = extract_cohort(
                study,
                cohort,
                participants=people,
                sessions=arguments.session,
                shard=shard,
                overwrite=arguments.overwrite,
                progress=bar,
                tell=screen.line,
            )
    show_extracted_before(screen, tables)
    for cohort, table in tables.items():
        show_scans(screen, table, cohort)
    folder = stage_folder(study, "extract")
    if shard or arguments.participant or arguments.session:
        after = f"after the last part: brainage extract {as_given(arguments)} --collect"
    else:
        after = f"brainage train {as_given(arguments)}"
    show_end(screen, results=folder, next_step=after)
    screen.result(result_of(study, "extract", tables))
    return SOME_FAILED if any(some_failed(table) for table in tables.values()) else DONE


def run_train(arguments: argparse.Namespace, screen: Screen) -> int:
    """Train the reference clock."""
    from brainage.stages.features import left_out, scans_used
    from brainage.stages.train import train

    study = study_of(arguments)
    before = stands_before(study, "train")
    with screen.progress() as bar:
        trained = train(study, overwrite=arguments.overwrite, progress=bar)
    show_already_there(screen, before)
    screen.line(scans_used(study, "reference"))
    show_trained(screen, trained)
    excluded = left_out(study, "train")
    code = show_left_out(screen, excluded, "reference")
    screen.result(result_of(study, "train", trained))
    show_end(screen, results=trained.folder, next_step=_after_training(study, as_given(arguments)))
    return code


def run_evaluate(arguments: argparse.Namespace, screen: Screen) -> int:
    """Test the clock on other people, against chance, and on smaller cohorts."""
    from brainage.stages.cohorts import stage_folder
    from brainage.stages.evaluate import evaluate
    from brainage.stages.features import left_out

    study = study_of(arguments)
    before = stands_before(study, "evaluate")
    with screen.progress() as bar:
        found = evaluate(study, overwrite=arguments.overwrite, progress=bar)
    show_already_there(screen, before)
    show_evaluation(screen, found)
    folder = stage_folder(study, "evaluate")
    excluded = left_out(study, "evaluate/external")
    code = show_left_out(screen, excluded, "external")
    screen.result(result_of(study, "evaluate", found))
    show_end(screen, results=folder, next_step=f"brainage report {as_given(arguments)}")
    return code


def run_score(arguments: argparse.Namespace, screen: Screen) -> int:
    """Score the trial."""
    from brainage.stages.cohorts import stage_folder
    from brainage.stages.features import left_out, scans_used
    from brainage.stages.score import gap_lines, load_calibrations, score, scored_by_nothing

    study = study_of(arguments)
    before = stands_before(study, "score")
    with screen.progress() as bar:
        scores = score(study, overwrite=arguments.overwrite, progress=bar)
    calibrations = load_calibrations(study)
    nothing = scored_by_nothing(study)
    show_already_there(screen, before)
    screen.line(scans_used(study, "trial"))
    show_no_clock(screen, nothing)
    show_gap_lines(screen, gap_lines(study))
    show_calibrations(screen, calibrations)
    show_scores(screen, scores)
    folder = stage_folder(study, "score")
    excluded = left_out(study, "score")
    code = show_left_out(screen, excluded, "trial")
    screen.result(result_of(study, "score", scores))
    after = "compare" if study.science.trial is not None else "report"
    show_end(screen, results=folder, next_step=f"brainage {after} {as_given(arguments)}")
    return code


def run_compare(arguments: argparse.Namespace, screen: Screen) -> int:
    """Compare the arms, or write the plan for it."""
    from brainage.stages.cohorts import stage_folder
    from brainage.stages.compare import compare, plan
    from brainage.trial import read_plan

    study = study_of(arguments)
    if arguments.plan:
        path = plan(study, overwrite=arguments.overwrite, plan_hash=arguments.plan_hash)
        its_hash = read_plan(path).hash
        screen.line(f"the analysis plan is {path}; the allocation was not read")
        screen.line(f"its hash, to be signed off: {its_hash}")
        screen.result({"plan": str(path), "hash": its_hash})
        words = path.with_suffix(".txt")
        after = (
            f"register {words}, then: brainage compare {as_given(arguments)} --plan-hash {its_hash}"
        )
        show_end(screen, results=path.parent, next_step=after)
        return DONE
    before = stands_before(study, "compare")
    with screen.progress() as bar:
        result = compare(
            study, overwrite=arguments.overwrite, plan_hash=arguments.plan_hash, progress=bar
        )
    show_already_there(screen, before)
    show_comparison(screen, result)
    screen.result(result_of(study, "compare", result))
    folder = stage_folder(study, "compare") / "results"
    show_end(screen, results=folder, next_step=f"brainage report {as_given(arguments)}")
    return DONE


def run_report(arguments: argparse.Namespace, screen: Screen) -> int:
    """Write the report."""
    from brainage.stages.report import report

    study = study_of(arguments)
    path = report(study)
    screen.result(result_of(study, "report", path))
    show_end(screen, results=path, next_step=_READ)
    return DONE


def run_run(arguments: argparse.Namespace, screen: Screen) -> int:
    """Run every stage."""
    study = study_of(arguments)
    if is_for_cluster(arguments, study):
        return run_on_cluster(arguments, screen, study, ())
    return run_study(screen, study, overwrite=arguments.overwrite)


def run_demo(arguments: argparse.Namespace, screen: Screen) -> int:
    """Make the demo's data and run every stage on them."""
    name = "demo_tiny" if arguments.tiny else "demo"
    output = Path(arguments.output).resolve()
    study = study_of(arguments, name=name, first=[f'paths.output="{output}"'])
    screen.line(f"demo: a synthetic study with known truth, in {output}")
    return run_study(screen, study, overwrite=arguments.overwrite)


def run_study(screen: Screen, study: StudyConfig, *, overwrite: bool) -> int:
    """Run every stage of a study, showing each as it ends."""
    from brainage.stages.check import refuse_stops
    from brainage.stages.cohorts import COHORTS, cohort_paths, stage_folder
    from brainage.stages.run import run_stages

    if study.synthetic is None:
        refuse_stops(study)
        show_mask_cost(screen, study, [c for c in COHORTS if cohort_paths(study, c).scans])
    code = DONE
    summary: dict[str, Any] = {}
    with screen.progress() as bar:
        for stage in run_stages(study, overwrite=overwrite, progress=bar):
            there = ": already there" if stage.already_there else ""
            screen.line(f"== {stage.name}{there} ({stage.seconds:.1f} s)")
            code = max(code, _show_stage(screen, study, stage))
            summary[stage.name] = {
                "seconds": round(stage.seconds, 2),
                "already_there": stage.already_there,
                **result_of(study, stage.name, stage.result),
            }
    summary["output"] = study.paths.output
    show_end(screen, results=stage_folder(study, "report") / "report.html", next_step=_READ)
    screen.result(summary)
    return code


def _show_stage(screen: Screen, study: StudyConfig, stage: StageDone) -> int:
    """Show what a stage of `run` made; return the exit code of what it left out."""
    from brainage.stages.features import left_out
    from brainage.stages.score import gap_lines, load_calibrations, scored_by_nothing

    shows: dict[str, Callable[[Screen, Any], None]] = {
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
    cohorts = {"train": "reference", "score": "trial", "evaluate": "external"}
    made: Any = stage.result
    if stage.name == "score":
        show_no_clock(screen, scored_by_nothing(study))
        show_gap_lines(screen, gap_lines(study))
        show_calibrations(screen, load_calibrations(study))
    shows[stage.name](screen, made)
    if stage.name == "extract":
        return SOME_FAILED if any(map(some_failed, made.values())) else DONE
    if stage.name in cohorts:
        folder = "evaluate/external" if stage.name == "evaluate" else stage.name
        return show_left_out(screen, left_out(study, folder), cohorts[stage.name])
    return DONE


def _after_training(study: StudyConfig, name: str) -> str:
    from brainage.stages.cohorts import has_cohort

    return f"brainage {'score' if has_cohort(study, 'trial') else 'report'} {name}"


#: Verb -> what does it.
VERBS: dict[str, Callable[[argparse.Namespace, Screen], int]] = {
    "check": run_check,
    "clock": run_clock,
    "compare": run_compare,
    "completion": run_completion,
    "demo": run_demo,
    "evaluate": run_evaluate,
    "extract": run_extract,
    "init": run_init,
    "power": run_power,
    "report": run_report,
    "run": run_run,
    "score": run_score,
    "sweep": run_sweep,
    "train": run_train,
}
