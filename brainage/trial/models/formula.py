"""The formula of a fitted repeated-measures model, in words and in R's notation."""

from __future__ import annotations

import re

from brainage.trial.models.mmrm_fit import MmrmFit

#: Our covariance structures as `mmrm`, the R package, writes them.
_OF_MMRM = {
    "unstructured": "us",
    "heterogeneous Toeplitz": "toeph",
    "heterogeneous AR(1)": "ar1h",
    "heterogeneous compound symmetry": "csh",
    "Toeplitz": "toep",
    "AR(1)": "ar1",
    "compound symmetry": "cs",
}
_PER_ARM = ", one per arm"
_CROSSED = " x visit"


def is_per_arm(fit: MmrmFit) -> bool:
    """Return whether each arm has a covariance of its own."""
    return fit.covariance_name.endswith(_PER_ARM)


def structure_of(fit: MmrmFit) -> str:
    """Return the name of the covariance structure, one of `FALL_BACK_ORDER`."""
    return fit.covariance_name.removesuffix(_PER_ARM)


def formula_in_words(fit: MmrmFit, response: str) -> str:
    """Say what the mean and the covariance of a response are made of.

    Parameters
    ----------
    fit : MmrmFit
        Change or constrained form.
    response : str
        What is modelled.

    Returns
    -------
    words : str
    """
    if fit.frame.form == "change":
        means = "a mean for each arm and visit"
    else:
        means = "one baseline mean, and a departure of each active arm at each later visit"
    parts = [means]
    for name in fit.covariates:
        crossed = name.endswith(_CROSSED)
        words = name.removesuffix(_CROSSED)
        parts.append(f"{words} (a slope at each visit)" if crossed else words)
    whose = "of each arm's own" if is_per_arm(fit) else "common to all arms"
    return (
        f"{response} = {' + '.join(parts)}; {structure_of(fit)} covariance of a person's visits, "
        f"{whose}; restricted maximum likelihood"
    )


def fixed_formula_r(fit: MmrmFit, response: str) -> str:
    """Return the fixed effects in R's notation.

    The constrained form holds the departures of the active arms as columns
    ``departure_ARM_VISIT``, zero at baseline.

    Parameters
    ----------
    fit : MmrmFit
        Change or constrained form.
    response : str
        Column of the response.

    Returns
    -------
    formula : str
    """
    frame = fit.frame
    one_visit = len(frame.visits) == 1
    if frame.form == "change":
        terms = ["arm" if one_visit else "arm * visit"]
    else:
        departures = [
            r_name(f"departure_{arm}_{visit}")
            for arm in frame.arms[1:]
            for visit in frame.later_visits
        ]
        terms = ["visit", *departures]
    for name in fit.covariates:
        own = r_name(name.removesuffix(_CROSSED))
        terms.append(f"{own} * visit" if name.endswith(_CROSSED) else own)
    return f"{r_name(response)} ~ {' + '.join(terms)}"


def formula_r(fit: MmrmFit, response: str) -> str:
    """Return the whole model in the notation of R's package ``mmrm``."""
    group = "arm / participant_id" if is_per_arm(fit) else "participant_id"
    covariance = f"{_OF_MMRM[structure_of(fit)]}(visit | {group})"
    return f"{fixed_formula_r(fit, response)} + {covariance}"


def r_name(name: str) -> str:
    """Return a column's name as R's formulas take it."""
    plain = re.fullmatch(r"[A-Za-z.][A-Za-z0-9._]*", name)
    return name if plain else "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
