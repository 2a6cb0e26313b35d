"""What a trial pays for: noise within a person, relative to the share of a true shift shown.

Everything is measured on predictions of people whom the clock never saw, of the two halves of each
scan. That is the within-scan part only: what a person's brain age really moves between visits comes
on top. It is read off repeated visits where there are any, and shown for several sizes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from brainage.clock.training.efficiency_numbers import (
    MIN_SCANS,
    EfficiencyNumbers,
    draw_weights,
    noise_over_share,
    participants_per_arm,
)
from brainage.clock.training.repeated_visits import VisitNumbers
from brainage.errors import BrainAgeError
from brainage.showing import Shown
from brainage.tables import Column, TableSchema

#: Standard deviations of true brain age between visits for which people are counted, years.
STATE_SDS_YEARS = (0.0, 2.0, 4.0, 8.0)
#: Said of every figure that rests on halves of scans alone.
WITHIN_SCAN = "within-scan part only"
NEVER_ENOUGH = "the share's interval reaches zero: no number of people is enough"

EFFICIENCY = TableSchema(
    "trial efficiency",
    (
        Column("measure", "text", "What is measured; see docs/efficiency.md."),
        Column("estimate", "number", "On predictions of people not trained on.", nullable=True),
        Column("low", "number", "Lower 95 % bootstrap bound over people.", nullable=True),
        Column("high", "number", "Upper 95 % bootstrap bound over people.", nullable=True),
        Column("n", "integer", "Scans behind it; of visits: people."),
        Column("note", "text", "What it is not, or why it cannot be told.", nullable=True),
    ),
    key=("measure",),
)


@dataclass(frozen=True, repr=False)
class PlantedShare(Shown):
    """The share of a planted within-person shift that a clock showed, known from elsewhere.

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
    why_no_halves: str = "",
    cut: str = "",
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure noise, shares and the participants that they ask of a trial.

    Parameters
    ----------
    halves : DataFrame
        One row a scan, as `predict_halves` gives them (`HALVES`): participant_id, site, age_years,
        first_years and second_years, uncorrected; whole_years for repeated visits and
        planted_share for a twin, where they are there.
    planted : PlantedShare, optional
        In the place of the twin's, where that is known from elsewhere. Only a planted share can
        tell a clock of stable traits, which shows nothing of a change.
    local_ages_years : tuple of float, optional
        The trial's ages, for the local share.
    state_sds_years : sequence of float, default=(0, 2, 4, 8)
        What a person's brain age really moves between visits (standard deviation, years).
    why_no_halves : str, default=""
        Why scans have no halves, where that is so: whole scans still tell shares and visits, and
        what needs halves says this.
    cut : str, default=""
        How the halves were made, in words ("cut after filtering"); empty: not said.
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
        Fewer than 10 scans with both halves, and no reason given why.

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
    scans, there = _scans_measured(halves, why_no_halves)
    if len(scans) < MIN_SCANS:
        return unmeasured(why_no_halves)
    weights = draw_weights(halves["participant_id"].to_numpy(), n_bootstrap, seed)
    if planted is not None:
        scans = scans.drop(columns="planted_share", errors="ignore")
    numbers = EfficiencyNumbers.of(scans, weights[:, there], local_ages_years)
    if why_no_halves:
        numbers = replace(numbers, noise=np.full(len(weights), np.nan))
    used = numbers.used if planted is None else np.fmin(numbers.used, planted.estimate)
    twin = planted or _twin_share(numbers)
    rows = _share_rows(numbers, used, planted, local_ages_years, len(scans))
    if cut:
        rows[0] = (*rows[0][:5], f"{rows[0][5]}; {cut}")
    shown = _shows_something(used, twin)
    rows += _participant_rows(numbers, used if shown else None, state_sds_years, len(scans))
    if why_no_halves:
        rows = [(*row[:5], why_no_halves) if np.isnan(row[1]) and row[4] else row for row in rows]
        rows[0] = (*rows[0][:4], 0, why_no_halves)
    rows += _visit_rows(halves, weights, numbers.noise, used if shown else None)
    return pd.DataFrame(rows, columns=list(EFFICIENCY.names))


