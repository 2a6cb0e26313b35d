"""Facts of a clock file: a length curve that cannot be true is no clock's."""

import pytest

from brainage.clock.model.stored_facts import _check_length_curve
from brainage.errors import ClockFileError

ROW = {
    "loss": "scattered",
    "share_kept": 0.5,
    "n": 20,
    "shift_years": 1.0,
    "shift_low_years": 0.5,
    "shift_high_years": 1.5,
    "slope_on_age": None,
    "slope_low": None,
    "slope_high": None,
}
CURVE = {
    "cut": "cut after filtering",
    "mean_age_years": 40.0,
    "sd_age_years": 10.0,
    "retained_s": None,
    "rows": [ROW],
}


def test_a_true_curve_passes():
    _check_length_curve(CURVE)


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": [ROW, ROW]},
        {"rows": "many"},
        {"rows": [ROW | {"share_kept": 0.0}]},
        {"rows": [ROW | {"share_kept": 2.0}]},
        {"rows": [ROW | {"loss": "half"}]},
        {"rows": [ROW | {"shift_years": 1e300}]},
        {"rows": [{"loss": "scattered"}]},
        {"mean_age_years": -1},
        {"cut": 3},
        {"more": 1},
    ],
)
def test_what_cannot_be_a_curve_is_refused(changes):
    with pytest.raises(ClockFileError):
        _check_length_curve(CURVE | changes)
