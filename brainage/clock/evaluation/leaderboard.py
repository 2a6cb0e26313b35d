"""Ranking clocks on identical folds without believing the winner's own figure.

The smallest of many errors is small partly by luck. Beside it stands the error of the *procedure*
"choose the best", measured on people who took no part in the choice (bootstrap bias corrected
cross-validation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainage.showing import Shown
from brainage.tables import Column, TableSchema

LEADERBOARD = TableSchema(
    "leaderboard",
    (
        Column(
            "rank",
            "integer",
            "1: smallest mean absolute error, or fewest participants where the sweep ranks by "
            "them; equals share a rank.",
        ),
        Column("alternative", "text", "Name of the alternative."),
        Column(
            "mae_years",
            "number",
            "Uncorrected out-of-fold error; where it ranks, the first one's is "
            "optimistic, because it was chosen for being small.",
            "years",
        ),
        Column("mae_low_years", "number", "Lower 95 % bootstrap bound over people.", "years"),
        Column("mae_high_years", "number", "Upper 95 % bootstrap bound over people.", "years"),
        Column("r", "number", "Correlation of prediction and age.", nullable=True),
        Column(
            "worse_than_best_years",
            "number",
            "Error minus that of the first, same people.",
            "years",
        ),
        Column("worse_low_years", "number", "Lower 95 % bound of it.", "years"),
        Column("worse_high_years", "number", "Upper 95 % bound of it.", "years"),
        Column("chosen_share", "number", "Share of resampled cohorts in which it was best."),
        Column(
            "mae_new_sites_years",
            "number",
            "Error, each site held out in turn.",
            "years",
            nullable=True,
        ),
        Column(
            "gap_slope_before",
            "number",
            "Slope of the raw gap on age, years per year.",
            nullable=True,
        ),
        Column("gap_slope_before_low", "number", "Lower 95 % bound of it.", nullable=True),
        Column("gap_slope_before_high", "number", "Upper 95 % bound of it.", nullable=True),
        Column("gap_slope_after", "number", "The same after the bias correction.", nullable=True),
        Column("gap_slope_after_low", "number", "Lower 95 % bound of it.", nullable=True),
        Column("gap_slope_after_high", "number", "Upper 95 % bound of it.", nullable=True),
        Column(
            "participants",
            "number",
            "People per arm for one latent year, 80 % power, change scores, state SD 4 years; the "
            "column efficiency_note says why it is n/a.",
            nullable=True,
        ),
        Column("participants_low", "number", "Lower 95 % bound of it.", nullable=True),
        Column("participants_high", "number", "Upper 95 % bound of it.", nullable=True),
        Column("participants_ratio", "number", "Divided by that of the first.", nullable=True),
        Column("participants_ratio_low", "number", "Lower 95 % bound, same people.", nullable=True),
        Column(
            "participants_ratio_high", "number", "Upper 95 % bound, same people.", nullable=True
        ),
        Column(
            "within_scan_noise_years",
            "number",
            "SD(first half - second half) / 2.",
            "years",
            nullable=True,
        ),
        Column("share_within_site", "number", "Slope of the prediction on age.", nullable=True),
        Column("share_planted", "number", "Shown per planted year, of a twin.", nullable=True),
        Column("share_used", "number", "The smaller of the two.", nullable=True),
        Column("latent_noise_years", "number", "Noise / share used.", "years", nullable=True),
        Column("efficiency_note", "text", "What these are not, or why n/a.", nullable=True),
    ),
    key=("alternative",),
)


@dataclass(frozen=True, repr=False)
class SelectionCorrected(Shown):
    """What to expect of the best of these alternatives, in people who did not choose it.

    Parameters
    ----------
    estimate, low, high : float
        Mean absolute error in years, or participants per arm, with 95 % bounds.
    optimism : float
        `estimate` minus the winner's own figure; positive: the winner looks too good.
    n_draws : int
        Resampled cohorts.

    Examples
    --------
    >>> from brainage.clock import SelectionCorrected
    >>> SelectionCorrected(estimate=5.2, low=4.6, high=5.9, optimism=0.1, n_draws=2000)
    SelectionCorrected
      estimate: 5.2
      low: 4.6
      high: 5.9
      optimism: 0.1
      n_draws: 2000
    """

    estimate: float
    low: float
    high: float
    optimism: float
    n_draws: int


@dataclass(frozen=True)
class People:
    """Cohorts of people drawn with replacement, all scans of a person together.

    Parameters
    ----------
    names : ndarray of shape (n_people,)
        Sorted.
    drawn : ndarray of shape (n_draws, n_people)
        How often each was drawn; nobody left out in none of them.
    """

    names: np.ndarray
    drawn: np.ndarray

    @classmethod
    def draw(cls, people: np.ndarray, *, n_draws: int, seed: int) -> People:
        """Draw cohorts of the people behind some scans."""
        names = np.unique(np.asarray(people).astype(str))
        n = len(names)
        if n < 2:
            raise ValueError(f"resample_people: expected at least two people, found {n}.")
        rng = np.random.default_rng(seed)
        drawn = rng.multinomial(n, np.full(n, 1 / n), n_draws)
        # A cohort that happens to hold everybody leaves no one out to judge the choice.
        return cls(names, drawn[(drawn == 0).any(axis=1)])

    def index_of(self, people: pd.Series | np.ndarray) -> np.ndarray:
        """Return where each scan's person stands among the names."""
        return np.searchsorted(self.names, np.asarray(people).astype(str))


