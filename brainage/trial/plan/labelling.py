"""An estimate becomes a row: with its estimand, its method and whether the plan names it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from brainage.tables import WHOLE_BRAIN
from brainage.trial.design.sets import INTENTION_TO_TREAT
from brainage.trial.models.lsmeans import Estimate
from brainage.trial.options import TrialOptions
from brainage.trial.plan.plan import Plan, estimand_id
from brainage.trial.results.contrasts import CORRECTIONS, NO_PLAN, Contrast


@dataclass(frozen=True)
class Labels:
    """What the rows of one analysis have in common.

    Parameters
    ----------
    analysis : str
        One of `brainage.trial.plan.plan.ANALYSES`.
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

    def contrast(
        self, row: tuple[str, str, str], found: Estimate, *, n: int, method: str
    ) -> Contrast:
        """Return an estimate as a `Contrast`, not yet adjusted for multiplicity.

        Parameters
        ----------
        row : tuple of str
            arm, versus, visit.
        found : Estimate
            In years.
        n : int
            Participants analysed, of the arms in the row.
        method : str
            One line.
        """
        arm, versus, visit = row
        return Contrast(
            arm=arm,
            versus=versus,
            visit=visit,
            outcome=self.outcome,
            correction=CORRECTIONS[self.outcome],
            analysis_set=self.analysis_set,
            estimand_id=self.estimand(arm, versus, visit),
            prespecified=self.prespecified(arm, versus, visit),
            estimate_years=found.estimate,
            se_years=found.se,
            ci_low_years=found.ci_low,
            ci_high_years=found.ci_high,
            df=found.df,
            statistic=found.statistic,
            p_value=found.p_value,
            p_adjusted=math.nan,
            n=n,
            method=method,
            network=self.network,
            plan_hash=self.plan.hash if self.plan else NO_PLAN,
        )
