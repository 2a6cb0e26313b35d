"""The primary contrast under other assumptions of what was not seen.

Rubin's rules give the information-anchored error: as if what is missing were as uncertain as under
missing at random. The bootstrap gives the error over repeated trials, in which imputed values
repeat the reference's mean; it is smaller. The two answer different questions.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from brainage.errors import DesignError
from brainage.tables import Column, TableSchema
from brainage.trial.analyses.imputation import (
    ASSUMPTIONS,
    Assumption,
    ImputationData,
    adjusted_contrast,
    fit_imputation,
    imputation_data,
    impute,
)
from brainage.trial.analyses.record import Analysis, AnalysisInputs, AnalysisResult, NothingToDo
from brainage.trial.analyses.repeated_measures import COVARIATE_SETTINGS
from brainage.trial.models.lsmeans import CONFIDENCE_LEVEL, t_estimate
from brainage.trial.options import TrialOptions
from brainage.trial.results.schemas import ESTIMATE_COLUMNS
from brainage.trial.results.tables import ResultTable

WEIGHTED = "completers, weighted"
#: Share of bootstrap samples that must be fitted for their error to count.
_LEAST_DONE = 0.9
_MOST_STEPS = 50
#: Smallest probability of being complete that a weight is made of.
_LEAST_PROBABILITY = 0.02
MISSING_DATA = TableSchema(
    "missing_data",
    (
        Column("assumption", "text", "Of what was not seen."),
        *ESTIMATE_COLUMNS,
        Column("df", "number", "Degrees of freedom (Barnard and Rubin).", nullable=True),
        Column("p_value", "number", "Two-sided p.", nullable=True, low=0, high=1),
        Column(
            "conditional_mean_years",
            "number",
            "The estimate when what is missing is its conditional mean: no draws in it.",
            "years",
            nullable=True,
        ),
        Column("bootstrap_se_years", "number", "Error over repeated trials.", "years"),
        Column("bootstrap_ci_low_years", "number", "Percentile interval, 95 %.", "years"),
        Column("bootstrap_ci_high_years", "number", "Percentile interval, 95 %.", "years"),
        Column(
            "information_missing",
            "number",
            "Share of the information lost to missing scans.",
            nullable=True,
            low=0,
            high=1,
        ),
        Column("n_model", "integer", "People analysed, of all arms."),
        Column("n_imputed", "integer", "Of the two arms, people without a score at the visit."),
        Column("n_stopped", "integer", "Of those, stopped or withdrawn before it."),
        Column("n_draws", "integer", "Imputations, or bootstrap samples."),
        Column("method", "text", "How it was estimated."),
    ),
    key=("assumption",),
)


def _missing_data(inputs: AnalysisInputs) -> AnalysisResult:
    options = inputs.design.options.missing
    assert options is not None
    data = imputation_data(inputs, options.stopped_column)
    arm = data.arms.index(inputs.design.primary_arm)
    visit = data.visits.index(inputs.design.primary_visit)
    if np.isfinite(data.change).all():
        raise NothingToDo("everybody with a baseline score has one at every visit")
    draws = _draw(data, (arm, visit), options.n_imputations, inputs.seed)
    rows = [
        _pooled_row(data, (arm, visit), assumption, draws[assumption]) for assumption in ASSUMPTIONS
    ]
    notes = [
        "Rubin's error is anchored to the information under missing at random, the "
        "bootstrap's is that over repeated trials; they answer different questions"
    ]
    if options.stopped_column is None:
        notes.append(
            "when people stopped is not recorded (missing.stopped_column); whoever "
            "has no later scan is taken to have withdrawn after the last one"
        )
    try:
        rows.append(_weighted_row(data, (arm, visit), options.n_imputations, inputs.seed))
    except DesignError as error:
        notes.append(f"{WEIGHTED}: {error}")
    table = pd.DataFrame(rows, columns=list(MISSING_DATA.names))
    return AnalysisResult(tables={MISSING_DATA.name: table}, notes=tuple(notes))


def _draw(
    data: ImputationData, what: tuple[int, int], n_draws: int, seed: int
) -> dict[Assumption, dict[str, list[float]]]:
    """Impute the data once a bootstrap fit, and estimate once a bootstrap sample.

    Each bootstrap sample of people gives one model: what the observed people's missing changes are
    drawn from (proper imputation), and what that sample's own are filled in with.
    """
    rng = np.random.default_rng(seed)
    found: dict[Assumption, dict[str, list[float]]] = {
        each: {"estimate": [], "variance": [], "resampled": []} for each in ASSUMPTIONS
    }
    done = 0
    for _ in range(n_draws):
        sample = data.of(resampled_people(data.arm, rng))
        try:
            model = fit_imputation(sample)
        except DesignError:
            continue
        done += 1
        for each in ASSUMPTIONS:
            estimate, variance, _ = adjusted_contrast(
                data, impute(data, model, each, rng=rng), *what
            )
            again, *_ = adjusted_contrast(sample, impute(sample, model, each), *what)
            found[each]["estimate"].append(estimate)
            found[each]["variance"].append(variance)
            found[each]["resampled"].append(again)
    if done < _LEAST_DONE * n_draws:
        raise DesignError(
            f"the imputation model could be fitted to {done} of {n_draws} bootstrap samples only; "
            "there are too few people for these covariates."
        )
    return found


def resampled_people(arm: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw people with replacement, as many of each arm as there are."""
    parts = [np.flatnonzero(arm == code) for code in np.unique(arm)]
    return np.concatenate([rng.choice(mine, len(mine)) for mine in parts])


