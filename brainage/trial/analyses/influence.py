"""The primary contrast without each site, and without each of the most influential people."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.tables import Column, TableSchema
from brainage.trial.analyses.record import Analysis, AnalysisInputs, AnalysisResult, NothingToDo
from brainage.trial.analyses.repeated_measures import MODEL_SETTINGS, fit_changes, main_model
from brainage.trial.models.mmrm_fit import MmrmFit
from brainage.trial.results.schemas import ESTIMATE_COLUMNS
from brainage.trial.results.tables import ResultTable

#: People whose leaving out is fitted anew and shown.
N_PEOPLE = 10
_SHARED = (
    *ESTIMATE_COLUMNS,
    Column("p_value", "number", "Two-sided p.", low=0, high=1, nullable=True),
    Column("moved_years", "number", "Estimate minus that of everybody.", "years", nullable=True),
    Column("n_model", "integer", "Participants the model used."),
    Column("method", "text", "How it was estimated."),
)
INFLUENCE = TableSchema(
    "influence",
    (
        Column("participant_id", "text", "Who is left out."),
        Column("arm", "text", "Arm."),
        Column("visits", "integer", "Scans after baseline in the model."),
        *_SHARED,
    ),
    key=("participant_id",),
)
SITES = TableSchema(
    "leave_one_site_out",
    (Column("site", "text", "Which site is left out."), *_SHARED),
    key=("site",),
)


def _influence(inputs: AnalysisInputs) -> AnalysisResult:
    fit = main_model(inputs)
    everybody = _contrast(fit, inputs)
    moved = deletion_effects(fit, _weights(fit, inputs))
    most = np.argsort(-np.abs(moved), kind="stable")[:N_PEOPLE]
    arm_of = dict(zip(fit.frame.person.tolist(), fit.frame.arm.tolist(), strict=True))
    rows = []
    for code in most:
        person = str(fit.frame.ids[code])
        rows.append(
            {
                "participant_id": person,
                "arm": fit.frame.arms[arm_of[int(code)]],
                "visits": int((fit.frame.person == code).sum()),
                **_without(inputs, inputs.changes["participant_id"] != person, everybody),
            }
        )
    return AnalysisResult(
        tables={INFLUENCE.name: pd.DataFrame(rows, columns=list(INFLUENCE.names))}
    )


def deletion_effects(fit: MmrmFit, weights: np.ndarray) -> np.ndarray:
    """Return how far an estimate moves when each person is left out, the covariance kept.

    Parameters
    ----------
    fit : MmrmFit
        A fitted model.
    weights : ndarray of shape (p,)
        Of the estimate.

    Returns
    -------
    moved : ndarray of shape (n_participants,)
        Estimate without the person minus the estimate with everybody, in the response's unit.

    Notes
    -----
    With W the inverse covariance and Phi = (X'WX)^-1, leaving out person i moves the coefficients
    by -Phi X_i' (V_i - X_i Phi X_i')^-1 r_i exactly.
    """
    frame = fit.frame
    shared = "all arms" in fit.covariance
    sigma = [fit.covariance["all arms" if shared else arm].to_numpy() for arm in frame.arms]
    blocks = []
    information = np.zeros((frame.design.shape[1],) * 2)
    starts = np.flatnonzero(np.diff(frame.person, prepend=-1))
    for start, stop in zip(starts, [*starts[1:], len(frame.person)], strict=True):
        rows = slice(start, stop)
        visits = frame.visit[rows]
        spread = sigma[frame.arm[start]][np.ix_(visits, visits)]
        x = frame.design[rows]
        information += x.T @ np.linalg.solve(spread, x)
        blocks.append((x, spread, rows))
    phi = np.linalg.inv(information)
    residual = frame.response - frame.design @ fit.coefficients.to_numpy()
    reach = phi @ weights
    moved = np.empty(len(blocks))
    for i, (x, spread, rows) in enumerate(blocks):
        left = spread - x @ phi @ x.T
        # A person who alone determines a coefficient has no residual to speak of.
        moved[i] = -(x @ reach) @ np.linalg.lstsq(left, residual[rows], rcond=None)[0]
    return moved


def _sites(inputs: AnalysisInputs) -> AnalysisResult:
    sites = inputs.changes["site"]
    names = sorted(sites.dropna().astype(str).unique())
    if len(names) < 2:
        raise NothingToDo("all scans are of one site, or the site is not known")
    everybody = _contrast(main_model(inputs), inputs)
    rows, notes = [], []
    for name in names:
        try:
            rows.append({"site": name, **_without(inputs, sites.astype(str) != name, everybody)})
        except DesignError as error:
            notes.append(f"without site {name}: {error}")
    if not rows:
        raise DesignError("; ".join(notes))
    return AnalysisResult(
        tables={SITES.name: pd.DataFrame(rows, columns=list(SITES.names))}, notes=tuple(notes)
    )


def _without(inputs: AnalysisInputs, kept: pd.Series, everybody: float) -> dict:
    fit = fit_changes(inputs.changes[kept], inputs.design)
    found = fit.estimate(_weights(fit, inputs))
    return {
        "estimate_years": found.estimate,
        "se_years": found.se,
        "ci_low_years": found.ci_low,
        "ci_high_years": found.ci_high,
        "p_value": found.p_value,
        "moved_years": found.estimate - everybody,
        "n_model": fit.n_participants,
        "method": fit.method,
    }


def _weights(fit: MmrmFit, inputs: AnalysisInputs) -> np.ndarray:
    return fit.contrast_weights(inputs.design.primary_arm, inputs.design.primary_visit)


def _contrast(fit: MmrmFit, inputs: AnalysisInputs) -> float:
    return float(_weights(fit, inputs) @ fit.coefficients.to_numpy())


_OF_PRIMARY = (*MODEL_SETTINGS, "primary_arm", "primary_visit")
PEOPLE_LEFT_OUT = Analysis(
    key="influence",
    title=lambda _: "influential people",
    words=f"the primary contrast of the repeated-measures model without each of the {N_PEOPLE} "
    "people whose leaving out moves it most",
    settings=_OF_PRIMARY,
    run=_influence,
    tables=(
        ResultTable(
            INFLUENCE,
            "The primary contrast without each of the most influential people, most influential "
            "first. Nobody is left out of any other analysis for it.",
        ),
    ),
)
SITES_LEFT_OUT = Analysis(
    key="leave_one_site_out",
    title=lambda _: "leave one site out",
    words="the primary contrast of the repeated-measures model without each site",
    settings=_OF_PRIMARY,
    run=_sites,
    tables=(ResultTable(SITES, "The primary contrast without each site."),),
)
