"""One contrast of arms in many responses at once, for many allocations of the same people.

Responses are edges or regions, thousands of them; allocations are drawn again as the trial drew
them. What does not depend on the labels is taken off the responses once (Freedman and Lane's
residuals); a batch of allocations is then three products of dense matrices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from brainage.errors import DesignError
from brainage.trial.design.allocation_schemes import allocation_blocks, draw_labels
from brainage.trial.design.join import TrialDesign

#: Allocations drawn at a time, and labels tested at a time: what is held in memory.
_DRAWN = 500
_TESTED = 100
#: Rounding must not turn the observed allocation, drawn again, into a lesser one.
_EQUAL = 1 - 1e-6


@dataclass(frozen=True)
class ManyResponses:
    """Residuals of many responses on everything but the arms compared.

    Parameters
    ----------
    residuals : ndarray of shape (n_people, n_responses)
        Responses less covariates, other arms, and each response's own baseline.
    basis : ndarray of shape (n_people, q)
        Orthonormal basis of covariates and other arms.
    squares : ndarray of shape (n_people, n_responses)
        Of the residuals.
    """

    residuals: np.ndarray
    basis: np.ndarray
    squares: np.ndarray

    @classmethod
    def prepare(
        cls,
        responses: np.ndarray,
        fixed: np.ndarray,
        *,
        own_baseline: np.ndarray | None = None,
        single: bool = False,
    ) -> ManyResponses:
        """Take off what no allocation changes.

        Parameters
        ----------
        responses : ndarray of shape (n_people, n_responses)
            Changes from baseline.
        fixed : ndarray of shape (n_people, k)
            Intercept, covariates and indicators of arms that keep their label.
        own_baseline : ndarray of shape (n_people, n_responses) or None, default=None
            Each response's value at baseline: a covariate of that response alone.
        single : bool, default=False
            Keep the residuals in single precision: t to about 1e-5, in half the time.

        Raises
        ------
        DesignError
            Fewer than three people more than columns.
        """
        left, singular, _ = np.linalg.svd(fixed, full_matrices=False)
        basis = left[:, singular > 1e-10 * singular[0]]
        if len(responses) < basis.shape[1] + 3:
            raise DesignError(
                f"local changes: {len(responses)} people are too few for {basis.shape[1]} columns "
                "of covariates and arms; leave covariates out."
            )
        residuals = responses - basis @ (basis.T @ responses)
        if own_baseline is not None:
            own = own_baseline - basis @ (basis.T @ own_baseline)
            size = np.maximum((own * own).sum(axis=0), 1e-300)
            residuals = residuals - own * ((own * residuals).sum(axis=0) / size)
        kept = residuals.astype(np.float32) if single else residuals
        return cls(kept, basis, kept * kept)

    def studentised(self, labels: np.ndarray) -> np.ndarray:
        """Return t of the arm in every response under every allocation.

        Parameters
        ----------
        labels : ndarray of shape (n_draws, n_moving, n_people)
            Indicators of the arms that move; the first is the arm of the contrast.

        Returns
        -------
        statistics : ndarray of shape (n_draws, n_responses)
            Estimate over its HC3 error; 0 where an allocation does not determine it.
        """
        arm, leverage = self._own_column(labels)
        size = (arm * arm).sum(axis=1)
        defined = size > 1e-9
        kind = self.residuals.dtype
        size = size.astype(kind)
        arm = np.where(defined[:, None], arm, 0.0).astype(kind)
        slope = (arm @ self.residuals) / np.where(defined, size, 1.0)[:, None]
        weight = (arm / np.maximum(1 - leverage, 1e-6).astype(kind)) ** 2
        # sum of weight (e - slope arm)^2, without a residual of every person, draw and response.
        square = weight @ self.squares
        square -= 2 * slope * ((weight * arm) @ self.residuals)
        square += slope**2 * (weight * arm * arm).sum(axis=1)[:, None]
        top = slope * size[:, None]
        # Below this the response is what the arm alone explains, up to rounding.
        usable = (square > np.finfo(kind).eps * top**2) & defined[:, None]
        return np.where(usable, top / np.sqrt(np.where(usable, square, 1)), 0)

    def _own_column(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the arm's column less everything else that is in the model, and leverages."""
        columns = labels - (labels @ self.basis) @ self.basis.T
        fixed = (self.basis**2).sum(axis=1)[None]
        others = columns[:, 1:]
        if not others.shape[1]:
            arm = columns[:, 0]
            size = np.maximum((arm * arm).sum(axis=1, keepdims=True), 1e-300)
            return arm, fixed + arm**2 / size
        gram = others @ others.transpose(0, 2, 1)
        inverse = np.linalg.pinv(gram, hermitian=True)
        load = inverse @ (others @ columns[:, 0][:, :, None])
        arm = columns[:, 0] - (others.transpose(0, 2, 1) @ load)[:, :, 0]
        size = np.maximum((arm * arm).sum(axis=1, keepdims=True), 1e-300)
        other_leverage = np.einsum("bki,bkl,bli->bi", others, inverse, others)
        return arm, fixed + other_leverage + arm**2 / size


