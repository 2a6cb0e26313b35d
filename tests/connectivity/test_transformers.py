"""Claims about the transformers that learn in the training fold."""

from __future__ import annotations

import numpy as np
import pytest
from nilearn.connectome import ConnectivityMeasure
from sklearn.base import clone
from sklearn.covariance import EmpiricalCovariance
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from brainage.connectivity import (
    LogEuclideanTransformer,
    MissingParcelImputer,
    TangentTransformer,
    spd,
)
from brainage.errors import MatrixError

from .toy import make_series

SIGNALS = [make_series(i, n_volumes=80).values for i in range(14)]
COVARIANCES = np.array([np.cov(s.T, bias=True) for s in SIGNALS])
X = spd.half_vectorise(COVARIANCES)
P = COVARIANCES.shape[1]
TRANSFORMERS = [
    LogEuclideanTransformer(),
    TangentTransformer("euclidean"),
    TangentTransformer("log_euclidean"),
    TangentTransformer("affine_invariant", tolerance=1e-9),
    TangentTransformer(log_map="log_euclidean"),
]


def test_affine_invariant_tangent_space_equals_nilearns():
    measure = ConnectivityMeasure(
        kind="tangent", cov_estimator=EmpiricalCovariance(), standardize=False
    )
    theirs = measure.fit_transform(SIGNALS)
    ours = TangentTransformer("affine_invariant", tolerance=1e-9).fit(X).transform(X)
    np.testing.assert_allclose(spd.unvectorise(ours), theirs, atol=1e-6)


@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_a_scan_alone_transforms_to_its_row_in_the_batch(transformer):
    fitted = clone(transformer).fit(X[:10])
    np.testing.assert_array_equal(fitted.transform(X[12:13])[0], fitted.transform(X)[12])


@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_fit_learns_from_the_training_rows_alone_and_changes_no_input(transformer):
    held_out = X.copy()
    held_out[10:] = X[:4]
    before = held_out.copy()
    first = clone(transformer).fit(X[:10]).transform(X[:3])
    np.testing.assert_array_equal(clone(transformer).fit(held_out[:10]).transform(X[:3]), first)
    np.testing.assert_array_equal(held_out, before)


@pytest.mark.parametrize("reference", ["euclidean", "log_euclidean", "affine_invariant"])
def test_shared_logarithms_do_not_change_the_reference(reference):
    broken = X.copy()
    broken[4, :] = np.nan
    logs = spd.log_rows(X)
    logs[4] = np.nan
    alone = TangentTransformer(reference).fit(broken)
    shared = TangentTransformer(reference).fit(broken, logs=logs)
    np.testing.assert_allclose(shared.reference_, alone.reference_, atol=1e-12)


def test_shared_logarithms_do_not_change_the_tangent_vectors():
    broken = X.copy()
    rows, columns = np.triu_indices(P)
    broken[4, (rows == 2) | (columns == 2)] = np.nan
    logs = spd.log_rows(X)
    logs[4] = np.nan
    fitted = TangentTransformer(log_map="log_euclidean").fit(broken)
    shared = fitted.transform(broken, logs=logs)
    np.testing.assert_allclose(shared, fitted.transform(broken), atol=1e-12)
    assert np.isnan(logs[4]).all()


@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_bad_matrices_are_refused_as_value_errors_that_say_why(transformer):
    with pytest.raises(MatrixError, match=r"p \(p \+ 1\) / 2 columns"):
        clone(transformer).fit(X[:, :-1])
    broken = X.copy()
    broken[3] = -broken[3]
    with pytest.raises(MatrixError, match="expected positive definite"):
        clone(transformer).fit(broken)
    assert issubclass(MatrixError, ValueError)
    fitted = clone(transformer).fit(X)
    with pytest.raises(ValueError, match="expecting 45 features"):
        fitted.transform(X[:, :36])
    with pytest.raises(ValueError, match="infinity"):
        fitted.transform(np.where(np.arange(45) == 2, np.inf, X))
    with pytest.raises(ValueError, match="Expected 2D array"):
        clone(transformer).fit(X[0])
    with pytest.raises(NotFittedError):
        TangentTransformer().transform(X)


@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_scikit_learn_conventions_hold_on_valid_matrices(transformer):
    fresh = clone(transformer)
    parameters = fresh.get_params()
    fitted = fresh.fit(X)
    assert fitted is fresh
    assert fresh.get_params() == parameters
    assert fitted.n_features_in_ == P * (P + 1) // 2
    np.testing.assert_array_equal(clone(transformer).fit_transform(X), fitted.transform(X))
    np.testing.assert_array_equal(clone(fitted).fit(X).transform(X), fitted.transform(X))
    lists = clone(transformer).fit(X.tolist()).transform(X.tolist())
    np.testing.assert_array_equal(lists, fitted.transform(X))
    permuted = clone(transformer).fit(X).transform(X[::-1])[::-1]
    np.testing.assert_array_equal(permuted, fitted.transform(X))
    names = [f"edge {i}" for i in range(45)]
    assert list(fitted.get_feature_names_out(names)) == names
    single = clone(transformer).fit(X.astype(np.float32)).transform(X.astype(np.float32))
    np.testing.assert_allclose(single, fitted.transform(X), atol=1e-4)


def test_an_unknown_reference_is_refused_by_name():
    with pytest.raises(MatrixError, match="found 'karcher'"):
        TangentTransformer("karcher").fit(X)
    with pytest.raises(MatrixError, match="log_map.*found 'karcher'"):
        TangentTransformer(log_map="karcher").fit(X)


def test_a_missing_parcel_gets_finite_tangent_vectors_and_stays_out_of_the_reference():
    rows, columns = np.triu_indices(P)
    broken = X.copy()
    broken[0, (rows == 2) | (columns == 2)] = np.nan
    fitted = TangentTransformer().fit(broken)
    np.testing.assert_allclose(fitted.reference_, TangentTransformer().fit(X[1:]).reference_)
    assert np.isfinite(fitted.transform(broken)).all()
    with pytest.raises(MatrixError, match="each of 1 training scans lacks some parcel"):
        TangentTransformer().fit(broken[:1])


def test_imputer_fills_with_the_training_mean_of_the_edge():
    edges = np.array([[1.0, np.nan, 5.0], [3.0, np.nan, np.nan]])
    imputer = MissingParcelImputer().fit(edges)
    np.testing.assert_array_equal(imputer.fill_, [2.0, 0.0, 5.0])
    assert imputer.n_never_seen_ == 1
    np.testing.assert_array_equal(
        imputer.transform(np.array([[np.nan, np.nan, np.nan]])), [[2.0, 0.0, 5.0]]
    )


def test_imputer_passes_scikit_learns_checks():
    check_estimator(MissingParcelImputer())


@pytest.mark.parametrize("log_map", ["affine_invariant", "log_euclidean"])
def test_the_inverse_gives_back_the_matrices(log_map):
    transformer = TangentTransformer(log_map=log_map)
    tangents = transformer.fit_transform(X)
    scale = np.abs(X).max()
    np.testing.assert_allclose(transformer.inverse_transform(tangents), X, atol=1e-9 * scale)
