"""What is estimated, in the words of ICH E9(R1)."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from brainage.options import Options

TREATMENT_POLICY = "treatment policy"
#: The strategies of ICH E9(R1), section A.3.2.
Strategy = Literal[
    "treatment policy",
    "hypothetical",
    "composite variable",
    "while on treatment",
    "principal stratum",
]
#: Words for a scan that was not made, which is no intercurrent event.
_MISSED = ("missed scan", "missing scan", "missed visit", "missing visit", "missing data")


class EstimandOptions(Options):
    """What is estimated, in the words of ICH E9(R1).

    Parameters
    ----------
    population : str
        Whom the effect is about.
    treatments : str
        What is compared.
    variable : str or None, default=None
        Which gap at which visit; None: change from baseline in the trial's `outcome` at the
        primary visit, in words.
    intercurrent_events : dict of str to str
        Event -> strategy: "treatment policy", "hypothetical", "composite variable", "while on
        treatment" or "principal stratum". The analyses take every scan as it is, which is
        treatment policy; another strategy is stated and noted. A missed scan is missing data and
        not an event: naming one is an error.
    summary : str
        The population-level summary.
    """

    population: str = "all randomised participants who were scanned"
    treatments: str = "each active arm against control, as randomised"
    variable: str | None = None
    intercurrent_events: dict[str, Strategy] = {
        "stopped training": "treatment policy",
        "control who trains": "treatment policy",
        "illness": "treatment policy",
        "scanner change": "treatment policy",
    }
    summary: str = "difference in means"

    @model_validator(mode="after")
    def _no_missed_scan(self) -> Self:
        missed = [event for event in self.intercurrent_events if event.lower().startswith(_MISSED)]
        if missed:
            raise ValueError(
                f"intercurrent_events without '{missed[0]}': a missed scan is missing "
                "data, not an intercurrent event (ICH E9(R1))"
            )
        return self
