"""From a command's flags to overrides and shares of the work."""

from __future__ import annotations

from argparse import Namespace

import pytest

from brainage.cli.studies import overrides_of, shard_of
from brainage.errors import ConfigError


def test_flags_of_a_command_are_overrides_behind_those_of_set():
    given = Namespace(overrides=["science.seed=1"], n_jobs=4, executor="dask", allow_partial=True)
    assert overrides_of(given) == [
        "science.seed=1",
        "run.n_jobs=4",
        "run.executor=dask",
        "run.allow_partial=true",
    ]
    assert overrides_of(Namespace(overrides=[])) == []


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0"])
def test_a_share_of_the_work_that_is_none_is_refused(text):
    with pytest.raises(ConfigError, match="expected K/N"):
        shard_of(text)


def test_a_share_of_the_work_is_two_numbers():
    assert shard_of("3/16") == (3, 16)
    assert shard_of(None) is None
