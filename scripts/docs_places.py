"""The folders that the documentation's pages start from, made up and small: noise, no brains."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from tiny_bids import write_tiny_bids

from brainage.imaging import write_nifti

PARCELS = ("frontal", "parietal", "temporal", "occipital", "motor", "insula")


def make_scores(folder: Path, *, sessions: tuple[str, str] = ("bl", "1y")) -> None:
    """Write scores of forty people at two visits, and their arms; younger under training."""
    rng = np.random.default_rng(1)
    names = [f"{i:02d}" for i in range(40)]
    arms = np.resize(["control", "training"], 40)
    age, person = rng.uniform(60, 70, 40), rng.normal(0, 4, 40)
    scores = []
    for session, years in zip(sessions, (0.0, 1.0), strict=True):
        gap = person + rng.normal(0, 1.5, 40) - 2.0 * years * (arms == "training")
        scores.append(
            pd.DataFrame(
                {
                    "participant_id": names,
                    "session_id": session,
                    "age_years": age + years,
                    "predicted_age_years": age + years + gap,
                }
            )
        )
    _write(pd.concat(scores), folder / "scores.tsv")
    sex = np.resize(["F", "F", "M"], 40)
    people = pd.DataFrame({"participant_id": names, "arm": arms, "sex": sex})
    _write(people, folder / "allocation.tsv")


def make_planned(folder: Path) -> None:
    """Write scores and arms, and the study file that `brainage init` makes of them."""
    make_scores(folder)
    _brainage(folder, "init", "--scores", "scores.tsv")


def make_two_arms(folder: Path) -> None:
    """As `make_planned`, with the sessions of the page on two arms."""
    make_scores(folder, sessions=("pre", "post"))
    _brainage(folder, "init", "--scores", "scores.tsv")


def make_fmriprep(folder: Path) -> None:
    """Write fMRIPrep's outputs of a reference cohort, and of a trial of two visits."""
    write_tiny_bids(folder, 12)
    _make_trial(folder / "trial", sessions=("baseline", "1y"))


def make_cluster(folder: Path) -> None:
    """Write fMRIPrep's outputs of a reference cohort and a study file of them."""
    write_tiny_bids(folder, 12)
    _brainage(folder, "init", "derivatives/fmriprep")


def make_own_atlas(folder: Path) -> None:
    """Write fMRIPrep's outputs, a study file of them, and a label image with its names."""
    write_tiny_bids(folder, 10)
    _brainage(folder, "init", "derivatives/fmriprep")
    image = np.zeros((15, 18, 15))
    image[4:11, 4:14, 4:11] = np.resize(np.arange(1, 7), (7, 10, 7))
    affine = np.array([[10.0, 0, 0, -70], [0, 10, 0, -105], [0, 0, 10, -70], [0, 0, 0, 1]])
    path = folder / "atlases" / "my_parcels.nii.gz"
    path.parent.mkdir()
    write_nifti(path, image, affine, dtype="int16")
    names = pd.DataFrame({"index": range(1, 7), "name": PARCELS})
    _write(names, folder / "atlases" / "my_parcels.tsv")


def make_lent_clock(folder: Path) -> None:
    """Train a clock on a reference cohort elsewhere; write other people's fMRIPrep outputs."""
    there = folder / "elsewhere"
    write_tiny_bids(there, 12)
    _brainage(there, "init", "derivatives/fmriprep")
    _brainage(there, "run", "study.yaml", "--set", "science.clock.networks=false")
    shutil.copy(there / "out/train/clocks/whole_brain.clock", folder / "colleague.clock")
    _make_trial(folder, sessions=("baseline", "1y"))


def make_series(folder: Path) -> None:
    """Write plain parcel series and ages of a reference cohort."""
    for name, values in _series(20):
        path = folder / "series" / f"sub-{name}_atlas-toy_timeseries.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(values, path)
    _people(folder, 20)


def make_other_tools(folder: Path) -> None:
    """Write parcel series as XCP-D leaves them, of two atlases."""
    for name, values in _series(20):
        func = folder / "derivatives" / "xcp_d" / f"sub-{name}" / "ses-1" / "func"
        func.mkdir(parents=True)
        stem = f"sub-{name}_ses-1_task-rest_space-MNI152NLin2009cAsym"
        for atlas in ("4S156Parcels", "4S256Parcels"):
            _write(values, func / f"{stem}_seg-{atlas}_stat-mean_timeseries.tsv")
    _people(folder, 20)


def make_matrices(folder: Path) -> None:
    """Write one array of half-vectorised correlation matrices, region names and ages."""
    upper = np.triu_indices(len(PARCELS), 1)
    rows = [np.corrcoef(values.to_numpy().T)[upper] for _, values in _series(20)]
    ids = [name for name, _ in _series(20)]
    np.savez(folder / "connectivity.npz", values=np.array(rows), ids=ids)
    pd.DataFrame({"name": PARCELS}).to_csv(folder / "regions.csv", index=False)
    _people(folder, 20)


#: The word behind "run:" on a page -> what it starts from.
PLACES: dict[str, Callable[[Path], None]] = {
    "scores": make_scores,
    "planned": make_planned,
    "two_arms": make_two_arms,
    "fmriprep": make_fmriprep,
    "cluster": make_cluster,
    "own_atlas": make_own_atlas,
    "lent_clock": make_lent_clock,
    "series": make_series,
    "other_tools": make_other_tools,
    "matrices": make_matrices,
    "nothing": lambda folder: None,
}


def _make_trial(folder: Path, *, sessions: tuple[str, ...]) -> None:
    write_tiny_bids(folder, 12, sessions=sessions, prefix="T")
    people = [f"T{i + 1:02d}" for i in range(12)]
    # Both sexes in both arms: the people are F, M, F, M, ...
    arms = np.resize(["control", "training", "training", "control"], 12)
    _write(pd.DataFrame({"participant_id": people, "arm": arms}), folder / "allocation.tsv")


def _series(n: int) -> list[tuple[str, pd.DataFrame]]:
    """Return each person's series; two parcels come together with age."""
    rng = np.random.default_rng(0)
    made = []
    for i in range(n):
        values = rng.standard_normal((80, len(PARCELS)))
        values[:, 0] += 0.1 * i * values[:, 1]
        made.append((f"{i + 1:02d}", pd.DataFrame(values, columns=list(PARCELS))))
    return made


def _people(folder: Path, n: int) -> None:
    people = [f"{i + 1:02d}" for i in range(n)]
    ages = 20 + 3.0 * np.arange(n)
    _write(pd.DataFrame({"participant_id": people, "age": ages}), folder / "participants.tsv")


def _write(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, sep="\t", index=False)


def _brainage(folder: Path, *words: str) -> None:
    command = [sys.executable, "-m", "brainage", *words, "--quiet"]
    subprocess.run(command, cwd=folder, check=True)
