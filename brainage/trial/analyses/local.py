"""Where connectivity changes by arm: parcels, networks within and between, named regions.

Each region is an analysis of covariance of its change, with its own baseline and the covariates
of the primary contrast; the family-wise p replays the allocation (`redrawn`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.connectivity import FeatureTable, ViewSpec
from brainage.errors import DesignError
from brainage.tables import Column, TableSchema
from brainage.trial.analyses.edge_changes import EdgeChanges, edge_changes
from brainage.trial.analyses.redrawn import ManyResponses, max_t, redraw_labels
from brainage.trial.analyses.regions import (
    Regions,
    named_regions,
    network_means,
    parcel_strengths,
)
from brainage.trial.analyses.robust_lines import fit_robust_line
from brainage.trial.design.join import TrialDesign
from brainage.trial.models.lsmeans import Estimate
from brainage.trial.models.multiplicity import benjamini_hochberg
from brainage.trial.options import LocalOptions

NAMED_REGION = "named region"
_NO_EDGE = "no edge of it was measured in every scan, or it is one parcel, which has none within"
LOCAL = TableSchema(
    "local",
    (
        Column("level", "text", "parcel, network or named region."),
        Column("region", "text", "Parcel, two networks joined by ' - ', or the region's name."),
        Column("arm", "text", "Arm."),
        Column("versus", "text", "Control arm."),
        Column("visit", "text", "Visit."),
        Column("n", "integer", "Participants of both arms with both scans."),
        Column("n_edges", "integer", "Edges in the mean."),
        Column(
            "change_in_view_units",
            "number",
            "Plain mean change of the arm (mean edge of the region, Fisher z or r).",
            nullable=True,
        ),
        Column(
            "difference_in_view_units",
            "number",
            "The arm's change minus control's, adjusted.",
            nullable=True,
        ),
        Column(
            "se_in_view_units", "number", "Standard error of the difference (HC3).", nullable=True
        ),
        Column("ci_low_in_view_units", "number", "Lower end of its 95 % interval.", nullable=True),
        Column("ci_high_in_view_units", "number", "Upper end of its 95 % interval.", nullable=True),
        Column("statistic", "number", "t.", nullable=True),
        Column("df", "number", "Degrees of freedom.", nullable=True),
        Column("p_value", "number", "Two-sided.", nullable=True, low=0, high=1),
        Column(
            "p_fdr",
            "number",
            "Benjamini-Hochberg over regions of the level, arm and visit.",
            nullable=True,
            low=0,
            high=1,
        ),
        Column(
            "p_max_t",
            "number",
            "Allocation replayed, family-wise over the same regions: (b + 1) / (m + 1).",
            nullable=True,
            low=0,
            high=1,
        ),
        Column("x_mm", "number", "Centre of the parcel, MNI.", "mm", nullable=True),
        Column("y_mm", "number", "Centre of the parcel, MNI.", "mm", nullable=True),
        Column("z_mm", "number", "Centre of the parcel, MNI.", "mm", nullable=True),
        Column("reason", "text", "Why there are no numbers.", nullable=True),
    ),
    key=("level", "region", "arm", "visit"),
)


def local_changes(
    features: FeatureTable,
    design: TrialDesign,
    *,
    view: str = "fisher_z",
    level: str = "network",
    arm: str | None = None,
    visit: str | None = None,
    n_permutations: int = 999,
    seed: int = 0,
    options: LocalOptions | None = None,
    coordinates: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Compare the change of connectivity between an arm and control, region by region.

    Parameters
    ----------
    features : FeatureTable
        Of the trial.
    design : TrialDesign
        Arms, visits, covariates, allocation scheme.
    view : str, default="fisher_z"
        Connectivity view of parcel pairs.
    level : {"network", "parcel", "named region"}, default="network"
        Mean edge within or between networks, mean edge of a parcel with all others, or the
        regions that `options` name.
    arm : str or None, default=None
        None: the arm of the primary contrast.
    visit : str or None, default=None
        None: the primary visit.
    n_permutations : int, default=999
        Allocations redrawn.
    seed : int, default=0
        Of the draws.
    options : LocalOptions or None, default=None
        Its `regions`, for level "named region"; None: the design's.
    coordinates : DataFrame or None, default=None
        parcel, x_mm, y_mm, z_mm: for regions by box, and as columns of parcels.

    Returns
    -------
    table : DataFrame
        Schema `LOCAL`.

    Raises
    ------
    DesignError
        Unknown arm, visit or level, fewer than two people an arm, a view with an edge layout
        other than parcel by parcel without diagonal, or two rows for one session.

    Examples
    --------
    >>> trial, design = examples.features("trial"), examples.design()
    >>> table = local_changes(trial, design, n_permutations=19)
    >>> len(table)
    10
    """
    arm, visit = arm or design.primary_arm, visit or design.primary_visit
    if arm not in design.active_arms:
        raise DesignError(
            f"local changes: expected an arm of {', '.join(design.active_arms)}, found '{arm}'."
        )
    changes = edge_changes(features, design, view=view, visit=visit)
    regions = regions_of_level(
        changes, level, options or design.options.local or LocalOptions(), coordinates
    )
    table = compare_regions(
        changes, regions, design, arm=arm, visit=visit, n_draws=n_permutations, seed=seed
    )
    return with_coordinates(table, coordinates)


