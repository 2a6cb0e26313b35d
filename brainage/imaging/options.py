"""Choices of the imaging room: which atlas, how to clean, what to exclude."""

from __future__ import annotations

import re
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from brainage.options import Listed, Options

_DEFAULT_ATLAS = "seitzman300"


class AtlasOptions(Options):
    """Which parcellation, and how it meets a scan's grid.

    Parameters
    ----------
    name : str, default="seitzman300"
        A known atlas, or the name to give to the file in `path`: the file's own, without its
        ending, where no name is given (a file is never called by the default's name).
    path : str or None, default=None
        NIfTI of labels (3-D) or maps (4-D), a dlabel.nii, or a table of coordinates.
    labels : str or None, default=None
        Names (and networks) of the parcels: TSV, CSV or text. Of labels, of maps in their order, or
        of the spheres of a known atlas, numbered from 1.
    radius_mm : float or None, default=None
        Sphere radius, for coordinate tables without a radius column, and in place of a known
        atlas's own (5 mm; Seitzman's spheres have two).
    space : str or None, default=None
        Template the atlas is in; None: what the known atlas says, or unknown for a file.
    allow_spaces : tuple of str, default=()
        Scan spaces accepted by name although they differ from the atlas's.
    min_coverage : float, default=0.5
        Smallest share of a parcel's voxels inside mask and field of view; under it the parcel
        is missing.

    Examples
    --------
    >>> ba.AtlasOptions()
    AtlasOptions()
    >>> ba.AtlasOptions(name="power264", radius_mm=5.0)
    AtlasOptions(name='power264', radius_mm=5.0)
    """

    name: str = _DEFAULT_ATLAS
    path: str | None = None
    labels: str | None = None
    radius_mm: float | None = Field(default=None, gt=0)
    space: str | None = None
    allow_spaces: Listed[str] = ()
    min_coverage: float = Field(default=0.5, ge=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _named_by_its_file(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("path"), str):
            return values
        if values.get("name", _DEFAULT_ATLAS) != _DEFAULT_ATLAS:
            return values
        # Else the default's name would stand in file names, sidecars, the card and the Methods.
        return values | {"name": _stem(values["path"]) or _DEFAULT_ATLAS}

    @field_validator("name")
    @classmethod
    def _can_be_part_of_a_file_name(cls, name: str) -> str:
        if not any(letter.isalnum() and letter.isascii() for letter in name):
            raise ValueError(
                f"a name with a letter or digit (it becomes part of file names), {name!r}"
            )
        return name


def _stem(path: str) -> str:
    """Return a file's name without the endings of atlases."""
    name = re.split(r"[/\\]", path)[-1]
    return re.sub(
        r"\.(nii\.gz|dlabel\.nii|ptseries\.nii|nii|tsv|csv|txt)$", "", name, flags=re.IGNORECASE
    )


class CleaningOptions(Options):
    """How parcel signals are cleaned in time.

    Parameters
    ----------
    strategy : str, default="24P"
        Name of a file in ``configs/cleaning/`` (or a path to one): which confound columns.
    high_pass_hz : float or None, default=0.01
        Lower edge of the pass band.
    low_pass_hz : float or None, default=0.1
        Upper edge of the pass band.
    detrend : bool, default=True
        Remove a linear trend.
    standardize : {"zscore_sample", "none"}, default="zscore_sample"
        Unit variance per parcel, or scanner units, which the preset ``recommended`` keeps.
    smoothing_fwhm_mm : float or None, default=None
        Gaussian smoothing, folded into the parcel weights.
    smoothing_mask : {"grid", "scan"}, default="grid"
        With smoothing: "grid" weighs every voxel of the grid, the same for all scans (the scan's
        mask still measures coverage); "scan" restricts parcels to the scan's own mask, and the
        weights are smoothed anew for each scan; `brainage extract` prints what that costs.
    drop_initial_volumes : int or None, default=None
        Volumes to drop at the start; None: the non-steady-state columns decide.
    scrub_fd_mm : float or None, default=None
        Censor volumes with framewise displacement above this; None: what the strategy says.
    min_segment_volumes : int, default=5
        Kept stretches shorter than this are censored too (only with scrubbing).
    t_r_s : float or None, default=None
        Repetition time to believe when the files do not say it.
    motion_order : {"fsl", "spm", "afni"} or None, default=None
        Column order and units of six bare motion parameters; None: what the file's name says
        (``*.par`` FSL, ``rp_*`` SPM), else an error.

    Examples
    --------
    >>> ba.CleaningOptions(strategy="36P", scrub_fd_mm=0.5)
    CleaningOptions(strategy='36P', scrub_fd_mm=0.5)
    """

    strategy: str = "24P"
    high_pass_hz: float | None = Field(default=0.01, gt=0)
    low_pass_hz: float | None = Field(default=0.1, gt=0)
    detrend: bool = True
    standardize: Literal["zscore_sample", "none"] = "zscore_sample"
    smoothing_fwhm_mm: float | None = Field(default=None, gt=0)
    smoothing_mask: Literal["grid", "scan"] = "grid"
    drop_initial_volumes: int | None = Field(default=None, ge=0)
    scrub_fd_mm: float | None = Field(default=None, gt=0)
    min_segment_volumes: int = Field(default=5, ge=1)
    t_r_s: float | None = Field(default=None, gt=0)
    motion_order: Literal["fsl", "spm", "afni"] | None = None

    @model_validator(mode="after")
    def _passes_a_band(self) -> Self:
        low, high = self.high_pass_hz, self.low_pass_hz
        if low is not None and high is not None and low >= high:
            raise ValueError(f"high_pass_hz below low_pass_hz (found {low:g} and {high:g})")
        return self


class ExclusionRules(Options):
    """When a scan is not used; each broken rule is a reason in the table.

    Parameters
    ----------
    max_mean_fd_mm : float or None, default=0.5
        Largest mean framewise displacement.
    min_retained_share : float, default=0.5
        Smallest share of volumes kept.
    min_retained_s : float, default=120.0
        Shortest time kept, in seconds.
    min_parcels_share : float, default=0.8
        Smallest share of parcels that are not missing.

    Examples
    --------
    >>> ba.ExclusionRules(max_mean_fd_mm=0.3)
    ExclusionRules(max_mean_fd_mm=0.3)
    """

    max_mean_fd_mm: float | None = Field(default=0.5, gt=0)
    min_retained_share: float = Field(default=0.5, ge=0, le=1)
    min_retained_s: float = Field(default=120.0, ge=0)
    min_parcels_share: float = Field(default=0.8, ge=0, le=1)


def as_cleaning_options(cleaning: CleaningOptions | str | None) -> CleaningOptions:
    """Return options as they are, those of a strategy by its name, or the defaults.

    Parameters
    ----------
    cleaning : CleaningOptions or str or None
        Options, or ``"36P"``, ...
    """
    if cleaning is None:
        return CleaningOptions()
    return CleaningOptions(strategy=cleaning) if isinstance(cleaning, str) else cleaning
