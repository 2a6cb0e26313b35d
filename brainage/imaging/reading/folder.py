"""The scans of a folder of fMRIPrep derivatives, by their names alone.

Files are matched as BIDS matches them, whatever entities their names have: a confounds table or a
mask belongs to the image that has all parts of its name. What cannot be read as such a name is
refused by that name.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from brainage.errors import BrainAgeWarning, ScanError
from brainage.imaging.reading.scan import Scan
from brainage.imaging.reading.sidecars import by_first_part, matching_sidecars
from brainage.series import RUN_KEYS, labels_of, parts_of, run_label, same_run
from brainage.tables import NO_SESSION

_BOLD = re.compile(r"_desc-preproc_bold\.nii(\.gz)?$")
_DTSERIES = re.compile(r"_bold\.dtseries\.nii$")
_SURFACE_SPACES = ("fsLR", "fsLR:den-91k", "fsLR:den-170k")
_PART = r"[a-zA-Z0-9]+-[a-zA-Z0-9+]+"
_BIDS_NAME = re.compile(rf"sub-[a-zA-Z0-9+]+(_{_PART})*_bold(\.dtseries)?\.nii(\.gz)?")
#: fMRIPrep leaves the space entity out of images in the run's own space.
NATIVE = "native"
#: What tells the forms of one space apart: a template's age group, resolution, density.
_OF_SPACE = ("cohort", "res", "den")
#: Labels that say which run it is: no file without them is known to be of it.
_OF_RUN = ("sub", "ses", "task", *RUN_KEYS)
_CONFOUNDS = tuple(
    f"_desc-confounds_{ending}"
    for ending in ("timeseries.tsv", "regressors.tsv", "timeseries.tsv.gz")
)
_MASK = ("_desc-brain_mask.nii.gz", "_desc-brain_mask.nii")
_SHOWN = 5
#: A folder's path, and its sidecars by the first part of their names.
_Level = tuple[str, dict[str, list[str]]]


@dataclass(frozen=True)
class _Image:
    """An image's folder, its name, its labels by key, and what lies beside it and above."""

    func: str
    name: str
    labels: dict[str, str]
    beside: frozenset[str]
    levels: tuple[_Level, ...]

    @property
    def path(self) -> Path:
        return Path(self.func, self.name)

    @property
    def run(self) -> tuple[str, ...]:
        labels = {key: self.labels.get(key, NO_SESSION) for key in _OF_RUN}
        return tuple(same_run(label) if key == "run" else label for key, label in labels.items())

    @property
    def form(self) -> str:
        form = self.labels.get("space", NATIVE)
        return form + "".join(f":{k}-{self.labels[k]}" for k in _OF_SPACE if k in self.labels)

    def is_in(self, space: str | None) -> bool:
        """Match ``MNI152NLin6Asym``, or with what tells its forms ``MNI152NLin6Asym:res-2``."""
        if space is None:
            return True
        (name, *parts), (own, *its_parts) = space.split(":"), self.form.split(":")
        return name == own and set(parts) <= set(its_parts)


def scans_in_folder(folder: Path, space: str | None, task: str | None) -> list[Scan]:
    """List the scans of a derivatives folder; see `find_scans`."""
    pattern = _DTSERIES if space in _SURFACE_SPACES else _BOLD
    images = _images(folder, pattern)
    if not images:
        raise ScanError(_none_found(folder, pattern))
    chosen = [
        image
        for image in _without_single_echoes(folder, images)
        if task in (None, image.labels.get("task")) and image.is_in(space)
    ]
    if not chosen:
        tasks = sorted({image.labels.get("task", "n/a") for image in images})
        echoes = (
            " (single echoes of several are left out)"
            if any("echo" in image.labels for image in images)
            else ""
        )
        raise ScanError(
            f"{folder}: no scan of task {task or 'any'} in space {space or 'any'}"
            f"{echoes}; tasks there: {tasks}, spaces: {_forms(images)}."
        )
    _refuse_ambiguous(folder, chosen)
    scans = [_scan(image) for image in chosen]
    _refuse_one_label(folder, scans)
    return scans


