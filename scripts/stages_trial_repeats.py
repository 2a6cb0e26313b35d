"""Real repeated scans, from series to tables: reliability of connectivity, and local changes.

    python scripts/stages_trial_repeats.py DATA/stages_trial [OUT]

Reads `timeseries.npz` (92 scans of 55 people, baseline and 3 months, parcels in rows) through the
package's own reader, makes Fisher z, and writes connectivity_reliability.tsv (edges, parcels,
blocks of parcels), local.tsv and edge_components.tsv to OUT. The release has neither ages nor
parcel names, and does not say how its two groups came about: nothing is claimed of the drug. Ten
blocks of parcels in their order stand in for networks.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.connectivity import FeatureTable, View, build_features
from brainage.series import find_series
from brainage.trial import (
    TrialDesign,
    TrialOptions,
    connectivity_reliability,
    local_changes,
    network_based_statistic,
)

N_BLOCKS, N_DRAWS = 10, 999
ARMS = ("placebo", "medication")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path, nargs="?")
    arguments = parser.parse_args()
    started = time.process_time()
    features, group = read(arguments.data / "timeseries.npz")
    sessions = sorted(set(features.rows["session_id"]))
    print(
        f"{len(features)} scans of {features.rows['participant_id'].nunique()} people, "
        f"{features['fisher_z'].spec.n_parcels} parcels, sessions {' and '.join(sessions)}"
    )
    tables = {"connectivity_reliability": reliability(features, (sessions[0], sessions[1]))}
    tables |= changes(features, design_of(features, group, sessions))
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            table.to_csv(arguments.out / f"{name}.tsv", sep="\t", index=False, na_rep="n/a")
    print(f"{time.process_time() - started:.0f} s of processor time")


def read(path: Path) -> tuple[FeatureTable, pd.Series]:
    """Return Fisher z of every scan, with blocks as networks, and each person's group."""
    stored = np.load(path, allow_pickle=False)
    people_of = pd.Index(stored["ids"].astype(str)).str.removeprefix("sub-")
    group = pd.Series(stored["group"].astype(str), index=people_of)
    group = group[~group.index.duplicated()]
    people = pd.DataFrame(
        # Rows of features need an age, and Fisher z reads none: taken out again below.
        {"participant_id": group.index, "session_id": "n/a", "age_years": 50.0}
    ).assign(sex=None, site=None, scanner=None, family_id=None)
    made = build_features(find_series(path, parcels_in="rows"), people, shrinkage="none")
    view = made["fisher_z"]
    p = view.spec.n_parcels
    blocks = tuple(f"block {k * N_BLOCKS // p}" for k in range(p))
    spec = replace(view.spec, networks=blocks)
    rows = made.rows.assign(age_years=np.nan)
    return FeatureTable({"fisher_z": View(view.values, spec)}, rows, made.excluded), group


def design_of(features: FeatureTable, group: pd.Series, sessions: list[str]) -> TrialDesign:
    """Return the two groups as arms."""
    known = group[group.isin(ARMS)]
    allocation = pd.DataFrame({"participant_id": known.index, "arm": known.to_numpy()})
    options = TrialOptions.model_validate(
        {
            "arms": list(ARMS),
            "control_arm": ARMS[0],
            "primary_visit": "3 months",
            "visits": [
                {"label": "baseline", "session_id": sessions[0], "nominal_years": 0.0},
                {"label": "3 months", "session_id": sessions[1], "nominal_years": 0.25},
            ],
        }
    )
    return TrialDesign.from_options(options, allocation)


def reliability(features: FeatureTable, sessions: tuple[str, str]) -> pd.DataFrame:
    """Print and return the reliability of edges, parcels and blocks."""
    levels = [
        connectivity_reliability(features, sessions, level=level)
        for level in ("edge", "parcel", "network")
    ]
    table = pd.concat(levels, ignore_index=True)
    quartiles = table.groupby("level", sort=False)["icc_agreement"].quantile([0.25, 0.5, 0.75])
    print(f"ICC(A,1) over {table['n_people'].iloc[0]} people, quartiles:")
    print(quartiles.unstack().round(2).to_string())
    return table


def changes(features: FeatureTable, design: TrialDesign) -> dict[str, pd.DataFrame]:
    """Print and return local changes and components of edges."""
    local = pd.concat(
        [
            local_changes(features, design, level=level, n_permutations=N_DRAWS)
            for level in ("network", "parcel")
        ],
        ignore_index=True,
    )
    found = network_based_statistic(features, design, n_draws=N_DRAWS)
    for level, own in local.groupby("level", sort=False):
        print(
            f"{level}: {len(own)} regions, smallest family-wise p {own['p_max_t'].min():.2f}, "
            f"{int(own['n'].iloc[0])} people"
        )
    print(f"components of edges: {len(found.components)}, p {list(found.components['p_value'])}")
    for note in found.notes:
        print(f"note: {note}")
    return {"local": local, "edge_components": found.components}


if __name__ == "__main__":
    main()
