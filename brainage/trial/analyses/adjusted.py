"""The model with covariates measured after randomisation.

Each row describes how far the contrast depends on what was measured after randomisation; none is
an estimate of the estimand, and none belongs in a headline.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.trial.analyses.record import Analysis, AnalysisInputs, AnalysisResult, NothingToDo
from brainage.trial.analyses.repeated_measures import (
    MODEL_SETTINGS,
    average_between,
    contrasts_of,
    fit_changes,
)

#: Least range of a covariate that is worth adjusting for, in its own unit.
_VARIES = 1e-6


def fit_adjusted(
    inputs: AnalysisInputs, known: pd.DataFrame, extra: tuple[str, ...]
) -> AnalysisResult:
    """Fit the model with covariates that are known for these of all changes.

    Parameters
    ----------
    inputs : AnalysisInputs
        Of the main network.
    known : DataFrame
        The changes with every one of `extra`.
    extra : tuple of str
        Covariates measured after randomisation.

    Raises
    ------
    DesignError
        Known for half of the changes or fewer, or the same in all.
    """
    n_all = len(inputs.changes)
    if len(known) <= n_all / 2:
        raise DesignError(f"{' and '.join(extra)}: known for {len(known)} of {n_all} changes.")
    if (np.ptp(known[list(extra)].to_numpy(dtype=float), axis=0) < _VARIES).all():
        raise DesignError(f"{' and '.join(extra)}: the same in all {len(known)} changes.")
    return contrasts_of(fit_changes(known, inputs.design, extra_covariates=extra), inputs.design)


def _motion(inputs: AnalysisInputs) -> AnalysisResult:
    names = ("fd_mm", "baseline_fd_mm")
    known = inputs.changes[list(names)].notna().all(axis=1)
    found = fit_adjusted(inputs, inputs.changes[known], names)
    return found if known.all() else replace(found, title="adjusted for motion (scans with motion)")


def _interval(inputs: AnalysisInputs) -> AnalysisResult:
    changes = inputs.changes
    nominal = changes["visit"].map({v.label: v.nominal_years for v in inputs.design.visits})
    off_plan = changes.assign(years_off_plan=changes["years"] - nominal)
    return fit_adjusted(inputs, off_plan, ("years_off_plan",))


def _scanner(inputs: AnalysisInputs) -> AnalysisResult:
    moved = (~inputs.changes["same_scanner"]).astype(float)
    if not moved.any():
        raise NothingToDo("nobody was scanned on another scanner than at baseline")
    return fit_adjusted(inputs, inputs.changes.assign(scanner_changed=moved), ("scanner_changed",))


def _scanner_covariate(inputs: AnalysisInputs) -> AnalysisResult:
    names = ["scanner", "baseline_scanner"]
    changes = inputs.changes
    if changes[names].isna().all(axis=None) or changes[names].stack().nunique() < 2:
        raise NothingToDo("the scanner is not known, or all scans are of one")
    text = changes[names].astype(object).where(changes[names].notna(), "not recorded")
    extra = tuple(name for name in names if text[name].nunique() > 1)
    data = changes.assign(**{name: text[name].astype(str) for name in names})
    return contrasts_of(fit_changes(data, inputs.design, extra_covariates=extra), inputs.design)


MOTION_ADJUSTED = Analysis(
    key="motion",
    title=lambda _: "adjusted for motion",
    words="sensitivity: adjusted for framewise displacement at both visits",
    settings=MODEL_SETTINGS,
    rows=average_between,
    run=_motion,
    after_randomisation=True,
)
INTERVAL_ADJUSTED = Analysis(
    key="interval",
    title=lambda _: "adjusted for the interval (age at scan)",
    words="sensitivity: adjusted for the interval's distance from plan (age at scan)",
    settings=MODEL_SETTINGS,
    rows=average_between,
    run=_interval,
    after_randomisation=True,
)
SCANNER_ADJUSTED = Analysis(
    key="scanner",
    title=lambda _: "adjusted for scanner change",
    words="sensitivity: adjusted for a change of scanner, where there was one",
    settings=MODEL_SETTINGS,
    rows=average_between,
    run=_scanner,
    after_randomisation=True,
)
SCANNER_COVARIATE = Analysis(
    key="scanner_covariate",
    title=lambda _: "scanner as covariate",
    words="sensitivity: the scanner of each scan as a covariate, where there are several",
    settings=MODEL_SETTINGS,
    rows=average_between,
    run=_scanner_covariate,
    after_randomisation=True,
)
