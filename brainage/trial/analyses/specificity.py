"""Whole brain and not a network? The within-person difference in years of brain age.

"Significant in the whole brain, in no network" is what noisier clocks give with the same effect
everywhere. The claim needs that the two changes *differ*, in units that mean the same: each
clock's change over the share of a true shift that it shows, with that share's error.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.tables import Column, TableSchema
from brainage.trial.analyses.clock_facts import ClockFacts
from brainage.trial.analyses.network_table import VisitChanges
from brainage.trial.analyses.redrawn import ManyResponses, redraw_labels
from brainage.trial.design.join import TrialDesign

_LATENT = "years of brain age"


def _latent(name: str, text: str) -> Column:
    return Column(name, "number", text, _LATENT, nullable=True)


SPECIFICITY = TableSchema(
    "network_specificity",
    (
        Column("network", "text", "Network compared with the whole brain."),
        Column("arm", "text", "Arm."),
        Column("versus", "text", "Control arm."),
        Column("visit", "text", "Visit."),
        Column("n", "integer", "Participants of both arms with both scans."),
        _latent("whole_brain_latent_years", "Contrast of the whole brain over its clock's share."),
        _latent("network_latent_years", "Contrast of the network over its clock's share."),
        _latent("network_ci_low_latent_years", "Lower end of its 95 % interval (bootstrap)."),
        _latent("network_ci_high_latent_years", "Upper end of its 95 % interval (bootstrap)."),
        _latent("difference_latent_years", "Whole brain minus network; below zero: more there."),
        _latent("ci_low_latent_years", "Lower end of its 95 % interval (bootstrap)."),
        _latent("ci_high_latent_years", "Upper end of its 95 % interval (bootstrap)."),
        Column(
            "p_value",
            "number",
            "Allocation replayed, shares held: (b + 1) / (m + 1).",
            nullable=True,
            low=0,
            high=1,
        ),
        _latent("margin_latent_years", "Planned half-width of 'no effect'; n/a: none planned."),
        Column("claimed", "boolean", "Whether 'whole brain, not this network' may be said."),
        Column("reads", "text", "Why, or why not."),
    ),
    key=("network", "arm", "visit"),
)


def specificity_rows(
    changes: VisitChanges,
    design: TrialDesign,
    clocks: Mapping[str, Mapping],
    *,
    arm: str,
    visit: str,
    whole_brain: str,
    margin_years: float | None,
    n_bootstraps: int,
    n_draws: int,
    seed: int,
) -> pd.DataFrame:
    """Compare the whole brain's change with each network's within people, in latent years.

    Parameters
    ----------
    changes : VisitChanges
        Of the visit, with the whole brain among the networks.
    design : TrialDesign
        Allocation scheme.
    clocks : mapping of str to mapping
        Network -> what is known of its clock: share, share_se, share_kind.
    arm, visit : str
        Of the contrast.
    whole_brain : str
        Its name among the networks.
    margin_years : float or None
        Planned half-width, latent years.
    n_bootstraps : int
        People redrawn within arms, and shares from their errors with them.
    n_draws : int
        Allocations redrawn.
    seed : int
        Of both.

    Returns
    -------
    table : DataFrame
        Schema `SPECIFICITY`; a network whose share is not known is a row that says so.

    Raises
    ------
    DesignError
        The whole brain is not among the networks, or its share is not known.
    """
    if whole_brain not in changes.networks:
        raise DesignError("network specificity: no scores of the whole brain beside the networks.")
    whole = ClockFacts.of(clocks.get(whole_brain))
    _refuse_without_share(whole)
    rows = []
    for network in changes.networks:
        if network == whole_brain:
            continue
        head = {
            "network": network,
            "arm": arm,
            "versus": design.control_arm,
            "visit": visit,
            "n": changes.count(arm, design.control_arm),
            "margin_latent_years": np.nan if margin_years is None else margin_years,
        }
        facts = ClockFacts.of(clocks.get(network))
        reason = _no_latent(whole, facts)
        if reason:
            rows.append(_EMPTY | head | {"claimed": False, "reads": f"not run: {reason}"})
            continue
        pair = (changes.networks.index(whole_brain), changes.networks.index(network))
        latent = _latent_difference(
            changes,
            design,
            pair,
            arm=arm,
            facts=(whole, facts),
            n_bootstraps=n_bootstraps,
            seed=seed,
        )
        p_value = _replayed(
            changes, design, pair, arm=arm, facts=(whole, facts), n_draws=n_draws, seed=seed
        )
        claim = _claim(latent, p_value, margin_years, facts)
        rows.append(head | latent | {"p_value": p_value} | claim)
    return pd.DataFrame(rows, columns=list(SPECIFICITY.names))


def _refuse_without_share(whole: ClockFacts) -> None:
    if _is_nothing(whole):
        raise DesignError(
            f"network specificity: the share of a true shift that the whole brain's clock shows "
            f"({whole.share:.2f}, standard error {whole.share_se:.2f}) is not told from 0: its "
            "change has no latent years."
        )
    if not whole.share > 0:
        raise DesignError(
            "network specificity: the share of a true shift that the whole brain's clock shows is "
            "not known, so its change has no latent years; a planted or within-site share is "
            "needed (train with the measures of trial efficiency)."
        )


_EMPTY = {column.name: np.nan for column in SPECIFICITY.columns if column.nullable}


def _is_nothing(facts: ClockFacts) -> bool:
    """Return whether a share is known and lies within two standard errors of 0."""
    spread = facts.share_se if np.isfinite(facts.share_se) else 0.0
    return bool(facts.share <= 2 * spread)


def _no_latent(whole: ClockFacts, facts: ClockFacts) -> str:
    if _is_nothing(facts):
        return (
            f"the share of a true shift that the network's clock shows ({facts.share:.2f}, "
            f"standard error {facts.share_se:.2f}) is not told from 0"
        )
    if not facts.share > 0:
        return "the share of a true shift that the network's clock shows is not known"
    if whole.share_kind != facts.share_kind:
        return (
            f"the shares were found in different ways ({whole.share_kind or 'not stated'}, "
            f"{facts.share_kind or 'not stated'})"
        )
    if facts.share_kind == "pooled":
        return "a share pooled over sites says nothing of change within people"
    return ""


def _latent_difference(
    changes: VisitChanges,
    design: TrialDesign,
    pair: tuple[int, int],
    *,
    arm: str,
    facts: tuple[ClockFacts, ClockFacts],
    n_bootstraps: int,
    seed: int,
) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    others = tuple(name for name in design.active_arms if name != arm)
    matrix = changes.design_of(arm, others, changes.baseline[:, list(pair)])
    moved = changes.change[:, list(pair)]
    shares = np.array([each.share for each in facts])
    own = _contrasts(matrix, moved, np.ones((1, len(matrix))))[0] / shares
    counts = _resampled(changes.people["arm"].to_numpy(), n_bootstraps, rng)
    drawn = _contrasts(matrix, moved, counts) / _drawn_shares(facts, n_bootstraps, rng)
    difference = np.percentile(drawn[:, 0] - drawn[:, 1], [2.5, 97.5])
    network = np.percentile(drawn[:, 1], [2.5, 97.5])
    return {
        "whole_brain_latent_years": float(own[0]),
        "network_latent_years": float(own[1]),
        "network_ci_low_latent_years": float(network[0]),
        "network_ci_high_latent_years": float(network[1]),
        "difference_latent_years": float(own[0] - own[1]),
        "ci_low_latent_years": float(difference[0]),
        "ci_high_latent_years": float(difference[1]),
    }


def _resampled(label: np.ndarray, n_bootstraps: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each person was drawn, with replacement within their arm."""
    counts = np.zeros((n_bootstraps, len(label)))
    for arm in np.unique(label):
        mine = np.flatnonzero(label == arm)
        counts[:, mine] = rng.multinomial(
            len(mine), np.full(len(mine), 1 / len(mine)), size=n_bootstraps
        )
    return counts