def _pooled_row(
    data: ImputationData,
    what: tuple[int, int],
    assumption: Assumption,
    drawn: dict[str, list[float]],
) -> dict:
    plain = adjusted_contrast(data, impute(data, fit_imputation(data), assumption), *what)
    estimate, se, df, lost = rubin(drawn["estimate"], drawn["variance"], plain[2])
    found = t_estimate(estimate, se, df)
    return {
        "assumption": assumption,
        "estimate_years": found.estimate,
        "se_years": found.se,
        "ci_low_years": found.ci_low,
        "ci_high_years": found.ci_high,
        "df": found.df,
        "p_value": found.p_value,
        "conditional_mean_years": plain[0],
        **_bootstrap(drawn["resampled"]),
        "information_missing": lost,
        **_counts(data, what),
        "n_draws": len(drawn["estimate"]),
        "method": "multiple imputation, Rubin's rules; analysis of covariance at the visit",
    }


def rubin(
    estimates: list[float], variances: list[float], complete_df: float
) -> tuple[float, float, float, float]:
    """Pool estimates of imputed data sets.

    Parameters
    ----------
    estimates, variances : list of float
        Of each data set.
    complete_df : float
        Degrees of freedom without missing data.

    Returns
    -------
    estimate, se, df, lost : float
        Barnard and Rubin's degrees of freedom; share of information lost.

    References
    ----------
    .. [1] Barnard & Rubin (1999), Biometrika 86:948-955.
    """
    m = len(estimates)
    within, between = float(np.mean(variances)), float(np.var(estimates, ddof=1))
    total = within + (1 + 1 / m) * between
    share = (1 + 1 / m) * between / total
    observed = (complete_df + 1) / (complete_df + 3) * complete_df * (1 - share)
    df = observed if share == 0 else 1 / (share**2 / (m - 1) + 1 / observed)
    return float(np.mean(estimates)), float(np.sqrt(total)), df, share


def _weighted_row(data: ImputationData, what: tuple[int, int], n_draws: int, seed: int) -> dict:
    estimate = weighted_contrast(data, *what)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(n_draws):
        try:
            drawn.append(weighted_contrast(data.of(resampled_people(data.arm, rng)), *what))
        except DesignError:
            continue
    if len(drawn) < _LEAST_DONE * n_draws:
        raise DesignError(f"{len(drawn)} of {n_draws} bootstrap samples could be weighted only.")
    spread = _bootstrap(drawn)
    z = estimate / spread["bootstrap_se_years"]
    half = float(stats.norm.ppf(0.5 + CONFIDENCE_LEVEL / 2)) * spread["bootstrap_se_years"]
    complete = np.isfinite(data.change).all(axis=1)
    return {
        "assumption": WEIGHTED,
        "estimate_years": estimate,
        "se_years": spread["bootstrap_se_years"],
        "ci_low_years": estimate - half,
        "ci_high_years": estimate + half,
        "df": np.nan,
        "p_value": float(2 * stats.norm.sf(abs(z))),
        "conditional_mean_years": np.nan,
        **spread,
        "information_missing": np.nan,
        **_counts(data, what),
        "n_model": int(complete.sum()),
        "n_draws": len(drawn),
        "method": "completers weighted by the inverse probability of being one (logistic: arm and "
        "baseline covariates), weights refitted in every bootstrap sample",
    }


