"""Choices of the connectivity room."""

from __future__ import annotations

from typing import Literal

from brainage.options import Listed, Options

Kind = Literal[
    "pearson", "fisher_z", "partial", "shrunk_correlation", "covariance", "tangent",
    "log_euclidean", "lagged",
]  # fmt: skip


class ConnectivityOptions(Options):
    """Which connectivity views are computed of every session.

    Parameters
    ----------
    kinds : tuple of str, default=("fisher_z",)
        Views, each stored once; the clock's `views` name some of them.
    shrinkage : {"none", "ledoit_wolf", "oas"}, default="ledoit_wolf"
        Covariance estimator behind every kind but pearson and fisher_z, which are the true
        sample correlation.
    """

    kinds: Listed[Kind] = ("fisher_z",)
    shrinkage: Literal["none", "ledoit_wolf", "oas"] = "ledoit_wolf"
