"""Where matrices are found: trees, tables, and files of all scans."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.connectivity import build_features, find_matrices, read_matrix
from brainage.errors import SeriesError
from brainage.series import find_series
from brainage.tables import read_people

P = 6
REAL = Path(os.environ.get("BRAINAGE_REAL_DATA", "../shared/data"))


def matrices(n=4):
    rng = np.random.default_rng(0)
    return np.array([np.corrcoef(rng.normal(size=(P, 40))) for _ in range(n)])


def rows(stack, triangle, *, diagonal=False):
    offset = 0 if diagonal else (1 if triangle == "upper" else -1)
    i, j = (np.triu_indices if triangle == "upper" else np.tril_indices)(P, offset)
    return stack[:, i, j]


@pytest.mark.parametrize("triangle", ["upper", "lower"])
@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("form", ["npz", "npy", "tsv", "csv"])
def test_half_matrices_of_any_order_come_back_whole(tmp_path, triangle, diagonal, form):
    stack = matrices()
    values = rows(stack, triangle, diagonal=diagonal)
    ids, path = [f"sub-{i}" for i in range(4)], tmp_path / f"all.{form}"
    table = pd.DataFrame({"participant_id": ids, "session_id": "ses-a"})
    if form == "npz":
        np.savez(path, values=values, ids=ids, session=["ses-a"] * 4)
    elif form == "npy":
        np.save(path, values)
        table.to_csv(tmp_path / "all.tsv", sep="\t", index=False)
    else:
        edges = pd.DataFrame(values, columns=[f"e{i}" for i in range(values.shape[1])])
        mark = "\t" if form == "tsv" else ","
        pd.concat([table, edges], axis=1).to_csv(path, sep=mark, index=False)
    files = find_matrices(path, triangle=triangle, values="pearson", atlas="x")
    assert [(f.participant_id, f.session_id) for f in files] == [(str(i), "a") for i in range(4)]
    for file, expected in zip(files, stack, strict=True):
        found = read_matrix(file)
        np.testing.assert_allclose(found.correlation, expected, atol=1e-12)
        assert found.atlas == "x"


def test_the_order_of_half_a_matrix_is_asked_for(tmp_path):
    np.savez(tmp_path / "a.npz", values=rows(matrices(), "upper"), ids=list("1234"))
    file = find_matrices(tmp_path / "a.npz", values="pearson")[0]
    with pytest.raises(SeriesError, match="State it: paths.<cohort>.triangle: upper"):
        read_matrix(file)


def test_a_stack_of_square_matrices_needs_no_order(tmp_path):
    np.savez(tmp_path / "a.npz", matrices=matrices(), ids=list("1234"))
    found = read_matrix(find_matrices(tmp_path / "a.npz")[2])
    np.testing.assert_allclose(found.correlation, matrices()[2], atol=1e-12)


def test_parcels_are_named_by_a_table(tmp_path):
    np.savez(tmp_path / "a.npz", values=rows(matrices(), "upper"), ids=list("1234"))
    table = tmp_path / "p.csv"
    pd.DataFrame({"rois": list("ABCDEF"), "RSN": ["V", "V", "V", "D", "D", "n/a"]}).to_csv(
        table, index=False
    )
    how = {"values": "pearson", "triangle": "upper", "parcels": table}
    found = read_matrix(find_matrices(tmp_path / "a.npz", **how)[0])
    assert found.parcel_names == tuple("ABCDEF")
    assert found.networks == ("V", "V", "V", "D", "D", None)
    pd.DataFrame({"rois": list("ABC")}).to_csv(table, index=False)
    with pytest.raises(SeriesError, match="6 parcels, but 3 names"):
        read_matrix(find_matrices(tmp_path / "a.npz", **how)[0])


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"ids": ["1"]}, "expected the arrays 'values'"),
        ({"values": np.zeros((2, 3))}, "expected the arrays 'values'"),
        ({"values": np.zeros((2, 3)), "ids": ["1"]}, "2 rows, but 1 ids"),
        ({"values": np.zeros((2, 3)), "ids": ["1", "sub-1"]}, "participant 1, session n/a stands"),
        ({"values": np.array(["a", "b"]), "ids": ["1", "2"]}, "expected the arrays"),
    ],
)
def test_an_archive_of_other_contents_is_refused(tmp_path, arrays, words):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(SeriesError, match=words):
        find_matrices(tmp_path / "a.npz")


def test_a_length_that_is_no_triangle_and_a_pickle_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", values=np.full((1, 7), 0.1), ids=["1"])
    file = find_matrices(tmp_path / "a.npz", triangle="upper", values="pearson")[0]
    with pytest.raises(SeriesError, match="7 values a row are half of no square"):
        read_matrix(file)
    np.savez(tmp_path / "b.npz", values=np.array([{}], dtype=object), ids=["1"])
    (tmp_path / "c.npz").write_bytes(b"PK\x03\x04 no archive")
    for name in ("b.npz", "c.npz"):
        with pytest.raises(SeriesError, match="expected arrays"):
            find_matrices(tmp_path / name)


@pytest.mark.real_data
@pytest.mark.skipif(not (REAL / "halfpipe_ds000030").is_dir(), reason="no BRAINAGE_REAL_DATA")
def test_halfpipes_matrices_equal_those_of_its_series():
    people = pd.DataFrame(
        {"participant_id": ["10159", "10228"], "session_id": "n/a", "age_years": [30.0, 40.0]}
    )
    for feature in ("corrMatrix1", "corrMatrix3"):
        how = {"atlas": f"schaefer400:feature-{feature}"}
        folder = REAL / "halfpipe_ds000030" / "halfpipe"
        of_matrices = build_features(find_matrices(folder, **how), people, kinds=["fisher_z"])
        of_series = build_features(find_series(folder, **how), people, kinds=["fisher_z"])
        assert of_matrices["fisher_z"].spec.differences(of_series["fisher_z"].spec) == []
        # Printed with ten digits.
        np.testing.assert_allclose(
            of_matrices["fisher_z"].values, of_series["fisher_z"].values, atol=1e-6
        )
        assert of_matrices.rows["mean_fd_mm"].equals(of_series.rows["mean_fd_mm"])


@pytest.mark.real_data
@pytest.mark.skipif(not (REAL / "giga_connectome").is_dir(), reason="no BRAINAGE_REAL_DATA")
def test_giga_connectomes_pearson_is_the_shrunk_correlation_of_its_series():
    people = pd.DataFrame({"participant_id": ["1"], "session_id": "n/a", "age_years": [30.0]})
    how = {"atlas": "Schaefer20187Networks100Parcels", "task": "selectivestopsignaltask"}
    matrix = find_matrices(REAL / "giga_connectome", **how)[0]
    series = find_series(REAL / "giga_connectome", **how)[0]
    one = build_features([matrix], people, kinds=["shrunk_correlation"])["shrunk_correlation"]
    two = build_features([series], people, kinds=["shrunk_correlation"])["shrunk_correlation"]
    assert one.spec.differences(two.spec) == []
    np.testing.assert_allclose(one.values, two.values, atol=1e-6)


@pytest.mark.real_data
@pytest.mark.skipif(not (REAL / "lemon_schaefer200").is_dir(), reason="no BRAINAGE_REAL_DATA")
def test_lemons_rows_are_its_correlations():
    folder = REAL / "lemon_schaefer200"
    files = find_matrices(
        folder / "connectivity.npz",
        triangle="upper",
        values="pearson",
        parcels=folder / "regions.csv",
        atlas="schaefer200",
    )
    people = read_people(folder / "participants.tsv")
    found = build_features(files[:5], people, kinds=["pearson"])["pearson"]
    with np.load(folder / "connectivity.npz") as held:
        np.testing.assert_allclose(found.values, held["values"][:5], atol=1e-6)
    assert found.spec.networks[0] == "Visual"
