"""The tables beside the scans: who was scanned when, who got what, and what was planted.

Arms are only in ``allocation.tsv`` and ``truth.tsv``, never in ``participants.tsv``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from brainage.errors import StageError
from brainage.files import write_json
from brainage.options import fingerprint_of
from brainage.synthetic.people import ALLOCATION, TRUTH
from brainage.synthetic.study import SyntheticStudy
from brainage.tables import Column, TableSchema, write_table

_PERSON = (
    Column("participant_id", "text", "Participant."),
    Column("sex", "text", "F or M."),
    Column("site", "text", "Site that scanned."),
)
_AGE = Column("age", "number", "Age at the scan.", "years")
_SCANNER = Column("scanner", "text", "Scanner.")
_REFERENCE = TableSchema("participants", (*_PERSON, _AGE, _SCANNER), key=("participant_id",))
_PARTICIPANTS = TableSchema("participants", _PERSON, key=("participant_id",))
_SESSIONS = TableSchema(
    "sessions",
    (_PERSON[0], Column("session_id", "text", "Session."), _AGE, _SCANNER),
    key=("participant_id", "session_id"),
)
_RECORD = "planted.json"


def write_tables(study: SyntheticStudy, folder: Path, *, counterfactual: bool) -> None:
    """Write people, allocation and truth; scans are written after them, so a run can resume.

    Parameters
    ----------
    study : SyntheticStudy
        Whose.
    folder : Path
        Gets ``planted.json``, ``truth.tsv`` and the cohorts' tables.
    counterfactual : bool
        Recorded; the planted values are the same.

    Raises
    ------
    StageError
        The folder holds another synthetic study.
    """
    record = _record(study, counterfactual)
    _refuse_another_study(folder / _RECORD, record["key"])
    write_json(folder / _RECORD, record)
    write_table(study.truth, folder / "truth.tsv", TRUTH)
    cohorts = set(study.truth["cohort"])
    if "reference" in cohorts:
        _write_reference(study, folder / "reference")
    if "trial" in cohorts:
        _write_trial(study, folder / "trial")


def _record(study: SyntheticStudy, counterfactual: bool) -> dict:
    options = study.options.model_dump(mode="json")
    planted = study.truth[study.truth["cohort"] == "trial"]
    means = planted.groupby(["visit", "session_id", "arm"], sort=True)["effect_years"].mean()
    return {
        "key": fingerprint_of([options, study.seed, counterfactual, study.parcels.atlas]),
        "seed": study.seed,
        "counterfactual": counterfactual,
        "description": study.lines,
        "numpy": np.__version__,
        "mean_planted_years": [
            {"session_id": session, "arm": arm, "effect_years": float(value)}
            for (_, session, arm), value in means.items()
        ],
        "options": options,
    }


def _refuse_another_study(path: Path, key: str) -> None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["key"]
    except FileNotFoundError:
        return
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        found = "an unreadable record"
    if found != key:
        raise StageError(
            f"{path.parent}: expected an empty folder or this synthetic study ({key}), found "
            f"another one ({found}). Remove the folder, or write to another."
        )


def _write_reference(study: SyntheticStudy, folder: Path) -> None:
    scans = study.scans("reference")
    people = scans[["participant_id", "sex", "site"]].assign(
        participant_id="sub-" + scans["participant_id"],
        age=scans["age_years"].astype(float),
        scanner=scans["scanner"],
    )
    write_table(people, folder / "participants.tsv", _REFERENCE)


def _write_trial(study: SyntheticStudy, folder: Path) -> None:
    scans = study.scans("trial")
    people = scans.drop_duplicates("participant_id")[["participant_id", "sex", "site"]]
    people = people.assign(participant_id="sub-" + people["participant_id"])
    sessions = scans[["participant_id", "session_id", "scanner"]].assign(
        participant_id="sub-" + scans["participant_id"],
        session_id="ses-" + scans["session_id"],
        age=scans["age_years"].astype(float),
    )
    write_table(people, folder / "participants.tsv", _PARTICIPANTS)
    write_table(sessions, folder / "sessions.tsv", _SESSIONS)
    write_table(study.allocation, folder / "allocation.tsv", ALLOCATION)
