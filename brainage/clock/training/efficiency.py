"""What a trial pays for: noise within a person, relative to the share of a true shift shown.

Everything is measured on predictions of people whom the clock never saw, of the two halves of each
scan. It is the within-scan part only: what a person's brain age really moves between visits
comes on top, and is shown for several sizes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from brainage.errors import BrainAgeError
from brainage.showing import Shown
from brainage.tables import Column, TableSchema

#: Standard deviations of true brain age between visits for which people are counted, years.
STATE_SDS_YEARS = (0.0, 2.0, 4.0, 8.0)
#: Fewest scans behind a figure.
MIN_SCANS = 10
_ALPHA, _POWER = 0.05, 0.8

EFFICIENCY = TableSchema(
    "trial efficiency",
    (
        Column("measure", "text", "What is measured; see docs/efficiency.md."),
        Column("estimate", "number", "On out-of-fold predictions of half scans.", nullable=True),
        Column("low", "number", "Lower 95 % bootstrap bound over people.", nullable=True),
        Column("high", "number", "Upper 95 % bootstrap bound over people.", nullable=True),
        Column("n", "integer", "Scans behind it."),
        Column("note", "text", "What it is not, or why it cannot be told.", nullable=True),
    ),
    key=("measure",),
)


@dataclass(frozen=True, repr=False)
class PlantedShare(Shown):
    """The share of a planted within-person shift that a clock showed, where there is a twin.

    Parameters
    ----------
    estimate : float
        Clock-scale years a planted year.
    low, high : float
        95 % interval.

    Examples
    --------
    >>> PlantedShare(estimate=0.51, low=0.45, high=0.57)
    PlantedShare
      estimate: 0.51
      low: 0.45
      high: 0.57
    """

    estimate: float
    low: float
    high: float


def measure_efficiency(
    halves: pd.DataFrame,
    *,
    planted: PlantedShare | None = None,
    local_ages_years: tuple[float, float] | None = None,
    state_sds_years: Sequence[float] = STATE_SDS_YEARS,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure noise, shares and the participants that they ask of a trial.

    Parameters
    ----------
    halves : DataFrame
        One row a scan: participant_id, site, age_years, first_years and second_years, the
        out-of-fold predictions of its two halves, uncorrected.
    planted : PlantedShare, optional
        From a twin. Only it can tell a clock of stable traits, which shows nothing of a change.
    local_ages_years : tuple of float, optional
        The trial's ages, for the local share.
    state_sds_years : sequence of float, default=(0, 2, 4, 8)
        What a person's brain age really moves between visits (standard deviation, years).
    n_bootstrap : int, default=1000
        Draws over people behind the intervals; 0: none.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    efficiency : DataFrame
        Schema `EFFICIENCY`. The share used is the smaller of planted and within site. A share
        whose interval reaches zero shows nothing for certain: no number of people is enough
        (infinite), whatever the noise.

    Raises
    ------
    BrainAgeError
        Fewer than 10 scans with both halves.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> age = rng.uniform(20, 80, 60)
    >>> people = [f"{i:02d}" for i in range(60)]
    >>> halves = pd.DataFrame({"participant_id": people, "site": "A"})
    >>> first = 50 + 0.5 * (age - 50) + rng.normal(0, 3, 60)
    >>> halves = halves.assign(age_years=age, first_years=first)
    >>> halves = halves.assign(second_years=halves["first_years"] + rng.normal(0, 2, 60))
    >>> ba.measure_efficiency(halves, n_bootstrap=0)["measure"].tolist()[:2]
    ['within_scan_noise_years', 'share_pooled']
    """
    data = halves.dropna(subset=["age_years", "first_years", "second_years"])
    if len(data) < MIN_SCANS:
        raise BrainAgeError(
            f"trial efficiency: expected at least {MIN_SCANS} scans with predictions of both "
            f"halves, found {len(data)}."
        )
    weights = _draws(data["participant_id"].to_numpy(), n_bootstrap, seed)
    numbers = _Numbers.of(data, weights, local_ages_years)
    used = _share_used(numbers.within_site, planted)
    rows = [
        _row("within_scan_noise_years", numbers.noise, len(data), "of a whole scan"),
        _row("share_pooled", numbers.pooled, len(data), "can be gamed by site and by traits"),
        _row("share_within_site", numbers.within_site, len(data), numbers.site_note),
        _local_row(numbers, local_ages_years),
        _planted_row(planted, len(data)),
        _row("share_used", used, len(data), _used_note(planted)),
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        latent = np.where(used > 0, numbers.noise / np.abs(used), np.inf)
    shown = _shows_something(used, planted)
    latent = latent if shown else np.full_like(latent, np.inf)
    rows.append(_row("latent_noise_years", latent, len(data), "within-scan part only"))
    for state in state_sds_years:
        note = "within-scan part only: a lower bound" if state == 0 else None
        if not shown:
            note = "the share's interval reaches zero: no number of people is enough"
        people = participants_per_arm(latent, state)
        rows.append(_row(f"participants_change_state_{state:g}", people, len(data), note))
        icc = _icc(numbers, used, state)
        people = people * (1 + icc) / 2
        rows.append(_row(f"participants_baseline_state_{state:g}", people, len(data), note))
    return pd.DataFrame(rows, columns=list(EFFICIENCY.names))


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
    variance = 2 * (np.asarray(latent_noise_years, dtype=float) ** 2 + state_sd_years**2)
    return 2 * quantiles**2 * variance / effect_years**2


@dataclass(frozen=True)
class _Numbers:
    """Arrays whose first value is of the people themselves and the others of bootstrap draws."""

    noise: np.ndarray
    pooled: np.ndarray
    within_site: np.ndarray
    local: np.ndarray | None
    n_local: int
    between: np.ndarray
    site_note: str | None

    @classmethod
    def of(
        cls, data: pd.DataFrame, weights: np.ndarray, local_ages: tuple[float, float] | None
    ) -> _Numbers:
        age = data["age_years"].to_numpy(float)
        first, second = (data[name].to_numpy(float) for name in ("first_years", "second_years"))
        mean, everyone = (first + second) / 2, np.zeros(len(data), dtype=int)
        sites = pd.factorize(data["site"].astype(object).where(data["site"].notna(), ""))[0]
        noise = np.sqrt(_variance(first - second, weights)) / 2
        pooled = _slope(age, mean, weights, everyone)
        local, here = None, np.zeros(len(data), dtype=bool)
        if local_ages is not None:
            here = (age >= local_ages[0]) & (age <= local_ages[1])
            if here.sum() >= MIN_SCANS:
                local = _slope(age, mean, weights * here, everyone)
        # Between people of one age: what is left of the mean prediction beside its line on age.
        between = _variance(mean, weights) - pooled**2 * _variance(age, weights)
        note = "one site: equal to the pooled share" if sites.max() == 0 else None
        within = _slope(age, mean, weights, sites)
        return cls(noise, pooled, within, local, int(here.sum()), between, note)


def _draws(people: np.ndarray, n_bootstrap: int, seed: int) -> np.ndarray:
    """Return how often each scan counts, (1 + n_bootstrap, n_scans); once each in the first row."""
    owner = pd.factorize(people)[0]
    n_people = owner.max() + 1
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n_people, np.full(n_people, 1 / n_people), size=n_bootstrap)
    return np.vstack([np.ones(n_people), drawn])[:, owner]


