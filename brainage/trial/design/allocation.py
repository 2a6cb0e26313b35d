"""The allocation table: who was randomised to which arm. The only reader of arms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from brainage.errors import DesignError, TableError
from brainage.tables import (
    SEX_COLUMNS,
    missing_cells,
    numbers_or_categories,
    read_text_table,
    sex_levels,
)
from brainage.trial.options import TrialOptions
from brainage.wording import did_you_mean, listed

_MOST = 20


def read_allocation(
    path: str | Path, options: TrialOptions, *, columns: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Read and check the allocation.

    Parameters
    ----------
    path : str or Path
        BIDS ``participants.tsv`` or any table (``.csv`` at commas) with one row a person; or one
        row a scan, if arm and the other columns are the same in each of a person's rows.
    options : TrialOptions
        Names the columns, the arms and the strata.
    columns : mapping of str to str, optional
        participant_id, arm, or a stratum, covariate or dose column as the options name it -> name
        in the file.

    Returns
    -------
    allocation : DataFrame
        In the order of the file (which permuted blocks need): participant_id (text, without
        "sub-"), arm, then strata (text), covariates and the dose column (numbers where every
        value is one).

    Raises
    ------
    TableError
        The file cannot be read, or a column is absent.
    DesignError
        Empty or unknown arms ("did you mean"), a participant in two arms or with two values of a
        stratum, an arm without people, a stratum that is missing for someone.

    Examples
    --------
    >>> path = written / "trial" / "allocation.tsv"
    >>> ba.read_allocation(path, examples.trial_options())["arm"].value_counts().to_dict()
    {'CON': 8, 'HRT': 8, 'MIT': 8}
    """
    path = Path(path)
    text = read_text_table(path)
    wanted = {"participant_id": options.participant_column, "arm": options.arm_column}
    wanted |= {name: name for name in options.allocation_columns if name not in wanted}
    wanted |= _mapped(columns or {}, wanted, path)
    absent = [_absent(column, text) for column in wanted.values() if column not in text]
    if absent:
        raise TableError(f"{path}: " + "; ".join(absent))
    frame = text[list(wanted.values())].set_axis(list(wanted), axis=1)
    numeric = tuple(name for name in options.allocation_columns if name not in options.strata)
    return check_allocation(frame, options, where=str(path), numeric=numeric)


def check_allocation(
    allocation: pd.DataFrame,
    options: TrialOptions,
    *,
    where: str = "allocation",
    numeric: tuple[str, ...] = (),
) -> pd.DataFrame:
    """Check an allocation, reporting every problem at once.

    Parameters
    ----------
    allocation : DataFrame
        participant_id, arm and the columns the options name.
    options : TrialOptions
        The arms.
    where : str, default="allocation"
        For messages.
    numeric : tuple of str, default=()
        Text columns to convert to numbers where all their values are.

    Returns
    -------
    checked : DataFrame
        One row a person, participant_id without "sub-".

    Raises
    ------
    DesignError
        As `read_allocation`.
    """
    needed = ("participant_id", "arm", *options.strata, *options.covariates)
    absent = [name for name in needed if name not in allocation]
    if absent:
        raise DesignError(
            f"{where}: expected the columns {', '.join(needed)}; absent: {', '.join(absent)}."
        )
    ids = allocation["participant_id"].fillna("").astype(str).str.removeprefix("sub-")
    # Before people with two rows are compared: BIDS lets one sex be written in several ways.
    sexes = {
        name: sex_levels(allocation[name]) for name in allocation if name.lower() in SEX_COLUMNS
    }
    frame = allocation.assign(participant_id=ids, **sexes).drop_duplicates(ignore_index=True)
    problems = [*_arm_problems(frame, options), *_person_problems(frame)]
    for name in options.strata:
        people = frame.loc[missing_cells(frame[name]), "participant_id"]
        if len(people):
            problems.append(
                f"stratum '{name}' is missing for {listed(people)}; every randomised "
                "participant has one"
            )
    if problems:
        shown = problems[:_MOST]
        more = [f"and {len(problems) - _MOST} more"] if len(problems) > _MOST else []
        raise DesignError(
            f"{where}: {len(problems)} problem(s) in the allocation:\n  - "
            + "\n  - ".join([*shown, *more])
        )
    converted = {
        name: numbers_or_categories(frame[name], name=name, where=where) for name in numeric
    }
    return frame.assign(**converted)


def _mapped(columns: Mapping[str, str], wanted: Mapping[str, str], path: Path) -> dict[str, str]:
    """Return the column map, checked: it names only columns that are read, and each once."""
    for name, source in columns.items():
        if name not in wanted:
            hint = did_you_mean(name, wanted)
            raise TableError(
                f"{path}: column map (paths.allocation_columns): '{name}' is not "
                f"read; expected {', '.join(wanted)}.{hint}"
            )
        if wanted[name] not in (name, source):
            raise TableError(
                f"{path}: column map (paths.allocation_columns): {name} is "
                f"'{source}' there and '{wanted[name]}' in science.trial; say it "
                "once."
            )
    return dict(columns)


def _arm_problems(frame: pd.DataFrame, options: TrialOptions) -> list[str]:
    arms = options.arms
    empty = missing_cells(frame["arm"])
    problems = []
    if empty.any():
        problems.append(
            f"no arm for {listed(frame.loc[empty, 'participant_id'])}; a participant "
            "who was not randomised does not belong in the table"
        )
    known = frame.loc[~empty, "arm"].astype(str)
    for strange in sorted(set(known) - set(arms)):
        hint = did_you_mean(strange, arms, cutoff=0.5)
        n_people = int((known == strange).sum())
        problems.append(
            f"arm '{strange}' ({n_people} participant(s)): expected one of "
            f"{', '.join(arms)} (science.trial.arms).{hint}"
        )
    for arm in arms:
        if not (known == arm).any():
            hint = did_you_mean(arm, sorted(set(known)), cutoff=0.5)
            role = "control arm" if arm == options.control_arm else "arm"
            problems.append(
                f"{role} '{arm}' of science.trial.arms: nobody has it; the table has "
                f"{', '.join(sorted(set(known)))}.{hint}"
            )
    return problems


def _person_problems(frame: pd.DataFrame) -> list[str]:
    problems = []
    if missing_cells(frame["participant_id"]).any():
        problems.append("a row without participant_id")
    repeated = frame[frame["participant_id"].duplicated(keep=False)]
    for person, rows in repeated.groupby("participant_id", sort=False):
        differing = [name for name in rows if rows[name].nunique(dropna=False) > 1]
        values = "; ".join(
            f"{name}: {' and '.join(map(str, rows[name].unique()))}" for name in differing
        )
        what = "in two arms" if "arm" in differing else "with rows that differ"
        problems.append(f"participant {person} is {what} ({values}); keep one row")
    return problems


def _absent(column: str, text: pd.DataFrame) -> str:
    hint = did_you_mean(column, text.columns)
    return f"expected a column '{column}', the header has {', '.join(text.columns[:12])}.{hint}"