@dataclass(frozen=True)
class Redraw:
    """How the labels of one contrast move.

    Parameters
    ----------
    observed : ndarray of shape (1, n_moving, n_people)
        Indicators as allocated.
    fixed_arms : tuple of str
        Arms whose people keep their label.
    words : str
        The scheme, in words.
    n_draws : int
        Allocations that `batches` gives in all.
    batches : iterator of ndarray of shape (n_batch, n_moving, n_people)
        Indicators as drawn again.
    """

    observed: np.ndarray
    fixed_arms: tuple[str, ...]
    words: str
    n_draws: int
    batches: Iterator[np.ndarray]


def redraw_labels(
    design: TrialDesign, people: np.ndarray, *, arm: str, n_draws: int, seed: int
) -> Redraw:
    """Draw the allocation again on the whole randomised list and cut it to the people analysed.

    Parameters
    ----------
    design : TrialDesign
        Allocation, its scheme, and replayed allocations where the trial's program made them.
    people : ndarray of str of shape (n_people,)
        Who is analysed, of all arms.
    arm : str
        Compared with control; only the labels of these two arms move, unless replayed.
    n_draws : int
        Not used with replayed allocations.
    seed : int
        Of the draws.

    Returns
    -------
    redraw : Redraw

    Raises
    ------
    DesignError
        See `allocation_blocks`; a person who is not on the list.
    """
    allocation, control = design.allocation, design.control_arm
    position = _positions(design, people)
    label = allocation["arm"].to_numpy()
    scheme = design.options.randomization
    if design.replayed is None:
        block, words = allocation_blocks(
            allocation,
            scheme=scheme.scheme,
            block_size=scheme.block_size,
            strata=design.options.strata,
        )
        two = np.isin(label, [arm, control])
        others = tuple(name for name in design.active_arms if name != arm)
        moving: tuple[str, ...] = (arm,)
        fixed, total = others, n_draws
        drawn = _permuted(label, two, block[two], n_draws=n_draws, seed=seed)
    else:
        words = f"{scheme.scheme}, sequences replayed by the trial's own program"
        moving = (arm, *(name for name in design.active_arms if name != arm))
        fixed, total = (), len(design.replayed)
        drawn = (design.replayed[k : k + _DRAWN] for k in range(0, total, _DRAWN))
    cut = (batch[:, position] for batch in drawn)
    batches = (_indicators(part, moving) for batch in cut for part in _parts(batch))
    return Redraw(_indicators(label[position][None], moving), fixed, words, total, batches)


def max_t(many: ManyResponses, redraw: Redraw) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Test every response against the largest |t| of each redrawn allocation.

    Parameters
    ----------
    many : ManyResponses
        Residual responses.
    redraw : Redraw
        Labels; its batches are used up.

    Returns
    -------
    statistics : ndarray of shape (n_responses,)
        t as allocated.
    p_max_t : ndarray of shape (n_responses,)
        (b + 1) / (m + 1), family-wise over the responses under the sharp null.
    largest : ndarray of shape (n_draws,)
        Largest |t| of each draw.
    """
    statistics = many.studentised(redraw.observed)[0]
    largest = np.concatenate(
        [np.abs(many.studentised(batch)).max(axis=1) for batch in redraw.batches]
    )
    ordered = np.sort(largest)
    reached = len(ordered) - np.searchsorted(ordered, np.abs(statistics) * _EQUAL)
    return statistics, (reached + 1) / (len(ordered) + 1), largest


def _positions(design: TrialDesign, people: np.ndarray) -> np.ndarray:
    known = {name: place for place, name in enumerate(design.allocation["participant_id"])}
    strange = [name for name in people if name not in known]
    if strange:
        raise DesignError(
            f"local changes: {len(strange)} person(s) are not on the randomised list, the first "
            f"is {strange[0]}."
        )
    return np.array([known[name] for name in people])


def _permuted(
    label: np.ndarray, two: np.ndarray, block: np.ndarray, *, n_draws: int, seed: int
) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    for first in range(0, n_draws, _DRAWN):
        size = min(_DRAWN, n_draws - first)
        drawn = np.tile(label, (size, 1))
        drawn[:, two] = draw_labels(block, label[two], size, rng)
        yield drawn


def _parts(batch: np.ndarray) -> Iterator[np.ndarray]:
    for first in range(0, len(batch), _TESTED):
        yield batch[first : first + _TESTED]


def _indicators(labels: np.ndarray, moving: tuple[str, ...]) -> np.ndarray:
    return np.stack([(labels == name).astype(float) for name in moving], axis=1)
