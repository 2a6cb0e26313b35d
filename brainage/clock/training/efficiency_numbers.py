"""Noise, shares and participants of a clock, for the people themselves and for resamples of them.

Every figure is an array: its first value is of the people themselves, the others of draws over
people, so that intervals, paired differences and a sweep's choice all rest on the same resamples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

#: Fewest scans (of visits: people) behind a figure.
MIN_SCANS = 10
_ALPHA, _POWER = 0.05, 0.8


@dataclass(frozen=True)
class EfficiencyNumbers:
    """What halves of scans say of a clock, one value for each row of weights.

    Parameters
    ----------
    noise : ndarray of shape (n_rows,)
        Of a whole scan, within it, years.
    pooled, within_site : ndarray of shape (n_rows,)
        Slope of the mean of both halves on age; with the means of sites removed from both.
    local : ndarray of shape (n_rows,) or None
        The slope in the trial's ages; None where they are not given or hold too few scans.
    n_local : int
        Scans of those ages.
    planted : ndarray of shape (n_rows,) or None
        Mean rise of the prediction a planted year; None without a twin.
    n_planted : int
        Scans of the twin.
    between : ndarray of shape (n_rows,)
        Variance of the mean of both halves between people of one age, years squared.
    n_sites : int
        Sites told apart.
    """

    noise: np.ndarray
    pooled: np.ndarray
    within_site: np.ndarray
    local: np.ndarray | None
    n_local: int
    planted: np.ndarray | None
    n_planted: int
    between: np.ndarray
    n_sites: int

    @classmethod
    def of(
        cls,
        halves: pd.DataFrame,
        weights: np.ndarray,
        local_ages_years: tuple[float, float] | None = None,
    ) -> EfficiencyNumbers:
        """Measure scans with both halves (`HALVES`), counted as often as `weights` says.

        `weights` has shape (n_rows, n_scans).
        """
        age = halves["age_years"].to_numpy(float)
        first, second = (halves[name].to_numpy(float) for name in ("first_years", "second_years"))
        mean, everyone = (first + second) / 2, np.zeros(len(halves), dtype=int)
        sites = pd.factorize(halves["site"].astype(object).where(halves["site"].notna(), ""))[0]
        noise = np.sqrt(np.maximum(variance(first - second, weights), 0.0)) / 2
        pooled = slope(age, mean, weights, everyone)
        local, here = None, np.zeros(len(halves), dtype=bool)
        if local_ages_years is not None:
            here = (age >= local_ages_years[0]) & (age <= local_ages_years[1])
            if here.sum() >= MIN_SCANS:
                local = slope(age, mean, weights * here, everyone)
        planted, n_planted = _planted(halves, weights)
        # Between people of one age: what is left of the mean prediction beside its line on age.
        between = variance(mean, weights) - pooled**2 * variance(age, weights)
        within = slope(age, mean, weights, sites)
        n_here, n_sites = int(here.sum()), int(sites.max()) + 1
        return cls(noise, pooled, within, local, n_here, planted, n_planted, between, n_sites)

    @property
    def used(self) -> np.ndarray:
        """The smaller of planted and within-site share."""
        return self.within_site if self.planted is None else np.fmin(self.within_site, self.planted)

    @property
    def latent_noise(self) -> np.ndarray:
        """Noise in years of brain age; infinite where the share used is none."""
        return noise_over_share(self.noise, self.used)


def noise_over_share(noise: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return noise in years of brain age; infinite where the share is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(share > 0, noise / np.abs(share), np.inf)


def participants_per_arm(
    latent_noise_years: np.ndarray, state_sd_years: float, *, effect_years: float = 1.0
) -> np.ndarray:
    """Return people per arm for 80 % power of a change score, two-sided 5 %, not rounded.

    Parameters
    ----------
    latent_noise_years : ndarray
        Noise of one scan in years of brain age.
    state_sd_years : float
        What brain age really moves between visits.
    effect_years : float, default=1.0
        Latent effect of one arm against another.

    Examples
    --------
    >>> participants_per_arm(np.array([2.0, 4.0]), 2.0).round(0)
    array([251., 628.])
    """
    quantiles = stats.norm.isf(_ALPHA / 2) + stats.norm.ppf(_POWER)
    # A change holds the noise and the state of two visits, a contrast two arms.
    spread = 2 * (np.asarray(latent_noise_years, dtype=float) ** 2 + state_sd_years**2)
    return 2 * quantiles**2 * spread / effect_years**2


def draw_weights(people: np.ndarray, n_draws: int, seed: int) -> np.ndarray:
    """Return how often each scan counts, (1 + n_draws, n_scans); once each in the first row."""
    owner = pd.factorize(people)[0]
    n_people = owner.max() + 1
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n_people, np.full(n_people, 1 / n_people), size=n_draws)
    return np.vstack([np.ones(n_people), drawn])[:, owner]


def variance(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the sample variance of scans, counted as often as each row of weights says."""
    centred = values - values.mean()
    total = weights.sum(axis=1)
    mean = weights @ centred / total
    with np.errstate(divide="ignore", invalid="ignore"):
        return (weights @ centred**2 / total - mean**2) * total / (total - 1)


def slope(x: np.ndarray, y: np.ndarray, weights: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the slope of y on x with the means of groups removed; NaN where x does not vary."""
    x, y = x - x.mean(), y - y.mean()
    top, bottom = np.zeros((2, len(weights)))
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=groups[order][0] - 1))
    for here in np.split(order, starts[1:]):
        own = weights[:, here]
        total = np.maximum(own.sum(axis=1), 1)
        mean_x, mean_y = own @ x[here] / total, own @ y[here] / total
        top += own @ (x[here] * y[here]) - total * mean_x * mean_y
        bottom += own @ x[here] ** 2 - total * mean_x**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom > 1e-9, top / bottom, np.nan)


def _planted(halves: pd.DataFrame, weights: np.ndarray) -> tuple[np.ndarray | None, int]:
    if "planted_share" not in halves:
        return None, 0
    share = halves["planted_share"].to_numpy(float)
    there = np.isfinite(share)
    if there.sum() < MIN_SCANS:
        return None, int(there.sum())
    own = weights[:, there]
    with np.errstate(divide="ignore", invalid="ignore"):
        return own @ share[there] / own.sum(axis=1), int(there.sum())
