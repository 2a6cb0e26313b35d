"""Choices of the named contrasts and of the moderators."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from brainage.options import Listed
from brainage.trial.options.analysis import AnalysisOptions
from brainage.wording import did_you_mean

Family = Literal["secondary", "exploratory"]

ACTIVE_ARMS = "active arms"
POOLED = "pooled against control"
DURABILITY = "durability"
AVERAGES = "averages over visits"
MARGINS = "factorial margins"
#: Ready-made contrasts: these names need no weights.
READY_MADE = (ACTIVE_ARMS, POOLED, DURABILITY, AVERAGES, MARGINS)
#: Sums of weights this near to zero are zero.
_ZERO = 1e-9


class ContrastOptions(AnalysisOptions):
    """One linear contrast over arms and visits, by its weights or by a ready-made name.

    Parameters
    ----------
    name : str
        Of the contrast; or one of the ready-made names, then without weights.
    arms : dict of str to float, default={}
        Arm -> weight; the weights sum to zero.
    visits : dict of str to float, default={}
        Label of a later visit -> weight; empty: the primary visit. Weights that sum to one make
        an average, weights that sum to zero a change between visits.
    family : {"secondary", "exploratory"}, default="exploratory"
        "secondary": adjusted together with the other contrasts with control; "exploratory": not
        adjusted, and costs the others nothing.
    margin_years : float or None, default=None
        Planned margin of fading, above zero, of "durability": an effect that fades by less is
        called maintained.
    """

    name: str
    arms: dict[str, float] = {}
    visits: dict[str, float] = {}
    family: Family = "exploratory"
    margin_years: float | None = Field(default=None, gt=0)

    @property
    def is_ready_made(self) -> bool:
        """Whether the name alone says what is meant."""
        return not self.arms

    @model_validator(mode="after")
    def _weights_make_a_contrast(self) -> Self:
        problems = []
        if not self.arms and self.name not in READY_MADE:
            problems.append(
                f"weights in 'arms' for the contrast '{self.name}', or one of the ready-made "
                f"names {', '.join(READY_MADE)}.{did_you_mean(self.name, READY_MADE)}"
            )
        if self.name in READY_MADE and (self.arms or self.visits):
            problems.append(f"no weights with the ready-made name '{self.name}'")
        if self.arms and abs(sum(self.arms.values())) > _ZERO:
            problems.append(
                f"weights in 'arms' of '{self.name}' that sum to zero (found {self.arms}, sum "
                f"{sum(self.arms.values()):g})"
            )
        for what, weights in (("arms", self.arms), ("visits", self.visits)):
            if weights and not any(weights.values()):
                problems.append(f"a weight in '{what}' of '{self.name}' that is not zero")
        if self.margin_years is not None and self.name != DURABILITY:
            problems.append(f"margin_years with the name '{DURABILITY}' only")
        if problems:
            raise ValueError("; ".join(problems))
        return self


class ModeratorOptions(AnalysisOptions):
    """One baseline variable that may change the effect of an arm.

    Parameters
    ----------
    variable : str
        Column of the allocation table, or ``baseline_gap``, ``baseline_age``, ``sex``, ``site``.
    values : tuple of float, default=()
        Of a continuous variable: where the effect is shown; empty: the mean and one standard
        deviation below and above.
    """

    variable: str
    values: Listed[float] = ()

    @property
    def allocation_columns(self) -> tuple[str, ...]:
        """The variable, unless it comes with the scores."""
        return () if self.variable in OF_SCORES else (self.variable,)


#: Moderators that come with the scores.
OF_SCORES = ("baseline_gap", "baseline_age", "sex", "site")
