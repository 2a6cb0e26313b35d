"""Power by drawing trials and analysing them: the check on the closed forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from brainage.errors import DesignError
from brainage.showing import Shown
from brainage.trial.noise.trial_power import TrialShape

#: Trials drawn at a time.
_BATCH = 200


@dataclass(frozen=True, repr=False)
class SimulatedPower(Shown):
    """Share of drawn trials that reject.

    Parameters
    ----------
    power : float
        Share.
    mc_se : float
        Its Monte-Carlo standard error.
    n_trials : int
        Drawn.

    Examples
    --------
    >>> power = simulated_power(
    ...     effect_years=-4.0, sd_change_years=5.0, icc=0.7, n_control=30, n_trials=100
    ... )
    >>> power.n_trials, power.power > 0.5
    (100, True)
    """

    power: float
    mc_se: float
    n_trials: int


def simulated_power(
    *,
    effect_years: float,
    sd_change_years: float,
    icc: float,
    n_control: int,
    shape: TrialShape | None = None,
    analysis: Literal["change scores", "ancova"] = "ancova",
    n_trials: int = 2000,
    seed: int = 0,
) -> SimulatedPower:
    """Draw trials, analyse each, and count rejections.

    Parameters
    ----------
    effect_years : float
        Difference between arms at the last visit, clock scale.
    sd_change_years : float
        SD of change between two visits.
    icc : float
        Correlation of two visits.
    n_control : int
        Randomised to control.
    shape : TrialShape or None, default=None
        Arms, drop-out, sites; only baseline and last visit are drawn.
    analysis : {"change scores", "ancova"}, default="ancova"
        People randomised: least squares with site (and baseline) as covariates, classical errors.
        Sites randomised: t test of the sites' means of change, or of follow-up less the within-site
        slope times baseline.
    n_trials : int, default=2000
        Trials.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    found : SimulatedPower

    Raises
    ------
    DesignError
        Fewer people than sites, or an unknown analysis.

    Examples
    --------
    >>> power = simulated_power(
    ...     effect_years=-4.0, sd_change_years=5.0, icc=0.7, n_control=30, n_trials=100
    ... )
    >>> power.power > 0.5
    True
    """
    shape = shape or TrialShape()
    if analysis not in ("change scores", "ancova"):
        raise DesignError(f"power: analysis '{analysis}': expected change scores or ancova.")
    n_arm, n_control = shape.sizes(n_control)
    if n_arm + n_control < 2 * shape.n_sites:
        raise DesignError(
            f"power: {n_arm + n_control} people are too few for {shape.n_sites} sites."
        )
    rng = np.random.default_rng(seed)
    sd = sd_change_years / np.sqrt(2 * (1 - icc))
    arm, site = _people(n_arm, n_control, shape)
    rejected = 0
    for first in range(0, n_trials, _BATCH):
        size = min(_BATCH, n_trials - first)
        baseline, last = _draw(size, site, shape, (sd, icc), analysis=analysis, rng=rng)
        last = last + effect_years * arm
        seen = rng.random((size, len(arm))) >= shape.drop_out
        test = _by_people if shape.randomised == "people" else _by_sites
        for k in range(size):
            own = seen[k]
            data = (baseline[k, own], last[k, own], arm[own], site[own])
            rejected += test(data, analysis, shape.alpha)
    share = rejected / n_trials
    return SimulatedPower(share, float(np.sqrt(share * (1 - share) / n_trials)), n_trials)


def _people(n_arm: int, n_control: int, shape: TrialShape) -> tuple[np.ndarray, np.ndarray]:
    """Return who is in the arm, and at which site."""
    arm = np.concatenate([np.ones(n_arm), np.zeros(n_control)])
    if shape.randomised == "people":
        site = np.concatenate([np.arange(n_arm), np.arange(n_control)]) % shape.n_sites
        return arm, site
    # As many sites an arm as its share of the people asks for.
    ours = int(np.clip(round(shape.n_sites * n_arm / len(arm)), 2, shape.n_sites - 2))
    site = np.concatenate(
        [np.arange(n_arm) % ours, ours + np.arange(n_control) % (shape.n_sites - ours)]
    )
    return arm, site


def _draw(
    size: int,
    site: np.ndarray,
    shape: TrialShape,
    spread: tuple[float, float],
    *,
    analysis: str,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return baseline and last gaps; the site's part is of the analysed score's variance."""
    sd, icc = spread
    factor = 2 * (1 - icc) if analysis == "change scores" else 1 - icc**2
    between = np.sqrt(shape.site_icc * factor) * sd
    within = np.sqrt(1 - shape.site_icc)
    baseline = sd * rng.standard_normal((size, len(site)))
    if analysis == "change scores":
        # The change's own part is drawn beside baseline, so that change scores see all of it.
        moved = np.sqrt(factor) * sd * within * rng.standard_normal(baseline.shape)
        last = baseline + moved
    else:
        rest = np.sqrt(factor) * sd * within * rng.standard_normal(baseline.shape)
        last = icc * baseline + rest
    shift = between * rng.standard_normal((size, int(site.max()) + 1))
    return baseline, last + shift[:, site]


Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _by_people(data: Data, analysis: str, alpha: float) -> bool:
    baseline, last, arm, site = data
    places = np.unique(site)
    columns = [arm, *[(site == place).astype(float) for place in places]]
    if analysis == "ancova":
        columns.append(baseline)
    response = last if analysis == "ancova" else last - baseline
    design = np.column_stack(columns)
    coefficients, _, rank, _ = np.linalg.lstsq(design, response, rcond=None)
    residuals = response - design @ coefficients
    df = len(response) - rank
    inverse = np.linalg.pinv(design.T @ design)
    se = np.sqrt(residuals @ residuals / df * inverse[0, 0])
    return bool(2 * stats.t.sf(abs(coefficients[0] / se), df) <= alpha)


def _by_sites(data: Data, analysis: str, alpha: float) -> bool:
    baseline, last, arm, site = data
    _, code = np.unique(site, return_inverse=True)
    count = np.bincount(code)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(code, values) / count

    slope = 1.0
    if analysis == "ancova":
        own = baseline - mean(baseline)[code]
        slope = float(own @ (last - mean(last)[code]) / (own @ own))
    adjusted, active = mean(last - slope * baseline), mean(arm) > 0.5
    return bool(stats.ttest_ind(adjusted[active], adjusted[~active]).pvalue <= alpha)
