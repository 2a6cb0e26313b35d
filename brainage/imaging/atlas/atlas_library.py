"""Atlases by name and from files: labels, spheres, maps; names, networks and hemispheres."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from nibabel.spatialimages import HeaderDataError
from nilearn import datasets
from sklearn.utils import Bunch

from brainage.errors import AtlasError, ScanError
from brainage.files import atomic_path, hash_file
from brainage.imaging.atlas.atlas import Atlas
from brainage.imaging.atlas.cifti import load_cifti_atlas
from brainage.imaging.atlas.label_tables import read_label_table, split_name
from brainage.imaging.options import AtlasOptions
from brainage.imaging.reading.scan import Scan
from brainage.imaging.reading.stream import check_whole
from brainage.tables import is_missing, read_text_table

_FSL_MNI = "MNI152NLin6Asym"
#: The published spheres are in "MNI space"; at their radius the variants of MNI152 agree.
_SPHERE_SPACE = "MNI"
BUILT_IN = ("seitzman300", "power264", "dosenbach160")
FETCHED = (
    "schaefer100 ... schaefer1000",
    "aal",
    "difumo64 ... difumo1024",
    "msdl",
    "craddock10 ... craddock950",
)


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
    """
    options = AtlasOptions(name=atlas) if isinstance(atlas, str) else atlas
    if options.path is not None:
        loaded = _from_file(options)
    else:
        loaded = _built_in(options) if options.name in BUILT_IN else _fetched(options)
    _refuse_unread(loaded, options)
    return loaded


