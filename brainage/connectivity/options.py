"""Choices of the connectivity room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from brainage.connectivity.kinds import KINDS
from brainage.options import Listed, Options

# A type checker cannot read the registry, and needs no second list of it either.
if TYPE_CHECKING:
    Kind = str
else:
    Kind = Literal[tuple(KINDS)]


class ConnectivityOptions(Options):
    """Which connectivity views are computed of every session.

    Parameters
    ----------
    kinds : tuple of str, default=("fisher_z",)
        Views, each stored once; the clock's `views` name some of them. A study file that says
        neither kinds, estimator nor views has those of the preset ``recommended``.
    shrinkage : {"none", "ledoit_wolf", "oas"}, default="ledoit_wolf"
        Covariance estimator behind partial, shrunk_correlation, covariance, tangent and
        log_euclidean. The others are true sample statistics (pearson, fisher_z, lagged,
        amplitude) or shrunk by a fixed weight whatever the scan's length (log_correlation and
        log_correlation_direction 0.3, log_correlation_direction_80 and log_covariance 0.8).
    parcel_presence : float, default=0.0
        Keep the parcels that have a signal (not missing, not constant) in at least this share of
        the sessions; 0 keeps every parcel. Decided on the reference cohort, frozen in the spec.
    incomplete_scans : {"impute", "exclude"}, default="impute"
        What a session lacking some kept parcels gets: NaN edges, which the clock's pipeline fills
        with the training fold's mean, or a row in the exclusions.

    Examples
    --------
    >>> ba.ConnectivityOptions()
    ConnectivityOptions()
    >>> ba.ConnectivityOptions(kinds=["fisher_z", "tangent"])
    ConnectivityOptions(kinds=('fisher_z', 'tangent'))
    """

    kinds: Listed[Kind] = ("fisher_z",)
    shrinkage: Literal["none", "ledoit_wolf", "oas"] = "ledoit_wolf"
    parcel_presence: float = Field(default=0.0, ge=0, le=1)
    incomplete_scans: Literal["impute", "exclude"] = "impute"
