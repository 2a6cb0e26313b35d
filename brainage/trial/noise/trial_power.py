"""Power and sizes of a trial: visits, drop-out, unequal arms, sites, and latent effects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.showing import Shown
from brainage.tables import Column, TableSchema
from brainage.trial.noise.clock_noise import ClockNoise
from brainage.trial.noise.power_forms import (
    analysis_variances,
    detectable_effect,
    power_of_contrast,
    smallest_size,
)

CLOCK_SCALE, LATENT = "clock scale", "latent"
_SHARE_UNKNOWN = "the share of a true shift that the clock shows is not known: give it (share)"

TRIAL_POWER = TableSchema(
    "trial_power",
    (
        Column("analysis", "text", "How the arms are compared."),
        Column("noise", "text", "as found, or an end of its 95 % band."),
        Column(
            "effect_read_as",
            "text",
            "clock scale: years of the score; latent: years of brain age, of which the clock "
            "shows its share.",
        ),
        Column("effect_years", "number", "Difference between arms, as asked.", "years"),
        Column(
            "effect_on_clock_years",
            "number",
            "What the score shows of it.",
            "years",
            nullable=True,
        ),
        Column("sd_change_years", "number", "SD of change between two visits.", "years"),
        Column("icc", "number", "Correlation of two visits."),
        Column("n_arm", "integer", "Randomised to the arm; 0 where it is not known."),
        Column("n_control", "integer", "Randomised to control; 0 where it is not known."),
        Column("power", "number", "Chance to reject at alpha.", nullable=True, low=0, high=1),
        Column("alpha", "number", "Two-sided."),
        Column(
            "detectable_years",
            "number",
            "Difference found with 80 % power, on the clock's scale.",
            "years",
            nullable=True,
        ),
        Column(
            "detectable_latent_years",
            "number",
            "The same over the clock's share.",
            "years of brain age",
            nullable=True,
        ),
        Column("reads", "text", "What is not known.", nullable=True),
    ),
)


@dataclass(frozen=True, repr=False)
class TrialShape(Shown):
    """Everything of a trial's size but the number of people.

    Parameters
    ----------
    ratio : float, default=1.0
        People of the arm for one of control.
    drop_out : float, default=0.0
        Share without the last scan.
    n_follow_ups : int, default=2
        Visits after baseline.
    alpha : float, default=0.05
        Two-sided.
    n_sites : int, default=1
        Sites of both arms together.
    site_icc : float, default=0.0
        Share of the variance of the analysed score that lies between sites.
    randomised : {"people", "sites"}, default="people"
        People within each site (site is a covariate: its variance leaves the contrast), or whole
        sites (each is one unit of the comparison).

    Examples
    --------
    >>> shape = ba.TrialShape(ratio=2.0, drop_out=0.1)
    >>> shape.sizes(40)
    (80, 40)
    """

    ratio: float = 1.0
    drop_out: float = 0.0
    n_follow_ups: int = 2
    alpha: float = 0.05
    n_sites: int = 1
    site_icc: float = 0.0
    randomised: Literal["people", "sites"] = "people"

    def __post_init__(self) -> None:
        problems = []
        if not self.ratio > 0:
            problems.append(f"ratio: expected above 0, found {self.ratio}")
        if not 0 <= self.drop_out < 1:
            problems.append(f"drop_out: expected 0 to less than 1, found {self.drop_out}")
        if self.n_follow_ups < 1:
            problems.append(f"n_follow_ups: expected 1 or more, found {self.n_follow_ups}")
        if not 0 < self.alpha < 1:
            problems.append(f"alpha: expected 0 to 1, found {self.alpha}")
        if not 0 <= self.site_icc < 1 or self.n_sites < 1:
            problems.append(
                f"site_icc and n_sites: expected 0 to less than 1 and 1 or more, found "
                f"{self.site_icc} and {self.n_sites}"
            )
        if self.randomised == "sites" and self.n_sites < 4:
            problems.append(
                f"n_sites: expected 4 or more where whole sites are randomised, found "
                f"{self.n_sites}"
            )
        if problems:
            raise DesignError("power: " + "; ".join(problems) + ".")

    def sizes(self, n_control: int) -> tuple[int, int]:
        """Return people of the arm and of control."""
        return max(int(round(self.ratio * n_control)), 1), n_control

    def error(self, variance: float, n_arm: int, n_control: int) -> tuple[float, float]:
        """Return the standard error of the contrast and its degrees of freedom.

        Parameters
        ----------
        variance : float
            From `analysis_variances`.
        n_arm, n_control : int
            Randomised.
        """
        seen = (n_arm + n_control) * (1 - self.drop_out)
        square = variance * (1 / n_arm + 1 / n_control)
        if self.randomised == "people":
            df = seen - 1 - self.n_sites
            return float(np.sqrt(square * (1 - self.site_icc))), max(df, 1e-6)
        # Kish's design effect of sites of one size.
        inflation = 1 + (seen / self.n_sites - 1) * self.site_icc
        return float(np.sqrt(square * max(inflation, 1.0))), float(self.n_sites - 2)


def trial_power(
    *,
    effect_years: float,
    noise: ClockNoise,
    shape: TrialShape | None = None,
    n_control: int | None = None,
    power: float = 0.8,
) -> pd.DataFrame:
    """Return power at a size, or the size for a power, over the noise's band, both scales.

    Parameters
    ----------
    effect_years : float
        Difference between arms at the last visit.
    noise : ClockNoise
        Of the clock; its ends are rows of their own.
    shape : TrialShape or None, default=None
        Visits, drop-out, arms, sites; None: the defaults.
    n_control : int or None, default=None
        Randomised to control; None: the smallest size that reaches `power`.
    power : float, default=0.8
        Wanted; not read where `n_control` is given.

    Returns
    -------
    table : DataFrame
        Schema `TRIAL_POWER`: the effect read on the clock's scale, and as latent years of which
        the clock shows its share. A closed form; `simulated_power` checks it.

    Raises
    ------
    DesignError
        A value that cannot be true, or no size up to a million that reaches the power.

    Examples
    --------
    >>> from brainage.trial.noise.clock_noise import given_noise
    >>> table = trial_power(effect_years=-1.4, noise=given_noise(sd_change_years=7.5, icc=0.7),
    ...                     n_control=103)
    >>> table.set_index("analysis")["power"].round(2)["change scores"].iloc[0]
    np.float64(0.27)
    """
    shape = shape or TrialShape()
    _check(effect_years, power, n_control, shape)
    rows = [
        _row(
            (name, scale, analysis),
            noise,
            shape,
            effect=effect_years,
            n_control=n_control,
            power=power,
        )
        for scale in (CLOCK_SCALE, LATENT)
        for name in noise.band()
        for analysis in ("change scores", "ancova", "mmrm")
    ]
    return pd.DataFrame(rows, columns=list(TRIAL_POWER.names))


def power_curve(
    *,
    effect_years: float,
    noise: ClockNoise,
    sizes: tuple[int, ...],
    shape: TrialShape | None = None,
) -> pd.DataFrame:
    """Return power over sizes.

    Parameters
    ----------
    effect_years : float
        Difference between arms at the last visit.
    noise : ClockNoise
        Of the clock.
    sizes : tuple of int
        Randomised to control.
    shape : TrialShape or None, default=None
        Visits, drop-out, arms, sites.

    Returns
    -------
    table : DataFrame
        Schema `TRIAL_POWER`, a block a size.

    Examples
    --------
    >>> noise = ba.given_noise(sd_change_years=6.6, icc=0.7)
    >>> curve = ba.power_curve(effect_years=-2.3, noise=noise, sizes=(50, 100))
    >>> list(curve.columns)[:3]
    ['analysis', 'noise', 'effect_read_as']
    """
    return pd.concat(
        [
            trial_power(effect_years=effect_years, noise=noise, shape=shape, n_control=size)
            for size in sizes
        ],
        ignore_index=True,
    )


def _row(
    named: tuple[str, str, str],
    noise: ClockNoise,
    shape: TrialShape,
    *,
    effect: float,
    n_control: int | None,
    power: float,
) -> dict:
    band, scale, analysis = named
    sd_change, icc = noise.band()[band]
    share = 1.0 if scale == CLOCK_SCALE else noise.share
    here = replace(noise, sd_change_years=sd_change, icc=icc)
    variance = analysis_variances(
        sd_years=here.sd_years,
        icc=icc,
        drop_out=shape.drop_out,
        n_follow_ups=shape.n_follow_ups,
    )[analysis]
    row = {
        "analysis": analysis,
        "noise": band,
        "effect_read_as": scale,
        "effect_years": float(effect),
        "effect_on_clock_years": effect * share,
        "sd_change_years": sd_change,
        "icc": icc,
        "alpha": shape.alpha,
        "reads": None if np.isfinite(share) else _SHARE_UNKNOWN,
    }
    if not np.isfinite(share):
        absent = ("power", "detectable_years", "detectable_latent_years")
        arm, control = shape.sizes(n_control) if n_control else (0, 0)
        return row | dict.fromkeys(absent, np.nan) | {"n_arm": arm, "n_control": control}

    def power_at(size: int) -> float:
        se, df = shape.error(variance, *shape.sizes(size))
        return power_of_contrast(effect * share, se, df, shape.alpha)

    size = n_control or smallest_size(power_at, power, least=_least(shape), what=analysis)
    se, df = shape.error(variance, *shape.sizes(size))
    detectable = detectable_effect(se, df, shape.alpha)
    arm, control = shape.sizes(size)
    return row | {
        "n_arm": arm,
        "n_control": control,
        "power": power_at(size),
        "detectable_years": detectable,
        "detectable_latent_years": detectable / noise.share,
    }


def _least(shape: TrialShape) -> int:
    people = max(4 + shape.n_sites, 2 * shape.n_sites)
    return int(np.ceil(people / (1 - shape.drop_out) / min(1.0, shape.ratio)))


def _check(effect: float, power: float, n_control: int | None, shape: TrialShape) -> None:
    problems = []
    if not np.isfinite(effect) or effect == 0:
        problems.append(f"effect: expected a number of years other than 0, found {effect}")
    if not shape.alpha < power < 1:
        problems.append(f"power: expected between alpha and 1, found {power}")
    if n_control is not None:
        arm, control = shape.sizes(n_control)
        if min(arm, control) * (1 - shape.drop_out) < 2:
            problems.append(
                f"size: expected two analysed people an arm, found {arm} and {control} randomised"
            )
        elif (arm + control) * (1 - shape.drop_out) < shape.n_sites + 3:
            problems.append(f"size: {arm + control} people are too few for {shape.n_sites} sites")
    if problems:
        raise DesignError("power: " + "; ".join(problems) + ".")
