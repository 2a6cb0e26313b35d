"""How much a clock's gap moves within people without any effect: the input of every size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from brainage.errors import DesignError
from brainage.showing import Shown
from brainage.tables import WHOLE_BRAIN
from brainage.trial.noise.repeated_scans import ALL_SESSIONS, reliability_table


@dataclass(frozen=True, repr=False)
class ClockNoise(Shown):
    """Noise of a gap between two visits.

    Parameters
    ----------
    sd_change_years : float
        Standard deviation of the change between two visits of untreated people.
    icc : float
        Correlation of two visits of one person.
    sd_change_low_years, sd_change_high_years : float
        95 % interval; NaN: taken as known.
    icc_low, icc_high : float
        95 % interval; NaN: taken as known.
    source : str
        Where it is from, in words.
    share : float, default=nan
        Share of a true shift within people that the clock shows; NaN: not known.

    Examples
    --------
    >>> noise = ba.given_noise(sd_change_years=6.6, icc=0.7)
    >>> round(noise.sd_years, 2), noise.source
    (8.52, 'given values')
    """

    sd_change_years: float
    icc: float
    sd_change_low_years: float
    sd_change_high_years: float
    icc_low: float
    icc_high: float
    source: str
    share: float = np.nan

    @property
    def sd_years(self) -> float:
        """Standard deviation of the gap between people, from change and correlation."""
        return float(self.sd_change_years / np.sqrt(2 * (1 - self.icc)))

    def band(self) -> dict[str, tuple[float, float]]:
        """Return (SD of change, ICC) as found and at the ends: less noise, more noise.

        The ends pair the smaller change with the larger correlation, as the same people would
        show them.
        """
        found = {"as found": (self.sd_change_years, self.icc)}
        if np.isfinite([self.sd_change_low_years, self.sd_change_high_years]).all():
            low = self.icc_low if np.isfinite(self.icc_low) else self.icc
            high = self.icc_high if np.isfinite(self.icc_high) else self.icc
            found["less noise"] = (self.sd_change_low_years, high)
            found["more noise"] = (self.sd_change_high_years, low)
        return found


#: 90 adults scanned twice by the one released fMRI clock of the group behind the LISA paper
#: (docs/statistics.md): a band, not a line; the interval between the visits is not stated.
DEFAULT_NOISE = ClockNoise(
    sd_change_years=7.5,
    icc=0.70,
    sd_change_low_years=6.5,
    sd_change_high_years=8.8,
    icc_low=0.58,
    icc_high=0.79,
    source="the documented default: 90 people scanned twice by a released fMRI clock, interval "
    "between visits not stated",
)


def given_noise(
    *,
    sd_years: float | None = None,
    sd_change_years: float | None = None,
    icc: float | None = None,
    share: float | None = None,
) -> ClockNoise:
    """Return noise from given values.

    Parameters
    ----------
    sd_years : float or None, default=None
        Standard deviation between people; with `icc`, instead of `sd_change_years`.
    sd_change_years : float or None, default=None
        Standard deviation of change.
    icc : float or None, default=None
        Correlation of two visits.
    share : float or None, default=None
        Share of a true shift that the clock shows.

    Returns
    -------
    noise : ClockNoise
        Nothing given but the share: the documented default, a band.

    Raises
    ------
    DesignError
        One value without the other it needs, both standard deviations, or impossible values.

    Examples
    --------
    >>> round(given_noise(sd_years=5.0, icc=0.68).sd_change_years, 3)
    4.0
    """
    known = np.nan if share is None else float(share)
    if sd_years is None and sd_change_years is None and icc is None:
        noise = DEFAULT_NOISE
        return ClockNoise(**{**vars(noise), "share": _checked_share(known)})
    if icc is None or (sd_years is None) == (sd_change_years is None):
        raise DesignError(
            "power: expected the correlation of two visits (icc) with either the SD between people "
            f"or the SD of change; found icc {icc}, SD between people {sd_years}, SD of change "
            f"{sd_change_years}."
        )
    if not 0 <= icc < 1:
        raise DesignError(f"power: icc: expected 0 to less than 1, found {icc}.")
    change = sd_change_years if sd_years is None else sd_years * np.sqrt(2 * (1 - icc))
    if not change or not change > 0:
        raise DesignError(f"power: expected a standard deviation above 0, found {change}.")
    absent = (np.nan,) * 4
    return ClockNoise(float(change), float(icc), *absent, "given values", _checked_share(known))


def noise_of_scores(
    scores: pd.DataFrame,
    *,
    outcome: str = "gap_corrected_years",
    network: str | None = None,
    share: float | None = None,
    seed: int = 0,
) -> ClockNoise:
    """Return the noise that a table of scores shows between its people's visits.

    Parameters
    ----------
    scores : DataFrame
        Schema `brainage.tables.SCORES`. Arms are not known to it: an effect of treatment that
        differs between people is in the noise.
    outcome : str, default="gap_corrected_years"
        Age-corrected gap.
    network : str or None, default=None
        Whose clock; None: the whole brain's, or the first.
    share : float or None, default=None
        Share of a true shift that the clock shows.
    seed : int, default=0
        Of the bootstrap where visits are missing.

    Returns
    -------
    noise : ClockNoise
        SD of change = sqrt(2) standard errors of measurement, over all visits.

    Raises
    ------
    DesignError
        No repeated scans, or none of that network.

    Examples
    --------
    >>> noise = ba.noise_of_scores(examples.scores())
    >>> noise.icc_low < noise.icc < noise.icc_high
    True
    """
    names = list(dict.fromkeys(scores["network"]))
    wanted = network or (WHOLE_BRAIN if WHOLE_BRAIN in names else names[0])
    if wanted not in names:
        raise DesignError(f"power: no scores of network '{wanted}'; there are {', '.join(names)}.")
    own = scores[scores["network"] == wanted]
    table = reliability_table(own, outcome=outcome, people="everyone, arms not known", seed=seed)
    return noise_of_reliability(table, network=wanted, share=share)


def noise_of_reliability(
    table: pd.DataFrame, *, network: str = WHOLE_BRAIN, share: float | None = None
) -> ClockNoise:
    """Return the noise that a reliability table shows, over all its sessions.

    Parameters
    ----------
    table : DataFrame
        Schema `RELIABILITY`.
    network : str, default="whole_brain"
        Whose clock.
    share : float or None, default=None
        Share of a true shift that the clock shows.

    Returns
    -------
    noise : ClockNoise

    Raises
    ------
    DesignError
        Nothing of that network.

    Examples
    --------
    >>> scores = examples.scores()
    >>> control = examples.allocation().query("arm == 'CON'")["participant_id"]
    >>> table = reliability_table(scores[scores["participant_id"].isin(control)])
    >>> noise = noise_of_reliability(table)
    >>> noise.sd_change_low_years < noise.sd_change_years
    True
    """
    own = table[table["network"] == network]
    if own.empty:
        there = ", ".join(dict.fromkeys(table["network"])) or "none"
        raise DesignError(f"power: no repeated scans of network '{network}'; there is {there}.")
    whole = own[own["sessions"] == ALL_SESSIONS]
    row = (whole if len(whole) else own).iloc[0]
    change = float(np.sqrt(2) * row["sem_years"])
    df = max(int(row["n_scans"] - row["n_people"]), 1)
    low, high = change * np.sqrt(df / stats.chi2.ppf([0.975, 0.025], df))
    words = (
        f"{int(row['n_people'])} people with repeated scans ({row['people']}), {row['kind']}, "
        f"{row['mean_interval_years']:.2g} years apart on average"
    )
    return ClockNoise(
        change,
        float(np.clip(row["icc_consistency"], 0.0, 0.999)),
        float(low),
        float(high),
        float(np.clip(row["icc_consistency_low"], 0.0, 0.999)),
        float(np.clip(row["icc_consistency_high"], 0.0, 0.999)),
        words,
        _checked_share(np.nan if share is None else float(share)),
    )


def _checked_share(share: float) -> float:
    if np.isfinite(share) and not 0 < share <= 1.5:
        raise DesignError(f"power: share of a true shift: expected above 0 to 1, found {share}.")
    return share