def weighted_contrast(data: ImputationData, arm: int, visit: int) -> float:
    """Estimate an arm minus control at a visit from completers, weighted for who is one.

    Raises
    ------
    DesignError
        Being complete is determined by arm and baseline, or nearly so.
    """
    complete = np.isfinite(data.change).all(axis=1)
    cells = np.eye(len(data.arms))[data.arm]
    scale = data.covariates.std(axis=0)
    covariates = data.covariates[:, scale > 0] / scale[scale > 0]
    probability = logistic_probabilities(np.hstack([cells, covariates]), complete)
    weights = 1 / probability[complete]
    design = np.hstack([cells, data.covariates])[complete]
    root = np.sqrt(weights)
    beta = np.linalg.lstsq(design * root[:, None], data.change[complete, visit] * root, rcond=None)[
        0
    ]
    return float(beta[arm] - beta[0])


def logistic_probabilities(design: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Fit a logistic regression by Newton steps and return its probabilities.

    Raises
    ------
    DesignError
        The outcome is determined by the design (no finite fit), or a probability is nearly zero.
    """
    if outcome.all():
        return np.ones(len(outcome))
    beta = np.zeros(design.shape[1])
    for _ in range(_MOST_STEPS):
        probability = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        information = (design * (probability * (1 - probability))[:, None]).T @ design
        step = np.linalg.lstsq(information, design.T @ (outcome - probability), rcond=None)[0]
        beta = beta + step
        if np.abs(step).max() < 1e-8:
            break
    else:
        raise DesignError("who is complete is determined by arm and baseline: no weights.")
    probability = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
    least = float(probability[outcome.astype(bool)].min())
    if least < _LEAST_PROBABILITY:
        raise DesignError(f"a completer was complete with probability {least:.3f}: no weights.")
    return probability


def _bootstrap(drawn: list[float]) -> dict[str, float]:
    low, high = np.quantile(drawn, [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2])
    return {
        "bootstrap_se_years": float(np.std(drawn, ddof=1)),
        "bootstrap_ci_low_years": float(low),
        "bootstrap_ci_high_years": float(high),
    }


def _counts(data: ImputationData, what: tuple[int, int]) -> dict[str, int]:
    arm, visit = what
    two = np.isin(data.arm, [0, arm])
    gone = two & ~np.isfinite(data.change[:, visit])
    return {
        "n_model": len(data.arm),
        "n_imputed": int(gone.sum()),
        "n_stopped": int((gone & data.stopped[:, visit]).sum()),
    }


def _promised(options: TrialOptions) -> list[dict[str, str]]:
    return [{"table": MISSING_DATA.name, "assumption": each} for each in (*ASSUMPTIONS, WEIGHTED)]


MISSING = Analysis(
    key="missing_data",
    title=lambda _: "missing data",
    words="the primary contrast under missing at random, jump to reference and copy reference "
    "(multiple imputation, Rubin's rules, and the bootstrap beside them), and of completers "
    "weighted by the inverse probability of being one",
    settings=(*COVARIATE_SETTINGS, "missing", "primary_arm", "primary_visit"),
    run=_missing_data,
    tables=(
        ResultTable(
            MISSING_DATA,
            "The primary contrast under other assumptions of what was not seen. Rubin's error is "
            "information-anchored, the bootstrap's is that over repeated trials: they answer "
            "different questions.",
            planned_by=("assumption",),
        ),
    ),
    table_rows=_promised,
    asked=lambda options: options.missing is not None,
)
