"""The shift of a part of a scan: read between the shares that were measured, never beyond."""

import numpy as np
import pandas as pd
import pytest

from brainage.errors import TableError
from brainage.tables import LENGTH_CURVE, LengthCurve, check_table


def a_curve(**changes):
    """Make a curve of 1 / share - 1 years for contiguous losses and half of it for scattered."""
    rows = []
    for loss, size in (("contiguous", 1.0), ("scattered", 0.5)):
        for share in (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4):
            shift = size * (1 / share - 1)
            rows.append((loss, share, 50, shift, shift - 1, shift + 1, 0.02, 0.0, 0.04))
    table = pd.DataFrame(rows, columns=list(LENGTH_CURVE.names))
    fields = {
        "rows": table,
        "cut": "cut after filtering",
        "mean_age_years": 50.0,
        "sd_age_years": 15.0,
        "retained_s": 400.0,
    }
    return LengthCurve(**fields | changes)


@pytest.mark.parametrize("share", [1.0, 0.9, 0.6, 0.3, 0.25])
def test_a_bias_of_one_over_length_is_read_off_at_any_share(share):
    curve = a_curve()
    assert curve.shift_years(share, loss="contiguous") == pytest.approx(1 / share - 1)
    assert curve.shift_years(share, loss="scattered") == pytest.approx((1 / share - 1) / 2)


def test_a_longer_scan_moves_the_other_way():
    curve = a_curve()
    assert curve.shift_years(2.0, loss="contiguous") == pytest.approx(-1.0)


def test_the_slope_on_age_moves_people_who_are_older_than_the_reference():
    assert a_curve().shift_years(0.5, loss="contiguous", age_years=65) == pytest.approx(1.3)


def test_beyond_the_smallest_share_nothing_is_made_up():
    assert np.isnan(a_curve().shift_years(0.2, loss="contiguous"))
    empty = a_curve(rows=a_curve().rows.assign(shift_years=np.nan))
    assert np.isnan(empty.shift_years(0.5, loss="scattered"))


@pytest.mark.parametrize(("share", "loss"), [(0.0, "contiguous"), (0.5, "half")])
def test_what_is_no_share_or_loss_is_refused(share, loss):
    with pytest.raises(TableError, match="length curve: expected a"):
        a_curve().shift_years(share, loss=loss)


def test_a_curve_comes_back_from_its_values():
    curve = a_curve()
    again = LengthCurve.from_dict(curve.to_dict())
    pd.testing.assert_frame_equal(again.rows, curve.rows)
    check_table(again.rows, LENGTH_CURVE)
    assert (again.cut, again.retained_s, again.sd_age_years) == (curve.cut, 400.0, 15.0)
