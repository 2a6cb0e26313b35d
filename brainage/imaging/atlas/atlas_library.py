"""Atlases by name and from files: labels, spheres, maps; names, networks and hemispheres."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from brainage.errors import AtlasError, ScanError
from brainage.imaging.atlas.atlas import Atlas, parcels_of
from brainage.imaging.atlas.atlas_files import atlas_from_file
from brainage.imaging.atlas.label_tables import read_label_table, split_name
from brainage.imaging.atlas.labels import LabelAtlas
from brainage.imaging.atlas.maps import MapAtlas
from brainage.imaging.atlas.spheres import SPHERE_SPACE, SphereAtlas, make_spheres
from brainage.imaging.options import AtlasOptions
from brainage.imaging.reading.nifti import write_nifti
from brainage.imaging.reading.scan import Scan
from brainage.imaging.reading.stream import VolumeStream
from brainage.wording import did_you_mean

_FSL_MNI = "MNI152NLin6Asym"
BUILT_IN = ("seitzman300", "power264", "dosenbach160")
FETCHED = (
    "schaefer100 ... schaefer1000",
    "aal",
    "difumo64 ... difumo1024",
    "msdl",
    "craddock10 ... craddock950",
)


def list_atlases() -> list[str]:
    """Return the names of the atlases that `load_atlas` knows, those that need no download first.

    Of Craddock's 43 levels the two that studies use most.

    Examples
    --------
    >>> ba.list_atlases()[:3]
    ['seitzman300', 'power264', 'dosenbach160']
    """
    schaefer = [f"schaefer{n}" for n in range(100, 1001, 100)]
    difumo = [f"difumo{n}" for n in (64, 128, 256, 512, 1024)]
    return [*BUILT_IN, *schaefer, "aal", *difumo, "msdl", "craddock200", "craddock400"]


def load_atlas(atlas: str | AtlasOptions = "seitzman300") -> Atlas:
    """Load an atlas by name, or from the file its options name.

    Parameters
    ----------
    atlas : str or AtlasOptions, default="seitzman300"
        ``seitzman300``, ``power264``, ``dosenbach160`` need no download; Schaefer, AAL, DiFuMo,
        MSDL and Craddock come through nilearn's fetchers; `AtlasOptions.path` names a file.

    Returns
    -------
    atlas : Atlas

    Raises
    ------
    AtlasError
        An unknown name, an unreadable file, labels that do not fit, an option that this kind of
        atlas does not read, no network.

    Examples
    --------
    >>> ba.load_atlas("seitzman300").n_parcels
    300
    >>> ba.load_atlas("seitzman30")
    Traceback (most recent call last):
        ...
    brainage.errors.AtlasError: science.atlas.name: no atlas 'seitzman30'. Did you mean ...
    """
    options = AtlasOptions(name=atlas) if isinstance(atlas, str) else atlas
    if options.path is not None:
        loaded = atlas_from_file(options)
    else:
        loaded = _built_in(options) if options.name in BUILT_IN else _fetched(options)
    _refuse_unread(loaded, options)
    return loaded


def _refuse_unread(atlas: Atlas, options: AtlasOptions) -> None:
    of_spheres = isinstance(atlas, SphereAtlas)
    if options.radius_mm is not None and not of_spheres:
        raise AtlasError(
            f"science.atlas.radius_mm: {atlas.name} has no spheres ({atlas.what}); leave it out."
        )
    of_own = atlas.of_surfaces or (of_spheres and options.path is not None)
    if options.labels is not None and of_own:
        raise AtlasError(
            f"science.atlas.labels: {options.path} names its parcels itself; leave it out."
        )


def check_space(atlas: Atlas, scan: Scan, allow_spaces: Sequence[str] = ()) -> None:
    """Refuse a scan in another space than the atlas's, unless allowed by name.

    Raises
    ------
    ScanError
        Naming both spaces and the option.

    Examples
    --------
    >>> scan = ba.find_scans(derivatives)[0]
    >>> check_space(ba.load_atlas("seitzman300"), scan)
    """
    space = scan.space
    if space is None or atlas.space is None or space in allow_spaces or space == atlas.space:
        return
    if atlas.space == SPHERE_SPACE and space.startswith("MNI152"):
        return
    raise ScanError(
        f"{scan.bold}: in space {space}, but atlas {atlas.name} is in {atlas.space}. Use images in "
        f"that space, or accept this one by name: science.atlas.allow_spaces: [{space}]."
    )


def _built_in(options: AtlasOptions) -> Atlas:
    # Slow to import: who brings an atlas of their own never waits for it.
    from nilearn import datasets

    name = options.name
    networks: list[str | None]
    if name == "seitzman300":
        found = datasets.fetch_coords_seitzman_2018()
        coordinates = np.asarray(found.rois[["x", "y", "z"]], dtype=float)
        networks = [str(network) for network in found.networks]
        radii = np.asarray(found.radius, dtype=float)
    elif name == "power264":
        found = datasets.fetch_coords_power_2011()
        coordinates = np.asarray(found.rois[["x", "y", "z"]], dtype=float)
        networks, radii = [None] * len(coordinates), np.full(len(coordinates), 5.0)
    else:
        found = datasets.fetch_coords_dosenbach_2010()
        coordinates = np.asarray(found.rois[["x", "y", "z"]], dtype=float)
        networks = [str(network) for network in found.networks]
        radii = np.full(len(coordinates), 5.0)
    names = [
        f"{(network or name).replace(' ', '')}_{i + 1:03d}" for i, network in enumerate(networks)
    ]
    if options.radius_mm is not None:
        radii = np.full(len(coordinates), options.radius_mm)
    if options.labels is not None:
        table = read_label_table(Path(options.labels), np.arange(1, len(names) + 1))
        if table["value"].tolist() != list(range(1, len(names) + 1)):
            raise AtlasError(
                f"{options.labels}: expected the {len(names)} spheres of {name}, 1 to "
                f"{len(names)} in their order."
            )
        names, networks = table["name"].tolist(), table["network"].tolist()
    parcels_of(Path(options.labels or name), names)
    return make_spheres(name, names, networks, coordinates_mm=coordinates, radii_mm=radii)


def _fetched(options: AtlasOptions) -> Atlas:
    from nilearn import datasets

    name = options.name.lower()
    number = re.search(r"\d+$", name)
    try:
        if name.startswith("schaefer") and number:
            found = datasets.fetch_atlas_schaefer_2018(n_rois=int(number[0]), yeo_networks=7)
        elif name == "aal":
            found = datasets.fetch_atlas_aal()
        elif name.startswith("difumo") and number:
            found = datasets.fetch_atlas_difumo(dimension=int(number[0]), resolution_mm=2)
        elif name == "msdl":
            found = datasets.fetch_atlas_msdl()
        elif name.startswith("craddock") and number:
            found = datasets.fetch_atlas_craddock_2012()
            found = Bunch(maps=_craddock_level(Path(str(found.maps)), int(number[0])))
        else:
            known = ", ".join([*BUILT_IN, *FETCHED])
            near = did_you_mean(options.name, list_atlases())
            raise AtlasError(
                f"science.atlas.name: no atlas '{options.name}'.{near} Known: {known}; or "
                "name a file in science.atlas.path."
            )
    except ValueError as error:
        raise AtlasError(
            f"science.atlas.name: {options.name}: {' '.join(str(error).split())}"
        ) from error
    except OSError as error:
        raise AtlasError(
            f"science.atlas.name: {options.name}: nilearn could not fetch it ({error}). Without a "
            "network: download it elsewhere and name the file in science.atlas.path."
        ) from error
    # What nilearn says of it; it says nothing of MSDL and Craddock, made with FSL's and SPM's MNI.
    return _from_fetched(found, options, getattr(found, "template", None) or _FSL_MNI)


def _craddock_level(path: Path, n_parcels: int) -> Path:
    """Cut the parcellation of nearly `n_parcels` out of Craddock's stack, and keep it beside it.

    The volumes are 43 parcellations of rising fineness, not 43 maps.
    """
    target = path.with_name(f"craddock{n_parcels}.nii.gz")
    if target.is_file():
        return target
    missed_by = np.inf
    with VolumeStream(path, n_threads=1, series=False) as stream:
        grid = stream.header.grid
        nearest = np.zeros(grid.shape)
        for _, block in stream.blocks():
            for level in block:
                off = abs(len(np.unique(level)) - 1 - n_parcels)
                if off < missed_by:
                    nearest, missed_by = level.reshape(grid.shape, order="F").copy(), off
    write_nifti(target, nearest, grid.affine)
    return target


def _from_fetched(found: Bunch, options: AtlasOptions, space: str) -> Atlas:
    options = options.model_copy(update={"path": str(found.maps), "space": options.space or space})
    atlas = atlas_from_file(options)
    if options.labels is not None:
        return atlas
    table = getattr(found, "lut", None)
    if isinstance(atlas, LabelAtlas) and table is not None:
        named = dict(zip(table["index"].astype(int), table["name"].astype(str), strict=True))
        return _with_names(atlas, [named.get(int(v)) for v in atlas.label_values])
    labels = getattr(found, "labels", None)
    if isinstance(atlas, MapAtlas) and labels is not None and len(labels) == atlas.n_parcels:
        # DiFuMo comes with a table of names and networks, MSDL with a list and networks beside.
        if hasattr(labels, "columns"):
            column = next(c for c in labels.columns if "name" in c.lower())
            atlas = _with_names(atlas, [str(name) for name in labels[column]])
            networks = next(
                (labels[c] for c in labels.columns if "yeo_networks7" in c.lower()), None
            )
        else:
            atlas = _with_names(atlas, [str(name) for name in labels])
            networks = getattr(found, "networks", None)
        if networks is not None:
            known = (
                None if str(n) in ("No network found", "nan", "") else str(n) for n in networks
            )
            return replace(atlas, parcels=replace(atlas.parcels, networks=tuple(known)))
    return atlas


def _with_names(atlas: LabelAtlas | MapAtlas, names: list[str | None]) -> LabelAtlas | MapAtlas:
    known = [name for name in names if name is not None]
    if isinstance(atlas, LabelAtlas) and len(known) < len(names):
        named = zip(atlas.label_values, names, strict=True)
        absent = [int(value) for value, name in named if name is None]
        raise AtlasError(f"{atlas.image}: no name for label(s) {absent[:10]} of the image.")
    # Some makers give one name to several parts of a region.
    seen: dict[str, int] = {}
    unique = []
    for name in known:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    networks, sides = zip(*(split_name(name) for name in unique), strict=True)
    return replace(atlas, parcels=parcels_of(atlas.image, unique, networks, sides))
