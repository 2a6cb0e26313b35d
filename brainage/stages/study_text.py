"""A commented study file from what a folder, a clock or a table of scores tells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from brainage.clock import BrainClock, packaged_clocks
from brainage.config import DEFAULT, DEFAULT_OF_MATRICES, extends_line
from brainage.errors import BrainAgeError
from brainage.stages.describe import CONTROL, Arms, Folder, find_arms, visits_of
from brainage.tables import read_text_table


def study_text(
    *,
    preset: str | None = None,
    base: Path,
    trial: Folder | None = None,
    reference: Folder | None = None,
    clock: Path | None = None,
    scores: Path | None = None,
) -> tuple[str, list[str]]:
    """Write a commented study file from what was found.

    Parameters
    ----------
    preset : str or None, default=None
        What it extends. None: the default; of matrices what they have of it; with a clock the
        preset that cleans as its views need; with scores, where nothing is trained, none.
    base : Path
        Folder the file will lie in: paths are written relative to it where they are below it.
    trial, reference : Folder or None
        From `describe_folder`.
    clock : Path or None
        A clock trained elsewhere; then nothing is trained.
    scores : Path or None
        A table of scores made elsewhere.

    Returns
    -------
    text : str
        YAML.
    to_do : list of str
        What nobody can know but the person: to be told, and marked CHANGE in the text.
    """
    to_do: list[str] = []
    where = _Relative(base)
    lent = None if clock is None else BrainClock.load(clock)
    if preset is None and scores is None:
        preset = _preset([trial, reference], lent)
    lines = [
        "# yaml-language-server: $schema=study.schema.json",
        "# Written by `brainage init` from what it found. Look at every line marked CHANGE.",
        *_extends(preset, trains=lent is None and scores is None),
        "title: my study",
        "",
        "paths:                            # relative to this file",
        "  output: out",
    ]
    if reference is not None:
        lines += _cohort("reference", reference, where, to_do, n_parcels=None)
    if trial is not None:
        n_parcels = None if lent is None else lent.specs[0].n_parcels
        lines += _cohort("trial", trial, where, to_do, n_parcels=n_parcels)
    if clock is not None:
        packaged = {Path(path): name for name, path in packaged_clocks().items()}
        lines.append(f"  clock: {_text(packaged.get(clock) or where(clock))}")
    elif trial is not None and reference is None:
        lines += [
            "  # CHANGE: healthy people to train a clock on, or the file of a clock:",
            "  # reference: {scans: derivatives, participants: participants.tsv}",
            "  # clock: reference.clock",
        ]
        to_do.append("paths.reference or paths.clock: whom to train on, or a clock to score with")
    if scores is not None:
        lines.append(f"  scores: {_text(where(scores))}")
    arms, visits = Arms(), []
    if scores is not None or trial is not None:
        arms = find_arms(scores.parent if scores is not None else None, trial)
        visits = visits_of(trial, scores)
        if arms.table is not None and arms.column is not None:
            lines.append(f"  allocation: {_text(where(arms.table))}")
            if arms.column != "arm":
                lines.append(f"  allocation_columns: {{arm: {_text(arms.column)}}}")
        elif len(visits) > 1:
            lines.append("  allocation: allocation.tsv   # CHANGE: participant_id, arm, strata")
            to_do.append("paths.allocation: the table that says who was randomised to which arm")
    lines += ["", "run:", "  n_jobs: 2", "", "science:"]
    lines += _science(trial or reference, lent, preset)
    if len(visits) > 1:
        lines += _trial_lines(arms, visits, to_do)
    elif lines[-1] == "science:":
        lines[-1] = "science: {}"
    return "\n".join(lines) + "\n", to_do


def _preset(folders: Sequence[Folder | None], clock: BrainClock | None) -> str:
    if clock is not None:
        # Only series in the scanner's units hold the amplitude that the default's cleaning keeps.
        amplitude = any(view.kind == "amplitude" for view in clock.specs)
        return DEFAULT if amplitude else "fisher_z_ridge"
    of_matrices = any(folder is not None and folder.holds == "matrices" for folder in folders)
    return DEFAULT_OF_MATRICES if of_matrices else DEFAULT


_ORDER = "   # control first; put the others in rising dose"


class _Relative:
    """A path as the study file names it."""

    def __init__(self, base: Path):
        self._base = base.resolve()

    def __call__(self, path: Path) -> str:
        path = Path(path).resolve()
        return str(path.relative_to(self._base)) if path.is_relative_to(self._base) else str(path)


def _cohort(
    name: str, folder: Folder, where: _Relative, to_do: list[str], *, n_parcels: int | None
) -> list[str]:
    lines = [f"  {name}:", f"    {folder.holds}: {_text(where(folder.path))}"]
    n, m = len(folder.participants), sum(folder.participants.values())
    lines[-1] += f"   # {m} files of {n} participants"
    for key, counter in (("space", folder.spaces), ("task", folder.tasks)):
        if len(counter) > 1:
            chosen, others = _most(counter)
            lines.append(f"    {key}: {_text(chosen)}   # CHANGE if you like: also {others}")
    lines += _atlas(folder, n_parcels) if folder.holds != "scans" else []
    for table in ("participants", "sessions"):
        if table in folder.tables:
            lines.append(f"    {table}: {_text(where(folder.tables[table]))}")
    if "participants" not in folder.tables:
        lines.append(
            "    participants: participants.tsv   # CHANGE: participant_id, age, sex, site"
        )
        to_do.append(f"paths.{name}.participants: the table with participant_id and age")
    else:
        lines += _columns(folder.tables["participants"])
    if "sessions" not in folder.tables and len(folder.sessions) > 1:
        lines.append(
            "    # sessions: sessions.tsv   # CHANGE: participant_id, session_id, age there"
        )
        to_do.append(f"paths.{name}.sessions: the age at each scan, where no table has it yet")
    return lines


def _atlas(folder: Folder, n_parcels: int | None) -> list[str]:
    """Return the choice among several atlases, and among several forms of one run.

    A clock has its number of parcels; an atlas with that number in its name comes first.
    """
    fits = {
        name: n
        for name, n in folder.atlases.items()
        if re.search(rf"(?<!\d){n_parcels}(?!\d)", name)
    }
    chosen = next(iter(fits), None) or (_most(folder.atlases)[0] if folder.atlases else "")
    atlas, also = chosen, ", ".join(sorted(name for name in folder.atlases if name != chosen))
    if len(folder.forms) > 1 and atlas:
        form, others = _most(folder.forms)
        also = ", ".join(filter(None, (also, others)))
        atlas = f"{atlas}:{form}"
    elif len(folder.atlases) < 2:
        return []
    return [f"    atlas: {_text(atlas)}   # CHANGE if you like: also {also}"]


def _columns(table: Path) -> list[str]:
    """Return what a person should know of a table's columns, as comments."""
    try:
        frame = read_text_table(table)
    except BrainAgeError:
        return []
    said = [f"    # its columns: {', '.join(map(str, frame.columns))}"]
    if "site" in frame:
        counts = frame["site"].value_counts()
        said.append("    # sites: " + ", ".join(f"{site} ({n})" for site, n in counts.items()))
    return [_one_line(line) for line in said]