def _contrasts(matrix: np.ndarray, moved: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the arm's coefficient for each response under each weighting of people."""
    n, p = matrix.shape
    products = (matrix[:, :, None] * matrix[:, None, :]).reshape(n, p * p)
    right = (matrix[:, :, None] * moved[:, None, :]).reshape(n, p * moved.shape[1])
    gram = (counts @ products).reshape(-1, p, p)
    # A resample may lack a rare level of a covariate: its column then has no say.
    inverse = np.linalg.pinv(gram, rcond=1e-10, hermitian=True)
    return (inverse @ (counts @ right).reshape(-1, p, moved.shape[1]))[:, 0]


def _drawn_shares(
    facts: tuple[ClockFacts, ClockFacts], n_bootstraps: int, rng: np.random.Generator
) -> np.ndarray:
    """Return shares with their errors; never below a twentieth of themselves."""
    columns = []
    for each in facts:
        spread = each.share_se if np.isfinite(each.share_se) else 0.0
        drawn = each.share + spread * rng.standard_normal(n_bootstraps)
        columns.append(np.maximum(drawn, each.share / 20))
    return np.column_stack(columns)


def _replayed(
    changes: VisitChanges,
    design: TrialDesign,
    pair: tuple[int, int],
    *,
    arm: str,
    facts: tuple[ClockFacts, ClockFacts],
    n_draws: int,
    seed: int,
) -> float:
    people = changes.people["participant_id"].to_numpy()
    redraw = redraw_labels(design, people, arm=arm, n_draws=n_draws, seed=seed)
    shares = np.array([each.share for each in facts])
    latent = changes.change[:, list(pair)] / shares
    baselines = changes.baseline[:, list(pair)]
    fixed = np.column_stack(
        [changes.fixed_columns(redraw.fixed_arms), baselines - baselines.mean(axis=0)]
    )
    many = ManyResponses.prepare((latent[:, 0] - latent[:, 1])[:, None], fixed)
    observed = abs(float(many.studentised(redraw.observed)[0, 0]))
    drawn = np.concatenate([many.studentised(batch)[:, 0] for batch in redraw.batches])
    return float(((np.abs(drawn) >= observed * (1 - 1e-9)).sum() + 1) / (len(drawn) + 1))


def _claim(
    latent: dict[str, float], p_value: float, margin_years: float | None, facts: ClockFacts
) -> dict[str, bool | str]:
    held = "" if np.isfinite(facts.share_se) else "; the share's error is not known and not in it"
    if margin_years is None:
        return {"claimed": False, "reads": "not claimed: no margin was planned" + held}
    below = latent["ci_high_latent_years"] < 0 and p_value <= 0.05
    inside = (
        latent["network_ci_low_latent_years"] > -margin_years
        and latent["network_ci_high_latent_years"] < margin_years
    )
    if below and inside:
        words = "the whole brain changes more, and the network's interval lies inside the margin"
        return {"claimed": True, "reads": words + held}
    missing = []
    if not below:
        missing.append("the two changes do not differ beyond their error")
    if not inside:
        missing.append(f"the network's interval reaches beyond {margin_years:g} latent years")
    return {"claimed": False, "reads": f"not claimed: {' and '.join(missing)}{held}"}
