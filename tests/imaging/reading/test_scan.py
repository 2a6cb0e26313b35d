"""A scan shows itself in a few lines, whatever its paths."""

from __future__ import annotations

from pathlib import Path

from brainage.imaging import Scan


def test_repr_is_short_lines_with_ids_space_and_files():
    deep = Path("/", *["a folder"] * 40)
    scan = Scan("01", "2y", "n/a", "rest", "M", deep / "b.nii.gz", deep / "c.tsv", None)
    expected = "<Scan sub-01 ses-2y task-rest in M\n  b.nii.gz\n  confounds c.tsv>"
    assert repr(scan) == expected


def test_html_names_every_file_and_escapes_it():
    scan = Scan("01", "n/a", "n/a", "n/a", None, Path("<b>.nii"), None, None)
    page = scan._repr_html_()
    assert "&lt;b&gt;.nii" in page
    assert "in an unknown space" in page
    assert "<b>" not in page
