"""Standard errors and degrees of freedom of linear combinations of the coefficients.

Each class answers one question, ``error_of(weights) -> (se, df)``, from the same fitted
likelihood. Satterthwaite and Kenward-Roger trust the covariance model; the cluster-robust ones
take it as a working model only, and are used after a fall-back to a smaller structure and where an
arm has few people.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from brainage.trial.models.model_frame import ModelFrame
from brainage.trial.models.reml import (
    CrossProducts,
    FitFailure,
    RemlDerivatives,
    RemlPoint,
    contract,
)


@dataclass(frozen=True)
class ModelErrors:
    """Model-based errors with degrees of freedom matched by the variance's own variance.

    Parameters
    ----------
    vcov : ndarray of shape (p, p)
        Covariance of the coefficients used for errors (adjusted, for Kenward-Roger).
    phi : ndarray of shape (p, p)
        Unadjusted covariance of the coefficients.
    slopes : ndarray of shape (k, p, p)
        Phi changes by Phi slopes Phi with each covariance parameter.
    parameter_vcov : ndarray of shape (k, k)
        Covariance of the covariance parameters.
    name : str
        For the method line of a result.
    """

    vcov: np.ndarray
    phi: np.ndarray
    slopes: np.ndarray
    parameter_vcov: np.ndarray
    name: str

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
        reached = self.phi @ weights
        variance = weights @ reached
        gradient = np.einsum("p,kpq,q->k", reached, self.slopes, reached)
        df = 2 * variance**2 / (gradient @ self.parameter_vcov @ gradient)
        return float(np.sqrt(weights @ self.vcov @ weights)), float(df)


def satterthwaite(point: RemlPoint, derivatives: RemlDerivatives) -> ModelErrors:
    """Return model-based errors with Satterthwaite's degrees of freedom.

    The covariance of the covariance parameters is the inverse of the observed information, as
    ``lmerTest`` takes it; at the maximum the result does not depend on how they are written.

    Parameters
    ----------
    point, derivatives : RemlPoint, RemlDerivatives
        At the restricted maximum.

    Returns
    -------
    errors : ModelErrors

    References
    ----------
    .. [1] Fai & Cornelius (1996), J. Stat. Comput. Simul. 54:363-378.
    """
    parameter_vcov = 2 * np.linalg.inv(derivatives.observed)
    return ModelErrors(point.phi, point.phi, derivatives.slopes, parameter_vcov, "Satterthwaite")


def kenward_roger(
    point: RemlPoint, derivatives: RemlDerivatives, data: CrossProducts
) -> ModelErrors:
    """Return errors adjusted for the estimated covariance, with Kenward-Roger's df.

    For a single linear combination their scale factor is one and the degrees of freedom are
    Satterthwaite's with the expected information and the unadjusted covariance. The
    second-derivative term is included where the structure is not linear in its parameters.

    Parameters
    ----------
    point, derivatives : RemlPoint, RemlDerivatives
        At the restricted maximum.
    data : CrossProducts
        The data behind them.

    Returns
    -------
    errors : ModelErrors

    Raises
    ------
    FitFailure
        If the adjusted covariance is not positive.

    References
    ----------
    .. [1] Kenward & Roger (1997), Biometrics 53:983-997.
    """
    w, phi, slopes = point.inverse, point.phi, derivatives.slopes
    parameter_vcov = 2 * np.linalg.inv(derivatives.expected)
    wv = w @ point.first
    # sum_kl of C_kl W V_k W V_l W, formed before it meets the data.
    weighted = np.einsum("kl,kgij->lgij", parameter_vcov, wv)
    core = np.einsum("lgij,lgjm,gmn->gin", weighted, wv, w, optimize=True)
    bias = contract(core, data.products)[:-1, :-1]
    bias = bias - np.einsum("kl,kpq,qr,lrs->ps", parameter_vcov, slopes, phi, slopes, optimize=True)
    if point.second is not None:
        bend = w @ np.einsum("kl,klgij->gij", parameter_vcov, point.second) @ w
        bias = bias - contract(bend, data.products)[:-1, :-1] / 4
    adjusted = phi + 2 * phi @ bias @ phi
    adjusted = (adjusted + adjusted.T) / 2
    if (np.diag(adjusted) <= 0).any():
        raise FitFailure("Kenward and Roger's adjusted covariance is not positive")
    return ModelErrors(adjusted, phi, slopes, parameter_vcov, "Kenward-Roger")


@dataclass(frozen=True)
class ClusterRobustErrors:
    """Bias-reduced cluster-robust errors (CR2) with Satterthwaite-type degrees of freedom.

    Right whatever the true covariance, as long as people are independent.

    Parameters
    ----------
    vcov : ndarray of shape (p, p)
        Robust covariance of the coefficients.
    phi : ndarray of shape (p, p)
        Model-based covariance under the working structure.
    reach : ndarray of shape (n, v, p)
        Per person, adjusted weights times design: A_i W_i X_i, zero where a visit is absent.
    spread : ndarray of shape (n, v, v)
        Working covariance per person.
    cross : ndarray of shape (n, p, p)
        Per person, X_i' A_i W_i X_i.
    name : str
        For the method line of a result.

    References
    ----------
    .. [1] Pustejovsky & Tipton (2018), J. Bus. Econ. Stat. 36:672-683.
    """

    vcov: np.ndarray
    phi: np.ndarray
    reach: np.ndarray
    spread: np.ndarray
    cross: np.ndarray
    name: str = "cluster-robust (CR2), Satterthwaite"

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
        direction = self.phi @ weights
        a = self.reach @ direction
        d = np.einsum("ni,nij,nj->n", a, self.spread, a)
        u = self.cross @ direction
        q = np.einsum("np,pq,nq->n", u, self.phi, u)
        second = self.phi @ (u.T @ u)
        df = (d - q).sum() ** 2 / (d @ d - 2 * d @ q + np.trace(second @ second))
        return float(np.sqrt(weights @ self.vcov @ weights)), float(df)


def small_sample(
    point: RemlPoint,
    derivatives: RemlDerivatives,
    data: CrossProducts,
    frame: ModelFrame,
    *,
    by_arm: bool,
) -> ClusterRobustErrors:
    """Return cluster-robust errors that also count the estimation of the covariance.

    CR2 needs no true covariance but takes the weights it gives to visits and people as known.
    With fifteen people per arm they are not: the constrained form, whose adjustment for baseline
    is made of these weights, then rejects 6 to 7 % at a nominal 5 %. Kenward and Roger's
    correction of the model-based covariance, added to the robust one, brings the level back
    (docs/validation.md).

    Parameters
    ----------
    point, derivatives : RemlPoint, RemlDerivatives
        At the restricted maximum.
    data : CrossProducts
        The data behind them.
    frame : ModelFrame
        The rows behind them.
    by_arm : bool
        True if `point.sigma` holds one matrix per arm.

    Returns
    -------
    errors : ClusterRobustErrors

    Raises
    ------
    FitFailure
        If Kenward and Roger's adjusted covariance is not positive.
    """
    robust = cluster_robust(point, frame, by_arm=by_arm)
    correction = kenward_roger(point, derivatives, data).vcov - point.phi
    values, vectors = np.linalg.eigh(correction)
    # An inflation: directions in which a bent structure would deflate are left as they are.
    correction = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return replace(
        robust,
        vcov=robust.vcov + correction,
        name="cluster-robust (CR2 with Kenward-Roger's correction), Satterthwaite",
    )


def cluster_robust(point: RemlPoint, frame: ModelFrame, *, by_arm: bool) -> ClusterRobustErrors:
    """Return CR2 errors with the fitted covariance as working model.

    Parameters
    ----------
    point : RemlPoint
        At the restricted maximum.
    frame : ModelFrame
        The rows behind it.
    by_arm : bool
        True if `point.sigma` holds one matrix per arm.

    Returns
    -------
    errors : ClusterRobustErrors
    """
    n, v, p = frame.n_participants, len(frame.visits), frame.design.shape[1]
    x = np.zeros((n, v, p))
    x[frame.person, frame.visit] = frame.design
    residual = np.zeros((n, v))
    residual[frame.person, frame.visit] = frame.response - frame.design @ point.beta
    seen = np.zeros((n, v), dtype=bool)
    seen[frame.person, frame.visit] = True
    group = np.zeros(n, dtype=int)
    if by_arm:
        group[frame.person] = frame.arm
    absent = np.eye(v) * ~seen[:, :, None]
    spread = np.where(seen[:, :, None] & seen[:, None, :], point.sigma[group], 0.0)
    factor = np.linalg.cholesky(spread + absent)
    left = spread - x @ point.phi @ x.swapaxes(-1, -2) + absent
    inside = factor.swapaxes(-1, -2) @ left @ factor
    values, vectors = np.linalg.eigh(inside)
    # A person whom the model fits perfectly has no residual to inflate: a pseudo-root.
    small = values < 1e-10 * values.max(axis=1, keepdims=True)
    root = np.where(small, 0.0, 1 / np.sqrt(np.where(small, 1.0, values)))
    middle = (vectors * root[:, None, :]) @ vectors.swapaxes(-1, -2)
    adjust = factor @ middle @ factor.swapaxes(-1, -2)
    inverse = np.linalg.inv(spread + absent) - absent
    reach = adjust @ inverse @ x
    scores = np.einsum("nvp,nv->np", reach, residual)
    vcov = point.phi @ (scores.T @ scores) @ point.phi
    cross = x.swapaxes(-1, -2) @ reach
    return ClusterRobustErrors(vcov, point.phi, reach, spread, cross)
