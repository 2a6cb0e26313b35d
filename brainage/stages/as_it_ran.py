"""The choices that made what is there, from the manifests of the stages, not from the study file.

A study file may be changed after its stages ran, and the page is made later: what it says was done
must be what was.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import ValidationError

from brainage.clock import ClockOptions
from brainage.config import StudyConfig
from brainage.connectivity import ConnectivityOptions
from brainage.errors import StageError
from brainage.imaging import AtlasOptions, CleaningOptions, ExclusionRules
from brainage.options import Options
from brainage.stages.cohorts import COHORTS, extraction_summary, stage_folder
from brainage.stages.manifest import read_manifest
from brainage.trial import TrialOptions

#: Stages whose choices the words of a report are about.
STAGES = frozenset({"extract", "features", "train", "compare"})

Section = TypeVar("Section", bound=Options)


def as_it_ran(study: StudyConfig) -> tuple[StudyConfig, frozenset[str]]:
    """Return a study with the choices on record, and the stages that have any on record.

    Parameters
    ----------
    study : StudyConfig
        As its file is now.

    Returns
    -------
    study : StudyConfig
        Sections of a stage that did not run are as in the file; of them nothing is to be said.
    stages : frozenset of str
        Of `STAGES`.

    Raises
    ------
    StageError
        A manifest holds choices that this version does not know.
    """
    found: dict[str, Any] = {}
    stages = set()
    extracted = _extraction(study)
    if extracted is not None:
        stages.add("extract")
        found["atlas"] = _section(AtlasOptions, extracted["atlas"])
        found["cleaning"] = _section(CleaningOptions, extracted["cleaning"])
        found["exclusion"] = _section(ExclusionRules, extracted["exclusion"])
    for stage in ("train", "score"):
        features = read_manifest(stage_folder(study, stage) / "features", missing_ok=True)
        if features is not None:
            stages.add("features")
            found["connectivity"] = _section(ConnectivityOptions, features["options"][0])
            break
    trained = read_manifest(stage_folder(study, "train"), missing_ok=True)
    if trained is not None:
        stages.add("train")
        found["clock"] = _section(ClockOptions, trained["options"]["clock"])
    compared = read_manifest(stage_folder(study, "compare"), missing_ok=True)
    if compared is not None:
        stages.add("compare")
        found["trial"] = _section(TrialOptions, compared["options"]["trial"])
    science = study.science.model_copy(update=found)
    return study.model_copy(update={"science": science}), frozenset(stages)


def _extraction(study: StudyConfig) -> dict[str, Any] | None:
    for cohort in COHORTS:
        summary = extraction_summary(study, cohort)
        manifest = None if summary is None else read_manifest(summary.parent, missing_ok=True)
        if manifest is not None and manifest["options"]:
            return dict(manifest["options"])
    return None


def _section(kind: type[Section], recorded: Any) -> Section:
    try:
        return kind.model_validate_json(json.dumps(recorded))
    except ValidationError as error:
        first = error.errors()[0]
        raise StageError(
            f"a manifest's {kind.__name__}: {'.'.join(map(str, first['loc']))}: {first['msg']}. "
            "It was written by another version of brainage: run the stage again."
        ) from error
