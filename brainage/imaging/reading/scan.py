"""One run and the files that belong to it."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

from brainage.tables import NO_SESSION


@dataclass(frozen=True, repr=False)
class Scan:
    """One run and the files that belong to it; nothing has been opened.

    Parameters
    ----------
    participant_id, session_id, run, task : str
        BIDS labels without prefixes, ``"n/a"`` where there is none.
    space : str or None
        BIDS space; None: unknown (a table of files).
    bold : Path
        The image.
    confounds, mask : Path or None
        Confounds table and brain mask.
    t_r_s : float or None, default=None
        Repetition time a table states; else it is resolved when the scan is opened.
    sidecars : tuple of Path or None, default=None
        JSON files that speak for the image, the most particular first, as they were when its folder
        was listed; None: they are looked for when they are needed.

    Examples
    --------
    >>> scan = ba.find_scans(derivatives)[0]
    >>> scan.participant_id, scan.space, scan.confounds.name
    ('R0001', 'MNI152NLin2009cAsym', 'sub-R0001_task-rest_desc-confounds_timeseries.tsv')
    """

    participant_id: str
    session_id: str
    run: str
    task: str
    space: str | None
    bold: Path
    confounds: Path | None
    mask: Path | None
    t_r_s: float | None = None
    sidecars: tuple[Path, ...] | None = None

    def __repr__(self) -> str:
        files = [self.bold.name]
        files += [] if self.confounds is None else [f"confounds {self.confounds.name}"]
        files += [] if self.mask is None else [f"mask {self.mask.name}"]
        return "\n  ".join([f"<Scan {self._labels()}", *files]) + ">"

    def _repr_html_(self) -> str:
        rows = {
            "scan": self._labels(),
            "image": self.bold,
            "confounds": self.confounds or "none",
            "mask": self.mask or "none",
        }
        cells = "".join(
            f"<tr><th>{key}</th><td>{html.escape(str(value))}</td></tr>"
            for key, value in rows.items()
        )
        return f"<table>{cells}</table>"

    def _labels(self) -> str:
        labels = {
            "sub": self.participant_id,
            "ses": self.session_id,
            "task": self.task,
            "run": self.run,
        }
        words = [f"{key}-{label}" for key, label in labels.items() if label != NO_SESSION]
        words.append(f"in {self.space or 'an unknown space'}")
        return " ".join(words)