def _images(folder: Path, pattern: re.Pattern[str]) -> list[_Image]:
    images, misnamed = [], []
    for func, levels in _func_folders(folder):
        for name in sorted(name for name in func.names if pattern.search(name)):
            problem = _misnamed(Path(func.folder).relative_to(folder).parts[:-1], name)
            if problem is None:
                images.append(_Image(func.folder, name, labels_of(name), func.names, levels))
            else:
                misnamed.append(f"{Path(func.folder, name)}: {problem}")
    if misnamed:
        more = f" And {len(misnamed) - _SHOWN} more." if len(misnamed) > _SHOWN else ""
        raise ScanError(
            " ".join(f"{words}." for words in misnamed[:_SHOWN])
            + more
            + " Rename them, or list the scans in a table (path, participant_id, session_id, run)."
        )
    return images


def _misnamed(levels: Sequence[str], name: str) -> str | None:
    """Say why a name cannot be read, or None: 'sub-A-1' would be cut to a person A."""
    if not _BIDS_NAME.fullmatch(name):
        odd = [part for part in name.split("_")[:-1] if not re.fullmatch(_PART, part)]
        what = f"'{odd[0]}'" if odd else "another name"
        return (
            "expected a BIDS name (sub-LABEL_KEY-LABEL_..., labels of letters and digits only), "
            f"found {what}"
        )
    parts = parts_of(name)
    if len(labels_of(name)) < len(parts):
        return "a key stands twice in its name"
    for level in levels:
        if level not in parts:
            return f"its name and its folder {level} say different things"
    return None


def _none_found(folder: Path, pattern: re.Pattern[str]) -> str:
    wanted = "*_bold.dtseries.nii" if pattern is _DTSERIES else "*_desc-preproc_bold.nii.gz"
    likely = ("fmriprep", "derivatives/fmriprep", "derivatives")
    inner = next((name for name in likely if (folder / name).is_dir()), None)
    advice = "Is it the fMRIPrep derivatives folder?" if inner is None else f"Try {inner} in it."
    return f"{folder}: expected sub-*/[ses-*/]func/{wanted}, found none. {advice}"


def _without_single_echoes(folder: Path, images: list[_Image]) -> list[_Image]:
    """Leave out single echoes: of a multi-echo run their combination, without echo, is analysed.

    A run of which there is one echo and nothing else was not combined; it is the run.
    """
    forms: dict[tuple[str, ...], set[str | None]] = {}
    for image in images:
        forms.setdefault(image.run, set()).add(image.labels.get("echo"))
    lost = [run for run, echoes in forms.items() if len(echoes) > 1 and None not in echoes]
    if lost:
        # A run that is left out has no row anywhere else.
        first = next(image.name for image in images if image.run == lost[0])
        warnings.warn(
            f"{folder}: {len(lost)} run(s) are there as single echoes only and are left out, the "
            f"first with {first}. Combine their echoes (fMRIPrep does), or list the echo to take "
            "in a table of scans.",
            BrainAgeWarning,
            stacklevel=4,
        )
    return [image for image in images if "echo" not in image.labels or len(forms[image.run]) == 1]


def _forms(images: Sequence[_Image]) -> list[str]:
    return sorted({image.form for image in images})


def _refuse_ambiguous(folder: Path, chosen: list[_Image]) -> None:
    seen: dict[tuple[str, ...], _Image] = {}
    for image in chosen:
        other = seen.setdefault(image.run, image)
        if other is not image:
            raise ScanError(f"{folder}: {_twice(other, image, _forms(chosen))}")


def _twice(one: _Image, other: _Image, forms: list[str]) -> str:
    apart = dict(set(one.labels.items()) ^ set(other.labels.items()))
    if not apart:
        return (
            f"{one.name} and {other.name} are one run twice (in {other.func}): remove or move one."
        )
    if set(apart) <= {"space", *_OF_SPACE}:
        return (
            f"one run in several forms: {one.name} and {other.name}. Spaces there: {forms}; choose "
            "one with paths.<cohort>.space (a resolution too, where it is listed: "
            f"{other.form})."
        )
    keys = ", ".join(sorted(apart))
    return (
        f"one run in several forms: {one.name} and {other.name} differ in {keys}. List the images "
        "to take in a table of scans."
    )


