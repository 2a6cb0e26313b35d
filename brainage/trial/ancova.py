"""Analysis of covariance at one visit, with errors that do not assume equal variances."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.trial.lsmeans import Estimate, t_estimate
from brainage.trial.model_frame import ModelFrame, build_model_frame

#: Leverage above which a row determines its own fitted value and HC3 is not defined.
_FULL_LEVERAGE = 1 - 1e-8


@dataclass(frozen=True)
class AncovaFit:
    """A fitted analysis of covariance.

    Parameters
    ----------
    coefficients : Series
        One mean per arm (the least-squares mean at observed margins), then centred covariates.
    vcov : DataFrame
        Covariance of the coefficients, HC3 or classical.
    residual_df : float
        n - rank.
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
    """

    coefficients: pd.Series
    vcov: pd.DataFrame
    residual_df: float
    n_participants: int
    n_by_arm: dict[str, int]
    covariates: tuple[str, ...]
    method: str
    notes: tuple[str, ...]
    frame: ModelFrame = field(repr=False)

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
        se = float(np.sqrt(weights @ self.vcov.to_numpy() @ weights))
        return t_estimate(float(weights @ self.coefficients.to_numpy()), se, self.residual_df)


def fit_ancova(
    data: pd.DataFrame,
    *,
    response: str,
    arms: tuple[str, ...],
    covariates: tuple[str, ...] = (),
    errors: Literal["hc3", "classical"] = "hc3",
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
    errors : {"hc3", "classical"}, default="hc3"
        "hc3": heteroscedasticity-consistent (squared residuals over (1 - leverage)^2), equal to
        ``sandwich::vcovHC(type = "HC3")``; "classical": one variance for all.

    Returns
    -------
    fit : AncovaFit
        t tests with n - rank degrees of freedom.

    Raises
    ------
    DesignError
        See `build_model_frame`; also several visits, no residual degrees of freedom, or a person
        who alone determines a coefficient (HC3 is not defined).

    References
    ----------
    .. [1] MacKinnon & White (1985), J. Econometrics 29:305-325.
    """
    data, visit = _one_visit(data)
    frame = build_model_frame(
        data, response=response, arms=arms, visits=(visit,), covariates=covariates
    )
    return fit_ancova_frame(frame, errors=errors)


def fit_ancova_frame(
    frame: ModelFrame, *, errors: Literal["hc3", "classical"] = "hc3"
) -> AncovaFit:
    """Fit an analysis of covariance to a one-visit design that is already made.

    Parameters
    ----------
    frame : ModelFrame
        From `build_model_frame`, with one visit.
    errors : {"hc3", "classical"}, default="hc3"
        As in `fit_ancova`.

    Returns
    -------
    fit : AncovaFit
    """
    n, p = frame.design.shape
    if n <= p:
        raise DesignError(f"ANCOVA at {frame.visits[0]}: {n} participants are too few for {p} "
                          "coefficients; leave covariates out.")  # fmt: skip
    q, r = np.linalg.qr(frame.design)
    projected = q.T @ frame.response
    beta = np.linalg.solve(r, projected)
    residual = frame.response - q @ projected
    if residual @ residual <= 1e-20 * (frame.response @ frame.response):
        raise DesignError(f"ANCOVA at {frame.visits[0]}: the model fits every value exactly.")
    pull = np.linalg.solve(r, q.T)
    if errors == "hc3":
        pull = pull * _inflated(residual, (q**2).sum(axis=1), frame)
        vcov = pull @ pull.T
    else:
        vcov = pull @ pull.T * (residual @ residual) / (n - p)
    names = list(frame.column_names)
    counts = np.bincount(frame.arm, minlength=len(frame.arms))
    return AncovaFit(
        coefficients=pd.Series(beta, index=names),
        vcov=pd.DataFrame(vcov, index=names, columns=names),
        residual_df=float(n - p),
        n_participants=n,
        n_by_arm={arm: int(count) for arm, count in zip(frame.arms, counts, strict=True)},
        covariates=frame.covariates,
        method="ANCOVA, " + ("HC3 errors" if errors == "hc3" else "classical errors"),
        notes=frame.notes,
        frame=frame,
    )


def _inflated(residual: np.ndarray, leverage: np.ndarray, frame: ModelFrame) -> np.ndarray:
    if (leverage > _FULL_LEVERAGE).any():
        row = int(np.argmax(leverage))
        person = frame.ids[frame.person[row]]
        raise DesignError(f"ANCOVA at {frame.visits[0]}: participant {person} alone determines a "
                          "coefficient (the only one of an arm or of a covariate's level), so "
                          "robust errors are not defined; pool that level.")  # fmt: skip
    return residual / (1 - leverage)


def _one_visit(data: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    if "visit" not in data:
        return data.assign(visit="visit"), "visit"
    found = list(dict.fromkeys(data["visit"]))
    if len(found) != 1:
        raise DesignError(f"ANCOVA: expected the rows of one visit, found "
                          f"{', '.join(map(str, found)) or 'none'}.")  # fmt: skip
    return data, found[0]
