"""One clock per network: the same clock on the edges within it, on the same folds."""

from __future__ import annotations

from dataclasses import replace

from brainage.clock.model.model import BrainClock
from brainage.clock.options import ClockOptions, as_clock_options
from brainage.clock.training.fit import fit_clock, network_columns
from brainage.clock.training.length_curve import measure_length_curve
from brainage.clock.training.validation import cross_validate_clock
from brainage.connectivity import FeatureTable, PartFeatures, network_names
from brainage.errors import BrainAgeError
from brainage.progress import Progress, silent
from brainage.tables import WHOLE_BRAIN


def fit_network_clocks(
    features: FeatureTable,
    options: ClockOptions | str,
    *,
    parts: PartFeatures | None = None,
    cut: str = "cut after filtering",
    seed: int = 0,
    n_jobs: int = 1,
    progress: Progress = silent,
) -> dict[str, BrainClock]:
    """Fit one clock per network on the edges within it: same folds, same correction.

    Parameters
    ----------
    features : FeatureTable
        The reference cohort.
    options : ClockOptions or str
        As for the whole brain.
    parts : PartFeatures, optional
        Of `features`, with the cuts `LENGTH_CUTS`: each clock then has its length curve.
    cut : str, default="cut after filtering"
        How the parts were made, in words.
    seed : int, default=0
        The whole-brain clock's seed gives the same folds.
    n_jobs : int, default=1
        Threads over folds.
    progress : Progress, optional
        Told of every finished network.

    Returns
    -------
    clocks : dict of str to BrainClock
        Empty where the atlas names no network of three parcels or more.

    Examples
    --------
    >>> features = examples.features()
    >>> few = features.select(features.ages > 60)
    >>> clocks = ba.fit_network_clocks(few, examples.clock_options())
    >>> list(clocks)
    ['Default', 'FrontoParietal', 'SomatoMotor', 'Visual']
    """
    options = as_clock_options(options)
    names = network_names(features.views[options.views[0]].spec)
    if WHOLE_BRAIN in names:
        raise BrainAgeError(
            f"networks: the atlas has a network named '{WHOLE_BRAIN}', which is the name of the "
            "clock of all edges. Give that network another name in the atlas's label table."
        )
    clocks = {}
    for name in names:
        columns = network_columns(features, options, name)
        cv = cross_validate_clock(features, options, columns=columns, seed=seed, n_jobs=n_jobs)
        clock = fit_clock(features, options, cv=cv, network=name, seed=seed, n_jobs=n_jobs)
        if parts is not None:
            curve = measure_length_curve(features, parts, options, cv, cut=cut, columns=columns)
            clock = replace(clock, facts=clock.facts | {"length_curve": curve.to_dict()})
        clocks[name] = clock
        progress(len(clocks), len(names), "network clocks")
    return clocks
