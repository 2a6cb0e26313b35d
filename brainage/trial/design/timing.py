"""Time since baseline: from the dates of the scans where there are any, else from ages at scan."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.tables import WHOLE_BRAIN
from brainage.trial.options import VisitOptions
from brainage.trial.results.schemas import TIMING

#: Ages are often stored to a tenth of a year; a smaller step back is rounding and not an error.
_ROUNDING_YEARS = 1e-6
_DAYS_PER_YEAR = 365.25
#: Least distance between the interval by dates and the one by ages that is reported.
_AGREE_YEARS = 0.1
#: Difference of mean intervals between arms (about five weeks) from which a note says so.
_ARMS_DIFFER_YEARS = 0.1
_MOST = 8


def with_years(
    scans: pd.DataFrame, visits: tuple[VisitOptions, ...], dates: pd.DataFrame | None
) -> tuple[pd.DataFrame, list[str]]:
    """Add time since baseline to each scan.

    Parameters
    ----------
    scans : DataFrame
        participant_id, session_id, network, visit, age_years.
    visits : tuple of VisitOptions
        Baseline first.
    dates : DataFrame or None
        From `check_dates`.

    Returns
    -------
    timed : DataFrame
        Sorted by network, person and visit, with years (by dates where both scans have one, else
        by ages; NaN without a baseline), years_by_age and timed_by ("dates" or "ages").
    notes : list of str
        How many intervals are from dates, and where dates and ages disagree.

    Raises
    ------
    DesignError
        Ages or dates that go backwards from visit to visit.
    """
    order = {visit.label: index for index, visit in enumerate(visits)}
    baseline = visits[0].label
    timed = scans.assign(_order=scans["visit"].map(order))
    timed = timed.sort_values(["network", "participant_id", "_order"], kind="stable")
    timed = timed.drop(columns="_order").reset_index(drop=True)
    _refuse_backwards(timed, timed["age_years"], "age", lambda age: f"{age:g} years")
    by_age = _since_baseline(timed, timed["age_years"], baseline)
    timed = timed.assign(years=by_age, years_by_age=by_age, timed_by="ages")
    if dates is None or not len(dates):
        return timed, []
    key = pd.MultiIndex.from_frame(timed[["participant_id", "session_id"]])
    known = dates.set_index(["participant_id", "session_id"])["scan_date"]
    day = known.reindex(key).set_axis(timed.index)
    # Seconds and not days: two scans of one day have an order.
    number = (day - pd.Timestamp("1970-01-01")).dt.total_seconds() / (_DAYS_PER_YEAR * 86400)
    _refuse_backwards(timed.assign(_day=day), number, "the date", None)
    by_date = _since_baseline(timed, number, baseline)
    has = by_date.notna()
    timed = timed.assign(years=by_date.where(has, by_age), timed_by=np.where(has, "dates", "ages"))
    return timed, _date_notes(timed, baseline)


def timing_table(
    scans: pd.DataFrame, arms: tuple[str, ...], visits: tuple[VisitOptions, ...]
) -> pd.DataFrame:
    """Describe the actual interval since baseline by arm and visit.

    Parameters
    ----------
    scans : DataFrame
        One network's, from `with_years`, with arm.
    arms : tuple of str
        In order.
    visits : tuple of VisitOptions
        Baseline first.

    Returns
    -------
    timing : DataFrame
        Schema `TIMING`; missing where nobody of an arm has both scans.
    """
    rows = []
    for arm in arms:
        for visit in visits[1:]:
            mine = scans[(scans["arm"] == arm) & (scans["visit"] == visit.label)]
            mine = mine[mine["years"].notna()]
            years = mine["years"].to_numpy(dtype=float)
            some = len(years) > 0
            rows.append(
                {
                    "arm": arm,
                    "visit": visit.label,
                    "n": len(years),
                    "planned_years": visit.nominal_years,
                    "mean_years": float(years.mean()) if some else np.nan,
                    "sd_years": float(years.std(ddof=1)) if len(years) > 1 else np.nan,
                    "shortest_years": float(years.min()) if some else np.nan,
                    "longest_years": float(years.max()) if some else np.nan,
                    "n_by_dates": int((mine["timed_by"] == "dates").sum()),
                }
            )
    return pd.DataFrame(rows, columns=list(TIMING.names))


def timing_notes(timing: pd.DataFrame) -> list[str]:
    """Say where the arms' mean intervals differ: a gap that drifts with age then differs too."""
    parts = []
    for visit, rows in timing.groupby("visit", sort=False):
        mean = rows["mean_years"].dropna()
        if len(mean) > 1 and np.ptp(mean) > _ARMS_DIFFER_YEARS:
            listed = ", ".join(f"{row.arm} {row.mean_years:.2f}" for row in rows.itertuples())
            parts.append(f"{visit}: {listed}")
    if not parts:
        return []
    return [
        "mean years since baseline differ between arms ("
        + "; ".join(parts)
        + "); see the sensitivity row adjusted for the interval"
    ]


