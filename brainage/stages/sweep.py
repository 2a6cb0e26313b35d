"""Alternatives on identical folds: shared work done once, a leaderboard and its plot at the end."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import ValidationError

from brainage.clock import (
    WITHIN_SCAN,
    Alternative,
    PartsMaker,
    ScanParts,
    SelectionCorrected,
    SweepResult,
    expand_alternatives,
    run_sweep,
)
from brainage.config import CohortPaths, SweepConfig, study_yaml
from brainage.connectivity import ConnectivityOptions, FeatureTable
from brainage.errors import ConfigError, SeriesError
from brainage.files import remove_leftovers, write_text
from brainage.imaging import AtlasOptions
from brainage.progress import Progress, silent
from brainage.report import figure_of, plot_leaderboard, save_figure
from brainage.stages.cohorts import cohort_paths, made_elsewhere, stage_folder
from brainage.stages.extract import extract_cohort
from brainage.stages.features import cohort_features
from brainage.stages.half_scans import with_half_scans
from brainage.stages.lock import stage_lock
from brainage.stages.trial_efficiency import scan_parts, why_no_halves


@dataclass(frozen=True)
class Leaderboard:
    """What a sweep found: the table, sentences on how to read it, and where it lies.

    `failed` says which scans failed, one sentence an atlas; empty where none did. `winner` is a
    study file of the first alternative.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]
    folder: Path
    failed: tuple[str, ...] = ()
    winner: Path | None = None


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
    alternatives = sweep_alternatives(study)
    with stage_lock(folder, "sweep"):
        return _sweep(study, alternatives, folder, overwrite=overwrite, progress=progress)


def _sweep(
    study: SweepConfig,
    alternatives: list[Alternative],
    folder: Path,
    *,
    overwrite: bool,
    progress: Progress,
) -> Leaderboard:
    remove_leftovers(folder)
    tables, notes = _feature_tables(
        _with_views_of(study, alternatives), folder, overwrite, progress
    )
    studies = sweep_studies(study)
    with ExitStack() as halves:
        tables = {
            name: halves.enter_context(
                with_half_scans(
                    studies[name],
                    table,
                    folder=folder,
                    clocks=[each.options for each in alternatives if each.features == name],
                    progress=progress,
                )
            )
            for name, table in tables.items()
        }
        result = run_sweep(
            alternatives,
            tables,
            folder,
            seed=study.science.seed,
            n_draws=study.sweep.n_draws,
            n_jobs=study.run.n_jobs,
            parts=_parts_maker(study, alternatives, folder, progress),
            rank_by=study.sweep.rank_by,
            progress=progress,
        )
    axes = plot_leaderboard(result.leaderboard, asdict(result.corrected))
    save_figure(figure_of(axes), folder / "leaderboard", beside=study.run.figure_files)
    winner = _write_winner(study, alternatives, result, folder)
    return Leaderboard(result.leaderboard, _notes(result), folder, tuple(notes), winner)


def _write_winner(
    study: SweepConfig, alternatives: list[Alternative], result: SweepResult, folder: Path
) -> Path | None:
    """Write the best alternative as a study file; None where none could be evaluated."""
    if not len(result.leaderboard):
        return None
    name = result.leaderboard["alternative"].iloc[0]
    best = next(each for each in alternatives if each.name == name)
    own = _with_views_of(sweep_studies(study)[best.features], [best])
    paths = own.paths.model_copy(update={"output": study.paths.output})
    science = own.science.model_copy(update={"clock": best.options})
    chosen = own.model_copy(update={"science": science, "paths": paths})
    about = [
        f"The winner of {len(alternatives)} alternatives: {name}.",
        "It won on these very people, so its own error is optimistic (leaderboard.tsv, and the",
        "figure corrected for the selection). Plan a trial's analysis before its arms are known.",
    ]
    path = folder / "winner.yaml"
    write_text(path, study_yaml(chosen, about=about))
    return path


def sweep_alternatives(study: SweepConfig) -> list[Alternative]:
    """Return every named alternative combined with every choice and atlas."""
    base, features = study.science.clock, tuple(sweep_studies(study))
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


def sweep_studies(study: SweepConfig) -> dict[str, SweepConfig]:
    """Return the study of each atlas of a sweep, by name; without a list, the study itself."""
    names = [atlas.name for atlas in study.sweep.atlases]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(
            f"sweep.atlases: expected different names, found {repeated} twice. Give "
            "each parcellation its own name."
        )
    if not names:
        return {_atlas_name(study): study}
    return {atlas.name: _with_atlas(study, atlas) for atlas in study.sweep.atlases}


