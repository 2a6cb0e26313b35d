"""New sites of a trial, taught to the frozen clocks from baseline scans; no arm in sight."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from brainage.clock import BrainClock, calibrate_clock
from brainage.config import StudyConfig
from brainage.connectivity import FeatureTable
from brainage.errors import StageError
from brainage.files import hash_file
from brainage.tables import Column, TableSchema, read_table

CALIBRATION_SCANS = TableSchema(
    "calibration scans",
    (
        Column("participant_id", "text", "Participant."),
        Column("session_id", "text", "Baseline session, chosen without regard to arm."),
    ),
    key=("participant_id", "session_id"),
)
_AGES = ("youngest", "first quartile", "median", "third quartile", "oldest")
CALIBRATIONS = TableSchema(
    "calibrations",
    (
        Column("network", "text", "whole_brain or the network's name."),
        Column("site", "text", "New site."),
        Column("n_scans", "integer", "Baseline scans it was learnt from, one a person."),
        Column("corrected", "text", "'location', or 'location and scale'."),
        *(
            Column(
                f"{cohort}_{word.replace(' ', '_')}_years",
                "number",
                f"{word.capitalize()} of the {whose}.",
                "years",
                nullable=True,
            )
            for cohort, whose in (("site", "baseline scans"), ("reference", "reference scans"))
            for word in _AGES
        ),
        Column(
            "n_outside_reference_ages",
            "integer",
            "Baseline scans younger or older than every "
            "reference scan: there the age trend is extrapolated.",
        ),
    ),
    key=("network", "site"),
)


def calibrate_clocks(
    study: StudyConfig, clocks: dict[str, BrainClock], features: FeatureTable
) -> dict[str, BrainClock]:
    """Return clocks that also know the sites of the trial's baseline scans.

    Parameters
    ----------
    study : StudyConfig
        ``paths.calibration`` names the baseline scans, else they are those of the first visit in
        ``science.trial.visits``. Arms are in neither.
    clocks : dict of str to BrainClock
        Those trained with ``unseen_site: calibrate`` are calibrated, others returned as they are.
    features : FeatureTable
        The trial's sessions.

    Raises
    ------
    StageError
        A site to be learnt, and nothing that says which scans are of baseline.
    """
    sites = features.rows["site"].dropna().astype(str)
    calibrated = {}
    for name, clock in clocks.items():
        new_sites = sorted(set(sites) - set(clock.known_sites)) if clock.calibrates else []
        if not new_sites:
            calibrated[name] = clock
            continue
        wanted = (
            _is_baseline(study, features.rows, new_sites)
            & features.rows["site"].isin(new_sites).to_numpy()
            & np.isfinite(features.ages)
        )
        if not wanted.any():
            raise StageError(
                f"calibration: no baseline scan of the new site(s) "
                f"{', '.join(new_sites)} has features. {_HOW}"
            )
        calibrated[name] = calibrate_clock(clock, features.select(wanted))
    return calibrated


def calibration_input(study: StudyConfig) -> dict[str, str]:
    """Return what says which scans are of baseline, for a stage's key."""
    if study.paths.calibration is not None:
        return {"calibration scans": hash_file(Path(study.paths.calibration))}
    return {"calibration scans": _first_visit(study) or "none"}


def calibrations_table(clocks: dict[str, BrainClock]) -> pd.DataFrame:
    """Return what each clock learnt of each new site (schema `CALIBRATIONS`)."""
    rows = []
    for name, clock in clocks.items():
        for known in clock.facts.get("calibrations", []):
            row = {
                "network": name,
                "site": known["site"],
                "n_scans": known["n_scans"],
                "corrected": "location" if known["location_only"] else "location and scale",
                "n_outside_reference_ages": known["n_outside_reference_ages"],
            }
            for cohort, ages in (
                ("site", known["age_years"]),
                ("reference", known["reference_age_years"]),
            ):
                # Clocks of before the quartiles were stored know the ends of the reference only.
                words = _AGES if len(ages) == len(_AGES) else (_AGES[0], _AGES[-1])
                names = [f"{cohort}_{word.replace(' ', '_')}_years" for word in words]
                row |= dict(zip(names, ages, strict=True))
            rows.append(row)
    return pd.DataFrame(rows, columns=list(CALIBRATIONS.names))


_HOW = (
    "Name baseline scans, one a person and blind to arm, in the table paths.calibration "
    "(participant_id, session_id), or the trial's visits in science.trial.visits."
)


def _is_baseline(study: StudyConfig, rows: pd.DataFrame, new_sites: list[str]) -> np.ndarray:
    if study.paths.calibration is not None:
        table = read_table(study.paths.calibration, CALIBRATION_SCANS)
        people = table["participant_id"].str.removeprefix("sub-")
        named = pd.MultiIndex.from_arrays([people, table["session_id"].str.removeprefix("ses-")])
        here = pd.MultiIndex.from_frame(rows[["participant_id", "session_id"]])
        return np.asarray(here.isin(named))
    first = _first_visit(study)
    if first is None:
        raise StageError(
            f"calibration: the clock must learn the site(s) {', '.join(new_sites)} from baseline "
            f"scans, and nothing says which those are. {_HOW}"
        )
    return (rows["session_id"] == first).to_numpy()


def _first_visit(study: StudyConfig) -> str | None:
    return study.science.trial.visits[0].session_id if study.science.trial is not None else None
