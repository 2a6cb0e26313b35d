"""The re-randomisation test: the allocation is drawn again as the trial drew it.

Labels are redrawn on the whole randomised list and then cut to the people analysed, so that the
number analysed per arm varies over draws as it would have. For a contrast of two arms only their
labels move: everyone else keeps their arm. The statistic is a named linear form divided by a
robust error of the same draw, so that the test keeps its size where the arms' variances differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.trial.design.allocation_schemes import Scheme, allocation_blocks, draw_labels
from brainage.trial.models.linear_form import LinearForm, Statistic, linear_form
from brainage.trial.models.lsmeans import CONFIDENCE_LEVEL
from brainage.trial.models.model_frame import ModelFrame, build_model_frame

_BATCH = 500
#: Where the search for an interval's end gives up, and how fine it is, in standard errors.
_FARTHEST_SE = 256.0
_END_SE = 1e-3


@dataclass(frozen=True)
class ReRandomization:
    """Result of a re-randomisation test.

    Parameters
    ----------
    estimate : float
        Adjusted difference of arm from control at the visit, in the response's unit.
    statistic : float
        The estimate over its robust error.
    p_value : float
        Two-sided, (b + 1) / (n_draws + 1).
    p_mc_se : float
        Monte-Carlo standard error of the p-value.
    ci_low, ci_high : float
        Effects, the same for everyone, that the test does not reject at 5 %; NaN where not asked
        for or not defined (`note` says why).
    n_draws : int
        Allocations drawn.
    n_allocated, n_redrawn, n_analysed : int
        People on the randomised list, people whose labels are redrawn (those of the two arms,
        unless sequences were replayed), people analysed (of all arms).
    n_compared : int
        People analysed of the two arms.
    seed : int
        Of the draws.
    method : str
        The statistic and the scheme, one line for a results table.
    note : str
        The null tested, and when the test is exact.
    covariates : tuple of str
        In the statistic.
    """

    estimate: float
    statistic: float
    p_value: float
    p_mc_se: float
    ci_low: float
    ci_high: float
    n_draws: int
    n_allocated: int
    n_redrawn: int
    n_analysed: int
    n_compared: int
    seed: int
    method: str
    note: str
    covariates: tuple[str, ...]


def rerandomization_test(
    allocation: pd.DataFrame,
    data: pd.DataFrame,
    *,
    response: str,
    arm: str,
    control: str,
    visit: str | None = None,
    covariates: tuple[str, ...] = (),
    crossed_with_visit: tuple[str, ...] = ("baseline_gap", "baseline_age"),
    scheme: Scheme = "simple",
    block_size: int | None = None,
    strata: tuple[str, ...] = (),
    n_draws: int = 9999,
    seed: int = 0,
    statistic: Statistic = "ancova",
    replayed: np.ndarray | None = None,
    interval: bool = False,
) -> ReRandomization:
    """Test the sharp null of no effect of an arm by redrawing the allocation.

    Parameters
    ----------
    allocation : DataFrame
        Everyone randomised, in the order of randomisation: participant_id, arm and strata.
    data : DataFrame
        Long: participant_id, visit, the response and covariates measured before randomisation.
        A column "arm" is not read: arms come from `allocation`.
    response : str
        Column of the response, in years for a brain-age gap.
    arm, control : str
        The two arms compared.
    visit : str or None, default=None
        Visit of the contrast; None: the only visit in `data`.
    covariates : tuple of str, default=()
        Text is categorical, numbers are linear.
    crossed_with_visit : tuple of str, default=("baseline_gap", "baseline_age")
        Those of `covariates` with a slope per visit (statistic="gls").
    scheme, block_size, strata
        See `allocation_blocks`.
    n_draws : int, default=9999
        Allocations drawn; not used with `replayed`.
    seed : int, default=0
        Of the draws.
    statistic : {"ancova", "gls"}, default="ancova"
        "ancova": the visit alone, HC3 errors. "gls": all visits of `data`, weighted by the
        repeated-measures covariance estimated once without arm; errors clustered by person.
    replayed : ndarray of str of shape (n_draws, n_allocated) or None, default=None
        Allocations replayed by the trial's own program (needed for minimisation), in the order
        of `allocation`; then everyone's labels are redrawn.
    interval : bool, default=False
        Also invert the test: statistic="ancova" without `replayed` only, because otherwise other
        visits or arms have effects of their own that a shift of one arm at one visit leaves in.

    Returns
    -------
    result : ReRandomization

    Raises
    ------
    DesignError
        See `allocation_blocks` and `build_model_frame`; also analysed people who are not on the
        list, an arm nobody has, repeated people on the list.
    """
    _check_allocation(allocation, data, (arm, control))
    target = _only_visit(data, visit)
    kept = data if statistic == "gls" else data[data["visit"] == target]
    arms = _arms_in_order(allocation, kept, response, (control, arm))
    frame = _frame(allocation, kept, response, arms, covariates, crossed_with_visit)
    label = allocation["arm"].to_numpy()
    two = np.isin(label, [arm, control])
    moving, fixed = _moving_arms(arm, arms[2:], everyone=replayed is not None)
    form = linear_form(frame, target, statistic=statistic, fixed_arms=fixed)
    if replayed is None:
        block, words = allocation_blocks(
            allocation, scheme=scheme, block_size=block_size, strata=strata
        )
        n_total = n_draws
        batches = _permuted(label, two, block[two], n_draws, np.random.default_rng(seed))
    else:
        words, n_total, batches = _replays(replayed, allocation, scheme)
    position = pd.Index(allocation["participant_id"]).get_indexer(frame.ids)
    estimate, observed = _observed(form, label[position], moving, frame)
    can_invert = interval and statistic == "ancova" and replayed is None
    added = form.shift_of(label[position] == arm) if can_invert else None
    draws = _redraw(form, batches, (position, moving), added)
    p_value = draws.p_value(observed, 0.0)
    low, high = draws.interval(estimate, estimate / observed) if can_invert else (np.nan, np.nan)
    return ReRandomization(
        estimate=estimate,
        statistic=observed,
        p_value=p_value,
        p_mc_se=float(np.sqrt(p_value * (1 - p_value) / n_total)),
        ci_low=low,
        ci_high=high,
        n_draws=n_total,
        n_allocated=len(allocation),
        n_redrawn=int(two.sum()) if replayed is None else len(allocation),
        n_analysed=frame.n_participants,
        n_compared=int(two[position].sum()),
        seed=seed,
        method=f"re-randomisation test of the studentised {form.name}; {words}; {n_total} draws",
        note=_note(response, arm, control, words) + _interval_note(interval, can_invert, low),
        covariates=frame.covariates,
    )


def _moving_arms(
    arm: str, others: tuple[str, ...], *, everyone: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the arms whose labels a draw moves, and those it leaves.

    A replayed sequence moves everyone; a permutation only the people of the two arms.
    """
    return ((arm, *others), ()) if everyone else ((arm,), others)


