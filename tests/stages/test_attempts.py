"""A scan that kills its process is one row: whoever runs it, and on every rerun."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from brainage.config import load_study
from brainage.imaging import write_nifti
from brainage.stages.attempts import (
    ATTEMPTS,
    attempt,
    attempts_of,
    begun,
    give_another_try,
    is_at_work,
)
from brainage.stages.extract import collect_cohort, extract_cohort

_AFFINE = np.diag([10.0, 10.0, 10.0, 1.0])
_LABELS = ("01", "n/a", "n/a", "n/a")


def test_a_block_that_ends_leaves_no_mark_and_neither_does_an_exception(tmp_path):
    with attempt(tmp_path, _LABELS):
        assert begun(tmp_path) == {"sub-01"}
        # This process is at it, and alive.
        assert attempts_of(tmp_path, _LABELS) == 0
        assert is_at_work(tmp_path, _LABELS)
    with pytest.raises(ZeroDivisionError), attempt(tmp_path, _LABELS):
        raise ZeroDivisionError
    assert begun(tmp_path) == set()


def test_every_kill_counts(tmp_path):
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from brainage.stages.attempts import attempt\n"
        "with attempt(Path(sys.argv[1]), ('01', 'n/a', 'n/a', 'n/a')):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    for n in (1, 2):
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
        assert attempts_of(tmp_path, _LABELS) == n
    assert not is_at_work(tmp_path, _LABELS)
    # The next command gives it one more try, whoever ended those before.
    give_another_try(tmp_path)
    assert attempts_of(tmp_path, _LABELS) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"attempts": "many"}'])
def test_a_mark_cut_short_by_the_kill_counts_as_one(tmp_path, text):
    (tmp_path / ATTEMPTS).mkdir()
    (tmp_path / ATTEMPTS / "sub-01").write_text(text)
    assert attempts_of(tmp_path, _LABELS) == (0 if text == "[]" else 1)


@pytest.fixture
def batch(tmp_path):
    """A study of four small images."""
    rng, rows = np.random.default_rng(0), []
    write_nifti(tmp_path / "atlas.nii.gz", np.arange(125).reshape(5, 5, 5) % 21, _AFFINE)
    for i in range(4):
        data = 1000 + 50 * rng.standard_normal((5, 5, 5, 60))
        write_nifti(tmp_path / f"s{i}.nii.gz", data, _AFFINE, t_r_s=2.0)
        np.savetxt(tmp_path / f"s{i}.par", 0.001 * rng.standard_normal((60, 6)))
        rows.append((f"s{i}.nii.gz", f"{i}", f"s{i}.par"))
    names = ["path", "participant_id", "confounds"]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "scans.tsv", sep="\t", index=False)
    (tmp_path / "study.yaml").write_text(
        "extends: fisher_z_ridge\n"
        "paths: {output: out, reference: {scans: scans.tsv}}\nrun: {n_jobs: 1}\nscience:\n"
        "  atlas: {name: toy, path: atlas.nii.gz}\n  exclusion: {min_retained_s: 60.0}\n"
    )
    return tmp_path


def test_what_was_not_extracted_is_missing_and_no_stage_passes_it_for_whole(batch, capsys):
    from brainage.cli import BAD_INPUT, main

    study = load_study(batch / "study.yaml")
    extract_cohort(study, "reference", shard=(1, 2))
    collect_cohort(study, "reference")
    assert main(["train", str(batch / "study.yaml")]) == BAD_INPUT
    assert "2 of 4 scans are extracted; 2 are not yet" in capsys.readouterr().err
