"""Matrices made elsewhere: the rows that the series give, or a clear refusal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.connectivity import build_features, find_matrices, read_matrix
from brainage.errors import BrainAgeError, MatrixError, SeriesError
from brainage.series import find_series

RNG = np.random.default_rng(3)
P = 5
NAMES = [f"roi{i}" for i in range(P)]
PEOPLE = pd.DataFrame({"participant_id": ["1", "2"], "session_id": "n/a", "age_years": [60.0, 70]})


def signals(seed=0, n_volumes=80):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_volumes, P)) @ (np.eye(P) + 0.4 * rng.normal(size=(P, P)))


def correlation(seed=0):
    return np.corrcoef(signals(seed).T)


def write(folder, matrix, name="sub-1_atlas-a_desc-correlation_matrix.tsv", **how):
    path = folder / name
    pd.DataFrame(matrix, columns=NAMES[: len(matrix)]).to_csv(
        path, sep="\t", na_rep="n/a", **({"index": False} | how)
    )
    return path


def only(folder, **how):
    return read_matrix(find_matrices(folder, **how)[0])


def test_a_matrix_gives_the_rows_that_its_series_gives(tmp_path):
    for person in (1, 2):
        func = tmp_path / "series" / f"sub-{person}"
        func.mkdir(parents=True)
        pd.DataFrame(signals(person), columns=NAMES).to_csv(
            func / f"sub-{person}_space-M_atlas-a_stat-mean_timeseries.tsv", sep="\t", index=False
        )
        of_matrix = tmp_path / "matrices" / f"sub-{person}"
        of_matrix.mkdir(parents=True)
        write(
            of_matrix,
            correlation(person),
            f"sub-{person}_space-M_atlas-a_stat-pearsoncorrelation_relmat.tsv",
        )
    kinds = ["pearson", "fisher_z", "log_correlation", "log_correlation_direction"]
    of_series = build_features(find_series(tmp_path / "series"), PEOPLE, kinds=kinds)
    of_matrices = build_features(find_matrices(tmp_path / "matrices"), PEOPLE, kinds=kinds)
    for kind in kinds:
        assert of_matrices[kind].spec.differences(of_series[kind].spec) == []
        np.testing.assert_allclose(of_matrices[kind].values, of_series[kind].values, atol=2e-6)
    unshrunk = ["partial", "shrunk_correlation", "tangent", "log_euclidean"]
    of_series = build_features(
        find_series(tmp_path / "series"), PEOPLE, kinds=unshrunk, shrinkage="none"
    )
    of_matrices = build_features(
        find_matrices(tmp_path / "matrices"), PEOPLE, kinds=unshrunk, shrinkage="none"
    )
    for kind in unshrunk:
        np.testing.assert_allclose(of_matrices[kind].values, of_series[kind].values, atol=2e-6)


@pytest.mark.parametrize("kind", ["covariance", "log_covariance", "lagged", "amplitude"])
def test_kinds_that_need_the_series_are_refused_by_name(tmp_path, kind):
    write(tmp_path, correlation())
    with pytest.raises(SeriesError, match=f"matrices cannot give {kind}: these need the series"):
        build_features(find_matrices(tmp_path), PEOPLE, kinds=["pearson", kind])


def test_a_shrinkage_that_a_matrix_cannot_have_is_refused(tmp_path):
    write(tmp_path, correlation())
    with pytest.raises(SeriesError, match="tangent with shrinkage 'ledoit_wolf'.*shrinkage: none"):
        build_features(find_matrices(tmp_path), PEOPLE, kinds=["tangent"])


def test_shrunk_matrices_give_the_shrunk_kinds_and_no_pearson(tmp_path):
    write(tmp_path, 0.9 * correlation() + 0.1 * np.eye(P), "sub-1_atlas-a_relmat.tsv")
    files = find_matrices(tmp_path, values="ledoit_wolf")
    found = build_features(files, PEOPLE, kinds=["shrunk_correlation"])
    expected = 0.9 * correlation()[np.triu_indices(P, 1)]
    np.testing.assert_allclose(found["shrunk_correlation"].values[0], expected, atol=1e-6)
    assert found["shrunk_correlation"].spec.shrinkage == "ledoit_wolf"
    with pytest.raises(SeriesError, match="the tool that made them shrank them"):
        build_features(files, PEOPLE, kinds=["fisher_z"])


def test_giga_connectome_calls_a_shrunk_correlation_pearson(tmp_path):
    write(tmp_path, correlation(), "sub-1_seg-a_meas-PearsonCorrelation_relmat.tsv")
    (tmp_path / "meas-PearsonCorrelation_relmat.json").write_text(
        '{"Measure": "Pearson correlation", "Code": "https://github.com/x/giga_connectome.git"}'
    )
    assert only(tmp_path).shrinkage == "ledoit_wolf"


@pytest.mark.parametrize("diagonal", [1.0, 0.0, np.nan])
def test_a_diagonal_of_ones_zeros_or_nothing_is_taken(tmp_path, diagonal):
    matrix = correlation()
    np.fill_diagonal(matrix, diagonal)
    write(tmp_path, matrix)
    np.testing.assert_allclose(only(tmp_path).correlation, correlation(), atol=1e-12)


def test_fisher_z_becomes_the_correlation_behind_it(tmp_path):
    with np.errstate(divide="ignore"):
        z = np.arctanh(correlation())
    np.fill_diagonal(z, 0)
    write(tmp_path, z, "sub-1_atlas-a_relmat.tsv")
    with pytest.raises(SeriesError, match="matrix_values: pearson .or fisher_z"):
        only(tmp_path)
    np.testing.assert_allclose(
        only(tmp_path, values="fisher_z").correlation, correlation(), atol=1e-12
    )


def _with(i, j, value):
    matrix = correlation()
    matrix[i, j] = value
    return matrix


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (_with(0, 1, 0.9), "expected a symmetric matrix"),
        (np.triu(correlation()), "one triangle filled"),
        (correlation()[:3], "expected a square matrix, found 3 x 5"),
        (4 * correlation(), "diagonal of ones"),
        (_with(0, 1, np.nan), "lack correlations with some"),
        (np.where(np.eye(P, dtype=bool), 1, 1.7), "correlations from -1 to 1, found 1.7"),
    ],
)
def test_what_is_no_correlation_matrix_is_refused_with_what_was_found(tmp_path, matrix, words):
    path = tmp_path / "sub-1_atlas-a_desc-correlation_matrix.tsv"
    pd.DataFrame(matrix, columns=NAMES).to_csv(path, sep="\t", index=False, na_rep="n/a")
    with pytest.raises(BrainAgeError, match=words):
        only(tmp_path)


def test_other_measures_are_refused_by_name(tmp_path):
    write(tmp_path, correlation(), "sub-1_atlas-a_meas-PartialCorrelation_relmat.tsv")
    with pytest.raises(SeriesError, match="holds 'PartialCorrelation'"):
        only(tmp_path)


def test_a_parcel_without_any_correlation_is_missing(tmp_path):
    for value in (np.nan, 0.0):
        matrix = correlation()
        matrix[2, :] = matrix[:, 2] = value
        matrix[2, 2] = 1
        write(tmp_path, matrix)
        found = only(tmp_path)
        assert found.missing.tolist() == [False, False, True, False, False]


def test_a_matrix_without_inverse_leaves_its_session_out_with_the_reason(tmp_path):
    matrix = np.ones((P, P))
    write(tmp_path, matrix)
    write(tmp_path, correlation(1), "sub-2_atlas-a_desc-correlation_matrix.tsv")
    found = build_features(find_matrices(tmp_path), PEOPLE, kinds=["partial"], shrinkage="none")
    assert found.rows["participant_id"].tolist() == ["2"]
    assert "positive definite" in found.excluded["reason"].iloc[0]


def test_matrices_of_other_parcels_are_refused(tmp_path):
    write(tmp_path, correlation())
    write(tmp_path, correlation(1)[:4, :4], "sub-2_atlas-a_desc-correlation_matrix.tsv")
    with pytest.raises(SeriesError, match="parcels: expected 5, found 4"):
        build_features(find_matrices(tmp_path), PEOPLE, kinds=["pearson"])


def test_runs_of_a_session_are_averaged_in_fisher_z(tmp_path):
    for run in (1, 2):
        write(tmp_path, correlation(run), f"sub-1_run-{run}_atlas-a_desc-correlation_matrix.tsv")
    found = build_features(find_matrices(tmp_path), PEOPLE, kinds=["fisher_z"])["fisher_z"].values
    with np.errstate(divide="ignore"):
        expected = np.mean([np.arctanh(correlation(run)) for run in (1, 2)], axis=0)
    np.testing.assert_allclose(found[0], expected[np.triu_indices(P, 1)], atol=1e-6)


def test_names_before_rows_as_xcp_d_writes_them_are_the_names_above(tmp_path):
    path = write(tmp_path, correlation(), "sub-1_atlas-a_stat-pearsoncorrelation_relmat.tsv")
    frame = pd.DataFrame(correlation(), columns=NAMES, index=NAMES)
    frame.to_csv(path, sep="\t", index_label="Node")
    assert only(tmp_path).parcel_names == tuple(NAMES)
    frame.set_axis(NAMES[::-1]).to_csv(path, sep="\t", index_label="Node")
    with pytest.raises(MatrixError, match="names before the rows are not those above"):
        only(tmp_path)
