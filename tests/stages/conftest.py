"""A small synthetic study, run once and shared by the tests of the stages."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from brainage.config import load_study, study_from_mapping
from brainage.stages.manifest import read_manifest, write_manifest
from brainage.stages.run import run_stages
from brainage.stages.train import train

STUDY = """\
extends: fisher_z_ridge
title: tiny
paths: {output: out}
run: {n_jobs: 1, figure_files: []}
science:
  seed: 1
  clock: {validation: {n_folds: 5, n_bootstrap: 50}, networks: false}
  evaluation: {length_curve_scans: 6}
  trial:
    arms: [CON, MIT, HRT]
    control_arm: CON
    visits:
      - {label: baseline, session_id: baseline, nominal_years: 0}
      - {label: 1 year, session_id: 1y, nominal_years: 1}
      - {label: 2 years, session_id: 2y, nominal_years: 2}
    primary_visit: 2 years
    randomization: {n_draws: 199}
synthetic:
  depth: DEPTH
  n_parcels: PARCELS
  n_volumes: 80
  reference: {n: 30, n_sites: 2}
  trial:
    arms:
      - {name: CON, n: 7, effects_years: [0.0, 0.0]}
      - {name: MIT, n: 7, effects_years: [-4.0, -4.0]}
      - {name: HRT, n: 7, effects_years: [-4.0, -7.0]}
    visits:
      - {session_id: baseline, nominal_years: 0.0}
      - {session_id: 1y, nominal_years: 1.0}
      - {session_id: 2y, nominal_years: 2.0}
"""


def write_study(folder, *, depth="series", n_parcels="32"):
    """Write the study file into a folder and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.yaml"
    path.write_text(STUDY.replace("DEPTH", depth).replace("PARCELS", n_parcels))
    return path


@pytest.fixture
def seal_again():
    """Return what makes a manifest promise what a test has put into its folder."""

    def seal(folder):
        manifest = read_manifest(folder)
        outputs = [folder / name for name in manifest["outputs"]]
        named = {key: manifest[key] for key in ("stage", "key", "options", "inputs", "verb")}
        write_manifest(folder, outputs=outputs, **named)

    return seal


@pytest.fixture(scope="session")
def finished(made_once):
    """Folder with study.yaml and the output of every stage, at series depth; read only."""

    def make(folder):
        for _ in run_stages(load_study(write_study(folder))):
            pass

    return made_once("finished", make)


@pytest.fixture
def copy_of_finished(finished, tmp_path):
    """A copy of `finished` that a test may change."""
    # copy2 keeps times, by which a stage knows that its input did not change.
    shutil.copytree(finished, tmp_path / "study", copy_function=shutil.copy2)
    return tmp_path / "study"


#: A study of series: a reference of two sites, a trial and an external test set of other ones.
CLOCK_STUDY = """\
extends: fisher_z_ridge
paths:
  output: out
  reference: {series: reference, participants: reference.tsv}
  trial: {series: trial, participants: trial.tsv}
run: {n_jobs: 1, figure_files: []}
science:
  clock: {networks: false, validation: {n_folds: 4, n_bootstrap: 20}}
"""
CALIBRATED_STUDY = CLOCK_STUDY.replace("output: out", "output: calibrated").replace(
    "clock: {", "clock: {harmonization: {method: center, unseen_site: calibrate}, "
)
VISITS = """\
  trial:
    arms: [CON, EX]
    control_arm: CON
    visits:
      - {label: start, session_id: start, nominal_years: 0}
      - {label: end, session_id: end, nominal_years: 1}
    primary_visit: end
"""


