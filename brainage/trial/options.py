"""Choices of the trial room: design, estimand, analyses."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from brainage.options import Listed, Options


class VisitOptions(Options):
    """One planned visit: its label, its session in the files, and when it was due.

    Parameters
    ----------
    label : str
        As printed ("1 year").
    session_id : str
        As in the files, without "ses-".
    nominal_years : float
        Planned time since baseline.
    """

    label: str
    session_id: str
    nominal_years: float = Field(ge=0)


class EstimandOptions(Options):
    """What is estimated, in the words of ICH E9(R1).

    Parameters
    ----------
    population : str
        Whom the effect is about.
    treatments : str
        What is compared.
    variable : str
        Which gap at which visit.
    intercurrent_events : dict of str to str
        Event -> strategy ("treatment policy", "hypothetical", ...).
    summary : str
        The population-level summary.
    """

    population: str = "all randomised participants who were scanned"
    treatments: str = "each active arm against control, as randomised"
    variable: str = "change from baseline in the corrected brain-age gap at the primary visit"
    intercurrent_events: dict[str, str] = {
        "stopped training": "treatment policy",
        "control who trains": "treatment policy",
        "illness": "treatment policy",
        "scanner change": "treatment policy",
    }
    summary: str = "difference in means"


class RandomizationOptions(Options):
    """The allocation scheme that the re-randomisation test replays.

    Parameters
    ----------
    scheme : {"simple", "permuted_blocks", "stratified_blocks", "minimisation"}, default="simple"
        As used by the trial; "minimisation" is refused (its sequence would be needed).
    block_size : int or None, default=None
        Size of the permuted blocks; None: unknown, then the whole stratum is one block.
    n_draws : int, default=9999
        Draws of the Monte-Carlo test.
    """

    scheme: Literal["simple", "permuted_blocks", "stratified_blocks", "minimisation"] = "simple"
    block_size: int | None = Field(default=None, ge=2)
    n_draws: int = Field(default=9999, ge=99)


class TrialOptions(Options):
    """The trial as planned.

    Parameters
    ----------
    arms : tuple of str
        Every arm, control first, then in rising order of dose if there is one.
    control_arm : str
        The arm the others are compared with.
    visits : tuple of VisitOptions
        Baseline first.
    primary_visit : str
        Label of the visit of the primary contrast.
    primary_arm : str or None, default=None
        Arm of the primary contrast; None: the last of `arms`.
    arm_column : str, default="arm"
        Column of the allocation table.
    strata : tuple of str, default=()
        Columns of the allocation table the randomisation was stratified by.
    outcome : str, default="gap_corrected_years"
        Score column analysed.
    style : {"recommended", "lisa_like", "levakov2023"}, default="recommended"
        Which analysis is the headline; the others are printed beside it.
    multiplicity : {"holm", "dunnett", "none"}, default="holm"
        Family: the contrasts that are not primary.
    within_arm_multiplicity : {"benjamini_hochberg", "holm", "none"}, default="benjamini_hochberg"
        Family: arm x visit within-arm tests.
    degrees_of_freedom : {"satterthwaite", "kenward_roger"}, default="satterthwaite"
        Of the repeated-measures model.
    randomization : RandomizationOptions
        Allocation scheme.
    estimand : EstimandOptions
        What is estimated.
    """

    arms: Listed[str]
    control_arm: str
    visits: Listed[VisitOptions]
    primary_visit: str
    primary_arm: str | None = None
    arm_column: str = "arm"
    strata: Listed[str] = ()
    outcome: str = "gap_corrected_years"
    style: Literal["recommended", "lisa_like", "levakov2023"] = "recommended"
    multiplicity: Literal["holm", "dunnett", "none"] = "holm"
    within_arm_multiplicity: Literal["benjamini_hochberg", "holm", "none"] = "benjamini_hochberg"
    degrees_of_freedom: Literal["satterthwaite", "kenward_roger"] = "satterthwaite"
    randomization: RandomizationOptions = RandomizationOptions()
    estimand: EstimandOptions = EstimandOptions()