def _extends(preset: str | None, *, trains: bool) -> list[str]:
    if preset is None:
        return []
    return [extends_line(preset) if trains else f"extends: {preset}"]


def _science(folder: Folder | None, clock: BrainClock | None, preset: str | None) -> list[str]:
    images = folder is not None and folder.holds == "scans"
    if clock is None:
        return ["  atlas: {name: seitzman300}", "  cleaning: {strategy: 24P}"] if images else []
    spec = clock.specs[0]
    lines = [
        _one_line(f"  # the clock: {clock.card().get('trained on', '')}"),
        _one_line(f"  # its atlas: {spec.atlas}; its cleaning: {clock.facts['cleaning']}"),
    ]
    if images:
        lines.append(f"  atlas: {{name: {_text(spec.atlas)}}}")
    kinds = ", ".join(view.kind for view in clock.specs)
    stacked = "estimator: stacked, " if len(clock.specs) > 1 else ""
    # The default's strong views need not be among this clock's.
    without = ", strong_views: []" if preset is None or preset.startswith(DEFAULT) else ""
    lines.append(f"  connectivity: {{kinds: [{kinds}]}}")
    lines.append(f"  clock: {{{stacked}views: [{kinds}]{without}}}")
    return lines


def _trial_lines(
    arms: Arms, visits: Sequence[tuple[str, float | None]], to_do: list[str]
) -> list[str]:
    names = arms.names or ("CONTROL", "TREATED")
    mark = "" if arms.names else "   # CHANGE"
    if not arms.names:
        to_do.append("science.trial.arms: the arms, control first")
    if any(years is None for _, years in visits):
        to_do.append("science.trial.visits: nominal_years, the planned time since baseline")
    if arms.names and not CONTROL.match(names[0]):
        mark = "   # CHANGE: is the first the control?"
        to_do.append(f"science.trial.control_arm: is '{names[0]}' the control?")
    listed = ", ".join(_text(name) for name in names)
    lines = [
        "  trial:",
        f"    arms: [{listed}]{mark}"
        + ("" if mark else "   # control first; put the others in rising dose"),
        f"    control_arm: {_text(names[0])}",
        "    visits:",
    ]
    for i, (session, years) in enumerate(visits):
        shown = f"{years:g}" if years is not None else f"{i}"
        label = "baseline" if i == 0 else session
        change = "" if years is not None else "   # CHANGE"
        lines.append(
            f"      - {{label: {_text(label)}, session_id: {_text(session)}, "
            f"nominal_years: {shown}}}{change}"
        )
    lines += [
        f"    primary_visit: {_text(visits[-1][0])}   # the last; CHANGE to the one you planned",
        f"    primary_arm: {_text(names[-1])}",
        "    strata: []                    # columns of the allocation table",
    ]
    to_do.append("science.trial.primary_visit and primary_arm: as your protocol has them")
    return lines


def _most(counter: Counter) -> tuple[str, str]:
    # The task of a resting-state study, and a standard space: an atlas lies in one.
    def rank(name: str) -> tuple[bool, int, str]:
        return not re.match(r"(?i)rest|MNI", name), -counter[name], name

    chosen, *rest = sorted(counter, key=rank)
    return chosen, ", ".join(rest)


def _text(value: str) -> str:
    """Return a value as YAML reads it back as text, whatever it looks like."""
    if re.fullmatch(r"[A-Za-z_./][A-Za-z0-9_./+-]*", value) and value.lower() not in (
        "yes",
        "no",
        "true",
        "false",
        "on",
        "off",
        "null",
        "y",
        "n",
    ):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text)
