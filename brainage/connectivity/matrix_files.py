"""Finding matrices made elsewhere: a tree of files, a table of files, or one file of all scans."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from brainage.connectivity.matrices import MatrixFile, MatrixValues, Triangle
from brainage.errors import SeriesError, TableError
from brainage.series import SeriesFile
from brainage.series.finding import find_files, read_parcels
from brainage.series.scan_arrays import ARRAYS, read_scan_array
from brainage.tables import NO_SESSION, read_lines

#: BIDS, XCP-D and giga_connectome; older XCP-D; HALFpipe.
_ENDINGS = tuple(
    f"_{suffix}.{ending}"
    for suffix in ("relmat", "conmat", "matrix")
    for ending in ("tsv", "csv", "tsv.gz", "txt")
)


def find_matrices(
    source: str | Path,
    *,
    atlas: str | None = None,
    space: str | None = None,
    task: str | None = None,
    values: MatrixValues | None = None,
    triangle: Triangle | None = None,
    parcels: str | Path | None = None,
) -> list[MatrixFile]:
    """List the matrices of a derivatives tree, of a table of files, or of one file of all scans.

    Parameters
    ----------
    source : str or Path
        A tree with ``*_relmat.tsv`` (XCP-D, giga_connectome), ``*_conmat.tsv`` or
        ``*_matrix.tsv`` (HALFpipe); a table with path and participant_id; or one table, ``.npy``
        or ``.npz`` with a row a scan (`series.scan_arrays.read_scan_array`).
    atlas : str or None, default=None
        As `brainage.series.find_series`; of one file of all scans the atlas's name.
    space, task : str or None, default=None
        Take these only.
    values : {"pearson", "fisher_z", "ledoit_wolf"} or None, default=None
        What the numbers are ("ledoit_wolf": shrunk correlations, nilearn's default); None: told by
        names, sidecars or a diagonal of ones.
    triangle : {"upper", "lower"} or None, default=None
        Order of half-vectorised rows.
    parcels : str or Path or None, default=None
        Table of the parcels in the matrices' order: a column name (or label, rois) and, where
        known, network (or RSN).

    Returns
    -------
    files : list of MatrixFile

    Raises
    ------
    SeriesError
        As `find_series`; or a table of parcels without names.
    """
    source = Path(source)
    names, networks = (None, None) if parcels is None else read_parcels(Path(parcels))
    chosen = {"values": values, "triangle": triangle, "parcels": names, "networks": networks}
    if source.is_file() and not _lists_files(source):
        held = read_scan_array(source)
        if names is None and held.names is not None:
            chosen["parcels"] = held.names
        return [
            MatrixFile(
                source,
                person,
                session,
                atlas=atlas or NO_SESSION,
                by_name=False,
                index=index,
                **chosen,
            )
            for index, (person, session) in enumerate(
                zip(held.participant_ids, held.session_ids, strict=True)
            )
        ]
    found = find_files(
        source, endings=_ENDINGS, what="matrices", atlas=atlas, space=space, task=task
    )
    own = [field.name for field in fields(SeriesFile) if field.name not in chosen]
    return [MatrixFile(**{name: getattr(item, name) for name in own}, **chosen) for item in found]


def _lists_files(path: Path) -> bool:
    if path.suffix.lower() in ARRAYS:
        return False
    try:
        first = next((line for line in read_lines(path) if line.strip()), "")
    except TableError as error:
        raise SeriesError(str(error)) from error
    return "path" in [cell.strip().strip('"') for cell in first.replace(",", "\t").split("\t")]
