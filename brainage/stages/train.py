"""Stage 2: reference series in, a clock with honest out-of-fold accuracy out; no arm in sight."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from brainage.clock import (
    EFFICIENCY,
    METRICS,
    WITHIN_SCAN,
    BrainClock,
    LinearRegression,
    cross_validate_clock,
    explain_clock,
    finite,
    fit_clock,
    fit_network_clocks,
)
from brainage.config import StudyConfig
from brainage.connectivity import FeatureTable, read_run
from brainage.errors import StageError
from brainage.progress import Progress, silent
from brainage.stages.cohorts import stage_folder
from brainage.stages.features import cohort_features, cohort_series
from brainage.stages.half_scans import with_half_scans, write_not_halved
from brainage.stages.lock import stage_lock
from brainage.stages.making import Making
from brainage.stages.manifest import read_checked_manifest
from brainage.stages.scan_length import (
    LengthParts,
    length_facts,
    reference_length_curve,
    reference_length_parts,
    write_length_curve,
)
from brainage.stages.trial_efficiency import (
    efficiency_facts,
    reference_efficiency,
    write_efficiency,
)
from brainage.tables import WHOLE_BRAIN, read_table

EXPLAIN = "explain"
_NAME_CHARACTERS = 80
#: Rows of the efficiency that stand among the metrics; the others are in a table of their own.
_AMONG_METRICS = (
    "within_scan_noise_years",
    "share_used",
    "latent_noise_years",
    "participants_change_state_0",
    "participants_change_state_4",
)


@dataclass(frozen=True)
class Trained:
    """What the train stage left: its clocks and tables, read back from its folder.

    `efficiency` is None where the study does not ask for it.
    """

    folder: Path
    clocks: dict[str, BrainClock]
    metrics: pd.DataFrame
    made_now: bool
    efficiency: pd.DataFrame | None = None


def train(study: StudyConfig, *, overwrite: bool = False, progress: Progress = silent) -> Trained:
    """Cross-validate and fit the clock, and one per network, on the reference cohort.

    Parameters
    ----------
    study : StudyConfig
        ``science.clock`` says how, ``paths.reference`` on whom.
    overwrite : bool, default=False
        Train again although nothing changed.
    progress : Progress, optional
        Told of series read, folds and networks.

    Returns
    -------
    trained : Trained
    """
    folder = stage_folder(study, "train")
    with stage_lock(folder, "train"):
        return _train(study, folder, overwrite=overwrite, progress=progress)


def _train(study: StudyConfig, folder: Path, *, overwrite: bool, progress: Progress) -> Trained:
    features, features_key = cohort_features(
        study,
        "reference",
        folder / "features",
        verb="train",
        overwrite=overwrite,
        progress=progress,
    )
    options = study.science.clock
    described = {
        "clock": options.model_dump(mode="json"),
        "seed": study.science.seed,
        "study": study.title,
    }
    asked = study.science.evaluation
    if asked.efficiency:
        described["efficiency"] = [asked.efficiency_scans, asked.trial_ages_years]
    described["length_curve_scans"] = asked.length_curve_scans
    making = Making(folder, "train", described, {"features": features_key})

    def write() -> list[Path]:
        with with_half_scans(study, features, folder=folder, progress=progress) as table:
            return make(table)

    def make(table: FeatureTable) -> list[Path]:
        seed, jobs = study.science.seed, study.run.n_jobs
        cv = cross_validate_clock(table, options, seed=seed, n_jobs=jobs, progress=progress)
        whole = fit_clock(table, options, seed=seed, n_jobs=jobs, cv=cv, progress=progress)
        clocks = {WHOLE_BRAIN: whole}
        parts = reference_length_parts(study, table, options, progress=progress)
        if options.networks:
            clocks |= _network_clocks(study, table, parts, progress)
        about = {"study": study.title, "cleaning": _cleaning_words(study)}
        clocks = {name: replace(clock, facts=clock.facts | about) for name, clock in clocks.items()}
        extra = write_not_halved(table, folder)
        if asked.efficiency:
            measured = reference_efficiency(
                study, table, options, cv, folder=folder, progress=progress
            )
            facts = whole.facts | about | {"efficiency": efficiency_facts(measured)}
            clocks[WHOLE_BRAIN] = replace(whole, facts=facts)
            cv = replace(cv, metrics=_with_efficiency(cv.metrics, measured))
            extra += write_efficiency(measured, folder)
        curve = reference_length_curve(parts, table, options, cv, progress=progress)
        own = clocks[WHOLE_BRAIN]
        clocks[WHOLE_BRAIN] = replace(own, facts=own.facts | length_facts(curve))
        extra += write_length_curve(curve, folder)
        written = [*write_clocks(clocks, folder), *cv.save(folder), *extra]
        return written + _write_patterns(clocks[WHOLE_BRAIN], features, folder / EXPLAIN)

    return load_trained(folder, made_now=making.make(write, overwrite=overwrite))


def _network_clocks(
    study: StudyConfig, features: FeatureTable, parts: LengthParts | str, progress: Progress
) -> dict[str, BrainClock]:
    """Fit the clock of each network; its card has the length curve, or says why it has none."""
    made = None if isinstance(parts, str) else parts
    clocks = fit_network_clocks(
        features,
        study.science.clock,
        parts=made.features if made else None,
        cut=made.cut if made else "",
        seed=study.science.seed,
        n_jobs=study.run.n_jobs,
        progress=progress,
    )
    if isinstance(parts, LengthParts):
        return clocks
    why = length_facts(parts)
    return {name: replace(clock, facts=clock.facts | why) for name, clock in clocks.items()}


def load_trained(folder: Path, *, made_now: bool = False) -> Trained:
    """Read a finished train folder."""
    manifest = read_checked_manifest(folder)
    files = [folder / name for name in manifest["outputs"] if name.endswith(".clock")]
    clocks = {clock.network: clock for clock in map(BrainClock.load, files)}
    # The whole brain first, networks after it by name.
    order = sorted(clocks, key=lambda name: (name != WHOLE_BRAIN, name))
    metrics = read_table(folder / "metrics.tsv", METRICS)
    efficiency = load_efficiency(folder)
    return Trained(folder, {name: clocks[name] for name in order}, metrics, made_now, efficiency)


def load_efficiency(folder: Path) -> pd.DataFrame | None:
    """Read what the clock of a finished train folder asks of a trial; None: not measured."""
    manifest = read_checked_manifest(folder)
    if "efficiency.tsv" not in manifest["outputs"]:
        return None
    return read_table(folder / "efficiency.tsv", EFFICIENCY)


def _with_efficiency(metrics: pd.DataFrame, efficiency: pd.DataFrame) -> pd.DataFrame:
    """Return metrics with the first figures of the efficiency; none where it was not measured."""
    rows = efficiency[efficiency["measure"].isin(_AMONG_METRICS) & efficiency["estimate"].notna()]
    rows = finite(rows).rename(columns={"measure": "metric"})
    # The clock of these rows is the one that the first validation is of.
    rows = rows.assign(
        validation=f"trial efficiency, {WITHIN_SCAN}",
        shows_nothing=bool(metrics["shows_nothing"].iloc[0]),
    )
    return pd.concat([metrics, rows[list(METRICS.names)]], ignore_index=True)


def clocks_that_show_nothing(clocks: dict[str, BrainClock]) -> dict[str, str]:
    """Return the clocks that show nothing of age, each with why, as their training found."""
    return {name: clock.shows_nothing for name, clock in clocks.items() if clock.shows_nothing}


def study_clocks(study: StudyConfig) -> dict[str, BrainClock]:
    """Return the clocks a study scores with: the file it names, or what it trained.

    Raises
    ------
    StageError
        Neither is there.
    """
    if study.paths.clock:
        path = Path(study.paths.clock)
        files = sorted(path.glob("*.clock")) if path.is_dir() else [path]
        if not files:
            raise StageError(f"{path}: expected *.clock files, found none.")
        clocks: dict[str, BrainClock] = {}
        for file in files:
            clock = BrainClock.load(file)
            other = clocks.setdefault(clock.network, clock)
            if other is not clock:
                raise StageError(
                    f"{path}: expected one clock for '{clock.network}', found two ({file.name} is "
                    "one). Name the one to score with in paths.clock, or move the other away."
                )
        return clocks
    return load_trained(stage_folder(study, "train")).clocks


def clock_file(network: str) -> str:
    """Return the name of a network's clock file: its own on every disk, whatever the network's is.

    A name that would not survive as a file's (other letters, blanks, length) is shortened to what
    does, and carries a hash of the whole, so that no two networks share a file.
    """
    plain = re.sub("[^A-Za-z0-9_]+", "-", network).strip("-")[:_NAME_CHARACTERS]
    if plain == network:
        return f"{plain}.clock"
    digest = hashlib.sha256(network.encode("utf-8")).hexdigest()[:8]
    return f"{plain or 'network'}-{digest}.clock"


def _clock_files(networks: Iterable[str]) -> dict[str, str]:
    """Return a file name for each network; names that differ in case alone get a hash as well."""
    files = {network: clock_file(network) for network in networks}
    times = Counter(name.casefold() for name in files.values())
    for network, name in files.items():
        if times[name.casefold()] > 1 and network != WHOLE_BRAIN:
            digest = hashlib.sha256(network.encode("utf-8")).hexdigest()[:8]
            files[network] = f"{name.removesuffix('.clock')}-{digest}.clock"
    return files


def write_clocks(clocks: dict[str, BrainClock], folder: Path) -> list[Path]:
    """Write clocks to ``folder/clocks``, in the place of any there; return the paths."""
    for old in folder.glob("clocks/*.clock"):
        old.unlink()
    written = []
    files = _clock_files(clocks)
    for network, clock in clocks.items():
        path = folder / "clocks" / files[network]
        path.parent.mkdir(parents=True, exist_ok=True)
        clock.save(path)
        written.append(path)
    return written


def _cleaning_words(study: StudyConfig) -> str:
    """Return how the reference's series say they were cleaned; empty where they do not say."""
    return read_run(cohort_series(study, "reference")[0]).cleaning


def _write_patterns(clock: BrainClock, features: FeatureTable, folder: Path) -> list[Path]:
    # An earlier clock's must not pass for this one's.
    for old in folder.glob("patterns_*"):
        old.unlink()
    # A kernel clock has no weights to explain, and predicting its whole cohort takes minutes.
    if isinstance(clock.regression, LinearRegression):
        explain_clock(clock, features).save(folder)
    return sorted(folder.glob("patterns_*"))