def _replays(
    replayed: np.ndarray, allocation: pd.DataFrame, scheme: str
) -> tuple[str, int, Iterator[np.ndarray]]:
    """Return what the replayed allocations are, how many, and an iterator of batches of them."""
    n_total = _checked_replay(replayed, allocation)
    batches = (np.asarray(replayed[k : k + _BATCH]) for k in range(0, n_total, _BATCH))
    return f"{scheme}, sequences replayed by the trial's own program", n_total, batches


def _interval_note(asked: bool, can_invert: bool, low: float) -> str:
    if not asked:
        return ""
    if not can_invert:
        return (
            " No interval: it is inverted for the ANCOVA statistic under permuted labels only, "
            "because a shift of one arm at one visit leaves other effects in."
        )
    if np.isnan(low):
        return " No interval: there are too few different allocations for one of 95 %."
    return (
        " The interval holds the effects, the same for everyone, that the test does not reject "
        "at 5 %."
    )


def _note(response: str, arm: str, control: str, words: str) -> str:
    return (
        f"Null tested: no participant's {response}, nor whether it was measured, would differ "
        f"between {arm} and {control}; people of other arms keep theirs. The studentised statistic "
        "keeps the test close to its level when only the means are equal. Exact if the scheme is "
        f"the one used ({words})."
    )


