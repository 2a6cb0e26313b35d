"""scikit-learn transformers for views whose features are learnt in the training fold.

They take half-vectorised symmetric matrices, ``(n_scans, p (p + 1) / 2)``, as
`spd.half_vectorise` lays them out; NaN stands for the edges of a missing parcel.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from brainage.connectivity import spd
from brainage.connectivity.spd_means import mean_affine_invariant
from brainage.errors import MatrixError


class TangentTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Map covariances to the tangent space at the mean of the training fold.

    Parameters
    ----------
    reference : {"log_euclidean", "affine_invariant", "euclidean"}, default="log_euclidean"
        Which mean. The log-Euclidean one needs one eigendecomposition a scan; the affine-invariant
        one iterates from it.
    log_map : {"affine_invariant", "log_euclidean"}, default="affine_invariant"
        How a scan is mapped there. "affine_invariant", log(W C W) with W = reference^-1/2, is
        nilearn's and needs one eigendecomposition a scan and reference; "log_euclidean"
        (`spd.log_euclidean_tangent_rows`) agrees to first order and needs only the scan's own.
    tolerance : float, default=1e-5
        Of the affine-invariant mean: norm of the mean tangent vector divided by p.
    n_threads : int or None, default=None
        Threads over scans; None: one a core. Never changes a number.

    Attributes
    ----------
    reference_ : ndarray of shape (p, p)
        The mean. Scans with missing parcels do not enter it (all scans must not be such); when
        transformed they are completed under it (`spd.fill_missing`).
    n_features_in_ : int
        p (p + 1) / 2.

    References
    ----------
    .. [1] Varoquaux et al. (2010), MICCAI, LNCS 6361:200-208.

    Examples
    --------
    >>> upper = np.array([[1.0, 0.2, 1.0], [1.0, 0.4, 1.0], [1.0, 0.3, 1.0]])
    >>> tangent = TangentTransformer()
    >>> tangent.fit_transform(upper)[:, 1].round(2).tolist()
    [-0.1, 0.11, -0.0]
    """

    def __init__(
        self,
        reference: str = "log_euclidean",
        *,
        log_map: str = "affine_invariant",
        tolerance: float = 1e-5,
        n_threads: int | None = None,
    ) -> None:
        self.reference = reference
        self.log_map = log_map
        self.tolerance = tolerance
        self.n_threads = n_threads

    def fit(self, X: np.ndarray, y: object = None, *, logs: np.ndarray | None = None) -> Self:
        """Compute the mean of the training fold.

        Parameters
        ----------
        X : array-like of shape (n_scans, p (p + 1) / 2)
            Half-vectorised positive definite matrices.
        y : None
            Ignored.
        logs : ndarray of shape (n_scans, p (p + 1) / 2) or None, default=None
            The logarithms of the same scans (`spd.log_rows`; rows of scans with missing parcels
            are not read), where they are known: folds may share them, each being of one scan.

        Raises
        ------
        MatrixError
            A column count that is not p (p + 1) / 2, a matrix that is not positive definite,
            a reference that is not known, or no scan with all parcels.
        """
        if self.reference not in ("euclidean", "log_euclidean", "affine_invariant"):
            raise MatrixError(
                "TangentTransformer: expected reference 'euclidean', 'log_euclidean' or "
                f"'affine_invariant', found {self.reference!r}."
            )
        if self.log_map not in ("affine_invariant", "log_euclidean"):
            raise MatrixError(
                "TangentTransformer: expected log_map 'affine_invariant' or "
                f"'log_euclidean', found {self.log_map!r}."
            )
        X = _half_vectors(self, X, reset=True)
        complete = np.flatnonzero(np.isfinite(X).all(axis=1))
        if not len(complete):
            raise MatrixError(
                f"TangentTransformer: each of {len(X)} training scans lacks some parcel; "
                "the reference needs complete ones. Raise connectivity.parcel_presence."
            )
        # Taken for every reference: a matrix that has no logarithm must be refused by all.
        mean_log = self._mean_log(X, complete, logs)
        if self.reference == "euclidean":
            self.reference_ = spd.unvectorise(X[complete].mean(axis=0, dtype=np.float64))
        else:
            self.reference_ = spd.expm(mean_log)
        if self.reference == "affine_invariant":
            self.reference_ = mean_affine_invariant(
                spd.unvectorise(X[complete].astype(np.float64)),
                start=self.reference_,
                tolerance=self.tolerance,
                n_threads=self.n_threads,
            )
        return self

    def transform(self, X: np.ndarray, *, logs: np.ndarray | None = None) -> np.ndarray:
        """Return tangent vectors, (n_scans, p (p + 1) / 2); zero is the training mean.

        `logs` as in `fit`; only the log-Euclidean map can use them.
        """
        check_is_fitted(self)
        X = _half_vectors(self, X, reset=False)
        if self.log_map == "affine_invariant":
            return spd.tangent_rows(X, self.reference_, n_threads=self.n_threads)
        lacking = np.flatnonzero(~np.isfinite(X).all(axis=1))
        if len(lacking):
            X = X.astype(np.float64)
            logs = None if logs is None else logs.copy()
        for row in lacking:
            filled = spd.fill_missing(spd.unvectorise(X[row]), self.reference_)
            X[row] = spd.half_vectorise(filled)
            if logs is not None:
                logs[row] = spd.log_rows(X, np.array([row]), n_threads=1)
        if logs is None:
            logs = spd.log_rows(X, n_threads=self.n_threads)
        return spd.log_euclidean_tangent_rows(logs, self.reference_, n_threads=self.n_threads)

    def fit_transform(
        self, X: np.ndarray, y: object = None, *, logs: np.ndarray | None = None
    ) -> np.ndarray:
        """Fit, and return the tangent vectors of the training scans."""
        return self.fit(X, y, logs=logs).transform(X, logs=logs)

    def inverse_transform(self, X: np.ndarray) -> np.ndarray:
        """Return the half-vectorised matrices whose tangent vectors these are.

        Parameters
        ----------
        X : array-like of shape (n_scans, p (p + 1) / 2)
            As `transform` returns them.
        """
        check_is_fitted(self)
        tangents = spd.unvectorise(_half_vectors(self, X, reset=False).astype(np.float64))
        if self.log_map == "affine_invariant":
            root = spd.powm(self.reference_, 0.5)
            return spd.half_vectorise(spd.congruence(spd.expm(tangents), root))
        return spd.half_vectorise(spd.expm(spd.log_euclidean_logs(tangents, self.reference_)))

    def _mean_log(self, X: np.ndarray, complete: np.ndarray, logs: np.ndarray | None) -> np.ndarray:
        """Sum logarithms in blocks of scans: the same sums whether they were known before."""
        total = np.zeros(X.shape[1])
        for start in range(0, len(complete), 64):
            rows = complete[start : start + 64]
            block = spd.log_rows(X, rows, n_threads=self.n_threads) if logs is None else logs[rows]
            total += block.sum(axis=0)
        return spd.unvectorise(total / len(complete))

    def __sklearn_tags__(self) -> Tags:
        return _matrix_tags(super().__sklearn_tags__(), allow_nan=True)


class LogEuclideanTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Replace every covariance by its matrix logarithm; nothing is learnt.

    Parameters
    ----------
    n_threads : int or None, default=None
        Threads over scans; None: one a core. Never changes a number.

    Attributes
    ----------
    n_features_in_ : int
        p (p + 1) / 2.

    References
    ----------
    .. [1] Arsigny et al. (2007), SIAM J. Matrix Anal. Appl. 29:328-347.

    Examples
    --------
    >>> upper = np.array([[2.0, 0.5, 1.0]])
    >>> logarithm = LogEuclideanTransformer()
    >>> logarithm.fit_transform(upper).round(3)
    array([[ 0.668,  0.354, -0.04 ]])
    """

    def __init__(self, *, n_threads: int | None = None) -> None:
        self.n_threads = n_threads

    def fit(self, X: np.ndarray, y: object = None) -> Self:
        """Check the matrices (n_scans, p (p + 1) / 2); learn nothing."""
        spd.log_rows(_half_vectors(self, X, reset=True), n_threads=self.n_threads)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Return half-vectorised logarithms, (n_scans, p (p + 1) / 2)."""
        check_is_fitted(self)
        return spd.log_rows(_half_vectors(self, X, reset=False), n_threads=self.n_threads)

    def __sklearn_tags__(self) -> Tags:
        tags = _matrix_tags(super().__sklearn_tags__(), allow_nan=False)
        tags.requires_fit = False
        return tags


class DirectionTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Keep in which direction a scan departs from the training fold's mean, not how far.

    A noisy scan (short, or with motion) lies far from the mean and a linear clock believes it the
    more; at unit length every scan has the same say.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        Of the training fold.
    n_features_in_ : int
        Number of features.

    Examples
    --------
    >>> edges = examples.features()["fisher_z"].values
    >>> directions = DirectionTransformer().fit(edges[:30])
    >>> directions.transform(edges[30:]).shape
    (10, 276)
    """

    def fit(self, X: np.ndarray, y: object = None) -> Self:
        """Compute the mean of the training fold (n_scans, n_features)."""
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        self.mean_ = X.mean(axis=0, dtype=np.float64)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Return unit vectors, (n_scans, n_features); zero for a scan equal to the mean."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        directions = np.empty_like(X)
        # Row by row: a scan alone must get the very numbers that it gets in a batch.
        for row, out in zip(X, directions, strict=True):
            departure = row - self.mean_
            length = np.sqrt(departure @ departure)
            out[:] = departure / length if length > 0 else 0.0
        return directions


class MissingParcelImputer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Fill the NaN edges of missing parcels with the training fold's mean of that edge.

    The rule says nothing about the scan: a filled edge pulls the prediction towards the cohort.
    An edge that no training scan has is filled with 0 (no connection) and counted.

    Attributes
    ----------
    fill_ : ndarray of shape (n_features,)
        Mean of each edge over the training scans that have it.
    n_never_seen_ : int
        Edges that no training scan had.
    n_features_in_ : int
        Number of edges.

    Examples
    --------
    >>> edges = np.array([[0.1, 0.3], [0.3, np.nan]])
    >>> imputer = MissingParcelImputer().fit(edges)
    >>> imputer.transform(edges).tolist()
    [[0.1, 0.3], [0.3, 0.3]]
    """

    def fit(self, X: np.ndarray, y: object = None) -> Self:
        """Compute each edge's mean over the training scans (n_scans, n_features) that have it."""
        X = validate_data(self, X, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan")
        present = np.isfinite(X)
        count = present.sum(axis=0)
        total = np.where(present, X, 0).sum(axis=0, dtype=np.float64)
        self.fill_ = np.divide(total, count, out=np.zeros(X.shape[1]), where=count > 0)
        self.n_never_seen_ = int((count == 0).sum())
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Return a copy (n_scans, n_features) without NaN."""
        check_is_fitted(self)
        X = validate_data(
            self,
            X,
            dtype=[np.float64, np.float32],
            copy=True,
            reset=False,
            ensure_all_finite="allow-nan",
        )
        rows, columns = np.nonzero(np.isnan(X))
        X[rows, columns] = self.fill_[columns]
        return X

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _half_vectors(estimator: BaseEstimator, X: np.ndarray, *, reset: bool) -> np.ndarray:
    allow = "allow-nan" if estimator.__sklearn_tags__().input_tags.allow_nan else True
    # The column count of the training data is checked by scikit-learn, p (p + 1) / 2 by us.
    X = validate_data(
        estimator, X, dtype=[np.float64, np.float32], reset=reset, ensure_all_finite=allow
    )
    spd.n_parcels_of(X.shape[1])
    return X


def _matrix_tags(tags: Tags, *, allow_nan: bool) -> Tags:
    tags.input_tags.allow_nan = allow_nan
    return tags