def _variance(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    centred = values - values.mean()
    total = weights.sum(axis=1)
    mean = weights @ centred / total
    return (weights @ centred**2 / total - mean**2) * total / (total - 1)


def _slope(x: np.ndarray, y: np.ndarray, weights: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the slope of y on x with the means of groups removed; NaN where x does not vary."""
    x, y = x - x.mean(), y - y.mean()
    top, bottom = np.zeros((2, len(weights)))
    for group in np.unique(groups):
        here = groups == group
        own = weights[:, here]
        total = np.maximum(own.sum(axis=1), 1)
        mean_x, mean_y = own @ x[here] / total, own @ y[here] / total
        top += own @ (x[here] * y[here]) - total * mean_x * mean_y
        bottom += own @ x[here] ** 2 - total * mean_x**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom > 1e-9, top / bottom, np.nan)


def _share_used(within_site: np.ndarray, planted: PlantedShare | None) -> np.ndarray:
    return within_site if planted is None else np.fmin(within_site, planted.estimate)


def _shows_something(used: np.ndarray, planted: PlantedShare | None) -> bool:
    # A clock of site means has hardly any noise and a share near zero: their ratio says nothing.
    low = np.nanquantile(used[1:], 0.025) if len(used) > 1 else used[0]
    return bool(low > 0) and (planted is None or planted.low > 0)


def _icc(numbers: _Numbers, used: np.ndarray, state: float) -> np.ndarray:
    """Return the ICC of two visits that noise and state leave, 0 to 1."""
    within = numbers.noise**2 + (np.abs(used) * state) ** 2
    # The mean of two halves holds the noise of a whole scan; the state is in it too, unknown.
    total = np.maximum(numbers.between, 1e-12)
    return np.clip(1 - within / total, 0.0, 1.0)


def _row(measure: str, values: np.ndarray, n: int, note: str | None) -> tuple:
    estimate, draws = float(values[0]), values[1:]
    low = high = np.nan
    if len(draws) and not np.isnan(estimate) and np.isfinite(draws).all():
        low, high = (float(q) for q in np.quantile(draws, [0.025, 0.975]))
    return measure, estimate, low, high, n, note


def _local_row(numbers: _Numbers, ages: tuple[float, float] | None) -> tuple:
    if ages is None:
        return "share_local", np.nan, np.nan, np.nan, 0, "no trial ages given"
    where = f"ages {ages[0]:g} to {ages[1]:g}"
    if numbers.local is None:
        note = f"{where}: {numbers.n_local} scans, at least {MIN_SCANS} needed"
        return "share_local", np.nan, np.nan, np.nan, numbers.n_local, note
    return _row("share_local", numbers.local, numbers.n_local, where)


def _planted_row(planted: PlantedShare | None, n: int) -> tuple:
    if planted is None:
        return "share_planted", np.nan, np.nan, np.nan, 0, "no twin: nothing was planted"
    return "share_planted", planted.estimate, planted.low, planted.high, n, None


def _used_note(planted: PlantedShare | None) -> str:
    if planted is None:
        return "within site; a clock of stable traits cannot be told without a planted share"
    return "the smaller of planted and within site"