def _permuted(
    label: np.ndarray, two: np.ndarray, block: np.ndarray, n_draws: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    for first in range(0, n_draws, _BATCH):
        size = min(_BATCH, n_draws - first)
        drawn = np.tile(label, (size, 1))
        drawn[:, two] = draw_labels(block, label[two], size, rng)
        yield drawn


def _observed(
    form: LinearForm, label: np.ndarray, moving: tuple[str, ...], frame: ModelFrame
) -> tuple[float, float]:
    own = np.stack([label == each for each in moving])[:, :, None]
    estimate, statistic = form.studentised(own)
    if not np.isfinite(statistic[0]):
        raise DesignError(
            f"re-randomisation: the contrast cannot be estimated from "
            f"{frame.n_participants} participants (an arm with one person, or a "
            "perfect fit)."
        )
    return float(estimate[0]), float(statistic[0])


@dataclass(frozen=True)
class _Draws:
    """Contrasts and variances over draws, of the response and of a shift of the arm."""

    estimate: np.ndarray
    products: np.ndarray

    def p_value(self, observed: float, shift: float) -> float:
        """Return the two-sided p of an effect of `shift` years."""
        weights = np.array([1.0, -shift])[: len(self.estimate)]
        estimate = weights @ self.estimate
        variance = np.einsum("q,l,qlb->b", weights, weights, self.products)
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn = np.abs(estimate) / np.sqrt(np.maximum(variance, 0))
        # A draw that leaves the contrast undefined counts against the effect, not for it;
        # rounding must not turn the observed allocation, drawn again, into a lesser one.
        extreme = int(np.sum(~(drawn < abs(observed) * (1 - 1e-9))))
        return (extreme + 1) / (len(drawn) + 1)

    def interval(self, estimate: float, se: float) -> tuple[float, float]:
        """Return the ends of the shifts that are not rejected; NaN where there is no end."""
        low, high = (self._end(estimate, sign * abs(se)) for sign in (-1, 1))
        return (low, high) if np.isfinite((low, high)).all() else (np.nan, np.nan)

    def _end(self, estimate: float, step: float) -> float:
        def kept(distance: float) -> bool:
            # Under the observed labels a shift moves the estimate and leaves its error.
            shift = estimate + distance * step
            return self.p_value(-distance, shift) > 1 - CONFIDENCE_LEVEL

        inside, outside = 0.0, 2.0
        while kept(outside):
            inside, outside = outside, 2 * outside
            if outside > _FARTHEST_SE:
                return np.nan
        while outside - inside > _END_SE:
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if kept(middle) else (inside, middle)
        return float(estimate + inside * step)


def _redraw(
    form: LinearForm,
    batches: Iterable[np.ndarray],
    who: tuple[np.ndarray, tuple[str, ...]],
    added: np.ndarray | None,
) -> _Draws:
    position, moving = who
    responses = np.stack([form.response] if added is None else [form.response, added])
    parts = []
    for batch in batches:
        analysed = batch[:, position].T
        labels = np.stack([analysed == each for each in moving])
        parts.append(form.moments(labels, responses))
    return _Draws(*(np.concatenate(each, axis=-1) for each in zip(*parts, strict=True)))


def _check_allocation(allocation: pd.DataFrame, data: pd.DataFrame, two: tuple[str, str]) -> None:
    for name, table in (("allocation", allocation), ("model data", data)):
        wanted = ("participant_id", "arm") if name == "allocation" else ("participant_id", "visit")
        absent = [column for column in wanted if column not in table]
        if absent:
            raise DesignError(f"{name}: no column {', '.join(absent)}.")
    repeated = allocation["participant_id"].duplicated()
    if repeated.any():
        person = allocation.loc[repeated, "participant_id"].iloc[0]
        raise DesignError(f"allocation: participant {person} is on the list twice; keep one row.")
    for name in two:
        if name not in set(allocation["arm"]):
            raise DesignError(
                f"allocation: nobody is in arm '{name}'; the list has "
                f"{', '.join(sorted(set(allocation['arm'])))}."
            )
    if two[0] == two[1]:
        raise DesignError(f"re-randomisation: arm '{two[0]}' cannot be compared with itself.")
    strange = set(data["participant_id"]) - set(allocation["participant_id"])
    if strange:
        raise DesignError(
            f"model data: {len(strange)} participant(s) are not on the randomised "
            f"list, the first is {sorted(strange)[0]}."
        )


def _only_visit(data: pd.DataFrame, visit: str | None) -> str:
    found = list(dict.fromkeys(data["visit"]))
    if visit is None and len(found) != 1:
        raise DesignError(
            f"re-randomisation: name the visit of the contrast; the data have "
            f"{', '.join(map(str, found))}."
        )
    if visit is not None and visit not in found:
        raise DesignError(
            f"re-randomisation: no row at visit '{visit}'; the data have "
            f"{', '.join(map(str, found))}."
        )
    return found[0] if visit is None else visit


def _arms_in_order(
    allocation: pd.DataFrame, data: pd.DataFrame, response: str, two: tuple[str, str]
) -> tuple[str, ...]:
    seen = data.loc[data[response].notna(), "participant_id"]
    present = set(allocation.loc[allocation["participant_id"].isin(seen), "arm"])
    return (*two, *sorted(present - set(two)))


def _frame(
    allocation: pd.DataFrame,
    data: pd.DataFrame,
    response: str,
    arms: tuple[str, ...],
    covariates: tuple[str, ...],
    crossed_with_visit: tuple[str, ...],
) -> ModelFrame:
    """Return the design with the arms as allocated; only its arm-free part is used further."""
    own = dict(zip(allocation["participant_id"], allocation["arm"], strict=True))
    return build_model_frame(
        data.assign(arm=data["participant_id"].map(own)),
        response=response,
        arms=arms,
        visits=tuple(dict.fromkeys(data["visit"])),
        covariates=covariates,
        crossed_with_visit=crossed_with_visit,
    )


def _checked_replay(replayed: np.ndarray, allocation: pd.DataFrame) -> int:
    shape = np.shape(replayed)
    if len(shape) != 2 or shape[1] != len(allocation) or not shape[0]:
        raise DesignError(
            f"replayed allocations: expected (n_draws, {len(allocation)}), found {shape}."
        )
    return shape[0]
