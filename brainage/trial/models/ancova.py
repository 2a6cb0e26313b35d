"""Analysis of covariance at one visit, with errors that do not assume equal variances."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.trial.models.lsmeans import Estimate, t_estimate
from brainage.trial.models.model_frame import FEW_PEOPLE, ModelFrame, build_model_frame

#: Leverage above which a row determines its own fitted value and HC3 is not defined.
_FULL_LEVERAGE = 1 - 1e-8

AncovaErrors = Literal["automatic", "hc3", "hc2", "classical"]
_NAMES = {
    "hc3": "HC3 errors",
    "hc2": "HC2 errors, Bell-McCaffrey degrees of freedom",
    "classical": "classical errors",
}


@dataclass(frozen=True)
class LinearModelErrors:
    """Errors of linear combinations of least-squares coefficients.

    Parameters
    ----------
    vcov : ndarray of shape (p, p)
        Covariance of the coefficients.
    residual_df : float
        n - rank: the degrees of freedom of every combination, unless `pull` is given.
    pull : ndarray of shape (p, n) or None, default=None
        Coefficients per unit of residual over sqrt(1 - leverage), for Bell and McCaffrey's
        degrees of freedom; None: not used.
    basis : ndarray of shape (n, p) or None, default=None
        Orthonormal basis of the design, with `pull`.
    """

    vcov: np.ndarray
    residual_df: float
    pull: np.ndarray | None = None
    basis: np.ndarray | None = None

    def error_of(self, weights: np.ndarray) -> tuple[float, float]:
        """Return the standard error and degrees of freedom of a linear combination.

        Parameters
        ----------
        weights : ndarray of shape (p,)
            Of the coefficients.

        Returns
        -------
        se, df : float
        """
        se = float(np.sqrt(weights @ self.vcov @ weights))
        if self.pull is None:
            return se, self.residual_df
        # The squared error is a quadratic form of the errors; were they independent with one
        # variance, its mean and variance would be those of a chi-square with these df.
        row = weights @ self.pull
        inside = row[:, None] * self.basis
        spread = np.diag(row**2) - inside @ inside.T
        return se, float(np.trace(spread) ** 2 / (spread * spread).sum())


@dataclass(frozen=True)
class AncovaFit:
    """A fitted analysis of covariance.

    Parameters
    ----------
    coefficients : Series
        One mean per arm (the least-squares mean at observed margins), then centred covariates.
    vcov : DataFrame
        Covariance of the coefficients behind the standard errors.
    n_participants : int
        Analysed.
    n_by_arm : dict of str to int
        Analysed per arm.
    covariates : tuple of str
        In the model.
    method : str
        One line for a results table.
    notes : tuple of str
        What was left out and why, to print.
    frame : ModelFrame
        Design behind the fit.
    errors : LinearModelErrors
        Gives standard error and degrees of freedom of any linear combination.
    """

    coefficients: pd.Series
    vcov: pd.DataFrame
    n_participants: int
    n_by_arm: dict[str, int]
    covariates: tuple[str, ...]
    method: str
    notes: tuple[str, ...]
    frame: ModelFrame = field(repr=False)
    errors: LinearModelErrors = field(repr=False)

    def lsmean(self, arm: str) -> Estimate:
        """Estimate an arm's mean of the response at observed margins.

        Parameters
        ----------
        arm : str
            One of the model's arms.

        Returns
        -------
        result : Estimate
        """
        return self.estimate(self.frame.weights_of(arm, self.frame.visits[0]))

    def contrast(self, arm: str, *, versus: str | None = None) -> Estimate:
        """Estimate the adjusted difference of an arm from another.

        Parameters
        ----------
        arm : str
            One of the model's arms.
        versus : str or None, default=None
            None: control, the first arm.

        Returns
        -------
        result : Estimate
        """
        other = self.frame.arms[0] if versus is None else versus
        if arm == other:
            raise DesignError(f"contrast: arm '{arm}' cannot be compared with itself.")
        visit = self.frame.visits[0]
        return self.estimate(
            self.frame.weights_of(arm, visit) - self.frame.weights_of(other, visit)
        )

    def estimate(self, weights: np.ndarray) -> Estimate:
        """Estimate any linear combination of the coefficients.

        Parameters
        ----------
        weights : ndarray of shape (p,)
            In the order of `coefficients`.

        Returns
        -------
        result : Estimate
        """
        se, df = self.errors.error_of(weights)
        return t_estimate(float(weights @ self.coefficients.to_numpy()), se, df)


def fit_ancova(
    data: pd.DataFrame,
    *,
    response: str,
    arms: tuple[str, ...],
    covariates: tuple[str, ...] = (),
    errors: AncovaErrors = "automatic",
) -> AncovaFit:
    """Fit an analysis of covariance to the people of one visit.

    Parameters
    ----------
    data : DataFrame
        One row a participant: participant_id, arm, the response and the covariates; rows without
        a response are missing. A column "visit", if there, must hold one visit only.
    response : str
        Column of the response, in years for a brain-age gap.
    arms : tuple of str
        Control first.
    covariates : tuple of str, default=()
        Measured before randomisation; text is categorical, numbers are linear.
    errors : {"automatic", "hc3", "hc2", "classical"}, default="automatic"
        "hc3": heteroscedasticity-consistent (squared residuals over (1 - leverage)^2), equal to
        ``sandwich::vcovHC(type = "HC3")``, with n - rank degrees of freedom; "hc2": squared
        residuals over 1 - leverage, with Bell and McCaffrey's degrees of freedom, equal to
        ``clubSandwich``'s CR2 of one person a cluster; "classical": one variance for all;
        "automatic": HC3, and HC2 where an arm has fewer than sixty people, because there
        HC3's errors are about a tenth too large (docs/validation.md).

    Returns
    -------
    fit : AncovaFit

    Raises
    ------
    DesignError
        See `build_model_frame`; also several visits, no residual degrees of freedom, or a person
        who alone determines an arm (HC3 is not defined). One who alone has a level of a
        covariate is left out, with a note: the contrasts are the same without.

    References
    ----------
    .. [1] MacKinnon & White (1985), J. Econometrics 29:305-325.
    .. [2] Bell & McCaffrey (2002), Survey Methodology 28:169-181.
    """
    data, visit = _one_visit(data)
    build = partial(
        build_model_frame, response=response, arms=arms, visits=(visit,), covariates=covariates
    )
    frame = build(data)
    alone = _alone_in_a_covariate(frame)
    if len(alone):
        note = (
            f"{len(alone)} participant(s) left out: each alone in a level of a covariate, "
            f"which says nothing of the arms ({', '.join(alone[:5])})"
        )
        frame = build(data[~data["participant_id"].isin(alone)])
        frame = replace(frame, notes=(*frame.notes, note))
    return fit_ancova_frame(frame, errors=errors)


def _alone_in_a_covariate(frame: ModelFrame) -> list[str]:
    """Return people whose own covariate level fits them exactly; not those alone in their arm."""
    if len(frame.design) <= frame.design.shape[1]:
        return []
    leverage = (np.linalg.qr(frame.design)[0] ** 2).sum(axis=1)
    counts = np.bincount(frame.arm, minlength=len(frame.arms))
    alone = (leverage > _FULL_LEVERAGE) & (counts[frame.arm] > 1)
    return list(frame.ids[frame.person[alone]])


def fit_ancova_frame(frame: ModelFrame, *, errors: AncovaErrors = "automatic") -> AncovaFit:
    """Fit an analysis of covariance to a one-visit design that is already made.

    Parameters
    ----------
    frame : ModelFrame
        From `build_model_frame`, with one visit.
    errors : {"automatic", "hc3", "hc2", "classical"}, default="automatic"
        As in `fit_ancova`.

    Returns
    -------
    fit : AncovaFit
    """
    n, p = frame.design.shape
    if n <= p:
        raise DesignError(
            f"ANCOVA at {frame.visits[0]}: {n} participants are too few for {p} "
            "coefficients; leave covariates out."
        )
    q, r = np.linalg.qr(frame.design)
    projected = q.T @ frame.response
    beta = np.linalg.solve(r, projected)
    residual = frame.response - q @ projected
    if residual @ residual <= 1e-20 * (frame.response @ frame.response):
        raise DesignError(f"ANCOVA at {frame.visits[0]}: the model fits every value exactly.")
    chosen = errors
    counts = np.bincount(frame.arm, minlength=len(frame.arms))
    if errors == "automatic":
        chosen = "hc3" if counts.min() >= FEW_PEOPLE else "hc2"
    names = list(frame.column_names)
    found = _errors((q, r), residual, chosen, frame)
    return AncovaFit(
        coefficients=pd.Series(beta, index=names),
        vcov=pd.DataFrame(found.vcov, index=names, columns=names),
        n_participants=n,
        n_by_arm={arm: int(count) for arm, count in zip(frame.arms, counts, strict=True)},
        covariates=frame.covariates,
        method=f"ANCOVA, {_NAMES[chosen]}",
        notes=frame.notes,
        frame=frame,
        errors=found,
    )


def _errors(
    factors: tuple[np.ndarray, np.ndarray],
    residual: np.ndarray,
    errors: str,
    frame: ModelFrame,
) -> LinearModelErrors:
    q, r = factors
    n, p = q.shape
    pull = np.linalg.solve(r, q.T)
    if errors == "classical":
        return LinearModelErrors(pull @ pull.T * (residual @ residual) / (n - p), float(n - p))
    left = 1 - (q**2).sum(axis=1)
    if (left < 1 - _FULL_LEVERAGE).any():
        person = frame.ids[frame.person[int(np.argmin(left))]]
        raise DesignError(
            f"ANCOVA at {frame.visits[0]}: participant {person} alone determines a "
            "coefficient (the only one of an arm or of a covariate's level), so "
            "robust errors are not defined; pool that level."
        )
    if errors == "hc3":
        reached = pull * (residual / left)
        return LinearModelErrors(reached @ reached.T, float(n - p))
    # Each residual is short by sqrt(1 - leverage); the same factor scales what it stands for.
    pull = pull / np.sqrt(left)
    reached = pull * residual
    return LinearModelErrors(reached @ reached.T, float(n - p), pull, q)


def _one_visit(data: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    if "visit" not in data:
        return data.assign(visit="visit"), "visit"
    found = list(dict.fromkeys(data["visit"]))
    if len(found) != 1:
        raise DesignError(
            f"ANCOVA: expected the rows of one visit, found {', '.join(map(str, found)) or 'none'}."
        )
    return data, found[0]