def _write_cohort(folder, name, people, sessions=("",), *, sites, first_age=20.0):
    """Write series whose first edge grows with age, and their participants table."""
    rng = np.random.default_rng(len(people))
    (folder / name).mkdir()
    rows = []
    for i, person in enumerate(people):
        for j, session in enumerate(sessions):
            values = pd.DataFrame(rng.standard_normal((60, 5)), columns=list("abcde"))
            values = values.add(rng.standard_normal(60), axis=0)
            values["a"] += 0.1 * i * values["b"]
            label = f"sub-{person}_ses-{session}" if session else f"sub-{person}"
            path = folder / name / f"{label}_atlas-toy_timeseries.tsv"
            values.to_csv(path, sep="\t", index=False)
            row = {
                "participant_id": person,
                "age": first_age + 1.5 * i + j,
                "site": sites[i % len(sites)],
            }
            rows.append(row | ({"session_id": session} if session else {}))
    pd.DataFrame(rows).to_csv(folder / f"{name}.tsv", sep="\t", index=False)


@pytest.fixture(scope="session")
def clock_data(made_once):
    """Series of three cohorts, and a clock trained on the reference, plain and calibrating."""

    def make(folder):
        _write_cohort(folder, "reference", [f"R{i:02d}" for i in range(24)], sites=["s1", "s2"])
        trial = [f"T{i}" for i in range(6)]
        _write_cohort(folder, "trial", trial, ["start", "end"], sites=["new"], first_age=35)
        _write_cohort(folder, "external", [f"E{i}" for i in range(8)], sites=["s9"], first_age=30)
        for text in (CLOCK_STUDY, CALIBRATED_STUDY):
            (folder / "study.yaml").write_text(text)
            train(load_study(folder / "study.yaml"))

    return made_once("clock_study", make)


@pytest.fixture
def study_in(clock_data, tmp_path):
    """Return what writes a trained study among copies of the data and loads it."""
    # Times are kept, by which training knows that nothing changed since.
    shutil.copytree(clock_data, tmp_path, dirs_exist_ok=True, copy_function=shutil.copy2)

    def write(overrides=(), *, calibrates=False, visits=False):
        path = tmp_path / "study.yaml"
        text = CALIBRATED_STUDY if calibrates else CLOCK_STUDY
        path.write_text(text + (VISITS if visits else ""))
        return load_study(path, overrides=overrides)

    return write


@pytest.fixture
def external_of():
    """Return overrides that name the external test set of a `study_in`, and more by name."""

    def overrides(folder, **more):
        paths = {"series": str(folder / "external"), "participants": str(folder / "external.tsv")}
        named = {"paths.external": paths} | more
        return [f"{key}={json.dumps(value)}" for key, value in named.items()]

    return overrides


@pytest.fixture
def study_of_files(tmp_path):
    """Return what names a reference in `data` with two people, from its kind of source."""

    def make(source, **science):
        people = pd.DataFrame({"participant_id": ["sub-01", "sub-02"], "age_years": [30, 40]})
        people.to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
        reference = {source: "data", "participants": "participants.tsv"}
        paths = {"output": "out", "reference": reference}
        values = {"extends": "fisher_z_ridge", "paths": paths, "science": science}
        return study_from_mapping(values, base=tmp_path)

    return make


@pytest.fixture
def derivatives(tmp_path):
    """Names of fMRIPrep's files in two spaces and two tasks, with the tables of a raw folder."""
    folder = tmp_path / "bids" / "derivatives" / "fmriprep"
    for person in ("01", "02", "03"):
        for session in ("m12", "bl"):
            func = folder / f"sub-{person}" / f"ses-{session}" / "func"
            func.mkdir(parents=True)
            for task in ("rest", "faces"):
                for space in ("MNI152NLin6Asym", "T1w"):
                    stem = f"sub-{person}_ses-{session}_task-{task}_space-{space}"
                    (func / f"{stem}_desc-preproc_bold.nii.gz").touch()
                name = f"sub-{person}_ses-{session}_task-{task}_desc-confounds_timeseries.tsv"
                (func / name).touch()
    rows = {"participant_id": ["sub-01", "sub-02", "sub-03"], "age": [60, 61, 62]}
    people = pd.DataFrame(rows | {"GROUP": ["train", "control", "train"], "site": "A: b"})
    people.to_csv(tmp_path / "bids" / "participants.tsv", sep="\t", index=False)
    return folder
