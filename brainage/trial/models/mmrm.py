"""The mixed model for repeated measures, and its constrained longitudinal form.

No Python package fits it: the likelihood is in ``reml``, the structures in
``covariance_models``, errors and degrees of freedom in ``degrees_of_freedom``. Estimates equal
``nlme::gls``, degrees of freedom ``lmerTest`` and ``pbkrtest`` (tests/reference_values).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.trial.models.covariance_models import FALL_BACK_ORDER, covariance_model
from brainage.trial.models.degrees_of_freedom import (
    ClusterRobustErrors,
    ModelErrors,
    cluster_robust,
    kenward_roger,
    satterthwaite,
    small_sample,
)
from brainage.trial.models.mmrm_fit import MmrmFit
from brainage.trial.models.model_frame import FEW_PEOPLE, ModelFrame, build_model_frame
from brainage.trial.models.reml import (
    CrossProducts,
    FitFailure,
    RemlPoint,
    cross_products,
    maximise,
)

DegreesOfFreedom = Literal["satterthwaite", "kenward_roger"]
Errors = Literal["automatic", "model", "cluster_robust", "small_sample"]


def fit_mmrm(
    data: pd.DataFrame,
    *,
    response: str,
    arms: tuple[str, ...],
    visits: tuple[str, ...],
    covariates: tuple[str, ...] = (),
    crossed_with_visit: tuple[str, ...] = ("baseline_gap", "baseline_age"),
    degrees_of_freedom: DegreesOfFreedom = "satterthwaite",
    form: Literal["change", "constrained"] = "change",
    covariance: str | None = None,
    covariance_by_arm: bool = True,
    errors: Errors = "automatic",
) -> MmrmFit:
    """Fit the repeated-measures model by restricted maximum likelihood.

    Parameters
    ----------
    data : DataFrame
        Long: participant_id, arm, visit, the response and the covariates (measured before
        randomisation). A visit without a row or without a value is missing at random.
    response : str
        Column of the response: the change from baseline (form="change"), or the gap itself at
        every visit including baseline (form="constrained"). In years for a brain-age gap.
    arms : tuple of str
        Control first.
    visits : tuple of str
        In order of time; with form="constrained" the first is the baseline.
    covariates : tuple of str, default=()
        Text columns are categorical, numbers are linear.
    crossed_with_visit : tuple of str, default=("baseline_gap", "baseline_age")
        Those of `covariates` with a coefficient of their own at each visit; names that are not
        among `covariates` have no effect.
    degrees_of_freedom : {"satterthwaite", "kenward_roger"}, default="satterthwaite"
        For model-based errors.
    form : {"change", "constrained"}, default="change"
        "constrained" keeps people without a follow-up and gives all arms one baseline mean.
    covariance : str or None, default=None
        One of `covariance_models.FALL_BACK_ORDER`; None: the first of them that can be fitted.
    covariance_by_arm : bool, default=True
        Give each arm a covariance of its own, so that errors stay right where training changes
        the variance; False: one for all arms, as ``nlme::gls(corSymm + varIdent)``. If the arms'
        own cannot be fitted they share one, and `fell_back_because` says so.
    errors : {"automatic", "model", "cluster_robust", "small_sample"}, default="automatic"
        "model": trust the fitted covariance; "cluster_robust": CR2 with Satterthwaite-type degrees
        of freedom; "small_sample": the same with Kenward and Roger's correction for the estimated
        covariance. "automatic" is "model" for the change form, but "small_sample" after any
        fall-back, because the smaller structure need not be true; in the constrained form, whose
        adjustment for baseline is made of the estimated covariance; and where an arm has fewer
        than sixty people at a visit. In the last two cases all arms share one working covariance
        as well. With Kenward-Roger asked for, only a fall-back changes the errors.

    Returns
    -------
    fit : MmrmFit

    Raises
    ------
    DesignError
        See `build_model_frame`; also too few people for the covariates, a perfect fit, or no
        structure that can be fitted (each with its reason).

    References
    ----------
    .. [1] Mallinckrodt et al. (2008), Drug Inf. J. 42:303-319.
    .. [2] Liang & Zeger (2000), Sankhya B 62:134-148 (constrained form).

    """
    frame = build_model_frame(
        data,
        response=response,
        arms=arms,
        visits=visits,
        covariates=covariates,
        crossed_with_visit=crossed_with_visit,
        form=form,
    )
    return fit_frame(
        frame,
        degrees_of_freedom=degrees_of_freedom,
        covariance=covariance,
        covariance_by_arm=covariance_by_arm,
        errors=errors,
    )


def fit_frame(
    frame: ModelFrame,
    *,
    degrees_of_freedom: DegreesOfFreedom = "satterthwaite",
    covariance: str | None = None,
    covariance_by_arm: bool = True,
    errors: Errors = "automatic",
) -> MmrmFit:
    """Fit the repeated-measures model to a design that is already made.

    Parameters
    ----------
    frame : ModelFrame
        From `build_model_frame`.
    degrees_of_freedom, covariance, covariance_by_arm, errors
        As in `fit_mmrm`.

    Returns
    -------
    fit : MmrmFit
    """
    if covariance is not None and covariance not in FALL_BACK_ORDER:
        raise DesignError(
            f"covariance '{covariance}': expected one of {', '.join(FALL_BACK_ORDER)}."
        )
    start = _start(frame)
    robust = (
        errors == "automatic"
        and degrees_of_freedom == "satterthwaite"
        and (frame.form == "constrained" or frame.smallest_cell()[2] < FEW_PEOPLE)
    )
    reasons: list[str] = []
    chosen: ModelErrors | ClusterRobustErrors
    for name, by_arm in _attempts(covariance, covariance_by_arm and not robust):
        label = f"{name}, one per arm" if by_arm else name
        data = cross_products(frame, by_arm=by_arm)
        try:
            _check_identified(data, name, frame)
            point, derivatives = maximise(covariance_model(name, len(frame.visits)), data, start)
            if errors == "cluster_robust":
                chosen = cluster_robust(point, frame, by_arm=by_arm)
            elif errors == "small_sample" or (errors == "automatic" and (robust or reasons)):
                chosen = small_sample(point, derivatives, data, frame, by_arm=by_arm)
            elif degrees_of_freedom == "kenward_roger":
                chosen = kenward_roger(point, derivatives, data)
            else:
                chosen = satterthwaite(point, derivatives)
        except FitFailure as failure:
            reasons.append(f"{label}: {failure}")
            continue
        return _result(frame, point, chosen, (label, tuple(reasons), robust))
    raise DesignError(
        "repeated-measures model: no covariance structure can be fitted to "
        f"{frame.n_participants} participants and {len(frame.response)} "
        "observations. " + "; ".join(reasons)
    )


def _attempts(covariance: str | None, covariance_by_arm: bool) -> list[tuple[str, bool]]:
    names = FALL_BACK_ORDER if covariance is None else (covariance,)
    if covariance_by_arm:
        return [(names[0], True), *((name, False) for name in names)]
    return [(name, False) for name in names]


def _start(frame: ModelFrame) -> np.ndarray:
    """Return a rough covariance of the visits from ordinary least-squares residuals."""
    n_rows, n_columns = frame.design.shape
    if n_rows <= n_columns:
        raise DesignError(
            f"repeated-measures model: {n_rows} observations of "
            f"{frame.n_participants} participants are too few for {n_columns} "
            "coefficients; leave covariates out."
        )
    beta = np.linalg.solve(frame.design.T @ frame.design, frame.design.T @ frame.response)
    residual = frame.response - frame.design @ beta
    n_visits = len(frame.visits)
    total = np.bincount(frame.visit, weights=residual**2, minlength=n_visits)
    variance = total / np.maximum(np.bincount(frame.visit, minlength=n_visits), 1)
    if (variance <= 1e-16 * np.var(frame.response)).any():
        visit = frame.visits[int(np.argmin(variance))]
        raise DesignError(
            f"visit '{visit}': the model fits every value exactly (constant outcome "
            "at the visit, or as many coefficients as people)."
        )
    sd = np.sqrt(variance)
    return np.outer(sd, sd) * (0.5 + 0.5 * np.eye(n_visits))


def _check_identified(data: CrossProducts, name: str, frame: ModelFrame) -> None:
    if name != FALL_BACK_ORDER[0]:
        return
    for group in range(data.n_groups):
        mine = data.group == group
        together = np.einsum(
            "g,gi,gj->ij",
            data.n_people[mine],
            data.observed[mine].astype(int),
            data.observed[mine].astype(int),
        )
        rows, columns = np.nonzero(together == 0)
        if len(rows):
            raise FitFailure(
                f"nobody was seen at both {frame.visits[rows[0]]} and {frame.visits[columns[0]]}"
            )


def _result(
    frame: ModelFrame,
    point: RemlPoint,
    errors: ModelErrors | ClusterRobustErrors,
    named: tuple[str, tuple[str, ...], bool],
) -> MmrmFit:
    label, reasons, robust = named
    names = list(frame.column_names)
    visits = list(frame.visits)
    keys = ["all arms"] if len(point.sigma) == 1 else list(frame.arms)
    form = "change from baseline" if frame.form == "change" else "constrained longitudinal"
    return MmrmFit(
        coefficients=pd.Series(point.beta, index=names),
        vcov=pd.DataFrame(errors.vcov, index=names, columns=names),
        covariance={
            key: pd.DataFrame(sigma, index=visits, columns=visits)
            for key, sigma in zip(keys, point.sigma, strict=True)
        },
        covariance_name=label,
        fell_back_because=reasons,
        n_participants=frame.n_participants,
        n_observations=len(frame.response),
        covariates=frame.covariates,
        method=f"MMRM ({form}), {label} covariance, REML, {errors.name} degrees of freedom",
        notes=frame.notes + _robust_note(frame, robust),
        log_likelihood=-point.deviance / 2,
        n_covariance_parameters=len(point.first),
        frame=frame,
        errors=errors,
    )


def _robust_note(frame: ModelFrame, robust: bool) -> tuple[str, ...]:
    if not robust:
        return ()
    arm, visit, people = frame.smallest_cell()
    why = "constrained form"
    if people < FEW_PEOPLE:
        why = f"arm {arm} has {people} analysed participants at {visit}, fewer than {FEW_PEOPLE}"
    return (
        f"{why}: one working covariance for all arms, cluster-robust errors with "
        "Kenward-Roger's correction",
    )
