#!/usr/bin/env python3
"""Variants of the stack that docs/accuracy_variants.tsv lists, in the fold.

    python scripts/stack_variants.py lemon FOLDER [--seeds 100 101 102 103 104]
    python scripts/stack_variants.py abide FOLDER [--seeds 100]

lemon: several parcellation scales at once. Neighbouring Schaefer parcels of a network and
hemisphere are merged in pairs and in fours; the correlation of merged (standardised) signals
follows from the matrices alone, and its logarithm is a view beside those of
`recommended_matrices`. abide: the views of `recommended`, in years, each harmonised by site within
the training set ("center", "combat", each with and without age preserved), and the shipped stack
fitted in passes with penalties by inner folds, as larger cohorts are.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from brainage.clock import ClockOptions, cross_validate_clock
from brainage.clock.regressors.registry import regressor_of
from brainage.clock.regressors.stacked import StackedRegressor
from brainage.config import load_study
from brainage.connectivity import KINDS, FeatureTable, View, build_features
from brainage.series import find_series
from brainage.stages.features import cohort_features
from brainage.tables import read_people


def merged(table: FeatureTable, pearson: np.ndarray, size: int) -> View:
    """Return the logarithm of the correlation of parcels merged `size` by `size`."""
    spec = table["log_correlation"].spec
    names = spec.parcel_names
    stems = [name.rsplit("_", 1)[0] for name in names]
    place: dict[str, int] = {}
    groups = []
    for stem in stems:
        place[stem] = place.get(stem, -1) + 1
        groups.append(f"{stem}_{place[stem] // size}")
    labels = list(dict.fromkeys(groups))
    member = np.zeros((len(labels), len(names)))
    member[[labels.index(group) for group in groups], np.arange(len(names))] = 1
    rows, columns = np.triu_indices(len(names), 1)
    upper = np.triu_indices(len(labels))
    logarithm = KINDS["log_correlation"].of_matrix
    values = np.empty((len(pearson), len(upper[0])), dtype=np.float32)
    for i, row in enumerate(pearson):
        whole = np.eye(len(names))
        whole[rows, columns] = whole[columns, rows] = row
        own = member @ whole @ member.T
        scale = 1 / np.sqrt(np.diag(own))
        values[i] = logarithm(own * scale * scale[:, None])[upper]
    changed = replace(
        spec, parcel_names=tuple(labels), networks=(None,) * len(labels), atlas=f"merged by {size}"
    )
    return View(values, changed)


def lemon(folder: Path) -> dict[str, tuple[FeatureTable, ClockOptions]]:
    """Return the variants on LEMON."""
    with tempfile.TemporaryDirectory() as scratch:
        study = load_study(
            "lemon",
            overrides=[
                f"paths.reference.matrices={folder / 'connectivity.npz'}",
                f"paths.reference.participants={folder / 'participants.tsv'}",
                f"paths.reference.parcels={folder / 'regions.csv'}",
                f"paths.output={scratch}",
            ],
        )
        table, _ = cohort_features(study, "reference", Path(scratch) / "features")
        table = FeatureTable(
            {name: View(np.array(v.values), v.spec) for name, v in table.views.items()}, table.rows
        )
    stored = np.load(folder / "connectivity.npz", allow_pickle=False)
    order = [list(stored["ids"].astype(str)).index(person) for person in ids_of(table, stored)]
    pearson = stored["values"][order].astype(float)
    own = {f"merged_{size}": merged(table, pearson, size) for size in (2, 4)}
    table = FeatureTable({**table.views, **own}, table.rows)
    base = study.science.clock
    return {
        "recommended_matrices": (table, base),
        **{
            f"and parcels merged {words}": (
                table,
                base.model_copy(update={"views": (*base.views, *extra)}),
            )
            for words, extra in (
                ("by 2", ("merged_2",)),
                ("by 2 and by 4", ("merged_2", "merged_4")),
            )
        },
    }


def ids_of(table: FeatureTable, stored: np.lib.npyio.NpzFile) -> list[str]:
    """Return each scan's id as the array has it, with or without "sub-"."""
    known = set(stored["ids"].astype(str))
    people = table.rows["participant_id"].astype(str)
    return [person if person in known else f"sub-{person}" for person in people]


def abide(folder: Path) -> dict[str, tuple[FeatureTable, ClockOptions]]:
    """Return the variants on the ABIDE controls."""
    base = load_study("recommended").science.clock
    table = build_features(
        find_series(folder),
        read_people(folder / "participants.tsv"),
        kinds=base.views,
        parcel_presence=0.99,
        incomplete_scans="exclude",
    )
    base = base.model_copy(update={"age_scale": "years"})
    found = {"recommended, in years": (table, base)}
    for method in ("center", "combat"):
        for preserved, words in ((False, method), (True, f"{method}, age preserved")):
            sites = base.harmonization.model_copy(
                update={"method": method, "preserve_age": preserved}
            )
            found[f"every view harmonised in the fold ({words})"] = (
                table,
                base.model_copy(update={"harmonization": sites}),
            )
    return found


def main() -> None:
    """Print a line a variant and seed, then means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohort", choices=("lemon", "abide"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[100])
    asked = parser.parse_args()
    variants = {"lemon": lemon, "abide": abide}[asked.cohort](asked.folder)
    in_passes = "recommended, in years, fitted in passes"
    if asked.cohort == "abide":
        variants[in_passes] = variants["recommended, in years"]
    for name, (table, options) in variants.items():
        plain = options.validation.model_copy(update={"n_folds": 10, "n_bootstrap": 0})
        plain = plain.model_copy(update={"leave_one_site_out": False})
        options = options.model_copy(update={"validation": plain, "networks": False})
        regressor = regressor_of(options)
        if name == in_passes and isinstance(regressor, StackedRegressor):
            regressor = replace(regressor, max_square=10)
        errors = []
        for seed in asked.seeds:
            cv = cross_validate_clock(table, options, seed=seed, regressor=regressor)
            errors.append(cv.metrics.set_index("metric").loc["MAE", "estimate"])
        each = ", ".join(f"{error:.3f}" for error in errors)
        print(f"{asked.cohort}, {name}: MAE {np.mean(errors):.3f} ({each})", flush=True)


if __name__ == "__main__":
    main()
