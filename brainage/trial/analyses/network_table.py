"""The networks' clocks side by side: one family of contrasts, and what each clock could have seen.

A network's clock is noisier and more shrunken than the whole brain's, so that the same effect is
found there less often: beside each contrast stands what would have been needed to find it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from brainage.errors import DesignError
from brainage.tables import WHOLE_BRAIN, Column, TableSchema
from brainage.trial.analyses.clock_facts import ClockFacts
from brainage.trial.analyses.redrawn import ManyResponses, Redraw, redraw_labels
from brainage.trial.analyses.repeated_measures import baseline_covariates, model_data
from brainage.trial.analyses.robust_lines import covariate_columns, fit_robust_line
from brainage.trial.design.join import TrialDesign
from brainage.trial.models.multiplicity import benjamini_hochberg, holm
from brainage.trial.noise.reliability import score_reliability

#: Power at which the minimal detectable effect is given.
_POWER = 0.8

_CONTRAST = (
    Column("network", "text", "'whole_brain' or the network of the clock."),
    Column("arm", "text", "Arm."),
    Column("versus", "text", "Control arm."),
    Column("visit", "text", "Visit."),
    Column("n", "integer", "Participants of both arms with both scans."),
)


def _number(name: str, text: str, unit: str | None = None) -> Column:
    return Column(name, "number", text, unit, nullable=True)


def _p(name: str, text: str) -> Column:
    return Column(name, "number", text, nullable=True, low=0, high=1)


NETWORKS = TableSchema(
    "networks",
    (
        *_CONTRAST,
        _number("estimate_years", "Arm minus control, ANCOVA at the visit.", "years"),
        _number("se_years", "Its standard error (HC3).", "years"),
        _number("ci_low_years", "Lower end of its 95 % interval.", "years"),
        _number("ci_high_years", "Upper end of its 95 % interval.", "years"),
        _p("p_value", "Two-sided."),
        _p("p_benjamini_hochberg", "Over networks, without the whole brain."),
        _p("p_holm", "The same, any false rejection."),
        _p("p_westfall_young", "The same, step-down over replayed allocations."),
        _number("detectability_sd", "Estimate over the SD of change: not a size of effect."),
        _number(
            "detectable_years", "Effect found with 80 % power at this error, clock scale.", "years"
        ),
        _number("detectable_latent_years", "The same over the clock's share.", "years"),
        _number("mae_years", "The clock's mean absolute error out of fold.", "years"),
        _number("mae_of_median_years", "Error of predicting the median age.", "years"),
        _number("r", "Correlation of predicted age with age, out of fold."),
        _number("gap_slope", "Slope of the uncorrected gap on age.", "years per year"),
        _number("share", "Share of a true shift that the clock shows."),
        _number("share_se", "Its standard error."),
        Column("share_kind", "text", "How the share was found.", nullable=True),
        _number("retest_icc", "ICC(A,1) of scans soon repeated, where the clock knows it."),
        _number("control_stability_icc", "ICC(A,1) of the control arm, baseline to the visit."),
        Column("reads", "text", "What cannot be known, or why it was not run.", nullable=True),
    ),
    key=("network", "arm", "visit"),
)


@dataclass(frozen=True)
class VisitChanges:
    """Everyone's change in every network from baseline to one visit.

    Parameters
    ----------
    people : DataFrame
        participant_id, arm and covariates, one row a person with both scans in every network.
    networks : tuple of str
        In the columns' order.
    baseline, change : ndarray of shape (n_people, n_networks)
        Gap at baseline and its change, years.
    covariates : tuple of str
        Of the primary contrast, without the baseline gap.
    """

    people: pd.DataFrame
    networks: tuple[str, ...]
    baseline: np.ndarray
    change: np.ndarray
    covariates: tuple[str, ...]

    def design_of(self, arm: str, others: tuple[str, ...], baselines: np.ndarray) -> np.ndarray:
        """Return the arm's column, then intercept, other arms, covariates and baselines."""
        label = self.people["arm"].to_numpy()
        fixed = self.fixed_columns(others)
        centred = baselines - baselines.mean(axis=0)
        return np.column_stack([(label == arm).astype(float), fixed, centred])

    def fixed_columns(self, others: tuple[str, ...]) -> np.ndarray:
        """Return intercept, indicators of other arms, and covariates."""
        label = self.people["arm"].to_numpy()
        ones = [np.ones(len(label)), *[(label == name).astype(float) for name in others]]
        cells = np.column_stack(ones)
        return np.column_stack([cells, covariate_columns(self.people, self.covariates, cells)])

    def count(self, *arms: str) -> int:
        """Return the number of people in these arms."""
        return int(self.people["arm"].isin(arms).sum())


def visit_changes(changes: pd.DataFrame, design: TrialDesign, visit: str) -> VisitChanges:
    """Return the changes of all networks at one visit, for people who have them all.

    Parameters
    ----------
    changes : DataFrame
        Of every network, from `join_scores`.
    design : TrialDesign
        Arms and covariates.
    visit : str
        A later visit.

    Raises
    ------
    DesignError
        Nobody has every network at the visit.
    """
    here = changes[changes["visit"] == visit]
    networks = tuple(sorted(dict.fromkeys(here["network"]), key=lambda name: name != WHOLE_BRAIN))
    change = here.pivot(index="participant_id", columns="network", values="change")
    change = change[list(networks)].dropna() if len(here) else change
    if not len(change):
        raise DesignError(f"networks at {visit}: nobody has a change in every network.")
    first = here.drop_duplicates("participant_id").set_index("participant_id")
    people = model_data(first.loc[change.index].reset_index(), design)
    names = [name for name in baseline_covariates(people, design) if name != "baseline_gap"]
    known = people[names].notna().all(axis=1).to_numpy()
    baseline = here.pivot(index="participant_id", columns="network", values="baseline_gap")
    baseline = baseline.loc[change.index, list(networks)]
    return VisitChanges(
        people=people[known].reset_index(drop=True),
        networks=networks,
        baseline=baseline.to_numpy(dtype=float)[known],
        change=change.to_numpy(dtype=float)[known],
        covariates=tuple(names),
    )