def _since_baseline(scans: pd.DataFrame, time: pd.Series, baseline: str) -> pd.Series:
    person = ["network", "participant_id"]
    began = time[scans["visit"] == baseline]
    began.index = pd.MultiIndex.from_frame(scans.loc[began.index, person])
    start = began.reindex(pd.MultiIndex.from_frame(scans[person])).to_numpy()
    return time - start


def _refuse_backwards(
    scans: pd.DataFrame, time: pd.Series, what: str, words: Callable[[float], str] | None
) -> None:
    known = scans.assign(_time=time)[time.notna()]
    step = known.groupby(["network", "participant_id"])["_time"].diff()
    back = known[step < -_ROUNDING_YEARS].drop_duplicates(["participant_id", "visit"])
    if not len(back):
        return
    shown = back["_time"].map(words) if words else back["_day"].astype(str)
    listed = "; ".join(
        f"{row.participant_id} at {row.visit} ({text})"
        for row, text in zip(back.head(_MOST).itertuples(), shown, strict=False)
    )
    raise DesignError(
        f"scores: {what} goes backwards for {len(back)} scan(s), a negative "
        f"interval: {listed}. Check ages, dates and session labels."
    )


def _date_notes(scans: pd.DataFrame, baseline: str) -> list[str]:
    network = WHOLE_BRAIN if (scans["network"] == WHOLE_BRAIN).any() else scans["network"].iloc[0]
    later = scans[(scans["network"] == network) & (scans["visit"] != baseline)]
    later = later[later["years"].notna()]
    n_dates = int((later["timed_by"] == "dates").sum())
    notes = [
        f"years since baseline are from the dates of the scans for {n_dates} of "
        f"{len(later)} follow-up scan(s)"
        + ("" if n_dates == len(later) else "; from ages at scan for the others")
    ]
    apart = (later["years"] - later["years_by_age"]).abs()
    limit = max(_AGREE_YEARS, _rounding_of(scans["age_years"]))
    off = later[apart > limit + _ROUNDING_YEARS]
    if len(off):
        worst = apart.idxmax()
        row = later.loc[worst]
        notes.append(
            f"dates and ages at scan disagree by more than {limit:g} years for {len(off)} "
            f"follow-up scan(s), most for {row['participant_id']} at {row['visit']} "
            f"({row['years']:.2f} years by dates, {row['years_by_age']:.2f} by ages). Intervals "
            "are from the dates, but a gap is predicted minus recorded age: a wrong age is in it"
        )
    return notes


def _rounding_of(ages: pd.Series) -> float:
    """Return the step ages seem to be stored in: whole years, tenths, or finer."""
    values = ages.to_numpy(dtype=float)
    for step in (1.0, 0.1):
        if np.allclose(values / step, np.round(values / step), atol=1e-6):
            return step
    return 0.0
