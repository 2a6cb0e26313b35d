"""Networks side by side, and the whole brain against each: two tables of the registry."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from brainage.connectivity import MIN_NETWORK_PARCELS
from brainage.errors import DesignError
from brainage.tables import WHOLE_BRAIN
from brainage.trial.analyses.clock_facts import shares_of_one_kind
from brainage.trial.analyses.network_table import NETWORKS, network_rows, visit_changes
from brainage.trial.analyses.record import (
    Analysis,
    AnalysisInputs,
    AnalysisResult,
    NothingToDo,
)
from brainage.trial.analyses.repeated_measures import COVARIATE_SETTINGS
from brainage.trial.analyses.specificity import SPECIFICITY, specificity_rows
from brainage.trial.options import NetworkOptions
from brainage.trial.results.tables import ResultTable


def compare_networks(inputs: AnalysisInputs) -> AnalysisResult:
    """Return the networks' contrasts with what their clocks show, and whole brain minus network.

    Parameters
    ----------
    inputs : AnalysisInputs
        Scores of several networks; clocks where they are known.

    Returns
    -------
    result : AnalysisResult
        Tables `NETWORKS` and `SPECIFICITY`; the second has reasons in the place of numbers where
        a clock's share of a true shift is not known.

    Raises
    ------
    NothingToDo
        The scores are of the whole brain alone.
    """
    design = inputs.design
    options = design.options.networks or NetworkOptions()
    if inputs.data.changes["network"].nunique() < 2:
        raise NothingToDo("the scores are of one network")
    clocks = _with_shares(inputs.more.clocks, options)
    tables, specific, notes = [], [], []
    for visit in design.later_visits:
        changes = visit_changes(inputs.data.changes, design, visit)
        for arm in design.active_arms:
            tables.append(
                network_rows(
                    changes,
                    design,
                    clocks,
                    arm=arm,
                    visit=visit,
                    whole_brain=WHOLE_BRAIN,
                    n_draws=options.n_draws,
                    seed=inputs.seed,
                )
            )
            try:
                rows = specificity_rows(
                    changes,
                    design,
                    clocks,
                    arm=arm,
                    visit=visit,
                    whole_brain=WHOLE_BRAIN,
                    margin_years=options.margin_years,
                    n_bootstraps=options.n_bootstraps,
                    n_draws=options.n_draws,
                    seed=inputs.seed,
                )
            except DesignError as error:
                notes.append(f"whole brain against networks was not done: {error}")
                continue
            specific.append(rows)
    named: dict[str, pd.DataFrame] = {NETWORKS.name: pd.concat(tables, ignore_index=True)}
    if specific:
        named[SPECIFICITY.name] = pd.concat(specific, ignore_index=True)
    return AnalysisResult(
        tables=named, notes=tuple(dict.fromkeys([*_without_clock(inputs), *notes]))
    )


def _without_clock(inputs: AnalysisInputs) -> list[str]:
    """Say which networks of the atlas have no score because they have too few parcels."""
    features = inputs.more.features
    if features is None or not features.views:
        return []
    spec = next(iter(features.views.values())).spec
    scored = set(inputs.data.changes["network"])
    small = {
        name: spec.networks.count(name)
        for name in dict.fromkeys(spec.networks)
        if name and name not in scored and spec.networks.count(name) < MIN_NETWORK_PARCELS
    }
    return [
        f"network '{name}' is not compared: it has {count} parcel(s), and a clock of a network "
        f"needs {MIN_NETWORK_PARCELS}"
        for name, count in small.items()
    ]


def _with_shares(clocks: Mapping[str, Mapping], options: NetworkOptions) -> dict[str, Mapping]:
    """Return what is known of the clocks, with the shares that the plan gives, of one kind."""
    known: dict[str, Mapping] = dict(clocks)
    for network, given in options.shares.items():
        own = {"share": given.share, "share_se": given.se, "share_kind": given.kind}
        known[network] = {**known.get(network, {}), **own}
    return shares_of_one_kind(known, given=options.shares)


NETWORKS_COMPARED = Analysis(
    key="networks",
    title=lambda _: "networks compared",
    words=(
        "contrast of every network beside what its clock could have shown; whole brain minus "
        "network within people, in latent years, with the shares' error"
    ),
    settings=(*COVARIATE_SETTINGS, "networks", "randomization"),
    run=compare_networks,
    tables=(
        ResultTable(
            NETWORKS,
            "Networks side by side. In SD units a noisier clock finds less of the same effect: "
            "that is detectability, and no evidence that a network did not change.",
        ),
        ResultTable(
            SPECIFICITY,
            "Whole brain minus network within people, in years of brain age (change over the "
            "clock's share of a true shift). Only this difference, with the network inside a "
            "planned margin, says 'whole brain and not this network'.",
        ),
    ),
    asked=lambda options: options.networks is not None,
)
