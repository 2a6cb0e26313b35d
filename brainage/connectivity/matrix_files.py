"""Finding matrices made elsewhere: a tree of files, a table of files, or one file of all scans."""

from __future__ import annotations

from pathlib import Path

from brainage.connectivity.matrices import MatrixFile, MatrixValues, Triangle
from brainage.errors import SeriesError, TableError
from brainage.series import ARRAYS, SeriesFile, find_files, read_parcels, read_scan_array
from brainage.tables import NO_SESSION, read_lines

#: BIDS, XCP-D and giga_connectome; older XCP-D; HALFpipe.
MATRIX_ENDINGS = tuple(
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
    r"""List the matrices of a derivatives tree, of a table of files, or of one file of all scans.

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

    Examples
    --------
    >>> path = folder / "sub-01_ses-1y_atlas-own_desc-correlation_matrix.tsv"
    >>> values = np.corrcoef(examples.series().values.T)
    >>> pd.DataFrame(values).to_csv(path, sep="\t", header=False, index=False)
    >>> [(file.participant_id, file.session_id) for file in ba.find_matrices(folder)]
    [('01', '1y')]
    """
    source = Path(source)
    names, networks = (None, None) if parcels is None else read_parcels(Path(parcels))
    if source.is_file() and not _lists_files(source):
        held = read_scan_array(source)
        names = held.names if names is None else names
        keys = zip(held.participant_ids, held.session_ids, strict=True)
        found = [
            SeriesFile(
                source, person, session, atlas=atlas or NO_SESSION, by_name=False, index=index
            )
            for index, (person, session) in enumerate(keys)
        ]
    else:
        found = find_files(
            source, endings=MATRIX_ENDINGS, what="matrices", atlas=atlas, space=space, task=task
        )
    return [
        MatrixFile(
            item.path,
            item.participant_id,
            item.session_id,
            run=item.run,
            task=item.task,
            atlas=item.atlas,
            by_name=item.by_name,
            index=item.index,
            parcels=names,
            networks=networks,
            values=values,
            triangle=triangle,
        )
        for item in found
    ]


def _lists_files(path: Path) -> bool:
    if path.suffix.lower() in ARRAYS:
        return False
    try:
        first = next((line for line in read_lines(path) if line.strip()), "")
    except TableError as error:
        raise SeriesError(str(error)) from error
    return "path" in [cell.strip().strip('"') for cell in first.replace(",", "\t").split("\t")]
