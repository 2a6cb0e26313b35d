"""How long work tells how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called after each finished piece of work; the command line draws the bar."""

    def __call__(self, done: int, total: int, label: str) -> None:
        """Say that `done` of `total` pieces of the work called `label` are finished."""


def silent(done: int, total: int, label: str) -> None:
    """Say nothing: the default of every function that takes a `progress`."""


class Tell(Protocol):
    """Called with a sentence that whoever started the work wants to read."""

    def __call__(self, text: str) -> None:
        """Say it."""


def tell_nobody(text: str) -> None:
    """Say nothing: the default of every function that takes a `tell`."""
