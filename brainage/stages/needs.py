"""What a study will need of this machine: memory, disk and time, by measured rates.

Told before anything is begun; what cannot be had here stops a study. Disk is counted for what is
not there yet. Rates are those that docs/scale.md shows: "about" is a factor of three.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from brainage.clock import ClockOptions, TrainingCost, training_cost
from brainage.config import StudyConfig
from brainage.connectivity import KINDS, ViewSpec, read_run
from brainage.errors import BrainAgeError
from brainage.imaging import Scan, load_atlas
from brainage.stages.cohorts import Cohort, cohort_paths, stage_folder, trains
from brainage.stages.features import cohort_series
from brainage.stages.manifest import read_manifest
from brainage.stages.scan_list import cohort_scans

#: One core inflates, parcels and cleans so many bytes of compressed image a second, and a scan
#: costs so much whatever its size.
_IMAGE_BYTES_A_S, _SCAN_S = 1.2e8, 0.1
#: A view of a scan of 100 parcels takes one core so long; more parcels, their square.
_VIEW_S = 3.4e-3
#: A value of a series as text, and the volumes of a scan that nobody has opened.
_BYTES_A_VALUE, _VOLUMES = 11.3, 300
#: Images whose size is looked at.
_LOOKED_AT = 50


@dataclass(frozen=True)
class Needs:
    """What a study needs.

    Parameters
    ----------
    memory_bytes : float
        At the peak, in training.
    disk_bytes : float
        Of what is not there yet.
    cpu_s : float
        Seconds of one core.
    way : str
        How the clock is fitted, in words; empty where none is trained.
    """

    memory_bytes: float
    disk_bytes: float
    cpu_s: float
    way: str

    def words(self) -> str:
        """Return a line for people."""
        memory = f"{self.memory_bytes / 1e9:.1f} GB of memory" + (
            f" (train, {self.way})" if self.way else ""
        )
        return (
            f"needs about {memory}, {self.disk_bytes / 1e9:.1f} GB on disk for what is not there "
            f"yet, and {_long(self.cpu_s)} of one core, by measured rates"
        )


_WAYS = {
    "grams": "through products of scans",
    "moments": "through products of edges",
    "features": "on features in memory",
    "passes": "in passes over features on disk",
}


def study_needs(study: StudyConfig, sessions: dict[Cohort, pd.DataFrame]) -> Needs:
    """Return what a run of a study needs.

    Parameters
    ----------
    study : StudyConfig
        As it will run.
    sessions : dict of str to DataFrame
        Of each cohort that is there; one row a session.

    Raises
    ------
    BrainAgeError
        A clock that no machine can train at that size, or series that cannot be read.
    """
    memory, disk, cpu_s, way = 3e8, 0.0, 0.0, ""
    science = study.science
    for cohort, rows in sessions.items():
        if study.paths.scores is not None and cohort == "trial":
            continue
        networks = _networks_of_parcels(study, cohort)
        p = len(networks)
        sizes = {kind: _n_features(kind, p) for kind in science.connectivity.kinds}
        if cohort_paths(study, cohort).scans and not _is_there(study, f"extract/{cohort}"):
            scans = cohort_scans(study, cohort)
            disk += len(scans) * _BYTES_A_VALUE * _VOLUMES * p
            cpu_s += len(scans) * _SCAN_S + _bytes_of(scans) / _IMAGE_BYTES_A_S
        made_in = {"reference": "train", "trial": "score", "external": "evaluate"}[cohort]
        if not _is_there(study, f"{made_in}/features"):
            disk += 4.0 * len(rows) * sum(sizes.values())
            cpu_s += len(rows) * len(sizes) * _VIEW_S * (p / 100) ** 2
        if cohort == "reference" and trains(study) and not _is_there(study, "train"):
            if science.clock.half_scans != "off":
                # Features of both halves, for as long as the clock is trained.
                disk += 8.0 * len(rows) * sum(_n_features(view, p) for view in science.clock.views)
            cost, *of_networks = clock_costs(science.clock, rows, networks)
            memory, way = max(memory, cost.memory_bytes), _WAYS[cost.way]
            cpu_s += sum(each.cpu_s or 0.0 for each in (cost, *of_networks))
    return Needs(memory, disk, cpu_s, way)


def needs_stops(study: StudyConfig, needs: Needs) -> Iterator[str]:
    """Yield why this machine cannot give what a study needs."""
    has = memory_here()
    # The jobs of a cluster run elsewhere.
    if study.run.executor != "slurm" and has is not None and needs.memory_bytes > has:
        yield (
            f"train: needs about {needs.memory_bytes / 1e9:.0f} GB of memory ({needs.way}), and "
            f"this machine gives {has / 1e9:.0f} GB. Choose ridge on fewer or smaller views "
            "(science.clock), an atlas of fewer parcels, or a machine with more."
        )
    folder = Path(study.paths.output)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needs.disk_bytes > free:
        yield (
            f"{folder}: about {needs.disk_bytes / 1e9:.1f} GB are to be written there "
            f"(paths.output), and {free / 1e9:.1f} GB are free. Free space, or choose another "
            "paths.output."
        )


def memory_here() -> float | None:
    """Return the bytes of memory that this process may use; None where that cannot be known."""
    try:
        has = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError, AttributeError):
        return None
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return has
    return min(has, float(limit)) if limit.isdigit() else has


def _networks_of_parcels(study: StudyConfig, cohort: Cohort) -> tuple[str | None, ...]:
    if cohort_paths(study, cohort).scans:
        return load_atlas(study.science.atlas).networks
    return read_run(cohort_series(study, cohort)[0]).networks


def clock_costs(
    clock: ClockOptions, rows: pd.DataFrame, networks: Sequence[str | None]
) -> list[TrainingCost]:
    """Return what the clock of the whole brain costs, and that of each network that gets one.

    Parameters
    ----------
    clock : ClockOptions
        Of the study.
    rows : DataFrame
        A row a session of the reference; ``site`` where it is known.
    networks : sequence of (str or None)
        Network of each parcel.

    Returns
    -------
    costs : list of TrainingCost
        The whole brain's first.
    """
    sizes = [len(networks)]
    if clock.networks:
        named = Counter(network for network in networks if network)
        sizes += [n for n in named.values() if n > 1]
    n_sites = rows["site"].nunique() if "site" in rows else 1
    return [
        training_cost(
            clock,
            n_scans=len(rows),
            n_features=[_n_features(view, n_parcels) for view in clock.views],
            n_sites=n_sites,
        )
        for n_parcels in sizes
    ]


def _n_features(kind: str, n_parcels: int) -> int:
    names = tuple(str(i) for i in range(n_parcels))
    record = KINDS[kind]
    return ViewSpec(kind, "none", record.layout, names, (None,) * n_parcels, "", "").n_features


def _is_there(study: StudyConfig, stage: str) -> bool:
    try:
        return read_manifest(stage_folder(study, stage), missing_ok=True) is not None
    except BrainAgeError:
        return False


def _bytes_of(scans: list[Scan]) -> float:
    """Return the size of all images, by that of some."""
    some = scans[:: max(1, len(scans) // _LOOKED_AT)]
    sizes = [scan.bold.stat().st_size for scan in some if scan.bold.is_file()]
    return len(scans) * sum(sizes) / max(len(sizes), 1)


def _long(seconds: float) -> str:
    for unit_s, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds:.0f} seconds"
