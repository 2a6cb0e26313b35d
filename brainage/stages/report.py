"""Stage 5: everything the stages wrote, on one page."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from brainage.config import StudyConfig
from brainage.files import remove_leftovers
from brainage.report import StudyResults, cite, fields_of_trial, plan_table, render_report
from brainage.stages.as_it_ran import as_it_ran
from brainage.stages.cohorts import (
    COHORTS,
    Cohort,
    cohort_paths,
    extraction_summary,
    stage_folder,
)
from brainage.stages.compare import PLAN, allocation_file, load_comparison, trial_options
from brainage.stages.evaluate import load_evaluation
from brainage.stages.extract import SCANS
from brainage.stages.features import left_out
from brainage.stages.lock import stage_lock
from brainage.stages.manifest import read_checked_manifest, read_manifest, versions
from brainage.stages.methods import (
    analysis_sentences,
    cited,
    methods_sentences,
    model_sentences,
    software_sentence,
)
from brainage.stages.recovery import recovery
from brainage.stages.report_checklist import checklist
from brainage.stages.report_clock import length_fields, trained_fields, trust_summary
from brainage.stages.report_drawings import brains, carpets, local_connectivity
from brainage.stages.report_tables import (
    baseline_table,
    missing_scans,
    quality_by_arm,
    reliability_table,
)
from brainage.stages.score import load_calibrations, scoring_clock
from brainage.stages.train import clocks_that_show_nothing, study_clocks
from brainage.tables import read_scores, read_table
from brainage.trial import gap_means, read_allocation, read_plan, scans_by_arm

#: The stage that makes a cohort's features.
_STAGE_OF: dict[Cohort, str] = {"reference": "train", "trial": "score"}


def report(study: StudyConfig) -> Path:
    """Write ``output/report/report.html`` from what the other stages left.

    Parameters
    ----------
    study : StudyConfig
        A stage that was not run leaves its section out.

    Returns
    -------
    path : Path
    """
    folder = stage_folder(study, "report")
    with stage_lock(folder, "report"):
        remove_leftovers(folder)
        return render_report(
            gather(study), folder / "report.html", figure_files=study.run.figure_files
        )


def gather(study: StudyConfig) -> StudyResults:
    """Read every result of a study that is there."""
    ran, stages = as_it_ran(study)
    fields: dict[str, Any] = {
        "title": study.title,
        "scans": _scans(study),
        "excluded": _excluded(study),
        "provenance": _provenance(study),
        "synthetic": study.synthetic is not None,
        "config": _in_force(ran),
        "files": _files(study),
    }
    scores = _scores(study)
    if scores is not None:
        fields["scores"] = scores
        fields["trust"] = trust_summary(scores)
    fields |= _clock_fields(study, scores)
    evaluation = load_evaluation(study)
    fields |= {name: table for name, table in vars(evaluation).items() if name != "external_scores"}
    if study.science.trial is not None and _finished(study, "compare"):
        fields |= _trial_fields(study, scores, fields)
    fields |= _drawings(study, fields)
    modelled = (
        model_sentences(fields["contrasts"], fields["covariates"]) if "contrasts" in fields else []
    )
    trial = ran.science.trial
    if trial is not None and fields.get("analyses") is not None:
        modelled += analysis_sentences(fields["analyses"], trial)
    fields["methods"] = (
        *methods_sentences(ran, stages=stages),
        *modelled,
        software_sentence(_versions(study)),
    )
    shown = ("patterns",) if fields.get("pattern_parcels") is not None else ()
    fields["references"], fields["bibtex"] = cite((*cited(ran, stages=stages), *shown))
    results = StudyResults(**fields)
    return replace(results, checklist=checklist(ran, results))


def _in_force(study: StudyConfig) -> str:
    """Return the choices that made these results, without those that nothing was made by."""
    idle: set[str] = set()
    if study.paths.scores is not None:
        idle = {"atlas", "cleaning", "exclusion", "connectivity", "clock", "evaluation"}
    elif study.paths.clock is not None:
        idle = {"clock"}
    if not any(cohort_paths(study, cohort).scans for cohort in COHORTS):
        idle |= {"atlas", "cleaning", "exclusion"}
    values = study.science.model_dump(mode="json", exclude=idle)
    return json.dumps(values, indent=2, ensure_ascii=False)


def _clock_fields(study: StudyConfig, scores: pd.DataFrame | None) -> dict[str, Any]:
    """Return what is known of the clock behind the scores; nothing of scores made elsewhere."""
    if study.paths.scores is not None:
        return {}
    if study.paths.clock is not None:
        # What an earlier run trained in this folder made none of these scores.
        fields: dict[str, Any] = {
            "card": scoring_clock(study).card(),
            **length_fields(scoring_clock(study)),
            "shows_nothing": clocks_that_show_nothing(study_clocks(study)),
        }
    elif _finished(study, "train"):
        ages = None if scores is None else scores["age_years"].to_numpy(float)
        fields = trained_fields(stage_folder(study, "train"), ages)
    else:
        return {}
    calibrations = load_calibrations(study)
    return fields | {"calibrations": calibrations if len(calibrations) else None}


def _trial_fields(
    study: StudyConfig, scores: pd.DataFrame | None, fields: Mapping[str, Any]
) -> dict[str, Any]:
    result, options = load_comparison(study), trial_options(study)
    found = fields_of_trial(result)
    found["plan"] = _plan(study)
    found["visits"] = tuple(visit.label for visit in options.visits)
    found["missing"] = missing_scans(result.flow)
    found["provenance"] = {**fields["provenance"], **found["provenance"]}
    if scores is not None:
        allocation = read_allocation(
            allocation_file(study), options, columns=study.paths.allocation_columns
        )
        scans = scans_by_arm(scores, allocation, options)
        gaps = scans[["participant_id", "arm", "visit"]].assign(gap_years=scans["gap"])
        found |= {
            "gaps": gaps,
            "gap_means": gap_means(scans, options),
            "baseline": baseline_table(scans, allocation, options),
            "quality": quality_by_arm(scans, fields["scans"].get("trial"), options),
            # An analysis of the comparison may have it already, better described.
            "reliability": None
            if "reliability" in result.tables
            else reliability_table(scans, options),
        }
    if study.synthetic is not None and _finished(study, "truth"):
        recovered = recovery(study, result)
        found |= {
            "truth": recovered.whole_brain,
            "truth_of_networks": recovered.networks,
            "truth_of_regions": recovered.regions,
        }
    return found


def _drawings(study: StudyConfig, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Draw what only imaging can: the worst scans as carpets, parcels in a glass brain."""
    drawn, not_drawn = carpets(study, fields["scans"])
    drawn |= brains(study, fields.get("pattern_parcels"))
    contrasts = fields.get("contrasts")
    if contrasts is not None:
        primary = contrasts[contrasts["primary"]].iloc[0]
        drawn |= local_connectivity(fields["tables"].get("local"), primary)
    return {
        "drawings": {name: figure for name, (figure, _) in drawn.items()},
        "drawing_captions": {name: caption for name, (_, caption) in drawn.items()},
        "not_drawn": not_drawn,
    }


