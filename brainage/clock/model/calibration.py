"""Teaching a frozen clock a new site from baseline scans, blind to arm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from brainage.clock.model.model import BrainClock
from brainage.clock.model.networks import network_edges
from brainage.connectivity import FeatureTable
from brainage.errors import BrainAgeError
from brainage.tables import WHOLE_BRAIN


def calibrate_clock(clock: BrainClock, baseline: FeatureTable) -> BrainClock:
    """Return a clock that also knows the sites of the given baseline scans.

    Only site effects are learnt, from residuals around the reference's frozen age trend; weights,
    bias line, intervals and distance stay as they are. The new clock has another `clock_id`.

    Parameters
    ----------
    clock : BrainClock
        Trained with a harmonisation and ``unseen_site: calibrate``.
    baseline : FeatureTable
        Baseline scans, one a person, chosen without regard to arm. Scans of sites that the clock
        knows are not used.

    Returns
    -------
    calibrated : BrainClock
        ``facts["calibrations"]`` states scans, ages and scope of each new site.

    Raises
    ------
    BrainAgeError
        A clock that keeps no age trend, two scans of one person, scans without site or age, no
        new site, or fewer than two scans of one.

    Examples
    --------
    >>> site = ba.HarmonizationOptions(method="center", unseen_site="calibrate")
    >>> options = examples.clock_options().model_copy(update={"harmonization": site})
    >>> clock = ba.fit_clock(examples.features(), options)
    >>> trial = examples.features("trial")
    >>> baseline = trial.select((trial.rows["session_id"] == "baseline").to_numpy())
    >>> len(ba.calibrate_clock(clock, baseline).score(trial))
    64
    """
    steps = [preparation.harmonizer for preparation in clock.preparations]
    harmonizers = [step for step in steps if step is not None and hasattr(step, "trend_")]
    if len(harmonizers) < len(steps):
        raise BrainAgeError(
            f"calibrate: clock {clock.clock_id} keeps no age trend per edge. Train it with "
            "harmonization.method 'center' or 'combat' and harmonization.unseen_site: calibrate."
        )
    rows = baseline.rows
    _check_baseline(rows)
    new_sites = sorted(
        set(rows["site"].astype(str))
        - set(harmonizers[0].known_sites_)
        - set(harmonizers[0].sites_)
    )
    if not new_sites:
        raise BrainAgeError(
            f"calibrate: every scan is of a site that clock {clock.clock_id} knows "
            f"({', '.join(harmonizers[0].sites_)})."
        )
    preparations, records = [], []
    for values, spec, preparation, harmonizer in zip(
        clock.blocks(baseline), clock.specs, clock.preparations, harmonizers, strict=True
    ):
        columns: slice | np.ndarray = slice(None)
        if clock.network != WHOLE_BRAIN:
            columns = network_edges(spec, clock.network)
        before = replace(preparation, harmonizer=None)
        for site in new_sites:
            own = np.flatnonzero((rows["site"].astype(str) == site).to_numpy())
            edges = np.asarray(values[own], dtype=np.float64)[:, columns]
            harmonizer = harmonizer.calibrate(
                before.transform(edges, rows.iloc[own]),
                site=site,
                age_years=rows["age_years"].to_numpy(float)[own],
            )
        preparations.append(replace(preparation, harmonizer=harmonizer))
        # The views share their scans, so one view's record speaks for all.
        records = harmonizer.calibrations_
    return replace(
        clock, preparations=tuple(preparations), facts={**clock.facts, "calibrations": records}
    )


def _check_baseline(rows: pd.DataFrame) -> None:
    repeated = rows["participant_id"][rows["participant_id"].duplicated()].unique()
    if len(repeated):
        raise BrainAgeError(
            f"calibrate: expected one baseline scan a person, found more of "
            f"{', '.join(map(str, repeated[:5]))}. Follow-up scans would carry the "
            "treatment into the site effect."
        )
    unusable = rows["site"].isna() | ~np.isfinite(rows["age_years"].to_numpy(float))
    if unusable.any():
        raise BrainAgeError(
            f"calibrate: expected a site and an age for every baseline scan, found "
            f"{int(unusable.sum())} without."
        )
