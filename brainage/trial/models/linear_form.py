"""A studentised arm contrast, computed for many allocations of the same people at once.

What does not depend on the labels (visits, covariates, arms that keep theirs) is projected out
once; what does is a handful of columns per allocation, so a batch of allocations costs a few
products of dense matrices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from brainage.trial.models.mmrm import fit_frame
from brainage.trial.models.model_frame import ModelFrame

Statistic = Literal["ancova", "gls"]

#: Below this share of its largest eigenvalue an allocation's own columns are dependent.
_SINGULAR = 1e-10
#: Room left by a row's leverage below which the row determines its own fitted value.
_FULL = 1e-8


@dataclass(frozen=True)
class LinearForm:
    """Contrast of the first moving arm with control at one visit, over its robust error.

    Parameters
    ----------
    name : str
        For the method line of a result.
    basis : ndarray of shape (n_rows, n_fixed)
        Orthonormal basis of the whitened columns that do not depend on the labels.
    response : ndarray of shape (n_rows,)
        Whitened, `basis` projected out.
    lift : ndarray of shape (n_visits, n_rows)
        What a person's label adds to each row of the column of an arm at a visit.
    person : ndarray of int of shape (n_rows,)
        Person code of each row, sorted.
    target : int
        Visit of the contrast.
    leverage_correction : bool
        Divide residuals by 1 - leverage (HC3); only where each person has one row.
    """

    name: str
    basis: np.ndarray
    response: np.ndarray
    lift: np.ndarray
    person: np.ndarray
    target: int
    leverage_correction: bool

    def studentised(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute the contrast under each allocation.

        Parameters
        ----------
        labels : ndarray of bool of shape (n_moving_arms, n_participants, n_draws)
            Who is in each arm whose labels move; the first is the arm of the contrast.

        Returns
        -------
        estimate, statistic : ndarray of shape (n_draws,)
            NaN where an allocation does not determine the contrast.
        """
        estimate, products = self.moments(labels, self.response[None])
        variance = np.where(products[0, 0] > 0, products[0, 0], np.nan)
        return estimate[0], estimate[0] / np.sqrt(variance)

    def moments(self, labels: np.ndarray, responses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute contrast and error of several responses under each allocation.

        Both are linear in the response before squaring, so those of ``y - shift * z`` follow from
        those of y and z: what inverting the test needs.

        Parameters
        ----------
        labels : ndarray of bool of shape (n_moving_arms, n_participants, n_draws)
            As in `studentised`.
        responses : ndarray of shape (n_responses, n_rows)
            Whitened, `basis` projected out.

        Returns
        -------
        estimate : ndarray of shape (n_responses, n_draws)
            NaN where an allocation does not determine the contrast.
        products : ndarray of shape (n_responses, n_responses, n_draws)
            Robust variances and covariances of the estimates.
        """
        columns = self._columns(labels)
        gram = np.einsum("krb,lrb->bkl", columns, columns)
        right = np.einsum("krb,qr->bkq", columns, responses)
        size = np.linalg.eigvalsh(gram)
        usable = (size[:, 0] > _SINGULAR * size[:, -1]) & (size[:, 0] > _SINGULAR)
        gram[~usable] = np.eye(gram.shape[1])
        inverse = np.linalg.inv(gram)
        beta = inverse @ right
        weight = np.einsum("krb,bk->rb", columns, inverse[:, self.target])
        if self.leverage_correction:
            own = np.einsum("krb,bkl,lrb->rb", columns, inverse, columns, optimize=True)
            room = 1 - self._leverage()[:, None] - own
            weight = weight / np.where(room > _FULL, room, np.nan)
        starts = np.flatnonzero(np.diff(self.person, prepend=-1))
        sums = []
        for k, response in enumerate(responses):
            residual = response[:, None] - np.einsum("krb,bk->rb", columns, beta[:, :, k])
            sums.append(np.add.reduceat(weight * residual, starts, axis=0))
        stacked = np.stack(sums)
        products = np.einsum("qsb,lsb->qlb", stacked, stacked)
        estimate = np.where(usable, beta[:, self.target].T, np.nan)
        return estimate, products

    def shift_of(self, labels: np.ndarray) -> np.ndarray:
        """Return what a shift of one year in an arm at the visit adds to the response.

        Parameters
        ----------
        labels : ndarray of bool of shape (n_participants,)
            Who is in the arm.

        Returns
        -------
        added : ndarray of shape (n_rows,)
            Whitened, `basis` projected out.
        """
        added = labels[self.person].astype(float) * self.lift[self.target]
        return added - self.basis @ (self.basis.T @ added)

    def _leverage(self) -> np.ndarray:
        """Return each row's leverage in the fixed columns.

        A person who alone determines a covariate (the only one of a site) has a residual of zero
        under every allocation and says nothing of the contrast, so no correction is due.
        """
        share = (self.basis**2).sum(axis=1)
        return np.where(share > 1 - _FULL, 0.0, share)

    def _columns(self, labels: np.ndarray) -> np.ndarray:
        own = labels[:, self.person].astype(float)
        columns = own[:, None] * self.lift[None, :, :, None]
        columns = columns.reshape(-1, *own.shape[1:])
        return columns - self.basis @ (self.basis.T @ columns)


def linear_form(
    frame: ModelFrame, target: str, *, statistic: Statistic, fixed_arms: tuple[str, ...] = ()
) -> LinearForm:
    """Prepare the contrast of two arms for redrawn labels.

    Parameters
    ----------
    frame : ModelFrame
        Change form; its arms are read for `fixed_arms` only.
    target : str
        Visit of the contrast.
    statistic : {"ancova", "gls"}
        "ancova": `frame` holds one visit, least squares. "gls": the covariance of the visits is
        estimated once, by `fit_frame` on the same design without arm.
    fixed_arms : tuple of str, default=()
        Arms whose people keep their label.

    Returns
    -------
    form : LinearForm
    """
    n_visits = len(frame.visits)
    covariates = frame.design[:, len(frame.arms) * n_visits :]
    cells = np.eye(n_visits)[frame.visit]
    arm_free = np.hstack([cells, covariates])
    name = "ANCOVA contrast (HC3)"
    sigma = np.eye(n_visits)
    if statistic == "gls":
        names = (*frame.visits, *frame.column_names[len(frame.arms) * n_visits :])
        bare = replace(
            frame, design=arm_free, column_names=names, arms=("all",), arm=np.zeros_like(frame.arm)
        )
        fit = fit_frame(bare, covariance_by_arm=False)
        name = (
            f"GLS contrast ({fit.covariance_name} covariance estimated without arm, errors "
            "clustered by person)"
        )
        sigma = fit.covariance["all arms"].to_numpy()
    codes = [frame.arms.index(arm) for arm in fixed_arms]
    fixed = [cells * (frame.arm == code)[:, None] for code in codes]
    basis = _orthonormal(_whiten(frame, sigma, np.hstack([arm_free, *fixed])))
    response = _whiten(frame, sigma, frame.response[:, None])[:, 0]
    return LinearForm(
        name=name,
        basis=basis,
        response=response - basis @ (basis.T @ response),
        lift=_whiten(frame, sigma, cells).T,
        person=frame.person,
        target=frame.visits.index(target),
        leverage_correction=statistic == "ancova",
    )


def _whiten(frame: ModelFrame, sigma: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Multiply each person's rows by the inverse Cholesky factor of their covariance."""
    n, n_visits = frame.n_participants, len(frame.visits)
    seen = np.zeros((n, n_visits), dtype=bool)
    seen[frame.person, frame.visit] = True
    cube = np.zeros((n, n_visits, columns.shape[1]))
    cube[frame.person, frame.visit] = columns
    both = seen[:, :, None] & seen[:, None, :]
    spread = np.where(both, sigma, np.eye(n_visits))
    return np.linalg.solve(np.linalg.cholesky(spread), cube)[frame.person, frame.visit]


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    left, singular, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, singular > 1e-10 * singular[0]]
