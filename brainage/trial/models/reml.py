"""Restricted maximum likelihood for people whose visits share a covariance matrix.

People are grouped by which visits they have (and by arm, where each arm has a covariance of its
own). Everything the likelihood and its derivatives need from the data is the cross-product of
design and response between two visits within a group, formed once; an iteration then costs the
same for thirty people as for thirty thousand.

With W = V^-1, Phi = (X'WX)^-1 and P = W - W X Phi X'W, minus twice the log-likelihood has

- gradient     tr(P V_k) - y'P V_k P y
- Hessian     -tr(P V_k P V_l) + 2 y'P V_k P V_l P y + tr(P V_kl) - y'P V_kl P y
- its expectation  tr(P V_k P V_l).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainage.trial.models.covariance_models import CovarianceModel
from brainage.trial.models.model_frame import ModelFrame

_MOST_ITERATIONS = 100
_MOST_HALVINGS = 40
#: Newton decrement (the log-likelihood has no unit) after which one last step is taken; the
#: steps converge quadratically, so that one lands at rounding error.
_DECREMENT = 1e-8
#: Smallest eigenvalue of a Hessian scaled to unit diagonal below which it is flat.
_FLAT = 1e-9


class FitFailure(Exception):
    """A structure cannot be fitted to these data; the message is the reason to report."""


@dataclass(frozen=True)
class CrossProducts:
    """What the likelihood needs of the data.

    Parameters
    ----------
    products : ndarray of shape (n_patterns, v, v, q, q)
        Cross-products of [design, response] between visits, zero where a visit is absent.
    observed : ndarray of bool of shape (n_patterns, v)
        Visits a pattern has.
    n_people : ndarray of shape (n_patterns,)
        Participants with the pattern.
    group : ndarray of int of shape (n_patterns,)
        Covariance group (0 for all, or the arm).
    n_groups : int
        Number of covariance groups.
    """

    products: np.ndarray
    observed: np.ndarray
    n_people: np.ndarray
    group: np.ndarray
    n_groups: int

    @property
    def n_rows(self) -> int:
        """Number of observations."""
        return int(self.n_people @ self.observed.sum(axis=1))


def cross_products(frame: ModelFrame, *, by_arm: bool = False) -> CrossProducts:
    """Group people by pattern and form the cross-products of design and response."""
    n_visits = len(frame.visits)
    q = frame.design.shape[1] + 1
    cube = np.zeros((frame.n_participants, n_visits, q))
    cube[frame.person, frame.visit, :-1] = frame.design
    cube[frame.person, frame.visit, -1] = frame.response
    seen = np.zeros((frame.n_participants, n_visits), dtype=bool)
    seen[frame.person, frame.visit] = True
    group = np.zeros(frame.n_participants, dtype=int)
    if by_arm:
        group[frame.person] = frame.arm
    code = group * 2**n_visits + seen @ (2 ** np.arange(n_visits))
    patterns, first, count = np.unique(code, return_index=True, return_counts=True)
    products = np.empty((len(patterns), n_visits, n_visits, q, q))
    for g, pattern in enumerate(patterns):
        flat = cube[code == pattern].reshape(count[g], n_visits * q)
        products[g] = (flat.T @ flat).reshape(n_visits, q, n_visits, q).transpose(0, 2, 1, 3)
    n_groups = len(frame.arms) if by_arm else 1
    return CrossProducts(products, seen[first], count, group[first], n_groups)


@dataclass(frozen=True)
class RemlPoint:
    """The likelihood and its pieces at one set of covariance parameters.

    Parameters
    ----------
    deviance : float
        Minus twice the restricted log-likelihood.
    sigma : ndarray of shape (n_groups, v, v)
        Covariance of the visits.
    beta : ndarray of shape (p,)
        Generalised least-squares coefficients.
    phi : ndarray of shape (p, p)
        (X'WX)^-1.
    inverse : ndarray of shape (n_patterns, v, v)
        W of each pattern, zero where a visit is absent.
    first : ndarray of shape (k, n_patterns, v, v)
        Derivatives of V, zero for patterns of another group.
    second : ndarray of shape (k, k, n_patterns, v, v) or None
        Second derivatives of V.
    """

    deviance: float
    sigma: np.ndarray
    beta: np.ndarray
    phi: np.ndarray
    inverse: np.ndarray
    first: np.ndarray
    second: np.ndarray | None


def evaluate(parameters: np.ndarray, model: CovarianceModel, data: CrossProducts) -> RemlPoint:
    """Compute the restricted likelihood at covariance parameters.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a covariance matrix is not positive definite there.
    """
    per_group = parameters.reshape(data.n_groups, -1)
    built = [model.build(own) for own in per_group]
    sigma = np.stack([matrix for matrix, _, _ in built])
    both = data.observed[:, :, None] & data.observed[:, None, :]
    # Absent visits are replaced by an identity block: it adds nothing to the determinant, and is
    # taken out of the inverse again.
    absent = np.eye(model.n_visits) * ~data.observed[:, :, None]
    masked = np.where(both, sigma[data.group], 0.0) + absent
    factor = np.linalg.cholesky(masked)
    log_det = 2 * np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    inverse = np.linalg.inv(masked) - absent
    gram = contract(inverse, data.products)
    information = gram[:-1, :-1]
    chol = np.linalg.cholesky(information)
    phi = np.linalg.inv(information)
    beta = phi @ gram[:-1, -1]
    residual = gram[-1, -1] - gram[:-1, -1] @ beta
    n_free = data.n_rows - len(beta)
    deviance = (
        data.n_people @ log_det
        + 2 * np.log(np.diag(chol)).sum()
        + residual
        + n_free * np.log(2 * np.pi)
    )
    first, second = _derivatives(built, data, both)
    return RemlPoint(float(deviance), sigma, beta, phi, inverse, first, second)


def contract(weights: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Sum cross-products with weights (..., n_patterns, v, v) to (..., q, q)."""
    lead = weights.shape[:-3]
    q = products.shape[-1]
    flat = weights.reshape(*lead, -1) @ products.reshape(-1, q * q)
    return flat.reshape(*lead, q, q)


def _derivatives(
    built: list[tuple[np.ndarray, np.ndarray, np.ndarray | None]],
    data: CrossProducts,
    both: np.ndarray,
) -> tuple[np.ndarray, np.ndarray | None]:
    per = built[0][1].shape[0]
    k = per * data.n_groups
    n_patterns, n_visits = data.observed.shape
    first = np.zeros((k, n_patterns, n_visits, n_visits))
    any_second = any(hessian is not None for _, _, hessian in built)
    second = np.zeros((k, k, n_patterns, n_visits, n_visits)) if any_second else None
    for group, (_, gradient, hessian) in enumerate(built):
        mine = np.flatnonzero(data.group == group)
        own = slice(group * per, (group + 1) * per)
        first[own, mine] = gradient[:, None] * both[mine]
        if second is not None and hessian is not None:
            second[own, own, mine] = hessian[:, :, None] * both[mine]
    return first, second


@dataclass(frozen=True)
class RemlDerivatives:
    """Derivatives of the deviance, and the matrices the small-sample theory is made of.

    Parameters
    ----------
    gradient : ndarray of shape (k,)
        Of the deviance.
    observed, expected : ndarray of shape (k, k)
        Hessian of the deviance, and its expectation.
    slopes : ndarray of shape (k, p, p)
        X'W V_k W X: Phi changes by Phi slopes Phi.
    """

    gradient: np.ndarray
    observed: np.ndarray
    expected: np.ndarray
    slopes: np.ndarray


def differentiate(point: RemlPoint, data: CrossProducts) -> RemlDerivatives:
    """Compute gradient, Hessian and expected Hessian of the deviance at a point."""
    w, phi = point.inverse, point.phi
    k, q = len(point.first), data.products.shape[-1]
    wv = w @ point.first
    m = wv @ w
    full = contract(m, data.products)
    slopes = full[:, :-1, :-1]
    b = np.append(-point.beta, 1.0)
    # Cross-products met by Phi (traces over the design) and by b (residuals), in one product.
    both = np.zeros((q * q, 2))
    both[:, 0] = np.pad(phi, ((0, 1), (0, 1))).ravel()
    both[:, 1] = np.outer(b, b).ravel()
    in_phi, in_residual = np.moveaxis(data.products.reshape(*w.shape, -1) @ both, -1, 0)
    score = full[:, :-1, :] @ b
    pair = (m[:, None] @ wv.swapaxes(-1, -2)[None]).reshape(k, k, -1)
    n_wv = wv * data.n_people[:, None, None]
    trace_plain = n_wv.reshape(k, -1) @ wv.swapaxes(-1, -2).reshape(k, -1).T
    trace_phi = pair @ in_phi.ravel()
    bend = phi @ slopes
    expected = trace_plain - trace_phi - trace_phi.T
    expected = expected + bend.reshape(k, -1) @ bend.swapaxes(-1, -2).reshape(k, -1).T
    quadratic = pair @ in_residual.ravel() - score @ phi @ score.T
    quadratic = (quadratic + quadratic.T) / 2
    flat = m.reshape(k, -1)
    gradient = np.trace(n_wv.sum(axis=1), axis1=1, axis2=2)
    gradient = gradient - flat @ (in_phi + in_residual).ravel()
    observed = 2 * quadratic - expected
    if point.second is not None:
        bent = (w @ point.second @ w).reshape(k * k, -1) @ (in_phi + in_residual).ravel()
        plain = point.second.reshape(k * k, -1) @ (w * data.n_people[:, None, None]).ravel()
        observed = observed + (plain - bent).reshape(k, k)
    return RemlDerivatives(gradient, observed, expected, slopes)


def maximise(
    model: CovarianceModel, data: CrossProducts, start: np.ndarray
) -> tuple[RemlPoint, RemlDerivatives]:
    """Find the restricted maximum by Newton steps, Fisher-scoring ones where Newton cannot.

    Parameters
    ----------
    model : CovarianceModel
        Structure.
    data : CrossProducts
        Of the data.
    start : ndarray of shape (v, v)
        Matrix to start near, positive definite.

    Returns
    -------
    point, derivatives : RemlPoint, RemlDerivatives
        At the maximum.

    Raises
    ------
    FitFailure
        The search did not arrive, or arrived where the parameters are not identified.
    """
    parameters = np.tile(model.start(start), data.n_groups)
    try:
        point = evaluate(parameters, model, data)
    except np.linalg.LinAlgError:
        parameters = np.tile(model.start(np.diag(np.diag(start))), data.n_groups)
        point = _evaluate_or_fail(parameters, model, data)
    for _ in range(_MOST_ITERATIONS):
        derivatives = differentiate(point, data)
        step = _direction(derivatives)
        arrived = abs(derivatives.gradient @ step) < _DECREMENT
        parameters, point = _walk(parameters, step, point, model, data)
        if arrived:
            derivatives = differentiate(point, data)
            _check_arrival(point, derivatives)
            return point, derivatives
    raise FitFailure(f"no convergence in {_MOST_ITERATIONS} iterations")


def _evaluate_or_fail(
    parameters: np.ndarray, model: CovarianceModel, data: CrossProducts
) -> RemlPoint:
    try:
        return evaluate(parameters, model, data)
    except np.linalg.LinAlgError as error:
        raise FitFailure(f"no admissible start ({error})") from error


def _direction(derivatives: RemlDerivatives) -> np.ndarray:
    for matrix in (derivatives.observed, derivatives.expected):
        if _is_definite(matrix):
            return -np.linalg.solve(matrix, derivatives.gradient)
    raise FitFailure("the covariance parameters are not identified by these visits")


def _walk(
    parameters: np.ndarray,
    step: np.ndarray,
    point: RemlPoint,
    model: CovarianceModel,
    data: CrossProducts,
) -> tuple[np.ndarray, RemlPoint]:
    share = 1.0
    for _ in range(_MOST_HALVINGS):
        try:
            new = evaluate(parameters + share * step, model, data)
        except np.linalg.LinAlgError:
            share /= 2
            continue
        if new.deviance <= point.deviance + 1e-9:
            return parameters + share * step, new
        share /= 2
    raise FitFailure("no step raises the likelihood (a variance at zero, or a correlation at one)")


def _check_arrival(point: RemlPoint, derivatives: RemlDerivatives) -> None:
    sd = np.sqrt(np.diagonal(point.sigma, axis1=1, axis2=2))
    correlation = point.sigma / (sd[:, :, None] * sd[:, None, :])
    if np.linalg.eigvalsh(correlation).min() < 1e-8:
        raise FitFailure("the fitted covariance matrix is singular")
    if not _is_definite(derivatives.observed):
        raise FitFailure("the likelihood is flat or saddle-shaped at the solution")


def _is_definite(matrix: np.ndarray) -> bool:
    """Return whether a Hessian is positive definite, whatever the scale of each parameter."""
    diagonal = np.diag(matrix)
    if not np.isfinite(matrix).all() or (diagonal <= 0).any():
        return False
    scale = np.sqrt(diagonal)
    return bool(np.linalg.eigvalsh(matrix / np.outer(scale, scale)).min() > _FLAT)
