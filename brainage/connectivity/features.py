"""FeatureTable: the views of every session with one row table, in memory or on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.connectivity.half_features import HalfFeatures
from brainage.connectivity.sessions import EXCLUDED, ROWS, tidy_rows
from brainage.connectivity.store import NpyRows
from brainage.connectivity.views import View, ViewSpec
from brainage.errors import FeatureMismatchError
from brainage.files import atomic_path, read_json_object, write_json
from brainage.showing import Shown, in_brief
from brainage.tables import read_table, write_table

_MANIFEST = "spec.json"
_FORMAT = 1


def empty_excluded() -> pd.DataFrame:
    """Return an exclusions table without rows."""
    return pd.DataFrame({name: pd.Series(dtype=object) for name in EXCLUDED.names})


@dataclass(frozen=True, repr=False)
class FeatureTable(Shown):
    """Connectivity views of n scans and one row table for all of them.

    Parameters
    ----------
    views : dict of str to View
        Each of n rows.
    rows : DataFrame
        n rows: participant_id, session_id, age_years, sex, site, scanner, family_id, mean_fd_mm,
        retained_s (None or NaN where unknown). Never arm.
    excluded : DataFrame
        Sessions without features: participant_id, session_id, reason.
    dropped_parcels : tuple of str
        Parcels of the atlas left out because too few sessions had a signal there.
    halves : HalfFeatures or None, default=None
        Of the same scans, for clocks that train on them as well; neither saved nor loaded.

    Examples
    --------
    >>> features = examples.features()
    >>> features
    FeatureTable
      scans: 40 of 40 people
      views: fisher_z: 40 x 276
      rows: table, 40 rows: 9: participant_id, session_id, ..., retained_s
      excluded: table, 0 rows: participant_id, session_id, reason
      dropped_parcels: none
    >>> features["fisher_z"].values.shape
    (40, 276)
    >>> young = features.select(features.ages < 40)
    >>> young.save(folder)
    >>> len(ba.FeatureTable.load(folder)) == len(young)
    True
    """

    views: dict[str, View]
    rows: pd.DataFrame
    excluded: pd.DataFrame = field(default_factory=empty_excluded)
    dropped_parcels: tuple[str, ...] = ()
    halves: HalfFeatures | None = None

    def __post_init__(self) -> None:
        absent = [name for name in ROWS.names if name not in self.rows]
        if absent:
            raise FeatureMismatchError(f"feature rows: expected the columns {absent}, found none.")
        for name, view in self.views.items():
            expected = (len(self.rows), view.spec.n_features)
            if view.values.shape != expected:
                raise FeatureMismatchError(
                    f"view '{name}': expected shape {expected} (rows x edges of "
                    f"{view.spec.n_parcels} parcels), found {view.values.shape}."
                )

    def fields_shown(self) -> Iterator[tuple[str, str]]:
        """Yield people, the size of each view, and the tables."""
        people = self.rows["participant_id"].nunique()
        yield "scans", f"{len(self)} of {people} people"
        sizes = {
            name: f"{view.values.shape[0]} x {view.values.shape[1]}"
            for name, view in self.views.items()
        }
        yield "views", in_brief(sizes)
        hidden = {"views"} if self.halves is not None else {"views", "halves"}
        yield from (pair for pair in super().fields_shown() if pair[0] not in hidden)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def ages(self) -> np.ndarray:
        """Age at each scan in years, (n_scans,)."""
        return self.rows["age_years"].to_numpy(dtype=float)

    def __getitem__(self, name: str) -> View:
        if name not in self.views:
            raise FeatureMismatchError(
                f"view '{name}': the features hold {', '.join(self.views) or 'none'}. Add it to "
                "science.connectivity.kinds and build the features again."
            )
        return self.views[name]

    def select(self, index: np.ndarray | Sequence[int]) -> FeatureTable:
        """Return the table of some scans, in the order given.

        Parameters
        ----------
        index : ndarray of bool (n,) or of int
            Which rows. `excluded` and `dropped_parcels` stay as they are.
        """
        index = np.asarray(index)
        if index.dtype == bool:
            if len(index) != len(self.rows):
                raise FeatureMismatchError(
                    f"select: expected a mask of {len(self.rows)} rows, found {len(index)}."
                )
            index = np.flatnonzero(index)
        views = {k: View(np.asarray(v.values[index]), v.spec) for k, v in self.views.items()}
        rows = self.rows.iloc[index].reset_index(drop=True)
        halves = None if self.halves is None else self.halves.select(index)
        return FeatureTable(views, rows, self.excluded, self.dropped_parcels, halves)

    def save(self, folder: str | Path) -> None:
        """Write one .npy per view, rows.tsv, excluded.tsv and, last, spec.json."""
        folder = Path(folder)
        (folder / _MANIFEST).unlink(missing_ok=True)
        for name, view in self.views.items():
            with (
                atomic_path(folder / f"{name}.npy") as temporary,
                NpyRows(temporary, view.spec.n_features) as writer,
            ):
                for row in view.values:
                    writer.append(row)
        write_tables(self, folder)

    @classmethod
    def load(cls, folder: str | Path, *, memory_map: bool = True) -> FeatureTable:
        """Read what `save` or `build_features(folder=...)` wrote.

        Parameters
        ----------
        folder : str or Path
            Holds spec.json.
        memory_map : bool, default=True
            Leave the views on disk and read rows when they are asked for.

        Raises
        ------
        FeatureMismatchError
            No spec.json (absent or unfinished), or files that do not fit it.
        """
        folder = Path(folder)
        meta = _read_manifest(folder)
        views = {}
        for name, spec in meta["views"].items():
            try:
                values = np.load(
                    folder / f"{name}.npy",
                    mmap_mode="r" if memory_map else None,
                    allow_pickle=False,
                )
            except (OSError, ValueError) as error:
                raise FeatureMismatchError(
                    f"{folder / name}.npy: cannot be read ({error}). Build the features again."
                ) from error
            views[name] = View(values, ViewSpec.from_dict(spec))
        return cls(
            views,
            tidy_rows(read_table(folder / "rows.tsv", ROWS), ROWS),
            tidy_rows(read_table(folder / "excluded.tsv", EXCLUDED), EXCLUDED),
            tuple(meta["dropped_parcels"]),
        )


def write_tables(table: FeatureTable, folder: Path) -> None:
    """Write rows.tsv and excluded.tsv, then spec.json: with it the folder is whole."""
    write_table(table.rows[list(ROWS.names)], folder / "rows.tsv", ROWS)
    write_table(table.excluded, folder / "excluded.tsv", EXCLUDED)
    write_json(
        folder / _MANIFEST,
        {
            "format": _FORMAT,
            "n_scans": len(table),
            "dropped_parcels": list(table.dropped_parcels),
            "views": {name: view.spec.to_dict() for name, view in table.views.items()},
        },
    )


def _read_manifest(folder: Path) -> dict:
    path = folder / _MANIFEST
    if not path.is_file():
        raise FeatureMismatchError(
            f"{path}: expected the manifest of a features folder, found none (absent, or building "
            "was interrupted). Build the features again."
        )
    meta = read_json_object(path, error=FeatureMismatchError)
    if meta.get("format") != _FORMAT:
        raise FeatureMismatchError(
            f"{path}: expected format {_FORMAT}, found {meta.get('format')}. Build the features "
            "again with this version."
        )
    dropped = meta.get("dropped_parcels")
    if not isinstance(meta.get("views"), dict) or not (
        isinstance(dropped, list) and all(isinstance(name, str) for name in dropped)
    ):
        raise FeatureMismatchError(
            f"{path}: expected the views of a features folder and its dropped parcels, found "
            f"{sorted(meta)}. Build the features again."
        )
    return meta
