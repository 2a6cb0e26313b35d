"""No one whom a clock is to be judged on, or used on, may have trained it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from brainage.clock import check_disjoint, check_no_shared_scans
from brainage.config import StudyConfig
from brainage.connectivity import FeatureTable
from brainage.errors import TableError
from brainage.files import hash_file
from brainage.stages.cohorts import Cohort, cohort_people, people_files, stage_folder
from brainage.stages.manifest import read_checked_manifest, read_manifest
from brainage.tables import Column, TableSchema, read_table

_JUDGED: tuple[Cohort, ...] = ("trial", "external")
SAME_PEOPLE = TableSchema(
    "same people",
    (
        Column("participant_id", "text", "Participant of the trial or external test set."),
        Column(
            "reference_id",
            "text",
            "The same person in the reference; n/a: not in it.",
            nullable=True,
        ),
    ),
    key=("participant_id",),
)


def refuse_trained_people(study: StudyConfig, features: FeatureTable) -> None:
    """Refuse features of people, or of scans, that the study's clock was trained on.

    A clock file holds no ids. People are compared with the reference's people table, or, of a
    clock trained here, with those it was trained on; scans only with the latter.

    Raises
    ------
    LeakageError
        Naming them.
    """
    ids, same = features.rows["participant_id"], same_people(study)
    trained = stage_folder(study, "train") / "features"
    if study.paths.clock is None and read_manifest(trained, missing_ok=True) is not None:
        read_checked_manifest(trained)
        reference = FeatureTable.load(trained)
        check_disjoint(reference.rows["participant_id"], ids, same_people=same)
        _refuse_shared_scans(reference, features)
        return
    table = people_files(study, "reference").get("participants")
    # One table of everybody says nothing about who trained the clock.
    if table not in (None, *(people_files(study, c).get("participants") for c in _JUDGED)):
        people = cohort_people(study, "reference")
        check_disjoint(people["participant_id"], ids, same_people=same)


def separation_input(study: StudyConfig) -> dict[str, str]:
    """Return what `refuse_trained_people` reads beside features and clocks, for a stage's key."""
    tables: dict[str, str | Path | None] = {"same people": study.paths.same_people}
    if study.paths.clock is not None:
        tables["people of the reference"] = people_files(study, "reference").get("participants")
    return {
        name: hash_file(path)
        for name, path in tables.items()
        if path is not None and Path(path).is_file()
    }


def _refuse_shared_scans(reference: FeatureTable, features: FeatureTable) -> None:
    for name, view in reference.views.items():
        other = features.views.get(name)
        if other is not None and not view.spec.differences(other.spec):
            check_no_shared_scans(view.values, reference.rows, other.values, features.rows)
            return


def same_people(study: StudyConfig) -> dict[str, str | None]:
    """Return who of the trial or test set is who in the reference, by ``paths.same_people``."""
    if study.paths.same_people is None:
        return {}
    table = read_table(study.paths.same_people, SAME_PEOPLE)
    ids = table["participant_id"].str.removeprefix("sub-")
    if ids.duplicated().any():
        raise TableError(
            f"{study.paths.same_people}: participant "
            f"{ids[ids.duplicated()].iloc[0]} stands there twice."
        )
    reference = [
        None if pd.isna(name) else name.removeprefix("sub-") for name in table["reference_id"]
    ]
    return dict(zip(ids, reference, strict=True))
