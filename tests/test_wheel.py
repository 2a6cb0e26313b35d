"""The wheel carries everything: installed alone, from another folder, it does the main job."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
VERBS = (
    "init",
    "demo",
    "check",
    "extract",
    "train",
    "score",
    "compare",
    "report",
    "run",
    "sweep",
    "power",
    "clock",
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Bin folder of an environment that holds nothing but the built wheel and what it needs."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder / "dist"), str(PROJECT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "env", with_pip=True)
    bin_folder = folder / "env" / "bin"
    pip = [bin_folder / "python", "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    return bin_folder


def run(installed, *arguments, cwd):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        [installed / "brainage", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_every_verb_helps_and_the_tiny_demo_runs_from_another_folder(installed, tmp_path):
    for verb in VERBS:
        told = run(installed, verb, "--help", cwd=tmp_path)
        assert told.returncode == 0, told.stderr
        assert f"brainage {verb}" in told.stdout
    done = run(installed, "demo", "--tiny", "--output", "here", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "here" / "report" / "report.html").is_file()
    figures = tmp_path / "here" / "report" / "figures"
    assert {path.suffix for path in figures.iterdir()} == {".svg", ".png", ".pdf"}
