"""Motion parameters in one form, and displacement as its authors define it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.errors import ScanError
from brainage.imaging.cleaning.motion import (
    MOTION_COLUMNS,
    complete_motion,
    framewise_displacement,
    framewise_displacement_of,
    read_confounds_table,
)


def test_a_rotation_counts_as_its_arc_on_a_sphere_of_50_mm():
    motion = np.zeros((3, 6))
    motion[1, 0], motion[2, 3] = 0.2, 0.01
    found = framewise_displacement(motion)
    assert np.isnan(found[0])
    # 0.2 mm there; back by 0.2 mm, and 0.01 rad x 50 mm.
    np.testing.assert_allclose(found[1:], [0.2, 0.7], rtol=1e-12)


@pytest.mark.parametrize(
    ("order", "columns", "unit"),
    [
        ("spm", [0, 1, 2, 3, 4, 5], 1.0),
        ("fsl", [3, 4, 5, 0, 1, 2], 1.0),
        ("afni", [5, 3, 4, 2, 0, 1], 180 / np.pi),
    ],
)
def test_six_bare_columns_are_read_in_the_maker_s_order_and_units(tmp_path, order, columns, unit):
    motion = np.random.default_rng(0).normal(size=(9, 6))
    stored = np.empty_like(motion)
    if order == "afni":
        # roll (z), pitch (x), yaw (y), dS (z), dL (x), dP (y).
        stored = motion[:, [5, 3, 4, 2, 0, 1]].copy()
        stored[:, :3] *= unit
    else:
        stored = motion[:, columns]
    np.savetxt(tmp_path / "m.txt", stored)
    found = read_confounds_table(tmp_path / "m.txt", motion_order=order)
    assert tuple(found.columns) == MOTION_COLUMNS
    np.testing.assert_allclose(found.to_numpy(), motion, rtol=1e-9)


def test_an_order_that_nobody_states_is_not_guessed(tmp_path):
    np.savetxt(tmp_path / "m.txt", np.zeros((5, 6)))
    with pytest.raises(ScanError, match="state whose order it is"):
        read_confounds_table(tmp_path / "m.txt")


def test_what_a_table_has_is_kept_and_what_it_lacks_is_derived():
    table = pd.DataFrame(np.arange(24.0).reshape(4, 6) ** 2, columns=list(MOTION_COLUMNS))
    table["trans_x_power2"] = -1.0
    whole = complete_motion(table)
    assert (whole["trans_x_power2"] == -1.0).all()
    np.testing.assert_allclose(whole["rot_z_derivative1"][1:], np.diff(table["rot_z"]))
    assert complete_motion(whole) is whole


def test_a_displacement_that_is_no_number_after_the_first_is_refused(tmp_path):
    table = pd.DataFrame({"framewise_displacement": [np.nan, 0.1, np.nan]})
    with pytest.raises(ScanError, match="of volume 2"):
        framewise_displacement_of(table, tmp_path / "c.tsv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("csf\ttrans_x\n1\t2\t3\n4\t5\t6\n", "line 2 has 3 cells, the header 2"),
        ("csf\ttrans_x\n1\t2\n4\n", "line 3 has 1 cells, the header 2"),
        ("csf\ttrans_x\tcsf\n1\t2\t3\n", "the header has 'csf' twice"),
        ("csf trans_x\n1 2\n4 5 6\n", "line 3 has 3 cells, the header 2"),
    ],
)
def test_no_value_moves_by_one_column_and_no_name_stands_twice(tmp_path, text, said):
    path = tmp_path / ("c.tsv" if "\t" in text else "c.txt")
    path.write_text(text)
    with pytest.raises(ScanError, match=said):
        read_confounds_table(path)
