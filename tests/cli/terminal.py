"""A terminal for tests: runs a command in a pseudo-terminal and keeps what stays on its screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
from collections.abc import Callable
from multiprocessing import Process
from pathlib import Path

_CONTROL = re.compile(r"\x1b\[(\??)([\d;]*)([A-Za-z])|\x1b\][^\x07]*\x07")


class Terminal:
    """Lines of text that follow the control sequences a progress bar uses."""

    def __init__(self, width: int):
        self.width = width
        self.lines: list[list[str]] = [[]]
        self.row = self.column = 0

    def feed(self, text: str) -> None:
        at = 0
        while at < len(text):
            if found := _CONTROL.match(text, at):
                self._control(found)
                at = found.end()
                continue
            self._put(text[at])
            at += 1

    def text(self) -> list[str]:
        return ["".join(line).rstrip() for line in self.lines]

    def _put(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row += 1
            if self.row == len(self.lines):
                self.lines.append([])
        else:
            if self.column >= self.width:
                self._put("\n")
                self.column = 0
            line = self.lines[self.row]
            line.extend(" " * (self.column + 1 - len(line)))
            line[self.column] = character
            self.column += 1

    def _control(self, found: re.Match) -> None:
        kind, amount = found[3], int((found[2] or "1").split(";")[0])
        if kind == "A":
            self.row = max(0, self.row - amount)
        elif kind == "B":
            self.row = min(len(self.lines) - 1, self.row + amount)
        elif kind == "K":
            keep = [] if found[2] == "2" else self.lines[self.row][: self.column]
            self.lines[self.row] = keep
        elif kind == "J":
            del self.lines[self.row + 1 :]


def run_in_terminal(
    begin: Callable[..., Process],
    arguments: list[str],
    *,
    width: int,
    folder: Path,
    output_to: Path | None = None,
) -> tuple[int, list[str]]:
    """Run brainage in a terminal of this width; return its exit code and what the screen shows.

    With `output_to` standard output goes to that file, as with ``> log``; errors stay on the
    screen.
    """
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    name = os.ttyname(follower)
    out = name if output_to is None else str(output_to)
    streams, environment = {0: name, 1: out, 2: name}, {"TERM": "xterm-256color"}
    process = begin(arguments, folder, streams=streams, environment=environment)
    seen, ended = b"", False
    while True:
        if select.select([leader], [], [], 0.05)[0]:
            seen += os.read(leader, 65536)
        elif ended:
            break
        ended = not process.is_alive()
    os.close(follower)
    os.close(leader)
    terminal = Terminal(width)
    terminal.feed(seen.decode("utf-8", errors="replace"))
    process.join()
    return process.exitcode, terminal.text()
