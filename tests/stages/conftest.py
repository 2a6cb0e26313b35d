"""A small synthetic study, run once and shared by the tests of the stages."""

from __future__ import annotations

import shutil

import pytest

from brainage.config import load_study
from brainage.stages.manifest import read_manifest, write_manifest
from brainage.stages.run import run_stages

STUDY = """\
extends: recommended
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
