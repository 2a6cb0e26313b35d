"""What the names of series files say: ``key-label`` parts, in BIDS and in near-BIDS.

Tools stretch BIDS (``desc-Mean-1``, ``seg-atlas-schaefer400``, ``sub-1_session_1``): a part is
what stands between underscores, its key what stands before the first hyphen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

#: Keys that say in which form a run is (space, parcels, cleaning), and not which run it is.
FORM_KEYS = frozenset(
    {
        "space",
        "res",
        "den",
        "atlas",
        "seg",
        "stat",
        "desc",
        "feature",
        "setting",
        "reg",
        "cohort",
    }
)
#: Keys that tell runs of one task apart; they become the one label that is kept.
RUN_KEYS = ("acq", "ce", "rec", "dir", "run")


def parts_of(name: str) -> tuple[str, ...]:
    """Return the ``key-label`` parts of a file name, without suffix and extension.

    Examples
    --------
    >>> parts_of("sub-01_task-rest_timeseries.tsv")
    ('sub-01', 'task-rest')
    """
    stem = name.rsplit(".", 1)[0]
    return tuple(part for part in stem.split("_") if "-" in part)


def labels_of(name: str) -> dict[str, str]:
    """Return key -> label of a file name's parts.

    Examples
    --------
    >>> labels_of("sub-01_ses-1y_task-rest_bold.nii.gz")
    {'sub': '01', 'ses': '1y', 'task': 'rest'}
    """
    return dict(part.split("-", 1) for part in parts_of(name))


def run_parts(name: str) -> tuple[str, ...]:
    """Return the parts that say which run a file is of, whatever its form."""
    return tuple(part for part in parts_of(name) if part.split("-", 1)[0] not in FORM_KEYS)


def run_label(labels: Mapping[str, str], *, absent: str) -> str:
    """Return the one label of a run: acquisition, direction and the like joined with its number.

    Examples
    --------
    >>> run_label({"dir": "AP", "run": "2"}, absent="n/a")
    'AP2'
    >>> run_label({}, absent="n/a")
    'n/a'
    """
    return "".join(labels[key] for key in RUN_KEYS if key in labels) or absent


def name_problem(name: str, folders: Sequence[str]) -> str | None:
    """Say why a name does not tell whose file it is, or None where it does.

    Parameters
    ----------
    name : str
        Of the file.
    folders : sequence of str
        Names of the folders that it lies in, below the dataset's own.

    Examples
    --------
    >>> name_problem("sub-01_task-rest_bold.nii.gz", ["sub-01", "func"]) is None
    True
    >>> name_problem("sub-01_task-rest_bold.nii.gz", ["sub-02", "func"]) is None
    False
    """
    labels = labels_of(name)
    keys = [part.split("-", 1)[0] for part in parts_of(name)]
    twice = [key for key in ("sub", "ses", "task", *RUN_KEYS) if keys.count(key) > 1]
    if twice:
        return f"the key {twice[0]} stands twice in its name"
    for folder in folders:
        key, _, label = folder.partition("-")
        if key in ("sub", "ses") and label and labels.get(key, label) != label:
            return f"its name and its folder {folder} say different things"
    return None


def same_run(run: str) -> str:
    """Return a run's label so that ``1`` and ``01`` are equal: BIDS' run is a whole number.

    Examples
    --------
    >>> same_run("1") == same_run("01")
    True
    """
    return run.lstrip("0") or "0" if run.isdigit() else run
