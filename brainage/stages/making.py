"""One stage folder, made once: its key, whether it is current, its writing and its manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brainage.errors import StageError
from brainage.files import remove_leftovers
from brainage.stages.manifest import MANIFEST, is_current, stage_key, write_manifest


@dataclass(frozen=True)
class Making:
    """What decides whether a stage folder has to be made, and how it is finished.

    Parameters
    ----------
    folder : Path
        The stage's folder; ``manifest.json`` in it is written last.
    stage : str
        Its name in the manifest.
    options : JSON-able
        Every choice that enters the key.
    inputs : mapping of str to str
        Input -> hash.
    verb : str or None, default=None
        The command that makes the folder, for messages; None: the stage's name.
    """

    folder: Path
    stage: str
    options: Any
    inputs: Mapping[str, str] = field(default_factory=dict)
    verb: str | None = None

    @property
    def key(self) -> str:
        """Hash of stage, version, options and inputs."""
        return stage_key(self.stage, self.options, self.inputs)

    def is_current(self) -> bool:
        """Return whether the folder holds just this; StageError where a file was changed."""
        return is_current(self.folder, self.key)

    def make(self, write: Callable[[], Iterable[Path]], *, overwrite: bool = False) -> bool:
        """Write the folder where it is not current; return whether it was made now.

        Parameters
        ----------
        write : callable
            Computes and writes; returns the files of the folder. Called at most once.
        overwrite : bool, default=False
            Make it although it is current.

        Returns
        -------
        made_now : bool

        Raises
        ------
        StageError
            The folder cannot be written, or holds a file that was changed since.
        """
        if not overwrite and self.is_current():
            return False
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # Temporaries of killed writers are nobody's output.
            remove_leftovers(self.folder)
            # Without its manifest a half-replaced folder cannot be taken for the finished one.
            (self.folder / MANIFEST).unlink(missing_ok=True)
        except OSError as error:
            raise StageError(
                f"{self.folder}: cannot be written ({error.strerror or error}). Mend its rights, "
                "or choose another paths.output."
            ) from error
        written = list(write())
        write_manifest(
            self.folder,
            stage=self.stage,
            key=self.key,
            options=self.options,
            inputs=self.inputs,
            outputs=written,
            verb=self.verb,
        )
        return True