def _refuse_one_label(folder: Path, scans: list[Scan]) -> None:
    # 'acq-1_run-11' and 'acq-11_run-1' would be written to one file.
    seen: dict[tuple[str, ...], Scan] = {}
    for scan in scans:
        key = (scan.participant_id, scan.session_id, scan.task, scan.run)
        other = seen.setdefault(key, scan)
        if other is not scan:
            raise ScanError(
                f"{folder}: {other.bold.name} and {scan.bold.name} would both be run "
                f"'{scan.run}'. List the scans in a table, with runs of your own."
            )


def _scan(image: _Image) -> Scan:
    labels = image.labels
    return Scan(
        labels["sub"],
        labels.get("ses", NO_SESSION),
        run_label(labels, absent=NO_SESSION),
        labels.get("task", NO_SESSION),
        labels.get("space", NATIVE),
        image.path,
        # Confounds belong to the run in every space and resolution; a mask to one of them.
        confounds=_beside(image, _CONFOUNDS, needed=_OF_RUN),
        mask=_beside(image, _MASK, needed=(*_OF_RUN, "space", *_OF_SPACE)),
        sidecars=tuple(matching_sidecars(image.name, labels.get("task", NO_SESSION), image.levels)),
    )


def _beside(image: _Image, endings: tuple[str, ...], *, needed: tuple[str, ...]) -> Path | None:
    """Return the file whose name says nothing but what the image's says, the most particular.

    Its name has every label of the image under a `needed` key; others it may lack.
    """
    own = {part for part in parts_of(image.name) if not part.startswith("desc-")}
    must = {part for part in own if part.split("-", 1)[0] in needed}
    found = []
    for name in image.beside:
        if name.endswith(endings):
            parts = {part for part in parts_of(name) if not part.startswith("desc-")}
            if must <= parts <= own:
                ending = next(i for i, known in enumerate(endings) if name.endswith(known))
                found.append((-len(parts), ending, name))
    return Path(image.func, min(found)[2]) if found else None


def _func_folders(folder: Path) -> Iterator[tuple[_Listing, tuple[_Level, ...]]]:
    """Yield each func folder, and the sidecars in it and in the folders that it lies in."""
    try:
        of_dataset = _Listing.of(folder)
        for subject in of_dataset.folders("sub-"):
            of_subject = _Listing.of(subject)
            levels = (of_subject.level, of_dataset.level)
            yield from _func_of(of_subject, levels)
            # A person may have sessions and, from before there were any, a func beside them.
            for session in of_subject.folders("ses-"):
                of_session = _Listing.of(session)
                yield from _func_of(of_session, (of_session.level, *levels))
    except OSError as error:
        raise ScanError(f"{error.filename}: cannot be listed ({error.strerror}).") from error


def _func_of(
    listing: _Listing, above: tuple[_Level, ...]
) -> Iterator[tuple[_Listing, tuple[_Level, ...]]]:
    for path in listing.folders("func"):
        if os.path.basename(path) == "func":
            beside = _Listing.of(path)
            yield beside, (beside.level, *above)


@dataclass(frozen=True)
class _Listing:
    """What lies in a folder, asked for once; `level` is its path and its sidecars."""

    folder: str
    entries: tuple[os.DirEntry[str], ...]
    names: frozenset[str]
    level: _Level

    @classmethod
    def of(cls, folder: str | Path) -> _Listing:
        # macOS leaves ._NAME beside NAME on other file systems; it is no scan.
        with os.scandir(folder) as found:
            entries = tuple(entry for entry in found if not entry.name.startswith("."))
        names = frozenset(entry.name for entry in entries)
        return cls(str(folder), entries, names, (str(folder), by_first_part(names)))

    def folders(self, prefix: str) -> list[str]:
        # scandir tells folders from files without asking for each file's metadata; of links that
        # would not be so, and only those with the prefix are asked.
        return sorted(e.path for e in self.entries if e.name.startswith(prefix) and e.is_dir())
