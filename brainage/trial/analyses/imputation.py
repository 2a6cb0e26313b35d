"""The model that unseen changes are imputed from, and what each assumption makes of them.

One design for every person and visit, seen or not: a mean for each arm and visit, and every
baseline covariate with a slope at each visit; one unstructured covariance of a person's visits.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from brainage.trial.analyses.record import AnalysisInputs
from brainage.trial.analyses.repeated_measures import baseline_covariates, model_data
from brainage.trial.models.covariates import code_covariate
from brainage.trial.models.mmrm import fit_frame
from brainage.trial.models.model_frame import ModelFrame

Assumption = Literal["missing at random", "jump to reference", "copy reference"]
ASSUMPTIONS: tuple[Assumption, ...] = (
    "missing at random",
    "jump to reference",
    "copy reference",
)


@dataclass(frozen=True)
class ImputationData:
    """Everybody with a baseline score, seen or not.

    Parameters
    ----------
    ids : ndarray of shape (n,)
        Participants.
    arm : ndarray of int of shape (n,)
        Arm codes, control 0.
    covariates : ndarray of shape (n, q)
        Baseline covariates, centred.
    change : ndarray of shape (n, v)
        Change from baseline, NaN where not seen.
    stopped : ndarray of bool of shape (n, v)
        Visits after the person stopped earlier than planned, or withdrew.
    arms, visits : tuple of str
        Names of the codes.
    """

    ids: np.ndarray
    arm: np.ndarray
    covariates: np.ndarray = field(repr=False)
    change: np.ndarray = field(repr=False)
    stopped: np.ndarray = field(repr=False)
    arms: tuple[str, ...]
    visits: tuple[str, ...]

    def of(self, people: np.ndarray) -> ImputationData:
        """Return the data of some people, each as often as they are named."""
        return replace(
            self,
            ids=np.arange(len(people)),
            arm=self.arm[people],
            covariates=self.covariates[people],
            change=self.change[people],
            stopped=self.stopped[people],
        )


@dataclass(frozen=True)
class ImputationModel:
    """Means and covariance that unseen changes are drawn from.

    Parameters
    ----------
    means : ndarray of shape (n_arms, v)
        Mean change of each arm at the covariates' means.
    slopes : ndarray of shape (q, v)
        Of each covariate at each visit.
    sigma : ndarray of shape (v, v)
        Covariance of a person's changes.
    """

    means: np.ndarray
    slopes: np.ndarray
    sigma: np.ndarray


def imputation_data(inputs: AnalysisInputs, stopped_column: str | None) -> ImputationData:
    """Return everybody with a baseline score as the imputation takes them.

    People without a value of a planned covariate are left out, as in the models.

    Parameters
    ----------
    inputs : AnalysisInputs
        Of the main network.
    stopped_column : str or None
        See `MissingDataOptions`.
    """
    design, options = inputs.design, inputs.design.options
    scans = inputs.scans
    first = scans[scans["visit"] == design.baseline]
    first = first.rename(columns={options.outcome: "baseline_gap", "age_years": "baseline_age"})
    allocated = [*dict.fromkeys((*options.strata, *options.covariates))]
    stop = [stopped_column] if stopped_column else []
    people = first.drop(columns=[*allocated, *stop], errors="ignore").merge(
        design.allocation[["participant_id", *dict.fromkeys((*allocated, *stop))]],
        on="participant_id",
    )
    names = baseline_covariates(people, design)
    people = model_data(people, design)
    people = people[people[list(names)].notna().all(axis=1)].reset_index(drop=True)
    columns = [column for name in names for _, column in code_covariate(people[name], name)]
    matrix = np.column_stack([column - column.mean() for column in columns])
    change = inputs.changes.pivot_table(index="participant_id", columns="visit", values="change")
    change = change.reindex(index=people["participant_id"], columns=list(design.later_visits))
    values = change.to_numpy(dtype=float)
    return ImputationData(
        ids=people["participant_id"].to_numpy(),
        arm=np.array([design.arms.index(arm) for arm in people["arm"]]),
        covariates=_independent(matrix),
        change=values,
        stopped=_stopped(people, values, design.visits, stopped_column),
        arms=design.arms,
        visits=design.later_visits,
    )


def _independent(matrix: np.ndarray) -> np.ndarray:
    """Return the columns that say something beyond those before them."""
    kept: list[int] = []
    for j in range(matrix.shape[1]):
        if np.linalg.matrix_rank(matrix[:, [*kept, j]]) > len(kept):
            kept.append(j)
    return matrix[:, kept]


def _stopped(
    people: pd.DataFrame, change: np.ndarray, visits: tuple, column: str | None
) -> np.ndarray:
    if column is None:
        # After the last scan: whoever comes back later only missed a visit.
        seen = np.isfinite(change)
        return np.cumsum(seen[:, ::-1], axis=1)[:, ::-1] == 0
    years = people[column].to_numpy(dtype=float)
    planned = np.array([visit.nominal_years for visit in visits[1:]])
    # NaN: never stopped before the planned end; comparisons with it are false.
    return planned[None, :] > years[:, None]


def fit_imputation(data: ImputationData) -> ImputationModel:
    """Fit the imputation model to what was seen.

    Raises
    ------
    DesignError
        See `fit_frame`.
    """
    n, v = data.change.shape
    n_arms, q = len(data.arms), data.covariates.shape[1]
    person, visit = np.nonzero(np.isfinite(data.change))
    cells = np.eye(n_arms * v)[data.arm[person] * v + visit]
    own = np.einsum("rq,rv->rqv", data.covariates[person], np.eye(v)[visit]).reshape(-1, q * v)
    used, code = np.unique(person, return_inverse=True)
    frame = ModelFrame(
        design=np.hstack([cells, own]),
        response=data.change[person, visit],
        person=code,
        arm=data.arm[person],
        visit=visit,
        ids=data.ids[used],
        column_names=tuple(f"column {j}" for j in range(n_arms * v + q * v)),
        arms=data.arms,
        visits=data.visits,
        form="change",
        covariates=(),
        notes=(),
    )
    fit = fit_frame(frame, covariance_by_arm=False, errors="model")
    beta = fit.coefficients.to_numpy()
    return ImputationModel(
        beta[: n_arms * v].reshape(n_arms, v),
        beta[n_arms * v :].reshape(q, v),
        fit.covariance["all arms"].to_numpy(),
    )


def impute(
    data: ImputationData,
    model: ImputationModel,
    assumption: Assumption,
    *,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """Fill in what was not seen.

    Parameters
    ----------
    data : ImputationData
        What was seen.
    model : ImputationModel
        Means and covariance.
    assumption : {"missing at random", "jump to reference", "copy reference"}
        Of people who stopped. "jump to reference": from then on control's mean; "copy reference":
        control's mean at every visit, also those before. Others are missing at random in their
        own arm.
    rng : Generator or None, default=None
        Draws around the conditional mean; None: the conditional mean itself.

    Returns
    -------
    change : ndarray of shape (n, v)
        Nothing missing.

    References
    ----------
    .. [1] Carpenter, Roger & Kenward (2013), J. Biopharm. Stat. 23:1352-1371.
    """
    own = model.means[data.arm] + data.covariates @ model.slopes
    reference = model.means[0] + data.covariates @ model.slopes
    if assumption == "missing at random":
        mean = own
    elif assumption == "jump to reference":
        mean = np.where(data.stopped, reference, own)
    else:
        mean = np.where(data.stopped.any(axis=1, keepdims=True), reference, own)
    filled = data.change.copy()
    seen = np.asarray(np.isfinite(data.change))
    for pattern in np.unique(seen, axis=0):
        if pattern.all():
            continue
        people = np.flatnonzero(np.all(seen == pattern, axis=1))
        gone = ~pattern
        pull = np.linalg.solve(
            model.sigma[np.ix_(pattern, pattern)], model.sigma[np.ix_(pattern, gone)]
        )
        off = data.change[np.ix_(people, pattern)] - mean[np.ix_(people, pattern)]
        values = mean[np.ix_(people, gone)] + off @ pull
        if rng is not None:
            left = model.sigma[np.ix_(gone, gone)] - model.sigma[np.ix_(gone, pattern)] @ pull
            root = np.linalg.cholesky((left + left.T) / 2)
            values = values + rng.standard_normal(values.shape) @ root.T
        filled[np.ix_(people, gone)] = values
    return filled


def adjusted_contrast(
    data: ImputationData, change: np.ndarray, arm: int, visit: int
) -> tuple[float, float, float]:
    """Estimate an arm minus control at a visit from completed changes, by analysis of covariance.

    Returns
    -------
    estimate, variance, df : float
        Classical least squares.
    """
    design = np.hstack([np.eye(len(data.arms))[data.arm], data.covariates])
    gram = np.linalg.inv(design.T @ design)
    beta = gram @ (design.T @ change[:, visit])
    residual = change[:, visit] - design @ beta
    df = float(len(design) - design.shape[1])
    weights = np.zeros(design.shape[1])
    weights[arm], weights[0] = 1.0, -1.0
    variance = float(residual @ residual / df * (weights @ gram @ weights))
    return float(weights @ beta), variance, df
