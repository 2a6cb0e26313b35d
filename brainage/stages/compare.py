"""Stage 4: scores meet the allocation for the first time; arm deltas and contrasts out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from brainage.config import StudyConfig
from brainage.connectivity import EXCLUDED
from brainage.errors import ConfigError, StageError
from brainage.files import hash_file
from brainage.imaging import load_strategy
from brainage.options import fingerprint_of
from brainage.progress import Progress, silent
from brainage.stages.blinding import refuse_arm_columns, refuse_columns_that_follow_arms
from brainage.stages.cohorts import cohort_paths, extraction_summary, stage_folder
from brainage.stages.extract import SCANS
from brainage.stages.features import left_out, refuse_partial
from brainage.stages.local_maps import with_local_maps
from brainage.stages.lock import stage_lock
from brainage.stages.making import Making
from brainage.stages.manifest import read_checked_manifest
from brainage.stages.plan_record import as_recorded, record_comparison, when_planned
from brainage.stages.train import study_clocks
from brainage.stages.trial_inputs import atlas_of, trial_inputs
from brainage.tables import read_scores, read_table, read_text_table
from brainage.trial import (
    BEFOREHAND,
    BY_COMPARISON,
    Plan,
    TrialDesign,
    TrialOptions,
    TrialResult,
    compare_arms,
    outcome_in_scores,
    read_allocation,
    read_plan,
    read_replayed,
    read_visit_dates,
    write_plan,
)

PLAN = "plan.json"
_KEYS = ("participant_id", "session_id")


def plan(study: StudyConfig, *, overwrite: bool = False, plan_hash: str | None = None) -> Path:
    """Write the statistical analysis plan with its hash; no allocation is read.

    Parameters
    ----------
    study : StudyConfig
        ``science.trial`` is what is planned.
    overwrite : bool, default=False
        Replace a plan that says otherwise; where arms have been compared already, the new one
        says that it came afterwards, and every result is post hoc.
    plan_hash : str, optional
        The hash that was signed off; another plan is refused.

    Returns
    -------
    path : Path
        ``output/compare/plan.json``, beside it the same in words.

    Raises
    ------
    StageError
        Another plan is there: a plan that gives way to the next idea plans nothing; or its hash
        is not the one given.
    """
    folder = stage_folder(study, "compare")
    with stage_lock(folder, "compare"):
        path = _plan(study, folder / PLAN, overwrite=overwrite)
        if plan_hash is not None:
            _refuse_other_hash(read_plan(path), plan_hash, path)
    return path


def _plan(study: StudyConfig, path: Path, *, overwrite: bool) -> Path:
    options = trial_options(study)
    if path.is_file() and not overwrite:
        there = read_plan(path)
        changed = there.differences(options)
        if there.judging(_scores_by(study)) is not there:
            changed.append("other choices behind the scores (science)")
        if changed:
            raise StageError(
                f"{path}: a plan is there that differs from the study file: "
                f"{'; '.join(changed)}. Keep it, and the comparison says what "
                "was not as planned; or replace it with --overwrite if nobody has "
                "seen an arm."
            )
        return path
    scores_by = _scores_by(study)
    written = when_planned(study, options, scores_by, BEFOREHAND)
    write_plan(options, path, scores_by=scores_by, written=written)
    return path


def compare(
    study: StudyConfig,
    *,
    overwrite: bool = False,
    plan_hash: str | None = None,
    progress: Progress = silent,
) -> TrialResult:
    """Compare the arms as planned.

    Parameters
    ----------
    study : StudyConfig
        ``science.trial`` says how; ``paths.scores`` may name a scores table made elsewhere.
    overwrite : bool, default=False
        Compare again although nothing changed.
    plan_hash : str, optional
        The hash that was signed off; under another plan nothing is compared.
    progress : Progress, optional
        Told of every analysis.

    Returns
    -------
    result : TrialResult
        As written to ``output/compare``.

    Raises
    ------
    StageError
        Another plan than the one signed off, or scores that were changed since they were made.
    LeakageError
        A column of the trial's people is the arm under another name.
    """
    refuse_arm_columns(study)
    folder = stage_folder(study, "compare")
    with stage_lock(folder, "compare"):
        return _compare(study, folder, overwrite, plan_hash, progress)


def _compare(
    study: StudyConfig, folder: Path, overwrite: bool, plan_hash: str | None, progress: Progress
) -> TrialResult:
    options, scores_by = trial_options(study), _scores_by(study)
    if not study.paths.scores:
        refuse_partial(study, "trial")
    scores_path = scores_file(study)
    # Hashed before the allocation is opened: scores cannot have been chosen by arm.
    scores_hash = hash_file(scores_path)
    scores = read_scores(scores_path)
    plan_path = folder / PLAN
    planned = _plan_in_force(study, plan_path, plan_hash, scores_by)
    allocation_path = allocation_file(study)
    dates = visit_dates(study)
    inputs = {
        "scores": scores_hash,
        "allocation": hash_file(allocation_path),
        "plan": hash_file(plan_path),
    } | _hashes_where_named(study, dates)
    described = {
        "trial": options.model_dump(mode="json"),
        "seed": study.science.seed,
        "allocation_columns": study.paths.allocation_columns,
        "outcomes_columns": study.paths.outcomes_columns,
        "scores_by": scores_by,
        "planned": planned.written,
    }
    without = exclusions(study)
    # The participant flow counts them, although no score changes.
    inputs["exclusions"] = fingerprint_of(without.astype(str).to_dict("list"))
    more, hashes = trial_inputs(study, options)
    inputs |= hashes
    results = folder / "results"

    def write() -> list[Path]:
        design = trial_design(study, allocation_path, dates)
        refuse_columns_that_follow_arms(study, design.allocation)
        result = compare_arms(
            scores,
            design,
            plan=planned,
            exclusions=without,
            more=more,
            seed=study.science.seed,
            n_jobs=study.run.n_jobs,
            progress=progress,
        )
        # Before anyone can see a result: afterwards another plan plans nothing.
        record_comparison(study, planned, plan_path)
        if more.features is not None and options.local is not None:
            atlas, why_not = atlas_of(study, more.features)
            result = with_local_maps(result, atlas, results, why_not=why_not)
        result.save(results)
        return [p for p in results.iterdir() if p.is_file() and not p.name.startswith(".")]

    Making(folder, "compare", described, inputs).make(write, overwrite=overwrite)
    return TrialResult.load(results)


def _hashes_where_named(study: StudyConfig, dates: pd.DataFrame | None) -> dict[str, str]:
    found = {}
    if dates is not None:
        found["dates"] = fingerprint_of(dates.astype(str).to_dict("list"))
    if study.paths.replayed_allocations is not None:
        found["replayed allocations"] = hash_file(Path(study.paths.replayed_allocations))
    return found


def _plan_in_force(
    study: StudyConfig, path: Path, plan_hash: str | None, scores_by: str | None
) -> Plan:
    """Return the plan that is there, or one that this comparison writes before it reads arms."""
    if plan_hash is not None or path.is_file():
        planned = read_plan(path)
        if plan_hash is not None:
            _refuse_other_hash(planned, plan_hash, path)
    else:
        options = trial_options(study)
        written = when_planned(study, options, scores_by, BY_COMPARISON)
        planned = write_plan(options, path, written=written, scores_by=scores_by)
    return as_recorded(study, planned).judging(scores_by)


def _refuse_other_hash(planned: Plan, plan_hash: str, path: Path) -> None:
    if planned.hash != plan_hash.strip():
        raise StageError(
            f"{path}: expected the plan that was signed off, {plan_hash} (--plan-hash), found "
            f"{planned.hash}. Put that plan back; no allocation was read."
        )


def load_comparison(study: StudyConfig) -> TrialResult:
    """Read a finished compare folder."""
    folder = stage_folder(study, "compare")
    read_checked_manifest(folder)
    return TrialResult.load(folder / "results")


def scores_file(study: StudyConfig) -> Path:
    """Return the scores table: the one named, or what `score` wrote."""
    if study.paths.scores:
        path = Path(study.paths.scores)
    else:
        path = stage_folder(study, "score") / "scores.tsv"
    if not path.is_file():
        raise StageError(
            f"{path}: no scores there. Run `brainage score` first, or name a table in paths.scores."
        )
    if not study.paths.scores:
        read_checked_manifest(path.parent)
    return path


def allocation_file(study: StudyConfig) -> Path:
    """Return the allocation table: ``paths.allocation``, or the trial's participants table."""
    path = study.paths.allocation or cohort_paths(study, "trial").participants
    if path is None:
        raise ConfigError(
            "paths.allocation: expected a table with participant_id and "
            f"{trial_options(study).arm_column}, found none."
        )
    if not Path(path).is_file():
        raise ConfigError(f"{path}: no such allocation table (paths.allocation).")
    return Path(path)


