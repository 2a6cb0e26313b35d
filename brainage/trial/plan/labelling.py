"""An estimate becomes a row: with its estimand, its method and whether the plan names it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pandas as pd

from brainage.tables import WHOLE_BRAIN
from brainage.trial.analyses.record import Analysis, EffectRow
from brainage.trial.design.sets import INTENTION_TO_TREAT
from brainage.trial.options import TrialOptions
from brainage.trial.plan.plan import Plan, estimand_id
from brainage.trial.results.contrasts import CORRECTIONS, NO_PLAN, Contrast


@dataclass(frozen=True)
class Labels:
    """What the rows of one analysis have in common.

    Parameters
    ----------
    analysis : str
        Key of a record of `brainage.trial.analyses.planned.REGISTRY`.
    options : TrialOptions
        As used.
    plan : Plan or None
        In force; None: every row is post hoc.
    outcome : str
        Score column.
    network : str, default="whole_brain"
        Whose clock.
    analysis_set : str, default="intention_to_treat"
        Whose data.
    """

    analysis: str
    options: TrialOptions = field(repr=False)
    plan: Plan | None = field(repr=False)
    outcome: str
    network: str = WHOLE_BRAIN
    analysis_set: str = INTENTION_TO_TREAT

    def row(self, arm: str, versus: str, visit: str) -> dict:
        """Return what names an analysis in the plan."""
        return {
            "arm": arm,
            "versus": versus,
            "visit": visit,
            "outcome": self.outcome,
            "analysis_set": self.analysis_set,
            "network": self.network,
        }

    def prespecified(self, arm: str, versus: str, visit: str) -> bool:
        """Return whether the plan names the analysis of this row."""
        if self.plan is None:
            return False
        return self.plan.names(self.analysis, self.options, self.row(arm, versus, visit))

    def estimand(self, arm: str, versus: str, visit: str) -> str:
        """Return the row's estimand id."""
        return estimand_id(self.options, self.row(arm, versus, visit))

    def contrast(self, row: EffectRow) -> Contrast:
        """Return an effect as a `Contrast`, not yet adjusted for multiplicity.

        Parameters
        ----------
        row : EffectRow
            As the analysis found it.
        """
        name = (row.arm, row.versus, row.visit)
        found = row.found
        return Contrast(
            arm=row.arm,
            versus=row.versus,
            visit=row.visit,
            outcome=self.outcome,
            correction=CORRECTIONS[self.outcome],
            analysis_set=self.analysis_set,
            estimand_id=self.estimand(*name),
            prespecified=self.prespecified(*name),
            estimate_years=found.estimate,
            se_years=found.se,
            ci_low_years=found.ci_low,
            ci_high_years=found.ci_high,
            df=found.df,
            statistic=found.statistic,
            p_value=found.p_value,
            p_adjusted=math.nan,
            n_model=row.n_model,
            n_at_visit=row.n_at_visit,
            method=row.method,
            network=self.network,
            plan_hash=self.plan.hash if self.plan else NO_PLAN,
        )


def labels_of(record: Analysis, options: TrialOptions, plan: Plan | None, network: str) -> Labels:
    """Return what the effects of an analysis have in common."""
    return Labels(record.key, options, plan, record.outcome(options), network, record.analysis_set)


def labelled_table(
    rows: pd.DataFrame, record: Analysis, table: str, *, options: TrialOptions, plan: Plan | None
) -> pd.DataFrame:
    """Return a table of an analysis with the plan's columns.

    Parameters
    ----------
    rows : DataFrame
        As the analysis made it.
    record : Analysis
        Whose table it is.
    table : str
        Its name.
    options : TrialOptions
        As used.
    plan : Plan or None
        In force; None: every row is post hoc.

    Returns
    -------
    labelled : DataFrame
    """
    kind = record.table(table)
    if kind.describes:
        return rows
    planned = [False] * len(rows)
    if plan is not None:
        columns = list(kind.planned_by)
        # Texts: a plan is JSON, and a cell may be a number there.
        values = rows[columns].astype(str).to_dict("records") if columns else [{}] * len(rows)
        planned = [plan.names_row(record, options, {"table": table, **each}) for each in values]
    digest = plan.hash if plan else NO_PLAN
    out = rows.assign(prespecified=pd.Series(planned, index=rows.index, dtype=bool))
    return out.assign(plan_hash=pd.Series(digest, index=rows.index, dtype=object))
