"""SIGTERM ends a command as Ctrl-C does, and what was there before is there again."""

from __future__ import annotations

import signal

import pytest

from brainage.cli.termination import Terminated, terminable


def test_sigterm_within_the_block_is_raised_and_the_handler_is_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), terminable():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
