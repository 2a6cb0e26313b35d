"""Change of connectivity by region for every active arm and visit: tables of the registry."""

from __future__ import annotations

import pandas as pd

from brainage.errors import DesignError
from brainage.trial.analyses.edge_changes import edge_changes
from brainage.trial.analyses.local import (
    LOCAL,
    compare_regions,
    levels_of,
    regions_of_level,
    with_coordinates,
)
from brainage.trial.analyses.network_based import COMPONENTS, network_based_statistic
from brainage.trial.analyses.record import Analysis, AnalysisInputs, AnalysisResult
from brainage.trial.analyses.repeated_measures import COVARIATE_SETTINGS
from brainage.trial.options import LocalOptions
from brainage.trial.results.tables import ResultTable


def local_tables(inputs: AnalysisInputs) -> AnalysisResult:
    """Return the change of every region, and the components of edges where they are asked for.

    Parameters
    ----------
    inputs : AnalysisInputs
        With features.

    Returns
    -------
    result : AnalysisResult
        Tables `LOCAL` and `COMPONENTS`. A level that cannot be done (an atlas without networks)
        is a note with its reason.

    Raises
    ------
    DesignError
        No features, or no level could be done.
    """
    design, features = inputs.design, inputs.more.features
    options = design.options.local or LocalOptions()
    if features is None:
        raise DesignError("local changes: the features of the trial's scans were not given.")
    tables: list[pd.DataFrame] = []
    components: list[pd.DataFrame] = []
    notes: list[str] = []
    for visit in design.later_visits:
        changes = edge_changes(features, design, view=options.view, visit=visit)
        notes += [f"{visit}: {note}" for note in changes.notes]
        for level in levels_of(options):
            try:
                regions = regions_of_level(changes, level, options, inputs.more.coordinates)
            except DesignError as error:
                notes.append(f"{level} was not done: {error}")
                continue
            tables += [
                compare_regions(
                    changes,
                    regions,
                    design,
                    arm=arm,
                    visit=visit,
                    n_draws=options.n_draws,
                    seed=inputs.seed,
                )
                for arm in design.active_arms
            ]
        components += _components(inputs, options, visit)
    if not tables and not components:
        raise DesignError(
            f"local changes: no level could be done. {' '.join(dict.fromkeys(notes))}"
        )
    named = {}
    if tables:
        whole = pd.concat(tables, ignore_index=True)
        named[LOCAL.name] = with_coordinates(whole, inputs.more.coordinates)
    if components:
        some = [each for each in components if len(each)] or components[:1]
        named[COMPONENTS.name] = pd.concat(some, ignore_index=True)
    return AnalysisResult(tables=named, notes=tuple(dict.fromkeys(notes)))


def _components(inputs: AnalysisInputs, options: LocalOptions, visit: str) -> list[pd.DataFrame]:
    features = inputs.more.features
    if not options.edges or features is None:
        return []
    return [
        network_based_statistic(
            features,
            inputs.design,
            view=options.view,
            arm=arm,
            visit=visit,
            threshold_t=options.edge_threshold_t,
            n_draws=options.n_draws,
            seed=inputs.seed,
        ).components
        for arm in inputs.design.active_arms
    ]


LOCAL_CHANGES = Analysis(
    key="local",
    title=lambda _: "local connectivity",
    words=(
        "change of connectivity by parcel, network and named region, covariates of the primary "
        "contrast, family-wise over regions by replaying the allocation"
    ),
    settings=(*COVARIATE_SETTINGS, "local", "randomization"),
    run=local_tables,
    tables=(
        ResultTable(
            LOCAL,
            "Change of connectivity by region, arm minus control. Family-wise p by replaying the "
            "allocation (sharp null, studentised).",
            shown="folded",
        ),
        ResultTable(
            COMPONENTS,
            "Components of edges that change together (network-based statistic): component level, "
            "weak control, no single edge is claimed.",
        ),
    ),
    needs=lambda options: ("features",),
    asked=lambda options: options.local is not None,
)