def _atlas_name(study: SweepConfig) -> str:
    reference = cohort_paths(study, "reference")
    # Series made elsewhere are not the study's atlas's, whatever that is called.
    elsewhere = made_elsewhere(reference)
    return (reference.atlas or "of the series") if elsewhere else study.science.atlas.name


def _with_atlas(study: SweepConfig, atlas: AtlasOptions) -> SweepConfig:
    # Series of two atlases never share a folder.
    own = stage_folder(study, "sweep") / f"atlas-{atlas.name}"
    paths: dict[str, str | CohortPaths] = {"output": str(own)}
    reference = cohort_paths(study, "reference")
    if made_elsewhere(reference):
        # Series made elsewhere: the atlas is chosen among those of the folder, by its name.
        paths["reference"] = reference.model_copy(update={"atlas": atlas.name})
    return study.model_copy(
        update={
            "science": study.science.model_copy(update={"atlas": atlas}),
            "paths": study.paths.model_copy(update=paths),
        }
    )


def _feature_tables(
    study: SweepConfig, folder: Path, overwrite: bool, progress: Progress
) -> tuple[dict[str, FeatureTable], list[str]]:
    tables, notes = {}, []
    for name, own in sweep_studies(study).items():
        if cohort_paths(own, "reference").scans:
            scans = extract_cohort(own, "reference", overwrite=overwrite, progress=progress)
            if failed := int((scans["status"] == "failed").sum()):
                summary = stage_folder(own, "extract") / "reference" / "scans.tsv"
                notes.append(
                    f"atlas {name}: {failed} of {len(scans)} scans failed; {summary} says why"
                )
        tables[name], _ = cohort_features(
            own,
            "reference",
            folder / "features" / name,
            verb="sweep",
            overwrite=overwrite,
            progress=progress,
        )
    return tables, notes


def _parts_maker(
    study: SweepConfig, alternatives: list[Alternative], folder: Path, progress: Progress
) -> PartsMaker | None:
    """Return what makes the halves of an atlas's scans; None where they are not asked for."""
    if not study.science.evaluation.efficiency and study.sweep.rank_by == "error":
        return None
    studies = sweep_studies(study)

    def make(name: str, features: FeatureTable) -> AbstractContextManager[ScanParts]:
        own = studies[name]
        reason = why_no_halves(own, "reference")
        if reason is not None:
            raise SeriesError(reason)
        seen = [a.options.views for a in alternatives if a.features == name]
        views = tuple(dict.fromkeys(view for views in seen for view in views))
        return scan_parts(own, features, views=views, folder=folder, progress=progress)

    return make


def _with_views_of(study: SweepConfig, alternatives: list[Alternative]) -> SweepConfig:
    """Return a sweep whose features hold every view that an alternative sees."""
    connectivity = study.science.connectivity
    views = [view for alternative in alternatives for view in alternative.options.views]
    wanted = connectivity.model_dump() | {"kinds": dict.fromkeys([*connectivity.kinds, *views])}
    try:
        whole = ConnectivityOptions.model_validate(wanted | {"kinds": list(wanted["kinds"])})
    except ValidationError as error:
        raise ConfigError(f"sweep: views {views}: {error.errors()[0]['msg']}") from error
    return study.model_copy(
        update={"science": study.science.model_copy(update={"connectivity": whole})}
    )


def _notes(result: SweepResult) -> tuple[str, ...]:
    corrected = result.corrected
    whose = "the winner's" if result.rank_by == "error" else "the most accurate one's"
    notes = [
        f"{result.n_scans} scans of {result.n_people} people; every alternative on the same folds",
        f"{whose} own error is optimistic, because it was the smallest; corrected for the "
        f"selection: MAE {corrected.estimate:.3f} [{corrected.low:.3f}, {corrected.high:.3f}] "
        "years",
    ]
    if result.corrected_participants is not None:
        notes.append(_participants_words(result.corrected_participants))
    notes += [
        f"not evaluated: {row.alternative}: {row.reason}" for row in result.failures.itertuples()
    ]
    return tuple(notes)


def _participants_words(corrected: SelectionCorrected) -> str:
    """Say what to expect of choosing by participants, in people who did not choose."""
    figures = [
        f"{number:.0f}" if np.isfinite(number) else "no number of people is enough"
        for number in (corrected.estimate, corrected.low, corrected.high)
    ]
    return (
        "the fewest participants per arm (one latent year, 80 % power, change scores, "
        f"{WITHIN_SCAN} and an assumed state of SD 4 years), corrected for the selection: "
        f"{figures[0]} [{figures[1]}, {figures[2]}]"
    )