def visit_dates(study: StudyConfig) -> pd.DataFrame | None:
    """Return the dates of the trial's scans: ``paths.dates``, or the sessions table's own."""
    named = study.paths.dates
    source = named or cohort_paths(study, "trial").sessions
    if source is None or (named is None and not Path(source).exists()):
        return None
    columns = dict(study.paths.dates_columns)
    if named is None:
        # The people's own map holds for their sessions table.
        people = cohort_paths(study, "trial").columns
        columns = {name: people[name] for name in _KEYS if name in people} | columns
    dates = read_visit_dates(source, columns=columns)
    if dates is None and named is not None:
        raise ConfigError(
            f"{named}: no dates there (paths.dates); expected a column acq_time "
            "or scan_date, or its name in paths.dates_columns."
        )
    return dates


def exclusions(study: StudyConfig) -> pd.DataFrame:
    """Return why trial scans are not among the scores, from the extract and score stages."""
    tables = [pd.DataFrame(columns=list(EXCLUDED.names), dtype=str)]
    scans = extraction_summary(study, "trial")
    if scans is not None:
        table = read_table(scans, SCANS)
        # Excluded scans reach the features' own table; only failed ones never left a file.
        tables.append(table.loc[table["status"] == "failed", list(EXCLUDED.names)])
    tables.append(left_out(study, "score"))
    return pd.concat(tables, ignore_index=True)


