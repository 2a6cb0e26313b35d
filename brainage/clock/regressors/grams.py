"""Gram matrices of features too many to hold, and the way back to one weight a feature."""

from __future__ import annotations

import numpy as np

from brainage.blocks import blocks


def gram_of(values: np.ndarray) -> np.ndarray:
    """Return ``values @ values.T`` in float64, in blocks of columns that fit in memory.

    Nothing is subtracted: an entry depends on its own two scans alone, so that a training block
    is the same to the bit whatever the held-out scans are.

    Parameters
    ----------
    values : ndarray of shape (n_scans, n_features)
        Features of every scan.

    Returns
    -------
    gram : ndarray of shape (n_scans, n_scans)
    """
    n = len(values)
    gram = np.zeros((n, n))
    for part in blocks(values.shape[1], n):
        block = np.asarray(values[:, part], dtype=np.float64)
        gram += block @ block.T
    return gram


def weights_of(values: np.ndarray, duals: np.ndarray) -> np.ndarray:
    """Return feature weights ``duals @ values`` of many clocks at once.

    Parameters
    ----------
    values : ndarray of shape (n_scans, n_features)
        Prepared features.
    duals : ndarray of shape (n_clocks, n_scans)
        Weights on scans (zero for scans a clock did not see).

    Returns
    -------
    weights : ndarray of shape (n_clocks, n_features)
    """
    weights = np.empty((len(duals), values.shape[1]))
    for part in blocks(values.shape[1], len(values)):
        block = np.asarray(values[:, part], dtype=np.float64)
        weights[:, part] = duals @ block
    return weights


def centred(
    own: np.ndarray, cross: np.ndarray, *, n_mean: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the Gram matrices of features minus the training scans' mean, in place.

    Parameters
    ----------
    own : ndarray of shape (n_train, n_train)
        Products of training scans.
    cross : ndarray of shape (n_test, n_train)
        Products of held-out with training scans.
    n_mean : int, optional
        The mean is of so many training scans, the first ones; None: of all.
    """
    means = own[:n_mean].mean(axis=0)
    cross -= cross[:, :n_mean].mean(axis=1)[:, None] + means - means[:n_mean].mean()
    own -= means[:, None] + means - means[:n_mean].mean()
    return own, cross


def directions(
    gram: np.ndarray, train: np.ndarray, test: np.ndarray, *, n_mean: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the Gram matrices of unit vectors from the training mean, without their features.

    Parameters
    ----------
    gram : ndarray of shape (n_scans, n_scans)
        Products of the features themselves (`gram_of`).
    train, test : ndarray of int
        Row numbers.
    n_mean : int, optional
        The mean is of so many training scans, the first ones; None: of all.

    Returns
    -------
    own : ndarray of shape (n_train, n_train)
        As of ``DirectionTransformer().fit(X[train]).transform(X[train])``; not centred.
    cross : ndarray of shape (n_test, n_train)
        Held-out with training scans.
    """
    own, cross = gram[np.ix_(train, train)], gram[np.ix_(test, train)]
    of_mean = own[:n_mean, :n_mean].mean()
    to_mean = 2 * cross[:, :n_mean].mean(axis=1) - of_mean
    own_to_mean = 2 * own[:, :n_mean].mean(axis=1) - of_mean
    squared = np.concatenate([np.diag(own) - own_to_mean, np.diag(gram)[test] - to_mean])
    own, cross = centred(own, cross, n_mean=n_mean)
    # As the transformer: a scan equal to the mean has no direction.
    near = squared <= 1e-14 * np.abs(np.diag(gram)).max(initial=0.0)
    scale = np.where(near, 0.0, 1 / np.sqrt(np.where(near, 1.0, squared)))
    first, second = scale[: len(train)], scale[len(train) :]
    return own * first * first[:, None], cross * first * second[:, None]
