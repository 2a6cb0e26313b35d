"""`check` says what a study will need, and stops where this machine cannot give it."""

import numpy as np
import pandas as pd
import pytest

from brainage.config import load_study
from brainage.errors import BrainAgeError
from brainage.imaging import write_nifti
from brainage.stages.check import check
from brainage.stages.needs import Needs, clock_costs, memory_here, needs_stops, study_needs

_N, _P = 30, 20


@pytest.fixture
def study(tmp_path):
    """Thirty scans that nobody has opened, of twenty parcels."""
    affine = np.diag([10.0, 10.0, 10.0, 1.0])
    write_nifti(tmp_path / "atlas.nii.gz", np.arange(125).reshape(5, 5, 5) % (_P + 1), affine)
    names = [f"{i:02d}" for i in range(_N)]
    for name in names:
        (tmp_path / f"s{name}.nii.gz").write_bytes(b"1" * 1000)
    scans = pd.DataFrame({"path": [f"s{n}.nii.gz" for n in names], "participant_id": names})
    people = pd.DataFrame({"participant_id": names, "age": np.linspace(20, 80, _N)})
    for file, table in (("scans.tsv", scans), ("people.tsv", people)):
        table.to_csv(tmp_path / file, sep="\t", index=False)
    (tmp_path / "study.yaml").write_text(
        "extends: fisher_z_ridge\n"
        "paths: {output: out, reference: {scans: scans.tsv, participants: people.tsv}}\n"
        "science:\n  atlas: {name: toy, path: atlas.nii.gz}\n"
        "  cleaning: {strategy: none, t_r_s: 2.0}\n"
    )
    return load_study(tmp_path / "study.yaml")


def test_check_tells_the_needs_of_a_study_that_is_not_run_yet(study):
    found = check(study)
    line = next(line for line in found.lines if line.startswith("needs about"))
    assert "GB of memory (train, through products of scans)" in line
    assert "of one core, by measured rates" in line
    assert not found.stops


def test_disk_is_that_of_series_as_text_and_of_edges_of_four_bytes(study):
    sessions = {"reference": pd.DataFrame({"participant_id": range(_N), "site": "a"})}
    series, edges = 11.3 * 300 * _P, 4 * _P * (_P - 1) / 2
    assert study_needs(study, sessions).disk_bytes == pytest.approx(_N * (series + edges))


def test_disk_of_half_scans_is_counted_twice_over(study):
    sessions = {"reference": pd.DataFrame({"participant_id": range(_N)})}
    halved = study.science.clock.model_copy(update={"half_scans": "half_weight"})
    science = study.science.model_copy(update={"clock": halved})
    whole = study_needs(study, sessions).disk_bytes
    more = study_needs(study.model_copy(update={"science": science}), sessions).disk_bytes - whole
    assert more == pytest.approx(_N * 2 * 4 * _P * (_P - 1) / 2 * len(halved.views))


def test_a_clock_that_no_machine_can_train_stops_a_study(study):
    svr = study.science.clock.model_copy(update={"estimator": "svr"})
    science = study.science.model_copy(update={"clock": svr})
    many = {"reference": pd.DataFrame({"participant_id": range(40_000)})}
    with pytest.raises(BrainAgeError, match="40000 scans with the estimator 'svr' need a matrix"):
        study_needs(study.model_copy(update={"science": science}), many)


def test_more_memory_or_disk_than_there_is_stops_a_study(study):
    assert not list(needs_stops(study, Needs(1e6, 1e3, 1.0, "w")))
    memory, disk = needs_stops(study, Needs(1e15, 1e18, 1.0, "through products of scans"))
    assert memory.startswith("train: needs about 1000000 GB of memory (through products of scans)")
    assert f"this machine gives {memory_here() / 1e9:.0f} GB" in memory
    assert "1000000000.0 GB are to be written there (paths.output)" in disk
    run = study.run.model_copy(update={"executor": "slurm"})
    on_cluster = study.model_copy(update={"run": run})
    assert not list(needs_stops(on_cluster, Needs(1e15, 0.0, 1.0, "w")))


def test_a_clock_for_each_network_is_counted(study):
    rows = pd.DataFrame({"participant_id": range(_N), "site": "a"})
    clock, networks = study.science.clock, ("a",) * 8 + ("b",) * 11 + (None,)
    alone = clock.model_copy(update={"networks": False})
    (whole,) = clock_costs(alone, rows, networks)
    assert [cost.cpu_s for cost in clock_costs(clock, rows, networks)][0] == whole.cpu_s
    assert len(clock_costs(clock, rows, networks)) == 3
