"""The reliability of a score from the scans that a study repeats, network by network."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from brainage.errors import DesignError
from brainage.tables import Column, TableSchema
from brainage.trial.noise.reliability import score_reliability
from brainage.trial.noise.variance_components import variance_components

#: Mean years between scans up to which they are a retest; a clock's own drift is small there.
RETEST_YEARS = 0.1
ALL_SESSIONS = "all"
#: Quantile of two-sided 95 %.
_Z = float(stats.norm.ppf(0.975))


def _number(name: str, text: str, unit: str | None = "years") -> Column:
    return Column(name, "number", text, unit, nullable=True)


RELIABILITY = TableSchema(
    "reliability",
    (
        Column("network", "text", "'whole_brain' or the network of the clock."),
        Column("outcome", "text", "Score column: the age-corrected gap."),
        Column("people", "text", "Whose scans."),
        Column("sessions", "text", "Two sessions, or 'all'."),
        Column(
            "kind",
            "text",
            "retest: scans up to 0.1 years apart; stability: further apart, so that real change "
            "between the scans counts as error; not known: without ages at both.",
        ),
        Column("n_people", "integer", "People with two of these scans or more."),
        Column("n_scans", "integer", "Scans used."),
        _number("mean_interval_years", "Mean time between a person's first and last of them."),
        _number("icc_agreement", "ICC(A,1): a shift between sessions counts as error.", None),
        _number("icc_agreement_low", "Lower end of its 95 % interval.", None),
        _number("icc_agreement_high", "Upper end of its 95 % interval.", None),
        _number("icc_consistency", "ICC(C,1): a shift common to all people does not.", None),
        _number("icc_consistency_low", "Lower end of its 95 % interval.", None),
        _number("icc_consistency_high", "Upper end of its 95 % interval.", None),
        _number("sd_between_people_years", "Root of the variance between people."),
        _number("sem_years", "Standard error of measurement of one scan."),
        _number("mdc95_years", "Minimal detectable change of one person, 1.96 sqrt(2) SEM."),
        _number("bias_years", "Bland-Altman: mean of later minus earlier."),
        _number("limits_low_years", "Lower 95 % limit of agreement."),
        _number("limits_high_years", "Upper 95 % limit of agreement."),
        _number("limits_half_interval_years", "Half of each limit's own 95 % interval."),
        Column("method", "text", "How it was estimated, or why it was not."),
    ),
    key=("network", "people", "sessions"),
)


def reliability_table(
    scans: pd.DataFrame,
    *,
    outcome: str = "gap_corrected_years",
    sessions: tuple[str, ...] | None = None,
    session_column: str = "session_id",
    people: str = "everyone",
    seed: int = 0,
) -> pd.DataFrame:
    """Return the reliability of a score over the sessions that people repeat.

    Parameters
    ----------
    scans : DataFrame
        Schema `brainage.tables.SCORES`, or a part of it: participant_id, network, age_years, the
        session column and the outcome; one row a scan and network.
    outcome : str, default="gap_corrected_years"
        Of the age-corrected gap. Predicted age is refused: the spread of ages over people would
        count as reliability.
    sessions : tuple of str or None, default=None
        In order; None: those of the table, in the order of mean age.
    session_column : str, default="session_id"
        Column that names the session.
    people : str, default="everyone"
        Whose scans these are, for the table.
    seed : int, default=0
        Of the bootstrap where visits are missing.

    Returns
    -------
    table : DataFrame
        Schema `RELIABILITY`: for each network a row each two sessions and, where there are more,
        a row of all.

    Raises
    ------
    DesignError
        An outcome that contains age, or fewer than two people with two scans of any network.

    Examples
    --------
    >>> scores = examples.scores()
    >>> control = examples.allocation().query("arm == 'CON'")["participant_id"]
    >>> table = reliability_table(scores[scores["participant_id"].isin(control)])
    >>> table["sessions"].tolist()
    ['baseline and 1y', 'baseline and 2y', '1y and 2y', 'all']
    """
    if "predicted" in outcome:
        raise DesignError(
            f"reliability of '{outcome}': expected an age-corrected gap; predicted age is reliable "
            "because ages differ."
        )
    order = sessions or tuple(
        scans.groupby(session_column)["age_years"].mean().sort_values(kind="stable").index
    )
    rows = []
    for network, own in scans.groupby("network", sort=False):
        keyed = own[own[session_column].isin(order)]
        table = keyed.pivot(index="participant_id", columns=session_column, values=outcome)
        ages = keyed.pivot(index="participant_id", columns=session_column, values="age_years")
        there = [name for name in order if name in table]
        head = {"network": network, "outcome": outcome, "people": people}
        chosen: list[tuple[str, ...]] = list(combinations(there, 2))
        chosen += [tuple(there)] if len(there) > 2 else []
        for names in chosen:
            values = table[list(names)].to_numpy(dtype=float)
            apart = _interval(ages[list(names)].to_numpy(dtype=float), values)
            words = " and ".join(map(str, names)) if len(names) == 2 else ALL_SESSIONS
            named = {"sessions": words, "mean_interval_years": apart, "kind": _kind(apart)}
            row = _row(values, seed)
            if row is not None:
                rows.append(head | named | row)
    if not rows:
        raise DesignError(
            "reliability: expected two people or more with repeated scans, found none or one; one "
            "person's scans say nothing of the differences between people."
        )
    return pd.DataFrame(rows, columns=list(RELIABILITY.names))


def _kind(interval_years: float) -> str:
    if not np.isfinite(interval_years):
        return "not known"
    return "retest" if interval_years <= RETEST_YEARS else "stability"


def _interval(ages: np.ndarray, values: np.ndarray) -> float:
    """Return the mean time between the first and the last scan of people with two or more."""
    known = np.isfinite(ages) & np.isfinite(values)
    used = ages[known.sum(axis=1) > 1]
    if not len(used):
        return float("nan")
    spans = np.nanmax(used, axis=1) - np.nanmin(used, axis=1)
    return float(spans.mean())


def _row(values: np.ndarray, seed: int) -> dict | None:
    seen = np.isfinite(values)
    repeated = seen.sum(axis=1) > 1
    if repeated.sum() < 2:
        return None
    agreed = _bland_altman(values) if values.shape[1] == 2 else _NO_LIMITS
    # Of two sessions only pairs say something of agreement; of three, two tell of the third.
    used = values[repeated]
    if not np.isfinite(used).all():
        return _by_components(used, seed) | agreed
    found = score_reliability(used)
    between = max(found.icc_consistency, 0.0) * found.sem_years**2
    between /= max(1 - found.icc_consistency, 1e-300)
    return {
        "n_people": found.n_people,
        "n_scans": found.n_people * found.n_scans,
        "icc_agreement": found.icc_agreement,
        "icc_agreement_low": found.icc_agreement_low,
        "icc_agreement_high": found.icc_agreement_high,
        "icc_consistency": found.icc_consistency,
        "icc_consistency_low": found.icc_consistency_low,
        "icc_consistency_high": found.icc_consistency_high,
        "sd_between_people_years": float(np.sqrt(between)),
        "sem_years": found.sem_years,
        "mdc95_years": found.mdc95_years,
        "method": "mean squares; intervals of McGraw & Wong (1996)",
    } | agreed


def _by_components(used: np.ndarray, seed: int) -> dict:
    found = variance_components(used, seed=seed)
    sem = float(np.sqrt(found.error))
    return {
        "n_people": found.n_people,
        "n_scans": found.n_values,
        "icc_agreement": found.icc_agreement,
        "icc_agreement_low": found.icc_agreement_low,
        "icc_agreement_high": found.icc_agreement_high,
        "icc_consistency": found.icc_consistency,
        "icc_consistency_low": found.icc_consistency_low,
        "icc_consistency_high": found.icc_consistency_high,
        "sd_between_people_years": float(np.sqrt(found.person)),
        "sem_years": sem,
        "mdc95_years": _Z * float(np.sqrt(2)) * sem,
        "method": "variance components by REML, visits missing; intervals over people redrawn",
    }


_NO_LIMITS = dict.fromkeys(
    ("bias_years", "limits_low_years", "limits_high_years", "limits_half_interval_years"), np.nan
)


def _bland_altman(values: np.ndarray) -> dict:
    difference = values[:, 1] - values[:, 0]
    difference = difference[np.isfinite(difference)]
    n = len(difference)
    mean, sd = float(difference.mean()), float(difference.std(ddof=1))
    # Bland & Altman (1986), Lancet 327:307-310: a limit's variance is 3 sd^2 / n.
    half = float(stats.t.ppf(0.975, n - 1)) * sd * float(np.sqrt(3 / n))
    return {
        "bias_years": mean,
        "limits_low_years": mean - _Z * sd,
        "limits_high_years": mean + _Z * sd,
        "limits_half_interval_years": half,
    }
