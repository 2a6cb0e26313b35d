"""The wheel carries everything: installed alone, from another folder, it does the main job."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from email import message_from_string
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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
    build = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        folder / "dist",
    ]
    subprocess.run([*build, PROJECT], check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "env", with_pip=False)
    bin_folder = folder / "env" / "bin"
    pip = [sys.executable, "-m", "pip", "--python", bin_folder / "python"]
    offline = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *offline, wheel], check=True, capture_output=True)
    (packages,) = (folder / "env" / "lib").glob("python*/site-packages")
    for needed in needs_of(next(packages.glob("brainage-*.dist-info")) / "METADATA"):
        lend(needed, packages)
    subprocess.run([*pip, "check"], check=True)
    return bin_folder


def needs_of(metadata):
    """Return the distributions that a package asks for, and theirs, as they lie installed here."""
    asked = message_from_string(metadata.read_text()).get_all("Requires-Dist")
    found = {}
    while asked:
        requirement = Requirement(asked.pop())
        name = canonicalize_name(requirement.name)
        if name in found or not (
            requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        ):
            continue
        found[name] = distribution(requirement.name)
        asked += found[name].requires or []
    return found.values()


def lend(needed, packages):
    """Link a distribution's own files and folders, and nothing else, into an environment."""
    for name in {path.parts[0] for path in needed.files} - {"..", "__pycache__"}:
        if not (packages / name).exists():
            (packages / name).symlink_to(needed.locate_file(name))


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
    done = run(installed, "demo", "--tiny", "--n-jobs", "1", "--output", "here", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "here" / "report" / "report.html").is_file()
    figures = tmp_path / "here" / "report" / "figures"
    assert {path.suffix for path in figures.iterdir()} == {".svg", ".png", ".pdf"}
