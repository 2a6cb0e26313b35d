"""Raw names of columns, measures and choices, as people say them: on the page, in figures and
on the terminal.

Files, study files and ids keep the raw names; where they are shown as such they stand in quotes,
in a path, or in a column of code, and stay as they are.
"""

from __future__ import annotations

import re

#: A name on its own: what is quoted, part of a path, of a key or of a longer word is left alone.
_NAME = re.compile(r"(?<![\w./\\`'\"=-])[A-Za-z]\w*_\w+(?![\w/`'\"=]|\.\w|-\w)")

#: Accuracy of a clock: these have no underscore throughout, and are replaced only as whole cells.
METRIC_WORDS = {
    "MAE": "mean absolute error (years)",
    "RMSE": "root mean squared error (years)",
    "MAE_median": "mean absolute error of the median predictor (years)",
    "MAE_own_median": "mean absolute error of these people's own median (years)",
    "skill": "skill: 1 - error / error of the median",
    "r": "correlation r with age",
    "R2": "share of variance R²",
}

_EFFICIENCY = {
    "within_scan_noise_years": "noise within a scan (years)",
    "share_pooled": "share of a shift shown, over all people",
    "share_within_site": "share of a shift shown, within sites",
    "share_local": "share of a shift shown, at the trial's ages",
    "share_planted": "share of a shift shown, planted within people",
    "share_used": "share of a shift shown, the one used",
    "latent_noise_years": "noise in years of brain age",
    "icc_visits": "ICC of two visits",
    "state_sd_visits_years": "SD of brain age between visits (years)",
    "participants_change_state_visits": "people per arm, change scores, SD of visits",
    "participants_baseline_state_visits": "people per arm, baseline as covariate, SD of visits",
    "longitudinal_slope": "rise of the prediction (years per year between visits)",
}
_EFFICIENCY |= {
    f"participants_{form}_state_{sd}": f"people per arm, {words}, SD between visits {sd} years"
    for form, words in (("change", "change scores"), ("baseline", "baseline as covariate"))
    for sd in (0, 2, 4, 8)
}

_SAID = {
    "whole_brain": "whole brain",
    "participant_id": "participant",
    "session_id": "session",
    # Kinds of connectivity; `brainage.connectivity.KINDS` says them at length.
    "fisher_z": "Fisher z",
    "shrunk_correlation": "shrunk correlation",
    "log_euclidean": "log-Euclidean",
    "log_correlation": "logarithm of the correlation",
    "log_correlation_direction": "direction of the logarithm of the correlation",
    "log_correlation_direction_80": "direction of the logarithm of the correlation (shrunk by 0.8)",
    "log_covariance": "logarithm of the covariance",
    "ledoit_wolf": "Ledoit-Wolf",
    "affine_invariant": "affine-invariant",
    # The clock.
    "in_sample": "in-sample",
    "pass_through": "passed through as it is",
    "half_weight": "half weight",
    "full_weight": "full weight",
    "elastic_net": "elastic net",
    "gaussian_process": "Gaussian process",
    "zscore_sample": "z-scored",
    # The trial.
    "gap_years": "uncorrected gap",
    "gap_corrected_years": "corrected gap",
    "gap_raw_years": "uncorrected gap",
    "predicted_age_years": "predicted age (years)",
    "age_years": "age (years)",
    "mean_fd_mm": "mean FD (mm)",
    "fd_mm": "framewise displacement (mm)",
    "baseline_gap": "baseline gap",
    "baseline_age": "age at baseline",
    "baseline_fd_mm": "framewise displacement at baseline (mm)",
    "baseline_predicted_years": "predicted age at baseline",
    "baseline_scanner": "scanner at baseline",
    "scanner_changed": "change of scanner",
    "same_scanner": "same scanner",
    "years_off_plan": "years off the planned date",
    "previous_gap": "gap at the visit before",
    "kenward_roger": "Kenward-Roger",
    "benjamini_hochberg": "Benjamini-Hochberg",
    "westfall_young": "Westfall-Young",
    "permuted_blocks": "permuted blocks",
    "stratified_blocks": "blocks within strata",
    "beyond_2_sd_dropped": "beyond 2 SD dropped",
    "lisa_like": "LISA-like",
    "size_mtime": "size and time of change",
}
_SAID |= _EFFICIENCY | {name: words for name, words in METRIC_WORDS.items() if "_" in name}

#: Columns whose cells are names of measures of a clock's accuracy.
_OF_METRICS = ("metric",)

_P_VALUE = re.compile(r"^p_|^p$|(^|_)p_value$")
_UNITS = {"years": "years", "mm": "mm", "s": "s", "hz": "Hz", "percent": "%"}
_SHORT = {
    "fd": "FD",
    "ci low": "95 % low",
    "ci high": "95 % high",
    "ci": "95 % interval",
    "se": "standard error",
    "df": "degrees of freedom",
    "sd": "SD",
    "mae": "MAE",
    "icc": "ICC",
    "mdc": "minimal detectable change",
    "id": "ID",
    "anderson rubin": "Anderson-Rubin",
    "benjamini hochberg": "(Benjamini-Hochberg)",
    "westfall young": "(Westfall-Young)",
    "p holm": "p (Holm)",
    "p value": "p",
}


def said(text: str) -> str:
    """Return text with each raw name that stands on its own said in words.

    Parameters
    ----------
    text : str
        A cell, a caption, a sentence. Names that are not known here (a column of somebody's own
        table) stay as they are, and so does what is quoted or part of a path or key.

    Examples
    --------
    >>> said("kenward_roger degrees of freedom")
    'Kenward-Roger degrees of freedom'
    >>> said("science.clock.half_scans; see clocks/whole_brain.clock")
    'science.clock.half_scans; see clocks/whole_brain.clock'
    """
    return _NAME.sub(lambda found: _SAID.get(found[0], found[0]), text)


def said_in(column: str, text: str) -> str:
    """Return a cell's text in words, knowing its column: "r" under ``metric`` is a correlation.

    Parameters
    ----------
    column : str
        Raw name of the column.
    text : str
        The cell.

    Examples
    --------
    >>> said_in("metric", "r"), said_in("arm", "r")
    ('correlation r with age', 'r')
    """
    return METRIC_WORDS.get(text, said(text)) if column in _OF_METRICS else said(text)


def said_key(key: str) -> str:
    """Return what a line of a model card is about, in words.

    Parameters
    ----------
    key : str
        "MAE, 10-fold", "atlas", "share_used".

    Examples
    --------
    >>> said_key("MAE, 10-fold")
    'mean absolute error (years), 10-fold'
    """
    measure, comma, validation = key.partition(", ")
    return said_in("metric", measure) + comma + validation


def is_p_value(name: str) -> bool:
    """Return whether a column of this name holds p-values.

    Parameters
    ----------
    name : str
        As in the file.

    Examples
    --------
    >>> is_p_value("p_adjusted"), is_p_value("paired_p_value"), is_p_value("planted")
    (True, True, False)
    """
    return _P_VALUE.search(name) is not None


def heading(name: str) -> str:
    """Return a column's name in words with its unit.

    Parameters
    ----------
    name : str
        As in the file.

    Examples
    --------
    >>> heading("mean_fd_mm")
    'mean FD (mm)'
    """
    words = name.split("_")
    unit = _UNITS.get(words[-1]) if len(words) > 1 else None
    text = " ".join(words[:-1] if unit else words)
    for short, word in _SHORT.items():
        text = re.sub(rf"\b{short}\b", word, text)
    return f"{text} ({unit})" if unit else text