@dataclass(frozen=True)
class Resampled:
    """Mean errors of every alternative in resampled cohorts, and in the people left out of each.

    Parameters
    ----------
    inside, outside : ndarray of shape (n_draws, n_alternatives)
        Mean absolute error in years of the people drawn (as often as drawn) and not drawn.
    """

    inside: np.ndarray
    outside: np.ndarray


def resample_people(
    errors: np.ndarray, people: np.ndarray, *, n_draws: int = 2000, seed: int = 0
) -> Resampled:
    """Draw cohorts of people with replacement, all scans of a person together.

    Parameters
    ----------
    errors : ndarray of shape (n_scans, n_alternatives)
        Absolute out-of-fold errors in years.
    people : ndarray of shape (n_scans,)
        Person of each scan.
    n_draws : int, default=2000
        Cohorts.
    seed : int, default=0
        Of the draws.
    """
    return mean_errors(errors, people, People.draw(people, n_draws=n_draws, seed=seed))


def mean_errors(errors: np.ndarray, people: np.ndarray, cohorts: People) -> Resampled:
    """Return the mean errors of drawn cohorts (see `resample_people`)."""
    person, n = cohorts.index_of(people), len(cohorts.names)
    sums = np.zeros((n, errors.shape[1]))
    np.add.at(sums, person, errors)
    scans = np.bincount(person, minlength=n).astype(float)
    drawn = cohorts.drawn.astype(float)
    left_out = (drawn == 0).astype(float)
    return Resampled(
        drawn @ sums / (drawn @ scans)[:, None], left_out @ sums / (left_out @ scans)[:, None]
    )


def selection_corrected(errors: np.ndarray, resampled: Resampled) -> SelectionCorrected:
    """Estimate the error of "choose the best alternative" on people who took no part in it.

    Parameters
    ----------
    errors : ndarray of shape (n_scans, n_alternatives)
        Absolute out-of-fold errors in years.
    resampled : Resampled
        Of the same errors.

    References
    ----------
    .. [1] Tsamardinos, Greasidou & Borboudakis (2018), Mach. Learn. 107:1895-1922 (BBC-CV).
    """
    chosen = np.argmin(resampled.inside, axis=1)
    judged = resampled.outside[np.arange(len(chosen)), chosen]
    low, high = np.percentile(judged, [2.5, 97.5])
    best = errors.mean(axis=0).min()
    return SelectionCorrected(
        float(judged.mean()), float(low), float(high), float(judged.mean() - best), len(chosen)
    )


def rank_alternatives(
    names: list[str],
    errors: np.ndarray,
    resampled: Resampled,
    facts: pd.DataFrame,
    *,
    ranked: np.ndarray | None = None,
    ranked_inside: np.ndarray | None = None,
) -> pd.DataFrame:
    """Rank alternatives, with intervals and paired differences of their errors.

    Parameters
    ----------
    names : list of str
        One an alternative.
    errors : ndarray of shape (n_scans, n_alternatives)
        Absolute out-of-fold errors in years, the same scans in every column.
    resampled : Resampled
        Of the same errors.
    facts : DataFrame
        The other columns of `LEADERBOARD`; a row an alternative.
    ranked : ndarray of shape (n_alternatives,), optional
        What is small in the best one, in the place of the mean absolute error; NaN comes last.
    ranked_inside : ndarray of shape (n_draws, n_alternatives), optional
        The same in resampled cohorts.

    Returns
    -------
    leaderboard : DataFrame
        Schema `LEADERBOARD`, best first.
    """
    mae, inside = errors.mean(axis=0), resampled.inside
    own = mae if ranked is None else ranked
    drawn = inside if ranked_inside is None else ranked_inside
    best = first_of(own)
    low, high = np.percentile(inside, [2.5, 97.5], axis=0)
    worse_low, worse_high = np.percentile(inside - inside[:, [best]], [2.5, 97.5], axis=0)
    drawn = np.where(np.isnan(drawn), np.inf, drawn)
    # Alternatives that predict alike (they differ in bias correction only) share their wins.
    wins = np.isclose(drawn, drawn.min(axis=1, keepdims=True), rtol=0, atol=1e-12)
    share = (wins / wins.sum(axis=1, keepdims=True)).mean(axis=0)
    table = pd.DataFrame(
        {
            "rank": pd.Series(np.round(own, 12)).rank(method="min", na_option="bottom").astype(int),
            "alternative": names,
            "mae_years": mae,
            "mae_low_years": low,
            "mae_high_years": high,
            "worse_than_best_years": mae - mae[best],
            "worse_low_years": worse_low,
            "worse_high_years": worse_high,
            "chosen_share": share,
        }
    )
    table = pd.concat([table, facts.reset_index(drop=True)], axis=1)
    table = table.reindex(columns=list(LEADERBOARD.names))
    return table.sort_values("rank", kind="stable", ignore_index=True)


def first_of(ranked: np.ndarray) -> int:
    """Return which alternative is best: the smallest, those that are not known last."""
    return int(np.argmin(np.where(np.isnan(ranked), np.inf, ranked)))