def westfall_young(statistics: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Adjust a family by the step-down maximum of replayed statistics.

    Parameters
    ----------
    statistics : ndarray of shape (k,)
        Observed t.
    drawn : ndarray of shape (n_draws, k)
        t of the same family under each redrawn allocation.

    Returns
    -------
    adjusted : ndarray of shape (k,)
        (b + 1) / (m + 1), never smaller than that of a larger |t|.

    References
    ----------
    .. [1] Westfall & Young (1993), Resampling-based multiple testing, algorithm 2.8.

    Examples
    --------
    >>> drawn = np.array([[0.5, 1.0], [2.5, 0.1], [0.2, 0.3]])
    >>> westfall_young(np.array([2.0, 0.2]), drawn)
    array([0.5 , 0.75])
    """
    size = np.abs(statistics)
    order = np.argsort(-size, kind="stable")
    # The largest of a hypothesis and all that are less significant than it.
    remaining = np.maximum.accumulate(np.abs(drawn)[:, order[::-1]], axis=1)[:, ::-1]
    reached = (remaining >= size[order] * (1 - 1e-9)).sum(axis=0)
    adjusted = np.maximum.accumulate((reached + 1) / (len(drawn) + 1))
    result = np.empty(len(size))
    result[order] = adjusted
    return result


def network_rows(
    changes: VisitChanges,
    design: TrialDesign,
    clocks: Mapping[str, Mapping],
    *,
    arm: str,
    visit: str,
    whole_brain: str,
    n_draws: int,
    seed: int,
) -> pd.DataFrame:
    """Compare an arm with control in every network.

    Parameters
    ----------
    changes : VisitChanges
        Of the visit.
    design : TrialDesign
        Allocation scheme.
    clocks : mapping of str to mapping
        Network -> what is known of its clock (keys of `ClockFacts`).
    arm, visit : str
        Of the contrast.
    whole_brain : str
        Network that is no member of the family.
    n_draws : int
        Allocations redrawn.
    seed : int
        Of the draws.

    Returns
    -------
    table : DataFrame
        Schema `NETWORKS`.
    """
    others = tuple(name for name in design.active_arms if name != arm)
    rows = []
    for place, network in enumerate(changes.networks):
        matrix = changes.design_of(arm, others, changes.baseline[:, [place]])
        what = f"{network}, {arm} at {visit}"
        line = fit_robust_line(matrix, changes.change[:, place], what=what)
        found, facts = line.coefficient(0), ClockFacts.of(clocks.get(network))
        detectable = found.se * float(stats.t.ppf(0.975, line.df) + stats.t.ppf(_POWER, line.df))
        rows.append(
            {
                "network": network,
                "arm": arm,
                "versus": design.control_arm,
                "visit": visit,
                "n": changes.count(arm, design.control_arm),
                "estimate_years": found.estimate,
                "se_years": found.se,
                "ci_low_years": found.ci_low,
                "ci_high_years": found.ci_high,
                "p_value": found.p_value,
                "detectability_sd": found.estimate / _pooled_sd(changes, place, arm, design),
                "detectable_years": detectable,
                "detectable_latent_years": detectable / facts.share,
                "control_stability_icc": _stability(changes, place, design.control_arm),
                **{name: getattr(facts, name) for name in _FACTS},
                "share_kind": facts.share_kind or None,
                "reads": None if np.isfinite(facts.share) else "the clock's share is not known",
            }
        )
    table = pd.DataFrame(rows)
    local = (table["network"] != whole_brain).to_numpy()
    p_value = table["p_value"].where(local)
    table = table.assign(
        p_benjamini_hochberg=benjamini_hochberg(p_value),
        p_holm=holm(p_value),
        p_westfall_young=np.nan,
    )
    if local.any():
        people = changes.people["participant_id"].to_numpy()
        redraw = redraw_labels(design, people, arm=arm, n_draws=n_draws, seed=seed)
        table.loc[local, "p_westfall_young"] = _by_redrawing(changes, redraw, local)
    return table[list(NETWORKS.names)]


def _by_redrawing(changes: VisitChanges, redraw: Redraw, local: np.ndarray) -> np.ndarray:
    many = ManyResponses.prepare(
        changes.change[:, local],
        changes.fixed_columns(redraw.fixed_arms),
        own_baseline=changes.baseline[:, local],
    )
    observed = many.studentised(redraw.observed)[0]
    drawn = np.concatenate([many.studentised(batch) for batch in redraw.batches])
    return westfall_young(observed, drawn)


_FACTS = (
    "mae_years",
    "mae_of_median_years",
    "r",
    "gap_slope",
    "share",
    "share_se",
    "retest_icc",
)


def _pooled_sd(changes: VisitChanges, place: int, arm: str, design: TrialDesign) -> float:
    label = changes.people["arm"].to_numpy()
    parts = [changes.change[label == name, place] for name in (arm, design.control_arm)]
    squares = sum(float(((part - part.mean()) ** 2).sum()) for part in parts)
    return float(np.sqrt(squares / (sum(map(len, parts)) - 2)))


def _stability(changes: VisitChanges, place: int, control: str) -> float:
    mine = (changes.people["arm"] == control).to_numpy()
    first = changes.baseline[mine, place]
    values = np.column_stack([first, first + changes.change[mine, place]])
    try:
        return score_reliability(values).icc_agreement
    except DesignError:
        return float("nan")
