"""What training did in those who took it: two-stage least squares with arm as the instrument.

Arm moves the sessions attended and, that is the assumption, the brain through them alone. Each
active arm is compared with control by itself: sessions of different training are not one dose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from brainage.errors import DesignError
from brainage.showing import Shown
from brainage.trial.analyses.robust_lines import covariate_columns
from brainage.trial.models.lsmeans import CONFIDENCE_LEVEL, Estimate, t_estimate

#: First-stage F below which the ordinary interval is not to be trusted (Stock & Yogo 2005: 10).
WEAK_F = 10.0

Region = Literal["interval", "two rays", "every value", "empty"]


@dataclass(frozen=True, repr=False)
class ComplierEffect(Shown):
    """Effect of one unit of dose by two-stage least squares.

    Parameters
    ----------
    effect : Estimate
        Response per unit of dose (years a session); HC1 errors, t with n - p degrees of freedom.
    first_stage : Estimate
        What the arm adds to the dose, adjusted for the covariates, HC1 errors.
    first_stage_f : float
        Robust F of the arm in the first stage: below `WEAK_F` the instrument is weak.
    intention_to_treat : Estimate
        What the arm adds to the response with the same covariates and errors.
    anderson_rubin_p : float
        Of no effect; valid however weak the instrument.
    anderson_rubin_low, anderson_rubin_high : float
        Ends of the 95 % Anderson-Rubin region; with "two rays" the region is *outside* the ends,
        with "every value" and "empty" they are NaN.
    anderson_rubin_region : {"interval", "two rays", "every value", "empty"}
        Form of the region.
    n_arm, n_control : int
        People analysed.

    Examples
    --------
    >>> people = pd.DataFrame({"arm": ["CON"] * 4 + ["HRT"] * 4})
    >>> people["sessions"] = [0, 0, 0, 0, 10, 20, 30, 40]
    >>> people["change"] = [0.1, -0.2, 0.3, -0.2, -0.6, -1.1, -1.4, -1.9]
    >>> found = complier_effect(people, arm="HRT", control="CON", dose="sessions")
    >>> round(found.effect.estimate, 2), found.n_arm
    (-0.05, 4)
    """

    effect: Estimate
    first_stage: Estimate
    first_stage_f: float
    intention_to_treat: Estimate
    anderson_rubin_p: float
    anderson_rubin_low: float
    anderson_rubin_high: float
    anderson_rubin_region: Region
    n_arm: int
    n_control: int


def complier_effect(
    people: pd.DataFrame,
    *,
    arm: str,
    control: str,
    dose: str,
    response: str = "change",
    covariates: tuple[str, ...] = (),
) -> ComplierEffect:
    """Estimate the effect of a unit of dose in one arm against control.

    Parameters
    ----------
    people : DataFrame
        One row a person of one visit: arm, response, dose and covariates, none missing.
    arm, control : str
        The two arms; rows of others are not read.
    dose : str
        Column of the dose taken (sessions, or 0 / 1 for a threshold); 0 where nothing was taken.
    response : str, default="change"
        Column of the response, years for a brain-age gap; below zero is younger.
    covariates : tuple of str, default=()
        Measured before randomisation; in both stages.

    Returns
    -------
    found : ComplierEffect

    Raises
    ------
    DesignError
        Too few people, no sessions in the active arm, or the same mean dose in both arms.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({
    ...     "arm": ["CON"] * 4 + ["HRT"] * 4,
    ...     "sessions": [0, 0, 0, 0, 10, 20, 30, 40],
    ...     "change": [0.1, -0.2, 0.3, -0.2, -0.6, -1.1, -1.4, -1.9],
    ... })
    >>> found = complier_effect(people, arm="HRT", control="CON", dose="sessions")
    >>> round(found.effect.estimate, 3), round(found.first_stage.estimate, 1)
    (-0.05, 25.0)

    References
    ----------
    .. [1] Angrist, Imbens & Rubin (1996), J. Am. Stat. Assoc. 91:444-455.
    .. [2] Angrist & Imbens (1995), J. Am. Stat. Assoc. 90:431-442 (weighted average over dose).
    .. [3] Anderson & Rubin (1949), Ann. Math. Stat. 20:46-63.
    """
    rows = people[people["arm"].isin([arm, control])]
    active = (rows["arm"] == arm).to_numpy(dtype=float)
    taken = rows[dose].to_numpy(dtype=float)
    outcome = rows[response].to_numpy(dtype=float)
    _check(active, taken, (arm, control, dose))
    cells = np.column_stack([np.ones(len(rows)), active])
    extra = covariate_columns(rows, covariates, cells)
    instruments = np.column_stack([cells, extra])
    if len(rows) < instruments.shape[1] + 2:
        raise DesignError(
            f"complier effect of {arm}: {len(rows)} people are too few for "
            f"{instruments.shape[1]} coefficients."
        )
    reduced = _ReducedForms.fit(instruments, np.column_stack([outcome, taken]))
    first, intention = reduced.of(1), reduced.of(0)
    low, high, region = reduced.anderson_rubin()
    return ComplierEffect(
        effect=_second_stage(instruments, taken, outcome),
        first_stage=first,
        first_stage_f=first.statistic**2,
        intention_to_treat=intention,
        anderson_rubin_p=intention.p_value,
        anderson_rubin_low=low,
        anderson_rubin_high=high,
        anderson_rubin_region=region,
        n_arm=int(active.sum()),
        n_control=int((1 - active).sum()),
    )


def _check(active: np.ndarray, taken: np.ndarray, named: tuple[str, str, str]) -> None:
    arm, control, dose = named
    n_arm, n_control = int(active.sum()), int((1 - active).sum())
    if min(n_arm, n_control) < 2:
        raise DesignError(
            f"complier effect of {arm}: expected two people an arm with {dose}, found {n_arm} of "
            f"{arm} and {n_control} of {control}."
        )
    if taken[active == 1].max() <= 0:
        raise DesignError(f"complier effect of {arm}: nobody in the arm has {dose} above 0.")
    difference = taken[active == 1].mean() - taken[active == 0].mean()
    if abs(difference) <= 1e-12 * max(1.0, float(np.abs(taken).max())):
        raise DesignError(
            f"complier effect of {arm}: mean {dose} is the same in {arm} and {control}, so that "
            "the arm moved no dose."
        )


@dataclass(frozen=True)
class _ReducedForms:
    """Arm's coefficient on response and on dose, with their joint HC1 covariance."""

    slopes: np.ndarray
    vcov: np.ndarray
    df: int

    @classmethod
    def fit(cls, instruments: np.ndarray, both: np.ndarray) -> _ReducedForms:
        q, r = np.linalg.qr(instruments)
        pull = np.linalg.solve(r, q.T)[1]
        residuals = both - q @ (q.T @ both)
        n, p = instruments.shape
        scores = pull[:, None] * residuals
        return cls(pull @ both, scores.T @ scores * n / (n - p), n - p)

    def of(self, place: int) -> Estimate:
        se = float(np.sqrt(self.vcov[place, place]))
        return t_estimate(float(self.slopes[place]), se, self.df)

    def anderson_rubin(self) -> tuple[float, float, Region]:
        """Return the effects b at which arm says nothing of response - b dose."""
        limit = stats.f.ppf(CONFIDENCE_LEVEL, 1, self.df)
        own, dose = self.slopes
        # (own - b dose)^2 <= limit (Vyy - 2 b Vyd + b^2 Vdd), a quadratic in b.
        a = dose**2 - limit * self.vcov[1, 1]
        b = -2 * (own * dose - limit * self.vcov[0, 1])
        c = own**2 - limit * self.vcov[0, 0]
        inside = b**2 - 4 * a * c
        if a > 0 and inside >= 0:
            half = np.sqrt(inside)
            return float((-b - half) / (2 * a)), float((-b + half) / (2 * a)), "interval"
        if a < 0 and inside > 0:
            half = np.sqrt(inside)
            ends = sorted([float((-b - half) / (2 * a)), float((-b + half) / (2 * a))])
            return ends[0], ends[1], "two rays"
        return np.nan, np.nan, "every value" if a <= 0 else "empty"


def _second_stage(instruments: np.ndarray, taken: np.ndarray, outcome: np.ndarray) -> Estimate:
    others = np.delete(instruments, 1, axis=1)
    design = np.column_stack([taken, others])
    q = np.linalg.qr(instruments)[0]
    fitted = np.column_stack([q @ (q.T @ taken), others])
    gram = fitted.T @ fitted
    coefficients = np.linalg.solve(gram, fitted.T @ outcome)
    # Residuals of the dose taken, not of the dose fitted: the second stage is never run as it is.
    residuals = outcome - design @ coefficients
    n, p = design.shape
    scores = np.linalg.solve(gram, fitted.T)[0] * residuals
    se = float(np.sqrt(scores @ scores * n / (n - p)))
    return t_estimate(float(coefficients[0]), se, n - p)