def regions_of_level(
    changes: EdgeChanges, level: str, options: LocalOptions, coordinates: pd.DataFrame | None
) -> Regions:
    """Return the regions of a level.

    Parameters
    ----------
    changes : EdgeChanges
        Whose edges.
    level : {"network", "parcel", "named region"}
        Which regions.
    options : LocalOptions
        Names the regions.
    coordinates : DataFrame or None
        Centres of parcels.

    Raises
    ------
    DesignError
        Another level, or named regions where none are named.
    """
    return _regions(changes.spec, changes.usable, level, options, coordinates)


def _regions(
    spec: ViewSpec,
    usable: np.ndarray,
    level: str,
    options: LocalOptions,
    coordinates: pd.DataFrame | None,
) -> Regions:
    if level == "parcel":
        return parcel_strengths(spec, usable)
    if level == "network":
        return network_means(spec, usable)
    if level != NAMED_REGION:
        raise DesignError(
            f"local changes: level '{level}': expected network, parcel or named region."
        )
    if not options.regions:
        raise DesignError(
            "local changes: no region is named (science.trial.local.regions); give each a name and "
            "a pattern of labels, a network or an MNI box."
        )
    return named_regions(spec, usable, options.regions, coordinates=coordinates)


def region_values(
    edges: np.ndarray,
    spec: ViewSpec,
    options: LocalOptions,
    *,
    coordinates: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the mean edge of every region that the options ask for, scan by scan.

    Parameters
    ----------
    edges : ndarray of shape (n_scans, n_edges)
        A view of parcel pairs; edges that are NaN in any scan are in no mean.
    spec : ViewSpec
        What the edges are.
    options : LocalOptions
        Levels and named regions.
    coordinates : DataFrame or None, default=None
        Centres of parcels, for regions by box.

    Returns
    -------
    values : DataFrame
        One row a scan; columns (level, region), in the view's unit. A level that cannot be made
        (an atlas without networks) has none.

    Examples
    --------
    >>> from brainage.trial.options import LocalOptions
    >>> trial = examples.features("trial")
    >>> view = trial["fisher_z"]
    >>> values = region_values(view.values, view.spec, LocalOptions(levels=["network"]))
    >>> values.shape == (len(trial), 10)
    True
    """
    usable = np.isfinite(edges).all(axis=0)
    filled = np.where(usable, edges, 0.0)
    parts = []
    for level in levels_of(options):
        try:
            regions = _regions(spec, usable, level, options, coordinates)
        except DesignError:
            # The comparison itself lists it, with the reason.
            continue
        used = regions.n_edges > 0
        columns = pd.MultiIndex.from_arrays(
            [np.array(regions.level)[used], np.array(regions.name)[used]],
            names=["level", "region"],
        )
        parts.append(pd.DataFrame(filled @ regions.weights[:, used], columns=columns))
    return pd.concat(parts, axis=1) if parts else pd.DataFrame(index=range(len(edges)))


def levels_of(options: LocalOptions) -> tuple[str, ...]:
    """Return the levels that the options ask for, named regions last."""
    return (*options.levels, *([NAMED_REGION] if options.regions else []))


def compare_regions(
    changes: EdgeChanges,
    regions: Regions,
    design: TrialDesign,
    *,
    arm: str,
    visit: str,
    n_draws: int,
    seed: int,
) -> pd.DataFrame:
    """Return the rows of `local_changes` for regions that are already made.

    Regions without an edge that was measured in every scan have a row without numbers.
    """
    label = changes.people["arm"].to_numpy()
    counted = regions.n_edges
    used = np.flatnonzero(counted > 0)
    change = changes.change @ regions.weights[:, used]
    baseline = changes.baseline @ regions.weights[:, used]
    redraw = redraw_labels(
        design,
        changes.people["participant_id"].to_numpy(),
        arm=arm,
        n_draws=n_draws,
        seed=seed,
    )
    fixed = changes.fixed_columns(redraw.fixed_arms)
    many = ManyResponses.prepare(change, fixed, own_baseline=baseline)
    p_max_t = np.full(len(counted), np.nan)
    p_max_t[used] = max_t(many, redraw)[1]
    estimates: list[Estimate | None] = [None] * len(counted)
    others = tuple(name for name in design.active_arms if name != arm)
    columns = np.column_stack([(label == arm).astype(float), changes.fixed_columns(others)])
    for place, own, moved in zip(used, baseline.T, change.T, strict=True):
        what = f"{regions.name[place]} at {visit}"
        estimates[place] = fit_robust_line(
            np.column_stack([columns, own - own.mean()]), moved, what=what
        ).coefficient(0)
    plain = np.full(len(counted), np.nan)
    plain[used] = change[label == arm].mean(axis=0)
    p_value = np.array([np.nan if found is None else found.p_value for found in estimates])
    table = pd.DataFrame(
        {
            "level": list(regions.level),
            "region": list(regions.name),
            "arm": arm,
            "versus": design.control_arm,
            "visit": visit,
            "n": changes.count(arm, design.control_arm),
            "n_edges": counted,
            "change_in_view_units": plain,
            "difference_in_view_units": _each(estimates, "estimate"),
            "se_in_view_units": _each(estimates, "se"),
            "ci_low_in_view_units": _each(estimates, "ci_low"),
            "ci_high_in_view_units": _each(estimates, "ci_high"),
            "statistic": _each(estimates, "statistic"),
            "df": _each(estimates, "df"),
            "p_value": p_value,
            "p_fdr": benjamini_hochberg(p_value),
            "p_max_t": p_max_t,
            "reason": [None if n > 0 else _NO_EDGE for n in counted],
        }
    )
    return with_coordinates(table, None)


def with_coordinates(table: pd.DataFrame, coordinates: pd.DataFrame | None) -> pd.DataFrame:
    """Return the table with the centres of its parcels, n/a where not known: a map to plot.

    Parameters
    ----------
    table : DataFrame
        Rows of `LOCAL`, of any level.
    coordinates : DataFrame or None
        parcel, x_mm, y_mm, z_mm.
    """
    places = ["x_mm", "y_mm", "z_mm"]
    if coordinates is None:
        values = np.full((len(table), 3), np.nan)
    else:
        centre = coordinates.set_index("parcel")[places].reindex(table["region"])
        is_parcel = (table["level"] == "parcel").to_numpy()[:, None]
        values = np.where(is_parcel, centre.to_numpy(dtype=float), np.nan)
    columns = dict(zip(places, values.T, strict=True))
    return table.assign(**columns)[list(LOCAL.names)]


def _each(estimates: list[Estimate | None], name: str) -> list[float]:
    return [np.nan if found is None else getattr(found, name) for found in estimates]
