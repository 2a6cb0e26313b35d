"""Atlases from files: labels, maps, tables of spheres, grayordinates."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.errors import AtlasError, ScanError
from brainage.files import hash_file
from brainage.imaging.atlas.atlas import Atlas, parcels_of
from brainage.imaging.atlas.cifti import load_cifti_atlas
from brainage.imaging.atlas.label_tables import read_label_table
from brainage.imaging.atlas.labels import LabelAtlas, centroids_of, present_labels, read_labels
from brainage.imaging.atlas.maps import MapAtlas
from brainage.imaging.atlas.spheres import SphereAtlas, make_spheres
from brainage.imaging.options import AtlasOptions
from brainage.imaging.reading.nifti import ScanHeader
from brainage.imaging.reading.stream import VolumeStream
from brainage.tables import is_missing, read_text_table

_FARTHEST_MM = 1000.0
_LARGEST_RADIUS_MM = 100.0


def atlas_from_file(options: AtlasOptions) -> Atlas:
    """Load the atlas that `AtlasOptions.path` names.

    Raises
    ------
    AtlasError
        No such file, none of the forms that are read, labels that do not fit it.
    """
    path = Path(options.path or "")
    if not path.is_file():
        raise AtlasError(f"{path}: no such atlas file (science.atlas.path).")
    if path.name.lower().endswith((".tsv", ".csv", ".txt")):
        return _coordinate_table(path, options)
    if path.name.endswith((".dlabel.nii", ".ptseries.nii")):
        return load_cifti_atlas(path, options.name, options.space)
    try:
        with VolumeStream(path, n_threads=1, series=False) as stream:
            header = stream.header
        if header.n_volumes > 1:
            return _maps(path, header, options)
        return _labels(path, options)
    except ScanError as error:
        # What is wrong with an image is the same, whoever reads it.
        raise AtlasError(f"{error} (science.atlas.path: expected a NIfTI atlas)") from error


def _labels(path: Path, options: AtlasOptions) -> LabelAtlas:
    grid, labels = read_labels(path)
    present = present_labels(path, labels)
    if options.labels is None:
        values, source = present, path
        names = [f"{options.name}_{value}" for value in values]
        networks, sides = (), ()
    else:
        source = Path(options.labels)
        table = read_label_table(source, present)
        values, names = table["value"].to_numpy(), table["name"].tolist()
        networks, sides = table["network"].tolist(), table["hemisphere"].tolist()
    digest = hashlib.sha256(f"labels {hash_file(path)} ".encode())
    digest.update(np.asarray(values, dtype=np.int64).tobytes() + "\t".join(names).encode())
    return LabelAtlas(
        name=options.name,
        parcels=parcels_of(source, names, networks, sides),
        space=options.space,
        content_hash=digest.hexdigest()[:32],
        image=path,
        label_values=np.asarray(values),
        centroids_mm=centroids_of(grid, labels, np.asarray(values)),
    )


def _maps(path: Path, header: ScanHeader, options: AtlasOptions) -> MapAtlas:
    p = header.n_volumes
    if options.labels is None:
        source, networks, sides = path, (), ()
        names = [f"{options.name}_{i + 1}" for i in range(p)]
    else:
        source = Path(options.labels)
        table = read_label_table(source, np.arange(1, p + 1))
        if len(table) != p:
            raise AtlasError(
                f"{options.labels}: expected {p} names, one a map of {path.name}, "
                f"found {len(table)}."
            )
        names, networks = table["name"].tolist(), table["network"].tolist()
        sides = table["hemisphere"].tolist()
    digest = hashlib.sha256(f"maps {hash_file(path)} ".encode() + "\t".join(names).encode())
    return MapAtlas(
        name=options.name,
        parcels=parcels_of(source, names, networks, sides),
        space=options.space,
        content_hash=digest.hexdigest()[:32],
        image=path,
    )


def _coordinate_table(path: Path, options: AtlasOptions) -> SphereAtlas:
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
    _refuse(path, text.index, ~np.isfinite(numbers).all(axis=1), "a coordinate is not a number")
    _refuse(
        path,
        text.index,
        (numbers.abs() > _FARTHEST_MM).any(axis=1),
        "a coordinate is beyond 1000 mm",
    )
    stated = next((columns[c] for c in ("radius_mm", "radius") if c in columns), None)
    if stated is not None:
        radii = pd.to_numeric(text[stated], errors="coerce").to_numpy(float)
    elif options.radius_mm is not None:
        radii = np.full(len(text), float(options.radius_mm))
    else:
        raise AtlasError(f"{path}: expected a column radius_mm, or science.atlas.radius_mm.")
    allowed = (radii > 0) & (radii <= _LARGEST_RADIUS_MM)
    _refuse(path, text.index, ~allowed, "expected a radius above 0 mm, and at most 100 mm")
    names = (
        text[columns["name"]].tolist()
        if "name" in columns
        else [f"{options.name}_{i + 1:03d}" for i in range(len(text))]
    )
    _refuse(path, text.index, [not name for name in names], "expected a name, found none")
    networks = (
        [None if is_missing(n) else n for n in text[columns["network"]]]
        if "network" in columns
        else [None] * len(text)
    )
    parcels_of(path, names)
    atlas = make_spheres(
        options.name, names, networks, coordinates_mm=numbers.to_numpy(float), radii_mm=radii
    )
    return atlas if options.space is None else replace(atlas, space=options.space)


def _refuse(
    path: Path, lines: pd.Index, bad: np.ndarray | pd.Series | list[bool], words: str
) -> None:
    bad = np.asarray(bad, dtype=bool)
    if bad.any():
        raise AtlasError(f"{path}: line {lines[np.flatnonzero(bad)[0]]}: {words}.")
