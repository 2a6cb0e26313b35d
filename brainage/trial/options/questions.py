"""Choices of the questions beside the primary contrast: dose, regions, networks, missing scans."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from brainage.options import Listed, Options
from brainage.trial.options.analysis import AnalysisOptions


class DoseOptions(AnalysisOptions):
    """Questions of dose: trend over arms, sessions within an arm, what the dose did.

    Parameters
    ----------
    thresholds : tuple of float, default=()
        Numbers of sessions from which a participant counts as treated, each an estimate that
        assumes no effect below it; none is looked for in the data.
    """

    thresholds: Listed[float] = ()


class RegionOptions(Options):
    """A region of the brain, by the labels of its parcels, their network, or a box.

    Parameters
    ----------
    name : str
        As printed ("prefrontal").
    pattern : str or None, default=None
        Regular expression found anywhere in a parcel's label, case ignored.
    network : str or None, default=None
        Network of the parcels.
    mni_box_mm : tuple of float or None, default=None
        x low, x high, y low, y high, z low, z high: parcels whose centre lies inside.
    """

    name: str
    pattern: str | None = None
    network: str | None = None
    mni_box_mm: Listed[float] | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        given = [self.pattern, self.network, self.mni_box_mm]
        if sum(each is not None for each in given) != 1:
            raise ValueError(
                f"one of pattern, network and mni_box_mm for region '{self.name}' (found "
                f"{sum(each is not None for each in given)})"
            )
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(
                    f"a regular expression as pattern of region '{self.name}' (found "
                    f"'{self.pattern}': {error})"
                ) from error
        box = self.mni_box_mm
        if box is not None and (len(box) != 6 or any(box[k] >= box[k + 1] for k in (0, 2, 4))):
            raise ValueError(
                "mni_box_mm as x low, x high, y low, y high, z low, z high for region "
                f"'{self.name}' (found {list(box)})"
            )
        return self


class LocalOptions(AnalysisOptions):
    """Where connectivity changes by arm, beside the clock.

    Parameters
    ----------
    view : {"fisher_z", "pearson"}, default="fisher_z"
        Connectivity whose change is compared.
    levels : tuple of {"network", "parcel"}, default=("network", "parcel")
        Means within and between networks; mean edge of each parcel.
    regions : tuple of RegionOptions, default=()
        Named regions, each the mean edge of its parcels with all others, and among themselves.
    edges : bool, default=False
        The network-based statistic over edges.
    edge_threshold_t : float, default=3.1
        Least |t| of an edge that may join a component.
    n_draws : int, default=999
        Allocations redrawn for the family-wise p.
    """

    view: Literal["fisher_z", "pearson"] = "fisher_z"
    levels: Listed[Literal["network", "parcel"]] = ("network", "parcel")
    regions: Listed[RegionOptions] = ()
    edges: bool = False
    edge_threshold_t: float = Field(default=3.1, gt=0)
    n_draws: int = Field(default=999, ge=99)


class AssociationOptions(AnalysisOptions):
    """Change in brain age with change in a measured outcome.

    Parameters
    ----------
    outcomes : tuple of str
        Columns of the outcomes table (paths.outcomes), each measured at the sessions of the scans.
    """

    outcomes: Listed[str] = Field(min_length=1)

    @property
    def outcome_columns(self) -> tuple[str, ...]:
        """Columns of the outcome table."""
        return tuple(self.outcomes)


class ShareOptions(Options):
    """The share of a true shift within people that a clock shows, found beforehand.

    Parameters
    ----------
    share : float
        Years of the score for a year of brain age.
    se : float
        Its standard error.
    kind : {"planted", "within site"}, default="planted"
        How it was found.
    """

    share: float = Field(gt=0, le=1.5)
    se: float = Field(ge=0)
    kind: Literal["planted", "within site"] = "planted"


class NetworkOptions(AnalysisOptions):
    """Whole brain against networks, in years of brain age.

    Parameters
    ----------
    margin_years : float or None, default=None
        Half-width of the interval of effects on a network that count as none, in latent years;
        None: "whole brain and not this network" is never claimed.
    multiplicity : {"benjamini_hochberg", "holm", "westfall_young"}, default="benjamini_hochberg"
        Over networks at each arm and visit; the others are printed beside it.
    n_draws : int, default=999
        Allocations redrawn.
    n_bootstraps : int, default=1000
        People redrawn within arms, and shares with them.
    shares : dict of str to ShareOptions, default={}
        Network (and whole_brain) -> share found beforehand; of the others the share within sites
        that its training found is taken.
    """

    margin_years: float | None = Field(default=None, gt=0)
    multiplicity: Literal["benjamini_hochberg", "holm", "westfall_young"] = "benjamini_hochberg"
    n_draws: int = Field(default=999, ge=99)
    n_bootstraps: int = Field(default=1000, ge=200)
    shares: dict[str, ShareOptions] = {}


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
