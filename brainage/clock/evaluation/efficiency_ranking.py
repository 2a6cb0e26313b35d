"""How many participants the clocks of a sweep ask for, on the resamples that rank their errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainage.blocks import blocks
from brainage.clock.evaluation.leaderboard import People, SelectionCorrected
from brainage.clock.training.efficiency import NEVER_ENOUGH, WITHIN_SCAN
from brainage.clock.training.efficiency_numbers import (
    MIN_SCANS,
    EfficiencyNumbers,
    participants_per_arm,
)

#: What brain age is assumed to move between visits where clocks are ranked by participants.
RANK_STATE_SD_YEARS = 4.0
_FIGURES = (
    "within_scan_noise_years",
    "share_within_site",
    "share_planted",
    "share_used",
    "latent_noise_years",
)


@dataclass(frozen=True)
class Participants:
    """Participants per arm of every alternative, of everyone and of resampled cohorts.

    Infinite where the share shows nothing for certain; NaN where nothing could be measured.

    Parameters
    ----------
    own : ndarray of shape (n_alternatives,)
        Of everyone.
    inside, outside : ndarray of shape (n_draws, n_alternatives)
        Of the people drawn (as often as drawn), and of those not drawn.
    figures : DataFrame
        Noise and shares behind `own`, and efficiency_note; a row an alternative.
    """

    own: np.ndarray
    inside: np.ndarray
    outside: np.ndarray
    figures: pd.DataFrame

    @property
    def measured(self) -> np.ndarray:
        """Alternatives of which anything could be measured."""
        return ~np.isnan(self.own)


def count_participants(
    halves: Sequence[pd.DataFrame | None], reasons: Sequence[str], people: People
) -> Participants:
    """Count participants per arm of change scores for one latent year, at a state SD of 4 years.

    Parameters
    ----------
    halves : sequence of DataFrame or None
        Schema `HALVES`, an alternative each, all of the same scans; None: not measured.
    reasons : sequence of str
        Why not, an alternative each.
    people : People
        The resamples of the sweep.

    Returns
    -------
    participants : Participants
    """
    columns = [
        _of_one(table, reason, people) for table, reason in zip(halves, reasons, strict=True)
    ]
    own, inside, outside, figures = zip(*columns, strict=True)
    return Participants(
        np.array(own), np.column_stack(inside), np.column_stack(outside), pd.DataFrame(figures)
    )


def selection_corrected_participants(participants: Participants) -> SelectionCorrected | None:
    """Estimate the participants of "choose the fewest" in people who took no part in the choice.

    The median over draws, because a share near zero asks for any number; None where nothing was
    measured. `optimism` is that median minus the winner's own number.
    """
    measured = participants.measured
    if not measured.any():
        return None
    inside = np.where(measured, participants.inside, np.inf)
    chosen = np.argmin(np.where(np.isnan(inside), np.inf, inside), axis=1)
    judged = participants.outside[np.arange(len(chosen)), chosen]
    judged = np.where(np.isnan(judged), np.inf, judged)
    low, middle, high = np.quantile(judged, [0.025, 0.5, 0.975], method="nearest")
    best = float(np.nanmin(participants.own))
    optimism = float(middle) - best if np.isfinite(best) else np.nan
    return SelectionCorrected(float(middle), float(low), float(high), optimism, len(chosen))


def participant_columns(participants: Participants, first: int) -> pd.DataFrame:
    """Return the leaderboard's columns of participants; `first` is the alternative in front."""
    own, inside = participants.own, participants.inside
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, drawn = own / own[first], inside / inside[:, [first]]
    table = participants.figures.copy()
    for name, value, draws in (
        ("participants", own, inside),
        ("participants_ratio", ratio, drawn),
    ):
        table[name] = np.where(np.isfinite(value), value, np.nan)
        bounds = _bounds(draws)
        for end, bound in zip(("low", "high"), bounds, strict=True):
            table[f"{name}_{end}"] = np.where(np.isfinite(value + bound), bound, np.nan)
    return table


def _bounds(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return 95 % bounds by column; infinite or NaN where draws are that leave none."""
    whole = np.where(np.isnan(draws), np.inf, draws)
    low, high = np.quantile(whole, [0.025, 0.975], axis=0, method="nearest")
    return low, high


def _of_one(
    halves: pd.DataFrame | None, reason: str, people: People
) -> tuple[float, np.ndarray, np.ndarray, dict]:
    lacking = np.full(len(people.drawn), np.nan)
    unknown = dict.fromkeys(_FIGURES, np.nan)
    if halves is None:
        return np.nan, lacking, lacking, unknown | {"efficiency_note": reason}
    there = halves[["first_years", "second_years"]].notna().all(axis=1).to_numpy()
    if there.sum() < MIN_SCANS:
        why = f"{there.sum()} scans with both halves, at least {MIN_SCANS} needed"
        return np.nan, lacking, lacking, unknown | {"efficiency_note": why}
    cut = halves[there].reset_index(drop=True)
    person = people.index_of(cut["participant_id"])
    everyone = EfficiencyNumbers.of(cut, np.ones((1, len(cut))))
    inside, outside, used = [], [], []
    for block in blocks(len(people.drawn), 2 * len(cut)):
        drawn = people.drawn[block][:, person].astype(float)
        numbers = EfficiencyNumbers.of(cut, drawn)
        inside.append(_people(numbers))
        used.append(numbers.used)
        outside.append(_people(EfficiencyNumbers.of(cut, (drawn == 0).astype(float))))
    latent = float(everyone.latent_noise[0])
    shares = np.concatenate(used)
    # What is not certain to show anything is never chosen, whatever one resample says.
    shown = np.isfinite(latent) and np.nanquantile(shares, 0.025) > 0
    planted = np.nan if everyone.planted is None else float(everyone.planted[0])
    values = (everyone.noise[0], everyone.within_site[0], planted, everyone.used[0], latent)
    figures: dict[str, object] = {
        name: float(value) if np.isfinite(value) else np.nan
        for name, value in zip(_FIGURES, values, strict=True)
    }
    figures["efficiency_note"] = (
        f"{WITHIN_SCAN}, and a state of SD {RANK_STATE_SD_YEARS:g} years that is assumed"
        if shown
        else NEVER_ENOUGH
    )
    if not shown:
        never = np.full(len(people.drawn), np.inf)
        return np.inf, never, never, figures
    own = float(_people(everyone)[0])
    return own, np.concatenate(inside), np.concatenate(outside), figures


def _people(numbers: EfficiencyNumbers) -> np.ndarray:
    return participants_per_arm(numbers.latent_noise, RANK_STATE_SD_YEARS)