def _scans_measured(halves: pd.DataFrame, why_no_halves: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the scans that are measured, and which they are; without halves the whole scans."""
    wanted = ["age_years", "first_years", "second_years"]
    if why_no_halves:
        whole = halves["whole_years"]
        halves = halves.assign(first_years=whole, second_years=whole)
    there = halves[wanted].notna().all(axis=1).to_numpy()
    if there.sum() < MIN_SCANS and not why_no_halves:
        raise BrainAgeError(
            f"trial efficiency: expected at least {MIN_SCANS} scans with predictions of both "
            f"halves, found {there.sum()}."
        )
    return halves[there].reset_index(drop=True), there


def _share_rows(
    numbers: EfficiencyNumbers,
    used: np.ndarray,
    planted: PlantedShare | None,
    local_ages_years: tuple[float, float] | None,
    n: int,
) -> list[tuple]:
    """Return the noise and the four shares, and the one that is used."""
    return [
        _row("within_scan_noise_years", numbers.noise, n, "of a whole scan"),
        _row("share_pooled", numbers.pooled, n, "can be gamed by site and by traits"),
        _row("share_within_site", numbers.within_site, n, _site_note(numbers)),
        _local_row(numbers, local_ages_years),
        _planted_row(planted, numbers),
        _row("share_used", used, n, _used_note(planted or _twin_share(numbers))),
    ]


def _participant_rows(
    numbers: EfficiencyNumbers, used: np.ndarray | None, states: Sequence[float], n: int
) -> list[tuple]:
    """Return latent noise and participants; `used` is None where nothing is shown for certain."""
    shown = used is not None
    share = numbers.used if used is None else used
    latent = noise_over_share(numbers.noise, share)
    latent = latent if shown else np.full_like(latent, np.inf)
    rows = [_row("latent_noise_years", latent, n, WITHIN_SCAN if shown else NEVER_ENOUGH)]
    for state in states:
        note = _state_note(state) if shown else NEVER_ENOUGH
        people = participants_per_arm(latent, state)
        covariate = people * (1 + _icc(numbers, share, state)) / 2
        covariate = covariate if shown else people
        rows.append(_row(f"participants_change_state_{state:g}", people, n, note))
        rows.append(_row(f"participants_baseline_state_{state:g}", covariate, n, note))
    return rows


def unmeasured(reason: str) -> pd.DataFrame:
    """Return the table (`EFFICIENCY`) of a clock whose efficiency cannot be measured, with why.

    Examples
    --------
    >>> ba.clock.unmeasured("only matrices are at hand")["note"].tolist()
    ['only matrices are at hand']
    """
    row = ("within_scan_noise_years", np.nan, np.nan, np.nan, 0, reason)
    return pd.DataFrame([row], columns=list(EFFICIENCY.names))


def finite(efficiency: pd.DataFrame) -> pd.DataFrame:
    """Return a table (`EFFICIENCY`) as a file holds it: an infinite number of people is n/a.

    The note of such a row says that no number of people is enough.

    Examples
    --------
    >>> rows = ba.clock.unmeasured("only matrices are at hand").assign(estimate=np.inf)
    >>> int(ba.clock.finite(rows)["estimate"].isna().sum())
    1
    """
    numbers = efficiency[["estimate", "low", "high"]]
    return efficiency.assign(**numbers.where(np.isfinite(numbers.astype(float))))


def _visit_rows(
    halves: pd.DataFrame, weights: np.ndarray, noise: np.ndarray, used: np.ndarray | None
) -> list[tuple]:
    """Return what repeated visits say; `used` is None where the clock shows nothing for certain."""
    visits = None
    if "whole_years" in halves:
        known = halves[["age_years", "whole_years"]].notna().all(axis=1).to_numpy()
        visits = VisitNumbers.of(halves[known].reset_index(drop=True), weights[:, known])
    counted = ("participants_change_state_visits", "participants_baseline_state_visits")
    if visits is None:
        why = f"fewer than {MIN_SCANS} people with two scans or more"
        names = ("icc_visits", "state_sd_visits_years", *counted, "longitudinal_slope")
        return [(name, np.nan, np.nan, np.nan, 0, why) for name in names]
    n, apart = visits.n_people, f"visits {visits.median_years:.2g} years apart (median)"
    rows = [_row("icc_visits", visits.icc, n, f"of the age-adjusted gap; {apart}")]
    if used is None:
        rows += [
            (name, np.nan, np.nan, np.nan, n, NEVER_ENOUGH)
            for name in ("state_sd_visits_years", *counted)
        ]
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(used > 0, used, np.nan)
            state = np.sqrt(np.maximum(visits.within - noise**2, 0.0)) / share
            latent = np.nan_to_num(np.sqrt(visits.within) / share, nan=np.inf)
        people = participants_per_arm(latent, 0.0)
        beyond = "beyond the noise within scans"
        if np.isnan(noise[0]):
            beyond = "noise within scans is not known"
        told = f"noise and state as between these visits; {apart}"
        covariate = people * (1 + np.clip(visits.icc, 0.0, 1.0)) / 2
        rows += [
            _row("state_sd_visits_years", state, n, f"{beyond}; {apart}"),
            _row(counted[0], people, n, told),
            _row(counted[1], covariate, n, told),
        ]
    return [*rows, _longitudinal_row(visits)]


def _longitudinal_row(visits: VisitNumbers) -> tuple:
    if visits.slope is None:
        why = f"{visits.n_returned} people returned after a year or more, {MIN_SCANS} needed"
        return "longitudinal_slope", np.nan, np.nan, np.nan, visits.n_returned, why
    note = "rise of the prediction a year within people who returned after a year or more"
    return _row("longitudinal_slope", visits.slope, visits.n_returned, note)


def _twin_share(numbers: EfficiencyNumbers) -> PlantedShare | None:
    if numbers.planted is None:
        return None
    draws = numbers.planted[1:] if len(numbers.planted) > 1 else numbers.planted
    low, high = (float(q) for q in np.nanquantile(draws, [0.025, 0.975]))
    return PlantedShare(float(numbers.planted[0]), low, high)


def _shows_something(used: np.ndarray, planted: PlantedShare | None) -> bool:
    # A clock of site means has hardly any noise and a share near zero: their ratio says nothing.
    low = np.nanquantile(used[1:], 0.025) if len(used) > 1 else used[0]
    return bool(low > 0) and (planted is None or planted.low > 0)


def _icc(numbers: EfficiencyNumbers, used: np.ndarray, state: float) -> np.ndarray:
    """Return the ICC of two visits that noise and state leave, 0 to 1."""
    within = numbers.noise**2 + (np.abs(used) * state) ** 2
    # The mean of two halves holds the noise of a whole scan; the state is in it too, unknown.
    total = np.maximum(numbers.between, 1e-12)
    return np.clip(1 - within / total, 0.0, 1.0)


def _row(measure: str, values: np.ndarray, n: int, note: str | None) -> tuple:
    estimate, draws = float(values[0]), values[1:]
    low = high = np.nan
    if len(draws) and not np.isnan(estimate) and not np.isnan(draws).any():
        # Draws, not means of two: an infinite one would make both bounds undefined.
        low, high = (float(q) for q in np.quantile(draws, [0.025, 0.975], method="nearest"))
    return measure, estimate, low, high, n, note


def _state_note(state: float) -> str:
    if state == 0:
        return f"{WITHIN_SCAN}: a lower bound"
    return f"{WITHIN_SCAN}, and a state of SD {state:g} years that is assumed"


def _site_note(numbers: EfficiencyNumbers) -> str | None:
    return "one site: equal to the pooled share" if numbers.n_sites == 1 else None


def _local_row(numbers: EfficiencyNumbers, ages: tuple[float, float] | None) -> tuple:
    if ages is None:
        return "share_local", np.nan, np.nan, np.nan, 0, "no trial ages given"
    where = f"ages {ages[0]:g} to {ages[1]:g}"
    if numbers.local is None:
        note = f"{where}: {numbers.n_local} scans, at least {MIN_SCANS} needed"
        return "share_local", np.nan, np.nan, np.nan, numbers.n_local, note
    return _row("share_local", numbers.local, numbers.n_local, where)


def _planted_row(planted: PlantedShare | None, numbers: EfficiencyNumbers) -> tuple:
    name = "share_planted"
    if planted is not None:
        return name, planted.estimate, planted.low, planted.high, 0, "given, not measured here"
    if numbers.planted is None:
        return name, np.nan, np.nan, np.nan, 0, "no twin: nothing was planted"
    return _row(name, numbers.planted, numbers.n_planted, "of the twin, same noise")


def _used_note(planted: PlantedShare | None) -> str:
    if planted is None:
        return "within site; a clock of stable traits cannot be told without a planted share"
    return "the smaller of planted and within site"
