"""No arm may reach a score by way of a people table: not by name, by value or by pattern."""

from __future__ import annotations

import math

import pandas as pd

from brainage.config import StudyConfig
from brainage.errors import LeakageError
from brainage.stages.cohorts import cohort_paths, cohort_people, people_files

#: In these arms would be met as ids or ages, which are read as such.
_IDS = ("participant_id", "session_id", "age_years")
_ARM = "arm"
#: By chance the people of each value lie in one arm with at most this probability.
_CHANCE = 0.05


def refuse_arm_columns(study: StudyConfig) -> None:
    """Refuse a trial's people tables where a column of theirs is the arm, by name or by value.

    The allocation is not read: what is known are the names that the study file gives to the arm
    column and to the arms.

    Raises
    ------
    LeakageError
        Naming the column.
    """
    columns, trial = cohort_paths(study, "trial").columns, study.science.trial
    lent = study.paths.allocation_columns
    secret = {_ARM: "the arm", lent.get(_ARM, _ARM): "the arm"}
    if trial is not None:
        secret[trial.arm_column] = secret[lent.get(trial.arm_column, trial.arm_column)] = "the arm"
        if trial.dose_column is not None:
            # Who came how often is known only after randomisation, and differs by arm.
            dose = trial.dose_column
            secret[dose] = secret[lent.get(dose, dose)] = "the training that was had"
    secret = {_plain(name): what for name, what in secret.items()}
    for name, source in columns.items():
        if _plain(source) in secret:
            raise LeakageError(
                f"paths.trial.columns: {name}: '{source}' is {secret[_plain(source)]}. A score "
                "never reads it; name another column, or leave the key out."
            )
    if trial is None or "participants" not in people_files(study, "trial"):
        return
    arms = {_plain(arm): arm for arm in trial.arms}
    people = cohort_people(study, "trial")
    for name in people.columns.difference(_IDS):
        values = people[name].dropna().astype(str)
        met = sorted({arms[_plain(value)] for value in values if _plain(value) in arms})
        if met:
            raise LeakageError(
                f"paths.trial: the column {name} of the people tables holds the arm(s) "
                f"{', '.join(met)}. A score never reads arms: map {name} to another column in "
                f"paths.trial.columns, or rename what is no arm but is called like one."
            )


def refuse_columns_that_follow_arms(study: StudyConfig, allocation: pd.DataFrame) -> None:
    """Refuse a mapped column of the trial's people whose repeated values each lie in one arm.

    Parameters
    ----------
    study : StudyConfig
        ``paths.trial.columns`` names the columns.
    allocation : DataFrame
        participant_id, arm.

    Raises
    ------
    LeakageError
        A column under another name and with other words that is the arm all the same.
    """
    for name in columns_that_follow_arms(study, allocation):
        source = cohort_paths(study, "trial").columns[name]
        raise LeakageError(
            f"paths.trial.columns: {name}: '{source}': every value that several people share lies "
            "in one arm: the column is the arm under another name, and scores made with it would "
            "know the arms. Name another column, leave the key out, and score again."
        )


def columns_that_follow_arms(study: StudyConfig, allocation: pd.DataFrame) -> list[str]:
    """Return the mapped columns whose repeated values each lie in one arm, beyond chance."""
    mapped = [name for name in cohort_paths(study, "trial").columns if name not in _IDS]
    if not mapped or "participants" not in people_files(study, "trial"):
        return []
    people = cohort_people(study, "trial")
    arm = dict(zip(allocation["participant_id"], allocation["arm"], strict=True))
    people = people.assign(arm=people["participant_id"].map(arm)).dropna(subset=["arm"])
    shares = people.drop_duplicates("participant_id")["arm"].value_counts(normalize=True)
    return [
        name
        for name in mapped
        if name in people and _follows(people[["participant_id", name, "arm"]], name, shares)
    ]


def _follows(people: pd.DataFrame, name: str, shares: pd.Series) -> bool:
    known = people.dropna(subset=[name]).drop_duplicates(["participant_id", name])
    chance = 1.0
    for _, group in known.groupby(name):
        if len(group) < 2:
            continue
        if group["arm"].nunique() > 1:
            return False
        # All of them in whichever arm the first is in.
        chance *= float((shares ** len(group)).sum())
    repeated = not math.isclose(chance, 1.0)
    one_arm = known["arm"].nunique() < 2
    return repeated and not one_arm and chance < _CHANCE


def _plain(name: str) -> str:
    return " ".join(str(name).split()).casefold()
