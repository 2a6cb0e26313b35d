"""How a study runs changes no number, and refuses what no machine has."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from brainage.config import RunSection


@pytest.mark.parametrize(
    "values",
    [{"n_jobs": 0}, {"executor": "pbs"}, {"slurm": {"shards": 0}}, {"dask": {"workers": 0}}],
)
def test_what_cannot_be_run_is_refused(values):
    with pytest.raises(ValidationError):
        RunSection.model_validate(values)


def test_two_processes_here_are_the_default():
    run = RunSection()
    assert (run.n_jobs, run.executor, run.allow_partial) == (2, "local", False)
