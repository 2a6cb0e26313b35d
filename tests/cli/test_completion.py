"""Completion in shells that are really started; where one is absent its tests say so."""

from __future__ import annotations

import functools
import os
import pty
import re
import select
import shutil
import subprocess
import time
import warnings

import pytest

from brainage.cli import completion
from brainage.imaging import list_atlases

script_of = functools.cache(completion.completion_script)
#: What a person typed before the tabulator, and what stands there after it.
TYPED = [
    ("brainage tra", "brainage train"),
    ("brainage extract study.yaml --coh", "brainage extract study.yaml --cohort"),
    ("brainage extract study.yaml --cohort tr", "brainage extract study.yaml --cohort trial"),
    ("brainage init --preset levakov", "brainage init --preset levakov2023"),
    ("brainage run levakov", "brainage run levakov2023"),
    ("brainage run x --set science.atlas.na", "brainage run x --set science.atlas.name="),
    (
        "brainage run x --set science.atlas.name=sei",
        "brainage run x --set science.atlas.name=seitzman300",
    ),
    ("brainage clock show lem", "brainage clock show lemon_schaefer200"),
]
_START = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        "PS1='ready> '; bind 'set bell-style none'\n",
    ),
    "zsh": (["zsh", "-f", "-i"], "PS1='ready> '; autoload -Uz compinit; compinit -u -D\n"),
}


def started(shell: str) -> str:
    """Return the shell's path, or skip out loud."""
    path = shutil.which(shell)
    if path is None:
        words = f"COMPLETION TESTS DID NOT RUN: no {shell} on the PATH (apt-get install {shell})"
        warnings.warn(words, stacklevel=1)
        pytest.skip(words)
    return path


@pytest.fixture(scope="module", params=["bash", "zsh"])
def typing(request, tmp_path_factory):
    """A shell with our completion in a terminal; give it a line, get what the tabulator makes."""
    started(request.param)
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "completion").write_text(script_of(request.param))
    command, first = _START[request.param]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TERM": "dumb",
        "COLUMNS": "500",
    }
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe(command[0], command, environment)
    # In the place of the command one that says what it was given, after the tabulator.
    said = 'brainage() { echo "given[$*]"; }'
    os.write(terminal, f"{first}{said}; source {folder}/completion; echo is-$((6*7))\n".encode())
    _until(terminal, "is-42")

    def complete(line: str) -> str:
        os.write(terminal, line.encode() + b"\t\n")
        return (
            "brainage " + _until(terminal, "given[", "]").rpartition("given[")[2].partition("]")[0]
        )

    yield complete
    os.write(terminal, b"\x03exit\n")
    os.close(terminal)
    os.waitpid(pid, 0)


def _until(terminal: int, *words: str) -> str:
    """Read until these words came one after the other; a busy machine is slow, not wrong."""
    seen, end = "", time.monotonic() + 60
    while not re.search(".*".join(map(re.escape, words)), seen, re.DOTALL):
        if not select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
            raise AssertionError(f"no {words} within a minute, but: {seen!r}")
        seen += os.read(terminal, 65536).decode("utf-8", errors="replace")
    return seen


@pytest.mark.parametrize(("typed", "completed"), TYPED)
def test_the_tabulator_completes_verbs_flags_presets_keys_and_atlases(typing, typed, completed):
    assert typing(typed) == completed


@pytest.mark.parametrize(("typed", "completed"), TYPED)
def test_fish_offers_verbs_flags_presets_keys_and_atlases(tmp_path, typed, completed):
    script = tmp_path / "brainage.fish"
    script.write_text(script_of("fish"))
    asked = f"source {script}; complete -C '{typed}'"
    told = subprocess.run(
        [started("fish"), "--no-config", "-c", asked],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert completed.split(" ")[-1] in told.stdout.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_learns_the_verbs_and_the_atlases(shell):
    script = script_of(shell)
    for word in ("extract", "train", "score", "compare", "report", "check", *list_atlases()):
        assert word in script