def _refuse_unread(atlas: Atlas, options: AtlasOptions) -> None:
    if options.radius_mm is not None and atlas.kind != "spheres":
        raise AtlasError(
            f"science.atlas.radius_mm: {atlas.name} has no spheres ({atlas.kind}); leave it out."
        )
    of_own = atlas.kind == "cifti" or (atlas.kind == "spheres" and options.path is not None)
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
    """
    space = scan.space
    if space is None or atlas.space is None or space in allow_spaces or space == atlas.space:
        return
    if atlas.space == _SPHERE_SPACE and space.startswith("MNI152"):
        return
    raise ScanError(
        f"{scan.bold}: in space {space}, but atlas {atlas.name} is in {atlas.space}. Use images in "
        f"that space, or accept this one by name: science.atlas.allow_spaces: [{space}]."
    )


def _built_in(options: AtlasOptions) -> Atlas:
    name = options.name
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
    return _spheres(name, names, networks, coordinates, radii)


def _spheres(name, names, networks, coordinates, radii) -> Atlas:
    digest = hashlib.sha256(b"spheres" + coordinates.tobytes() + radii.tobytes())
    digest.update("\t".join(names).encode())
    hemispheres = ["L" if x < 0 else "R" if x > 0 else None for x in coordinates[:, 0]]
    networks = [None if n in (None, "unassigned") else n for n in networks]
    return Atlas(
        name,
        "spheres",
        tuple(names),
        tuple(networks),
        tuple(hemispheres),
        _SPHERE_SPACE,
        None,
        None,
        coordinates,
        radii,
        digest.hexdigest()[:32],
    )


def _from_file(options: AtlasOptions) -> Atlas:
    path = Path(options.path)
    if not path.is_file():
        raise AtlasError(f"{path}: no such atlas file (science.atlas.path).")
    if path.name.lower().endswith((".tsv", ".csv", ".txt")):
        return _coordinate_table(path, options)
    if path.name.endswith((".dlabel.nii", ".ptseries.nii")):
        return load_cifti_atlas(path, options.name, options.space)
    try:
        check_whole(path)
        image = nib.load(path)
        n_dimensions = len([n for n in image.shape if n != 1])
        if n_dimensions == 4 or (len(image.shape) == 4 and image.shape[3] > 1):
            return _maps(path, image, options)
        return _labels(path, image, options)
    except ScanError as error:
        # What is wrong with a gzip file is the same, whoever reads it.
        raise AtlasError(str(error)) from error
    except (OSError, EOFError, HeaderDataError, nib.filebasedimages.ImageFileError) as error:
        found = " ".join(str(error).split())
        raise AtlasError(f"{path}: expected a NIfTI atlas, found: {found}") from error


def _labels(path: Path, image, options: AtlasOptions) -> Atlas:
    data = np.asarray(image.dataobj)
    present = np.unique(data[np.isfinite(data)])
    if not np.allclose(present, np.rint(present)):
        raise AtlasError(
            f"{path}: expected whole numbers as labels, found values such as "
            f"{present[present % 1 != 0][0]:g}. A 4-D image is read as maps."
        )
    present = np.rint(present).astype(int)
    present = present[present != 0]
    if not len(present):
        raise AtlasError(f"{path}: expected labels above the background 0, found none.")
    table = None
    if options.labels is not None:
        table = read_label_table(Path(options.labels), present)
        values, names = table["value"].to_numpy(), table["name"].tolist()
        networks, hemispheres = table["network"].tolist(), table["hemisphere"].tolist()
    else:
        values = present
        names = [f"{options.name}_{value}" for value in values]
        networks = hemispheres = [None] * len(values)
    digest = hashlib.sha256(f"labels {hash_file(path)} ".encode())
    digest.update(np.asarray(values, dtype=np.int64).tobytes() + "\t".join(names).encode())
    return Atlas(
        options.name,
        "labels",
        tuple(names),
        tuple(networks),
        tuple(hemispheres),
        options.space,
        path,
        np.asarray(values),
        None,
        None,
        digest.hexdigest()[:32],
    )


def _maps(path: Path, image, options: AtlasOptions) -> Atlas:
    p = image.shape[3]
    if options.labels is None:
        names = [f"{options.name}_{i + 1}" for i in range(p)]
        networks = hemispheres = [None] * p
    else:
        table = read_label_table(Path(options.labels), np.arange(1, p + 1))
        if len(table) != p:
            raise AtlasError(
                f"{options.labels}: expected {p} names, one a map of {path.name}, "
                f"found {len(table)}."
            )
        names, networks = table["name"].tolist(), table["network"].tolist()
        hemispheres = table["hemisphere"].tolist()
    digest = hashlib.sha256(f"maps {hash_file(path)} ".encode() + "\t".join(names).encode())
    return Atlas(
        options.name,
        "maps",
        tuple(names),
        tuple(networks),
        tuple(hemispheres),
        options.space,
        path,
        None,
        None,
        None,
        digest.hexdigest()[:32],
    )


def _coordinate_table(path: Path, options: AtlasOptions) -> Atlas:
    text = read_text_table(path)
    columns = {c.lower(): c for c in text.columns}
    absent = [c for c in ("x", "y", "z") if c not in columns]
    if absent:
        raise AtlasError(
            f"{path}: expected columns x, y, z in millimetres, found {', '.join(text.columns)}."
        )
    numbers = text[[columns[c] for c in "xyz"]].apply(pd.to_numeric, errors="coerce")
    if not len(numbers):
        raise AtlasError(f"{path}: expected a row a sphere, found none.")
    _refuse(path, ~np.isfinite(numbers).all(axis=1), "a coordinate is not a number")
    stated = next((columns[c] for c in ("radius_mm", "radius") if c in columns), None)
    if stated is not None:
        radii = pd.to_numeric(text[stated], errors="coerce").to_numpy(float)
    elif options.radius_mm is not None:
        radii = np.full(len(text), float(options.radius_mm))
    else:
        raise AtlasError(f"{path}: expected a column radius_mm, or science.atlas.radius_mm.")
    _refuse(path, ~((radii > 0) & np.isfinite(radii)), "expected a radius above 0 mm")
    names = (
        text[columns["name"]].tolist()
        if "name" in columns
        else [f"{options.name}_{i + 1:03d}" for i in range(len(text))]
    )
    _refuse(path, np.array([not name for name in names]), "expected a name, found none")
    networks = (
        [None if is_missing(n) else n for n in text[columns["network"]]]
        if "network" in columns
        else [None] * len(text)
    )
    if len(set(names)) < len(names):
        raise AtlasError(f"{path}: expected unique names, found some twice.")
    atlas = _spheres(options.name, names, networks, numbers.to_numpy(float), radii)
    return atlas if options.space is None else replace(atlas, space=options.space)


def _refuse(path: Path, bad: np.ndarray, words: str) -> None:
    if bad.any():
        raise AtlasError(f"{path}: line {int(np.flatnonzero(bad)[0]) + 2}: {words}.")


def _fetched(options: AtlasOptions) -> Atlas:
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
            raise AtlasError(
                f"science.atlas.name: no atlas '{options.name}'. Known: {known}; or "
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
    stack = nib.load(path)
    levels = np.asarray(stack.dataobj)
    counts = [len(np.unique(levels[..., i])) - 1 for i in range(levels.shape[3])]
    nearest = int(np.argmin(np.abs(np.array(counts) - n_parcels)))
    level = levels[..., nearest].astype(np.int16)
    with atomic_path(target) as temporary:
        nib.save(nib.Nifti1Image(level, stack.affine), temporary)
    return target


def _from_fetched(found, options: AtlasOptions, space: str) -> Atlas:
    options = options.model_copy(update={"path": str(found.maps), "space": options.space or space})
    atlas = _from_file(options)
    if options.labels is not None:
        return atlas
    table = getattr(found, "lut", None)
    if atlas.kind == "labels" and table is not None:
        named = dict(zip(table["index"].astype(int), table["name"].astype(str), strict=True))
        return _with_names(atlas, [named.get(int(v)) for v in atlas.label_values])
    labels = getattr(found, "labels", None)
    if atlas.kind == "maps" and labels is not None and len(labels) == atlas.n_parcels:
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
            return replace(atlas, networks=tuple(known))
    return atlas


def _with_names(atlas: Atlas, names: list[str | None]) -> Atlas:
    absent = (
        [int(v) for v, name in zip(atlas.label_values, names, strict=True) if name is None]
        if atlas.label_values is not None
        else []
    )
    if absent:
        raise AtlasError(f"{atlas.image}: no name for label(s) {absent[:10]} of the image.")
    # Some makers give one name to several parts of a region.
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    parts = [split_name(name) for name in unique]
    return replace(
        atlas,
        parcel_names=tuple(unique),
        networks=tuple(network for network, _ in parts),
        hemispheres=tuple(hemisphere for _, hemisphere in parts),
    )