def _scores(study: StudyConfig) -> pd.DataFrame | None:
    path = _scores_path(study)
    if not path.is_file() or not (study.paths.scores or _finished(study, "score")):
        return None
    return read_scores(path)


def _files(study: StudyConfig) -> dict[str, str]:
    """Return where the page's tables lie as files, relative to the page; those that are there."""
    page = stage_folder(study, "report")
    named = {
        f"{path.stem}": path for path in (stage_folder(study, "compare") / "results").glob("*.tsv")
    }
    train, evaluate = stage_folder(study, "train"), stage_folder(study, "evaluate")
    named |= {
        "metrics": train / "metrics.tsv",
        "pattern_parcels": train / "explain" / "patterns_parcels.tsv",
        "efficiency": train / "efficiency.tsv",
        "external_efficiency": evaluate / "external" / "external_efficiency.tsv",
        "length_curve": train / "length_curve.tsv",
        "learning_curve": evaluate / "learning_curve" / "learning_curve.tsv",
        "permutation": evaluate / "permutation" / "permutation.tsv",
        "external": evaluate / "external" / "external.tsv",
        "external_slopes": evaluate / "external" / "external_slopes.tsv",
    }
    if study.paths.scores is None:
        named["scores"] = stage_folder(study, "score") / "scores.tsv"
    for cohort, stage in _STAGE_OF.items():
        named[f"scans {cohort}"] = stage_folder(study, "extract") / cohort / "scans.tsv"
        named[f"excluded {cohort}"] = stage_folder(study, stage) / "features" / "excluded.tsv"
    return {
        name: Path(os.path.relpath(path, page)).as_posix()
        for name, path in named.items()
        if path.is_file()
    }


def _scores_path(study: StudyConfig) -> Path:
    return Path(study.paths.scores or stage_folder(study, "score") / "scores.tsv")


def _plan(study: StudyConfig) -> pd.DataFrame | None:
    path = stage_folder(study, "compare") / PLAN
    if not path.is_file():
        return None
    return plan_table(read_plan(path))


def _finished(study: StudyConfig, stage: str) -> bool:
    """Return whether a stage came to its end; StageError where its files were changed since."""
    folder = stage_folder(study, stage)
    if read_manifest(folder, missing_ok=True) is None:
        return False
    read_checked_manifest(folder)
    return True


def _scans(study: StudyConfig) -> dict[str, pd.DataFrame]:
    summaries = {cohort: extraction_summary(study, cohort) for cohort in _STAGE_OF}
    return {cohort: read_table(path, SCANS) for cohort, path in summaries.items() if path}


def _excluded(study: StudyConfig) -> dict[str, pd.DataFrame]:
    return {
        cohort: left_out(study, stage)
        for cohort, stage in _STAGE_OF.items()
        if (stage_folder(study, stage) / "features" / "excluded.tsv").is_file()
    }


def _versions(study: StudyConfig) -> dict[str, str]:
    """Return the versions that made the last results on record; those of now where none are."""
    for stage in ("compare", "score", "train"):
        manifest = read_manifest(stage_folder(study, stage), missing_ok=True)
        if manifest is not None:
            return dict(manifest["versions"])
    return versions()


def _provenance(study: StudyConfig) -> dict[str, str]:
    facts = {f"version of {name}": version for name, version in _versions(study).items()}
    facts["seed"] = str(study.science.seed)
    facts["science fingerprint"] = study.science.fingerprint()
    # Hashes of content only: keys also hold files' times, and equal results give an equal page.
    manifest = read_manifest(stage_folder(study, "compare"), missing_ok=True)
    if manifest is not None:
        facts |= {f"hash of {name}": value for name, value in manifest["inputs"].items()}
    return facts
