"""Where a study's files are: scans, series or matrices, people, allocation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import model_validator

from brainage.errors import ConfigError
from brainage.files import configs_folder
from brainage.options import Options

Section = TypeVar("Section", bound=Options)

#: Keys that name files or folders, and are made absolute.
FILES_OF_STUDY = (
    "output",
    "allocation",
    "dates",
    "replayed_allocations",
    "outcomes",
    "clock",
    "scores",
    "calibration",
    "same_people",
)
FILES_OF_COHORT = ("scans", "series", "matrices", "parcels", "participants", "sessions")
FILES_OF_ATLAS = ("path", "labels")


def with_files(section: Section, names: Sequence[str], base: Path) -> Section:
    """Return a section with the named keys absolute, starting at `base`; None stays None."""

    def fix(name: str, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            return str((base / Path(value).expanduser()).resolve())
        # ~somebody whom this machine does not know; links in a circle; a NUL; a name too long.
        except (RuntimeError, OSError, ValueError) as error:
            raise ConfigError(f"{name}: {value!r} is no path here ({error}).") from error

    return section.model_copy(update={name: fix(name, getattr(section, name)) for name in names})


class CohortPaths(Options):
    """Where one cohort's scans, or parcel series made elsewhere, and its people are.

    Parameters
    ----------
    scans : str or None, default=None
        fMRIPrep derivatives folder, or a table of NIfTI files.
    series : str or None, default=None
        Folder of ``*_timeseries.tsv`` made elsewhere; then nothing is extracted.
    parcels_in : {"columns", "rows"} or None, default=None
        Where the series' files have their parcels; None: columns, as BIDS has it, unless names or
        lists of parcels say otherwise. Asked for of one array of all scans.
    matrices : str or None, default=None
        Correlation matrices made elsewhere, in the place of scans and series: a folder of
        ``*_relmat.tsv`` or ``*_matrix.tsv``, or one table, ``.npy`` or ``.npz`` with a row a scan.
    matrix_values : {"pearson", "fisher_z", "ledoit_wolf"} or None, default=None
        What their numbers are (ledoit_wolf: shrunk correlations, as nilearn makes them), where
        neither names nor sidecars nor a diagonal of ones say it.
    triangle : {"upper", "lower"} or None, default=None
        Order of half-vectorised rows: row by row above the diagonal (numpy.triu_indices) or below
        it (numpy.tril_indices, nilearn.sym_matrix_to_vec).
    parcels : str or None, default=None
        Table of the parcels in the order of matrices, or of an array of series: name, network.
    atlas : str or None, default=None
        Atlas to take where that folder holds several (XCP-D writes one set of files for each),
        and parts of the name where it is there in several forms (``CC200:reg-36Parameter``).
    participants : str or None, default=None
        ``participants.tsv`` or any table; often in the raw BIDS folder.
    sessions : str or None, default=None
        One table of sessions with age at each, or the raw BIDS folder that holds
        ``sub-*/sub-*_sessions.tsv``.
    columns : dict of str to str, default={}
        Our column name -> the table's.
    space : str or None, default=None
        BIDS space to take where the scans or series are there in several.
    task : str or None, default=None
        BIDS task to take where there are several.

    Examples
    --------
    >>> CohortPaths(series="out/extract/trial", participants="participants.tsv")
    CohortPaths(series='out/extract/trial', participants='participants.tsv')
    """

    scans: str | None = None
    series: str | None = None
    parcels_in: Literal["columns", "rows"] | None = None
    matrices: str | None = None
    matrix_values: Literal["pearson", "fisher_z", "ledoit_wolf"] | None = None
    triangle: Literal["upper", "lower"] | None = None
    parcels: str | None = None
    atlas: str | None = None
    participants: str | None = None
    sessions: str | None = None
    columns: dict[str, str] = {}
    space: str | None = None
    task: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        named = [name for name in ("scans", "series", "matrices") if getattr(self, name)]
        if len(named) > 1:
            raise ValueError(f"one of 'scans', 'series' and 'matrices', not {' and '.join(named)}")
        if self.atlas and self.scans:
            # Scans are parcellated by science.atlas: a name here would be read by nobody.
            raise ValueError("'atlas' only with 'series' or 'matrices'; scans take science.atlas")
        for name, source in (
            ("parcels_in", "series"),
            ("matrix_values", "matrices"),
            ("triangle", "matrices"),
        ):
            if getattr(self, name) and not getattr(self, source):
                raise ValueError(f"'{name}' only with '{source}'")
        return self


class PathsSection(Options):
    """Files and folders; relative ones are relative to the study file.

    Parameters
    ----------
    output : str, default="out"
        Every stage writes one folder in it.
    reference, trial : CohortPaths
        The two cohorts.
    external : CohortPaths
        An external test set: people of another study, on whom `brainage evaluate` tests the frozen
        clock.
    allocation : str or None, default=None
        Table with participant_id, arm and strata; None: the trial's participants table.
    allocation_columns : dict of str to str, default={}
        Our column name (participant_id, arm, and the names in science.trial.strata, covariates
        and dose_column) -> the allocation table's.
    dates : str or None, default=None
        Table with participant_id, session_id and the date of each scan, or the raw BIDS folder;
        None: the trial's sessions, if they hold dates (acq_time).
    dates_columns : dict of str to str, default={}
        participant_id, session_id or scan_date -> that table's column.
    replayed_allocations : str or None, default=None
        Table with one row an allocation and one column a randomised participant, replayed by the
        trial's own program; what a re-randomisation test of minimisation needs.
    outcomes : str or None, default=None
        Table with participant_id, session_id and the outcomes that analyses of the trial name
        (leg strength, ...).
    outcomes_columns : dict of str to str, default={}
        participant_id, session_id or an outcome -> that table's column.
    clock : str or None, default=None
        A clock file made before, a folder of them, or the name of a packaged one
        (``lemon_schaefer200``); then nothing is trained.
    scores : str or None, default=None
        A scores table made before; then nothing is scored.
    calibration : str or None, default=None
        Table with participant_id and session_id: the trial's baseline scans, chosen blind to arm,
        on which a clock with ``harmonization.unseen_site: calibrate`` learns new sites; None: the
        scans of the trial's first visit.
    same_people : str or None, default=None
        Table with participant_id (of the trial or external test set) and reference_id (who that
        is in the reference; ``n/a``: nobody, although an id there is equal).

    Examples
    --------
    >>> PathsSection(allocation="allocation.tsv")
    PathsSection(allocation='allocation.tsv')
    """

    output: str = "out"
    reference: CohortPaths = CohortPaths()
    trial: CohortPaths = CohortPaths()
    external: CohortPaths = CohortPaths()
    allocation: str | None = None
    allocation_columns: dict[str, str] = {}
    dates: str | None = None
    dates_columns: dict[str, str] = {}
    replayed_allocations: str | None = None
    outcomes: str | None = None
    outcomes_columns: dict[str, str] = {}
    clock: str | None = None
    scores: str | None = None
    calibration: str | None = None
    same_people: str | None = None


def with_packaged_clock(paths: PathsSection, base: Path) -> PathsSection:
    """Return paths in which the name of a clock that came with the package is its file."""
    if paths.clock is None or (base / paths.clock).exists():
        return paths
    packaged = configs_folder() / "clocks" / f"{paths.clock}.clock"
    if not packaged.is_file():
        return paths
    return paths.model_copy(update={"clock": str(packaged.resolve())})
