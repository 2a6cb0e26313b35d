"""An own atlas is called by its file's name, never by the default's."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from brainage.imaging import AtlasOptions


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("made.nii.gz", "made"),
        ("/a/b.c/Sch_400.dlabel.nii", "Sch_400"),
        ("x.ptseries.nii", "x"),
        ("centres.tsv", "centres"),
        ("v1.2.nii", "v1.2"),
        ("C:\\data\\Own.NII", "Own"),
    ],
)
def test_a_file_without_a_name_is_called_by_its_stem(path, name):
    assert AtlasOptions(path=path).name == name
    # A preset that the study extends may have named the default.
    assert AtlasOptions(path=path, name="seitzman300").name == name
    assert AtlasOptions(path=path, name="mine").name == "mine"


def test_a_known_atlas_keeps_its_name():
    assert AtlasOptions().name == "seitzman300"
    assert AtlasOptions(name="power264").name == "power264"


@pytest.mark.parametrize("choices", [{"name": ""}, {"name": "--"}, {"path": "--.nii"}])
def test_a_name_that_cannot_stand_in_a_file_name_is_refused(choices):
    with pytest.raises(ValidationError, match="a name with a letter or digit"):
        AtlasOptions(**choices)
