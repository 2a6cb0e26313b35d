"""A shell's script knows every verb."""

from __future__ import annotations

import pytest

from brainage.cli.completion import completion_script


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_learns_the_verbs(shell):
    script = completion_script(shell)
    for verb in ("extract", "train", "score", "compare", "report", "check", "sweep"):
        assert verb in script
