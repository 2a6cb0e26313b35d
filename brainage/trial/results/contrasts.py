"""One contrast of the trial, and many as rows of a table.

Signs: an estimate below zero means a younger-looking brain than at baseline (within an arm) or
than in the other arm (between arms).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

import pandas as pd

from brainage.showing import Shown
from brainage.tables import WHOLE_BRAIN
from brainage.trial.results.schemas import CONTRASTS

BASELINE = "baseline"
AVERAGE = "average over visits"
NO_PLAN = "no plan"
CORRECTIONS = {"gap_corrected_years": "corrected", "gap_years": "uncorrected"}


@dataclass(frozen=True, repr=False)
class Contrast(Shown):
    """One effect in years.

    Parameters
    ----------
    arm : str
        Whose effect.
    versus : str
        The arm compared with, or "baseline" for a change within the arm.
    visit : str
        Label of the visit, or "average over visits".
    outcome : str
        Score column behind it.
    correction : str
        "corrected" by the clock's frozen age-bias line, or "uncorrected".
    analysis_set : str
        "intention_to_treat", "completers" or "per_protocol".
    estimand_id : str
        Hash of what is estimated (population, arms, visit, variable, events, summary).
    prespecified : bool
        Whether the plan names this analysis.
    estimate_years : float
        Below zero: younger.
    se_years, ci_low_years, ci_high_years : float
        Standard error and 95 % confidence interval.
    df, statistic, p_value : float
        Of the t test; NaN where the method has none.
    p_adjusted : float
        Within its family; NaN if it belongs to none.
    n_model : int
        Participants the model used, of the two arms (of the arm, for a change within it).
    n_at_visit : int
        Of those, participants with a score at this visit (of an average: at any later visit).
    method : str
        One line.
    network : str, default="whole_brain"
        Whose clock.
    primary : bool, default=False
        Whether this is the trial's primary contrast.
    plan_hash : str, default="no plan"
        Hash of the plan that was in force.

    Examples
    --------
    >>> contrast = examples.result().primary
    >>> contrast.arm, contrast.versus, contrast.visit, contrast.primary
    ('HRT', 'CON', '1 year', True)
    """

    arm: str
    versus: str
    visit: str
    outcome: str
    correction: str
    analysis_set: str
    estimand_id: str
    prespecified: bool
    estimate_years: float
    se_years: float
    ci_low_years: float
    ci_high_years: float
    df: float
    statistic: float
    p_value: float
    p_adjusted: float
    n_model: int
    n_at_visit: int
    method: str
    network: str = WHOLE_BRAIN
    primary: bool = False
    plan_hash: str = NO_PLAN


def contrast_table(contrasts: Iterable[Contrast]) -> pd.DataFrame:
    """Return contrasts as rows, in the order given (schema `CONTRASTS`).

    Examples
    --------
    >>> table = contrast_table(as_contrasts(examples.result().contrasts))
    >>> len(table) == len(examples.result().contrasts)
    True
    """
    rows = [asdict(contrast) for contrast in contrasts]
    frame = pd.DataFrame(rows, columns=[field.name for field in fields(Contrast)])
    return frame[list(CONTRASTS.names)]


def as_contrasts(table: pd.DataFrame) -> list[Contrast]:
    """Return the rows of a contrast table as `Contrast` objects.

    Examples
    --------
    >>> contrasts = as_contrasts(examples.result().contrasts)
    >>> len(contrasts), contrasts[0].primary
    (6, True)
    """
    names = [field.name for field in fields(Contrast)]
    return [
        Contrast(**{name: _plain(value) for name, value in zip(names, row, strict=True)})
        for row in table[names].itertuples(index=False)
    ]


def _plain(value: Any) -> Any:
    plain = value.item() if hasattr(value, "item") else value
    return math.nan if plain is None else plain
