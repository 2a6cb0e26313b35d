"""Alternatives on identical folds: shared work done once, a leaderboard and its plot at the end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from brainage.clock.sweep import Alternative, SweepResult, expand_alternatives, run_sweep
from brainage.config import SweepConfig
from brainage.connectivity import FeatureTable
from brainage.imaging.options import AtlasOptions
from brainage.progress import Progress, silent
from brainage.report import write_leaderboard_figure
from brainage.stages.cohorts import cohort_paths, stage_folder
from brainage.stages.extract import extract_cohort
from brainage.stages.features import cohort_features


@dataclass(frozen=True)
class Leaderboard:
    """What a sweep found: the table, sentences on how to read it, and where it lies.

    `failed` says which scans failed, one sentence an atlas; empty where none did.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]
    folder: Path
    failed: tuple[str, ...] = ()


def sweep(
    study: SweepConfig, *, overwrite: bool = False, progress: Progress = silent
) -> Leaderboard:
    """Evaluate every alternative of a sweep file.

    Parameters
    ----------
    study : SweepConfig
        Names the reference cohort and the alternatives.
    overwrite : bool, default=False
        Build features again; evaluations of equal input are always kept.
    progress : Progress, optional
        Told of scans, series and alternatives.

    Returns
    -------
    board : Leaderboard
    """
    folder = stage_folder(study, "sweep")
    # An alternative that is no clock is told now, and not after hours of extraction.
    names = tuple(dict.fromkeys(atlas.name for atlas in _atlases(study)))
    alternatives = sweep_alternatives(study, names)
    tables, notes = _feature_tables(study, folder, overwrite, progress)
    result = run_sweep(
        alternatives, tables, folder, seed=study.science.seed, n_draws=study.sweep.n_draws,
        n_jobs=study.run.n_jobs, progress=progress,
    )  # fmt: skip
    write_leaderboard_figure(result.leaderboard, folder / "leaderboard")
    return Leaderboard(result.leaderboard, _notes(result), folder, tuple(notes))


def sweep_alternatives(study: SweepConfig, features: tuple[str, ...]) -> list[Alternative]:
    """Return every named alternative combined with every choice and feature table."""
    base = study.science.clock
    section = study.sweep
    if not section.alternatives:
        return expand_alternatives(base, section.choices, features=features)
    found = []
    for named in section.alternatives:
        (own,) = expand_alternatives(base, {key: [value] for key, value in named.change.items()})
        for combined in expand_alternatives(own.options, section.choices, features=features):
            name = named.name if combined.name == "base" else f"{named.name}, {combined.name}"
            found.append(Alternative(name, combined.options, combined.features))
    return found


def _feature_tables(
    study: SweepConfig, folder: Path, overwrite: bool, progress: Progress
) -> tuple[dict[str, FeatureTable], list[str]]:
    tables, notes = {}, []
    for atlas in _atlases(study):
        science = study.science.model_copy(update={"atlas": atlas})
        own = study.model_copy(update={"science": science})
        if study.sweep.atlases:
            # Series of two atlases never share a folder.
            output = str(folder / f"atlas-{atlas.name}")
            own = own.model_copy(update={"paths": own.paths.model_copy(update={"output": output})})
        if cohort_paths(own, "reference").scans:
            scans = extract_cohort(own, "reference", overwrite=overwrite, progress=progress)
            if failed := int((scans["status"] == "failed").sum()):
                summary = stage_folder(own, "extract") / "reference" / "scans.tsv"
                notes.append(f"atlas {atlas.name}: {failed} of {len(scans)} scans failed; "
                             f"{summary} says why")  # fmt: skip
        tables[atlas.name], _ = cohort_features(
            own, "reference", folder / "features" / atlas.name, overwrite=overwrite,
            progress=progress,
        )  # fmt: skip
    return tables, notes


def _atlases(study: SweepConfig) -> tuple[AtlasOptions, ...]:
    return study.sweep.atlases or (study.science.atlas,)


def _notes(result: SweepResult) -> tuple[str, ...]:
    corrected = result.corrected
    notes = [
        f"{result.n_scans} scans of {result.n_people} people; every alternative on the same folds",
        f"the winner's own figure is optimistic, because it won; corrected for the selection: MAE "
        f"{corrected.estimate:.3f} [{corrected.low:.3f}, {corrected.high:.3f}] years",
    ]
    notes += [f"not evaluated: {row.alternative}: {row.reason}"
              for row in result.failures.itertuples()]  # fmt: skip
    return tuple(notes)
