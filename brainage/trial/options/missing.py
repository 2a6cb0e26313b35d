"""Choices of the analyses of missing scans."""

from __future__ import annotations

from pydantic import Field

from brainage.trial.options.analysis import AnalysisOptions


class MissingDataOptions(AnalysisOptions):
    """Reference-based imputation, and completers weighted by the inverse of their probability.

    Parameters
    ----------
    n_imputations : int, default=100
        Imputed data sets, and bootstrap samples of people.
    stopped_column : str or None, default=None
        Column of the allocation table: years since baseline at which a person stopped training
        earlier than planned, or withdrew; empty for everybody else (training that ends by design
        is no stop). None: nothing is recorded, and whoever has no scan after a visit is taken to
        have withdrawn there.
    """

    n_imputations: int = Field(default=100, ge=20)
    stopped_column: str | None = None

    @property
    def allocation_columns(self) -> tuple[str, ...]:
        """The time of stopping."""
        return () if self.stopped_column is None else (self.stopped_column,)
