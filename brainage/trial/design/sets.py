"""Analysis sets: whose data an analysis uses."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from brainage.errors import DesignError
from brainage.tables import WHOLE_BRAIN
from brainage.trial.design.join import TrialData, TrialDesign

INTENTION_TO_TREAT = "intention_to_treat"
COMPLETERS = "completers"
PER_PROTOCOL = "per_protocol"


@dataclass(frozen=True)
class AnalysisSet:
    """A named set of participants.

    Parameters
    ----------
    name : {"intention_to_treat", "completers", "per_protocol"}
        Name in every result row.
    participants : frozenset of str
        Who is in it.
    definition : str
        In words, for the plan and the report.
    """

    name: str
    participants: frozenset[str]
    definition: str

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a table (with participant_id) that belong to the set."""
        return table[table["participant_id"].isin(self.participants)]


def analysis_sets(data: TrialData, design: TrialDesign) -> dict[str, AnalysisSet]:
    """Return the analysis sets the design defines.

    Parameters
    ----------
    data : TrialData
        Scores joined to the design.
    design : TrialDesign
        Names the dose column, if there is one.

    Returns
    -------
    sets : dict of str to AnalysisSet
        "per_protocol" only where the design names a dose column.

    Raises
    ------
    DesignError
        The dose column is not in the allocation, or not numbers.
    """
    network = WHOLE_BRAIN if (data.scans["network"] == WHOLE_BRAIN).any() else None
    scans = data.scans if network is None else data.scans[data.scans["network"] == network]
    everyone = frozenset(design.allocation["participant_id"])
    n_visits = scans.groupby("participant_id")["visit"].nunique()
    complete = frozenset(n_visits.index[n_visits == len(design.visits)])
    sets = [
        AnalysisSet(
            INTENTION_TO_TREAT,
            everyone,
            "every randomised participant, in the arm of randomisation, with the scans there are",
        ),
        AnalysisSet(COMPLETERS, complete, "participants with a score at every planned visit"),
    ]
    if design.options.dose_column is not None:
        sets.append(_per_protocol(design))
    return {each.name: each for each in sets}


def _per_protocol(design: TrialDesign) -> AnalysisSet:
    column, least = design.options.dose_column, design.options.per_protocol_min_dose
    people = design.allocation
    if column not in people:
        raise DesignError(
            f"dose_column '{column}': not in the allocation, which has {', '.join(people.columns)}."
        )
    if not pd.api.types.is_numeric_dtype(people[column]):
        raise DesignError(
            f"dose_column '{column}': expected numbers in the allocation, found text."
        )
    kept = (people["arm"] == design.control_arm) | (people[column] >= least)
    return AnalysisSet(
        PER_PROTOCOL,
        frozenset(people.loc[kept, "participant_id"]),
        f"control as randomised, and active participants with {column} of at least {least:g} "
        "(a comparison that randomisation does not protect)",
    )
