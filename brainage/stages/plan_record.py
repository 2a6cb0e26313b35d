"""Which plans were written, and under which one arms were first compared.

Kept beside the stages' folders: deleting ``compare/`` deletes neither the record nor the plan that
results were made under, and a plan that was edited and hashed anew is not the one on record.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from brainage.config import StudyConfig
from brainage.errors import StageError
from brainage.files import atomic_path, read_json_object, write_json
from brainage.options import fingerprint_of
from brainage.stages.cohorts import stage_folder
from brainage.trial import AFTERWARDS, RECORD, Plan, TrialOptions, TrialResult

_RECORD = "record.json"


def when_planned(
    study: StudyConfig, options: TrialOptions, scores_by: str | None, otherwise: str
) -> str:
    """Return what a plan that is written now may say of itself.

    Parameters
    ----------
    study : StudyConfig
        Whose output is looked at.
    options, scores_by
        What is planned.
    otherwise : str
        What it may say where no arm was compared yet.
    """
    first = _first_compared(study)
    if first is not None:
        return (
            first["written"] if first["promises"] == _promises(options, scores_by) else AFTERWARDS
        )
    return AFTERWARDS if _results(study).is_file() else otherwise


def as_recorded(study: StudyConfig, plan: Plan) -> Plan:
    """Return a plan with `written` as the record has it.

    Whatever its file says: once arms were compared, a plan that promises something else than the
    one they were first compared under came afterwards.
    """
    first = _first_compared(study)
    if first is not None:
        same = first["promises"] == _promises(plan.options, plan.scores_by)
        return replace(plan, written=first["written"] if same else AFTERWARDS)
    if _results(study).is_file():
        made_under = TrialResult.load(_results(study).parent).plan_hash
        if made_under != plan.hash:
            return replace(plan, written=AFTERWARDS)
    return plan


def record_comparison(study: StudyConfig, plan: Plan, path: Path) -> None:
    """Keep the plan that arms are compared under, and that they were; once for each plan.

    Parameters
    ----------
    study : StudyConfig
        Whose output keeps it.
    plan : Plan
        In force.
    path : Path
        Its file; copied with its words to ``plans/HASH.json`` and ``.txt``.
    """
    folder, entries = _folder(study), _entries(study)
    if any(entry["hash"] == plan.hash for entry in entries):
        return
    for ending in (".json", ".txt"):
        if path.with_suffix(ending).is_file():
            with atomic_path(folder / f"{plan.hash}{ending}") as temporary:
                shutil.copyfile(path.with_suffix(ending), temporary)
    entries.append(
        {
            "hash": plan.hash,
            "written": plan.written,
            "promises": _promises(plan.options, plan.scores_by),
        }
    )
    write_json(folder / _RECORD, {"compared_under": entries})


def first_plan_hash(study: StudyConfig) -> str | None:
    """Return the hash of the plan that arms were first compared under; None: not compared yet."""
    first = _first_compared(study)
    return None if first is None else first["hash"]


def _promises(options: TrialOptions, scores_by: str | None) -> str:
    return fingerprint_of([options.model_dump(mode="json"), scores_by])


def _folder(study: StudyConfig) -> Path:
    return stage_folder(study, "plans")


def _results(study: StudyConfig) -> Path:
    return stage_folder(study, "compare") / "results" / RECORD


def _first_compared(study: StudyConfig) -> dict[str, str] | None:
    entries = _entries(study)
    return entries[0] if entries else None


def _entries(study: StudyConfig) -> list[dict[str, Any]]:
    path = _folder(study) / _RECORD
    if not path.is_file():
        return []
    entries = read_json_object(path, error=StageError).get("compared_under")
    if not isinstance(entries, list) or not all(
        isinstance(entry, dict) and {"hash", "written", "promises"} <= set(entry)
        for entry in entries
    ):
        raise StageError(
            f"{path}: expected the record of the plans that arms were compared under, found "
            "something else. Put the file back; without it nothing can be called prespecified."
        )
    return entries
