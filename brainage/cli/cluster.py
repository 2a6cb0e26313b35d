"""What `extract` and `run` do on a cluster: submit, and say how far it is."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from brainage.cli import DONE
from brainage.cli.screen import Screen
from brainage.cli.shows import show_end
from brainage.cli.studies import as_given
from brainage.config import StudyConfig
from brainage.errors import ConfigError
from brainage.stages.cohorts import Cohort


def is_for_cluster(arguments: argparse.Namespace, study: StudyConfig) -> bool:
    """Return whether a command is to submit, to list or to tell, and not to work here."""
    asked = any(getattr(arguments, name, False) for name in ("submit", "dry_run", "status", "list"))
    # A job of the array runs with run.executor=local.
    whole = not any(getattr(arguments, n, None) for n in ("shard", "participant", "session"))
    whole = whole and not getattr(arguments, "collect", False)
    return asked or (study.run.executor == "slurm" and whole)


def run_on_cluster(
    arguments: argparse.Namespace, screen: Screen, study: StudyConfig, cohorts: Sequence[Cohort]
) -> int:
    """Submit a study's scans, or its whole run; list its scans; or show what became of them."""
    if getattr(arguments, "status", False):
        return _status(arguments, screen, study)
    if getattr(arguments, "list", False):
        return _list(arguments, screen, study, cohorts)
    from brainage.stages.slurm import submit_extraction, submit_run

    if getattr(arguments, "shard", None) or getattr(arguments, "collect", False):
        raise ConfigError("--submit: expected without --shard and --collect: the jobs do those.")
    submit = submit_run if arguments.verb == "run" else submit_extraction
    given = [word for override in arguments.overrides for word in ("--set", override)]
    if getattr(arguments, "overwrite", False):
        given.append("--overwrite")
    made = submit(study, arguments.study, dry_run=arguments.dry_run, arguments=given)
    screen.line(
        f"{made.n_scans} scans in {made.n_shards} tasks; list and scripts are in {made.folder}"
    )
    for name, job in made.jobs.items():
        screen.line(f"submitted {name}: job {job}")
    if not made.jobs:
        screen.line("nothing was submitted (--dry-run)")
    screen.result(
        {
            "folder": str(made.folder),
            "n_scans": made.n_scans,
            "n_shards": made.n_shards,
            "jobs": made.jobs,
        }
    )
    show_end(screen, next_step=f"brainage extract {as_given(arguments)} --status")
    return DONE


def _status(arguments: argparse.Namespace, screen: Screen, study: StudyConfig) -> int:
    from brainage.stages.slurm import extraction_status, submitted_jobs

    table, jobs = extraction_status(study), submitted_jobs(study)
    screen.table(table, title="scans of the list")
    if jobs:
        screen.line("jobs: " + ", ".join(f"{name} {job}" for name, job in jobs.items()))
    screen.result({"cohorts": table.to_dict("records"), "jobs": jobs})
    waits = table[["running", "failed", "missing"]].to_numpy().any()
    verb = "extract" if waits else "run"
    does = "extracts what is missing or failed" if waits else "goes on from there"
    show_end(screen, next_step=f"brainage {verb} {as_given(arguments)} {does}")
    return DONE


def _list(
    arguments: argparse.Namespace, screen: Screen, study: StudyConfig, cohorts: Sequence[Cohort]
) -> int:
    from brainage.stages.scan_list import cohort_scans, freeze

    listed = {}
    for cohort in cohorts:
        scans = cohort_scans(study, cohort)
        path = freeze(study, cohort, scans)
        screen.line(f"{cohort}: {len(scans)} scans listed in {path}")
        listed[cohort] = {"n_scans": len(scans), "list": str(path)}
    screen.result(listed)
    show_end(
        screen,
        next_step=f"brainage extract {as_given(arguments)} --shard K/N for every K, then with "
        "--collect",
    )
    return DONE
