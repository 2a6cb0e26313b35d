"""``import brainage`` and ``--help`` load nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import brainage

HEAVY = ("nilearn", "sklearn", "pandas", "nibabel", "matplotlib", "scipy", "pydantic", "rich")


def modules_after(code: str) -> set[str]:
    listing = subprocess.run(
        [sys.executable, "-c", code + "\nimport sys; print(' '.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return set(listing.split())


def test_importing_brainage_imports_no_heavy_library():
    assert not modules_after("import brainage") & set(HEAVY)


def test_help_imports_no_heavy_library():
    code = (
        "import contextlib, io\nfrom brainage.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main(['--help'])"
    )
    assert not modules_after(code) & set(HEAVY)


def test_every_public_name_can_be_imported():
    for name in brainage.__all__:
        assert getattr(brainage, name) is not None


def test_an_unknown_public_name_is_an_attribute_error():
    assert not hasattr(brainage, "brain_age")
