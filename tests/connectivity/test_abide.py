"""Claims about real data: the ABIDE controls as the published table used them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.connectivity import build_features
from brainage.series import find_series, write_series
from brainage.tables import read_people

pytestmark = pytest.mark.real_data
_SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fetch_abide_controls.py"


@pytest.fixture(scope="module")
def fetch():
    spec = importlib.util.spec_from_file_location("fetch_abide_controls", _SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def controls(real_data) -> dict:
    folder = real_data / "abide_controls"
    with np.load(folder / "abide_controls_cc400.npz") as archive:
        data = {key: archive[key] for key in archive.files}
    phenotypes = pd.read_csv(folder / "Phenotypic_V1_0b_preprocessed1.csv")
    return {**data, "phenotypes": phenotypes}


def _one_d_file(controls: dict, i: int, folder: Path) -> Path:
    """Write a scan as the Preprocessed Connectomes Project does."""
    stop = np.cumsum(controls["n_volumes"])[i]
    rows = slice(stop - controls["n_volumes"][i], stop)
    path = folder / f"{controls['file_ids'][i]}_rois_cc400.1D"
    header = "\t".join(f"#{roi}" for roi in controls["roi_ids"])
    np.savetxt(
        path,
        controls["values"][rows] * controls["scale"][i],
        fmt="%.5f",
        delimiter="\t",
        header=header,
        comments="",
    )
    return path


def test_the_stated_rule_lists_the_476_controls_in_their_order(fetch, controls):
    chosen = fetch.choose_controls(controls["phenotypes"])
    assert chosen == controls["file_ids"].tolist()
    labels = [fetch.participant_id(file_id) for file_id in chosen]
    assert labels == sorted(labels)
    assert len(set(labels)) == 476


def test_a_fetched_scan_keeps_values_age_and_missing_rois_on_its_way(fetch, controls, tmp_path):
    phenotypes = controls["phenotypes"].set_index("FILE_ID")
    constant = np.array([(controls["scale"][i] == 0).sum() for i in range(476)])
    i = int(np.argmax(constant)) if constant.any() else 3
    path = _one_d_file(controls, i, tmp_path)
    person = phenotypes.loc[controls["file_ids"][i]]
    series = fetch.to_series(path, person)
    write_series(series, tmp_path / "tree")
    (tmp_path / "tree" / "participants.tsv").write_text(
        f"participant_id\tage_years\nsub-{series.participant_id}\t{person['AGE_AT_SCAN']}\n"
    )
    table = build_features(
        find_series(tmp_path / "tree"),
        read_people(tmp_path / "tree" / "participants.tsv"),
        kinds=("pearson",),
    )
    assert table.rows["age_years"].tolist() == [person["AGE_AT_SCAN"]]
    assert np.isnan(table.rows["retained_s"]).all()
    raw = np.loadtxt(path)
    varies = raw.std(axis=0) > 0
    expected = np.corrcoef(raw[:, varies].T)[np.triu_indices(varies.sum(), 1)]
    found = table["pearson"].values[0]
    np.testing.assert_allclose(found[~np.isnan(found)], expected, atol=1e-6)
