"""What an atlas file says of its parcels can be a table's columns, or it is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.errors import AtlasError
from brainage.imaging import AtlasOptions, Parcels, load_atlas
from brainage.imaging.reading.nifti import write_nifti

_AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])


@pytest.mark.parametrize("name", ["A\tx", 'A"x', "A\nx", "", " ", "A ", "A\x00", "A\u2028x"])
def test_a_name_that_no_table_can_hold_is_refused(name):
    with pytest.raises(AtlasError, match="it becomes a column of tables"):
        Parcels(("B", name))


@pytest.mark.parametrize("name", ["A $\\nope$", "a,b", "Größe", "7Networks_LH_Vis_1", "R's", "1"])
def test_any_other_name_stays_as_it_is(name):
    assert Parcels(("B", name)).names == ("B", name)


def test_names_twice_and_lists_of_other_lengths_are_refused():
    with pytest.raises(AtlasError, match="found 'a' twice"):
        Parcels(("a", "b", "a"))
    with pytest.raises(AtlasError, match="2 parcels, but 1 networks"):
        Parcels(("a", "b"), ("x",))


def test_a_bad_name_is_told_of_the_table_that_has_it(tmp_path):
    labels = np.ones((4, 4, 4))
    labels[2:] = 2
    write_nifti(tmp_path / "a.nii.gz", labels, _AFFINE)
    (tmp_path / "names.txt").write_text('"Precentral_L\nPrecentral_R\n')
    options = AtlasOptions(path=str(tmp_path / "a.nii.gz"), labels=str(tmp_path / "names.txt"))
    with pytest.raises(AtlasError, match=r"names\.txt: parcel"):
        load_atlas(options)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1e300\t0\t0\t5", "line 2: a coordinate is beyond 1000 mm"),
        ("0\t0\t0\t500", "line 2: expected a radius above 0 mm, and at most 100 mm"),
        ("0\t0\t0\t-5", "line 2: expected a radius above 0 mm"),
    ],
)
def test_a_sphere_that_no_head_holds_is_refused_with_its_line(tmp_path, row, words):
    (tmp_path / "c.tsv").write_text(f"x\ty\tz\tradius_mm\n{row}\n")
    with pytest.raises(AtlasError, match=words):
        load_atlas(AtlasOptions(path=str(tmp_path / "c.tsv")))