def _scores_by(study: StudyConfig) -> str | None:
    """Return a fingerprint of every choice that changes a score; None where it is not known.

    What files say and not where they lie: a study that was moved has the same.
    """
    lent = study.paths.clock
    if study.paths.scores is not None or (lent is not None and not Path(lent).exists()):
        return None
    science = study.science
    chosen: dict = {
        "seed": science.seed,
        "connectivity": science.connectivity.model_dump(mode="json"),
    }
    if cohort_paths(study, "trial").scans:
        chosen |= {
            "atlas": science.atlas.model_dump(mode="json", exclude={"path", "labels"}),
            "cleaning": science.cleaning.model_dump(mode="json", exclude={"strategy"}),
            "strategy": load_strategy(science.cleaning.strategy).fingerprint(),
            "exclusion": science.exclusion.model_dump(mode="json"),
        }
    if lent is None:
        # What is shown beside a clock changes none of its scores.
        shown: dict[str, bool | set[str]] = {
            "networks": True,
            "validation": {"n_bootstrap", "leave_one_site_out"},
        }
        chosen["clock"] = science.clock.model_dump(mode="json", exclude=shown)
    else:
        chosen["clock"] = {name: clock.clock_id for name, clock in study_clocks(study).items()}
    return fingerprint_of(chosen)


def trial_design(study: StudyConfig, path: Path, dates: pd.DataFrame | None) -> TrialDesign:
    """Return the trial's visits and arms, as its allocation at `path` and its dates have them."""
    options = trial_options(study)
    allocation = read_allocation(path, options, columns=study.paths.allocation_columns)
    table = study.paths.replayed_allocations
    replayed = None if table is None else read_replayed(table, allocation, options.arms)
    return TrialDesign.from_options(options, allocation, dates=dates, replayed=replayed)


def trial_options(study: StudyConfig) -> TrialOptions:
    """Return the trial as it is analysed: of scores with one gap alone, that one."""
    if study.science.trial is None:
        raise ConfigError(
            "science.trial: expected arms, visits and a control arm, found none. "
            "`brainage init` writes an example."
        )
    if study.paths.scores is None or not Path(study.paths.scores).is_file():
        return study.science.trial
    # Scores made elsewhere may hold one gap alone, and the plan names the one that is analysed.
    return outcome_in_scores(study.science.trial, read_text_table(study.paths.scores).columns)
