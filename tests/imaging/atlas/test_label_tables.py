"""Label tables as their makers write them, without guessing which column is which."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.errors import AtlasError
from brainage.imaging.atlas.label_tables import read_label_table, split_name

_ITK = """################################################
# ITK-SnAP Label Description File
    0     0    0    0        0  0  0    "Clear Label"
    1   255    0    0        1  1  1    "Left Amygdala"
    2     0  255    0     0.50  1  1    "Right, Amygdala"
    9     0  255    0        1  1  1    "Elsewhere"
"""


@pytest.mark.parametrize(
    ("text", "values", "names"),
    [
        ("FAG\tPre_L\t2001\nFAD\tPre_R\t2002\n", [2001, 2002], ["Pre_L", "Pre_R"]),
        ("1 Pre_L 1\n2 Pre_R 2\n", [1, 2], ["Pre_L", "Pre_R"]),
        ("1\tPre_L\t1\n2\tPre_R\t2\n", [1, 2], ["Pre_L", "Pre_R"]),
        ("2 Left-WM 245 245 245 0 1\n41 Right-WM 0 225 0 0 1\n", [2, 41], ["Left-WM", "Right-WM"]),
        ("2 Left-WM 245 245 245 0\n41 Right-WM 0 225 0 0\n", [2, 41], ["Left-WM", "Right-WM"]),
        ("2 Left-WM 245 245 245\n41 Right-WM 0 225 0\n", [2, 41], ["Left-WM", "Right-WM"]),
        ('"Pre_L"\n"Pre_R"\n', [1, 2], ["Pre_L", "Pre_R"]),
        ("'Pre L'\n'Pre R'\n", [1, 2], ["Pre L", "Pre R"]),
        ('1 "Pre L"\n2 "Pre R"\n', [1, 2], ["Pre L", "Pre R"]),
        ('1,"Pre, L"\n2,"Pre, R"\n', [1, 2], ["Pre, L", "Pre, R"]),
        ("name;1\nother;2\n", [1, 2], ["name", "other"]),
        (_ITK, [1, 2], ["Left Amygdala", "Right, Amygdala"]),
    ],
)
def test_a_maker_s_own_layout_is_read(tmp_path, text, values, names):
    path = tmp_path / "labels.txt"
    path.write_text(text)
    table = read_label_table(path, np.array(values))
    assert table["value"].tolist() == values
    assert table["name"].tolist() == names


def test_a_seven_column_colour_table_leaves_out_what_the_image_lacks(tmp_path):
    path = tmp_path / "lut.txt"
    path.write_text(
        "#No. Label R G B A TT\n0 Unknown 0 0 0 0 0\n2 Left-WM 1 1 1 0 1\n4 Other 1 1 1 0 2\n"
    )
    table = read_label_table(path, np.array([2]))
    assert table["name"].tolist() == ["Left-WM"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.tsv", 'index\tname\n1\t"A\n2\tB\n3\tC\n', "a quotation mark is opened and not closed"),
        ("a.txt", "a\tb\tc\t1\nd\te\tf\t2\n", "nobody knows which are the values"),
        ("a.txt", "a\tb\nc\td\n", "nobody knows which are the values"),
        ("a.txt", "a\t1\t2\nb\t2\t1\n", "nobody knows which are the values"),
        ("a.txt", "a\t1\nb\t2\nc\n", "expected 2 names"),
    ],
)
def test_columns_that_cannot_be_told_apart_are_not_guessed(tmp_path, name, text, words):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(AtlasError, match=words):
        read_label_table(path, np.array([1, 2, 3]) if "index" in text else np.array([1, 2]))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("7Networks_LH_Vis_1", ("Vis", "L")),
        ("Precentral_R", (None, "R")),
        ("HIP-rh", (None, "R")),
        ("Left-Caudate", (None, "L")),
        ("Vermis", (None, None)),
    ],
)
def test_network_and_side_come_from_the_name(name, parts):
    assert split_name(name) == parts
