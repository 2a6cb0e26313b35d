"""A session's runs become rows, or a reason; sessions of one table are of one making."""

from dataclasses import replace

import numpy as np
import pytest

from brainage.connectivity.session_features import (
    SessionJob,
    compute_sessions,
    first_order,
    read_run,
    same_identity,
)
from brainage.connectivity.sessions import Session
from brainage.errors import SeriesError
from brainage.series import write_series

from .toy import N_PARCELS, make_quality, make_series

JOB = SessionJob(("fisher_z",), "none", None, None)


def session_of(*runs, reason=None):
    return Session(runs[0].participant_id, "n/a", tuple(runs), {}, reason)


def compute(*runs, job=JOB, **more):
    return compute_sessions([session_of(*runs, **more)], job)[0]


def test_quality_of_several_runs_is_weighted_by_volumes_and_their_times_add_up():
    first = make_series(1, quality=make_quality(60, mean_fd_mm=0.1))
    second = replace(
        make_series(1, n_volumes=120, run="2"), quality=make_quality(120, mean_fd_mm=0.4)
    )
    found = compute(first, second)
    assert found.mean_fd_mm == pytest.approx((60 * 0.1 + 120 * 0.4) / 180)
    assert found.retained_s == 2.0 * 180
    assert found.t_r_s == (2.0,)
    assert found.rows["fisher_z"].shape == (N_PARCELS * (N_PARCELS - 1) // 2,)


def test_excluded_run_is_left_out_and_of_none_left_the_reason_is_told():
    out = replace(make_series(1, run="2"), quality=make_quality(exclusion="mean FD 0.9 mm"))
    both, alone = compute(make_series(1), out), compute(make_series(1))
    np.testing.assert_array_equal(both.rows["fisher_z"], alone.rows["fisher_z"])
    none = compute(out)
    assert (none.rows, none.reason) == (None, "mean FD 0.9 mm")
    assert compute(make_series(1), reason="no age").reason == "no age"


def test_parcels_in_another_order_are_put_in_that_of_the_table():
    own = make_series(1)
    turned = replace(
        own,
        values=own.values[:, ::-1],
        parcel_names=own.parcel_names[::-1],
        networks=own.networks[::-1],
    )
    job = replace(JOB, order=own.parcel_names)
    found = compute(turned, job=job)
    np.testing.assert_allclose(found.rows["fisher_z"], compute(own).rows["fisher_z"], rtol=1e-5)
    assert found.n_reordered == 1
    assert first_order([session_of(own, reason="no age"), session_of(turned)]) == (
        turned.parcel_names
    )


def test_parcels_that_a_clock_asks_for_are_taken_by_name():
    own = make_series(1)
    some = own.parcel_names[3:6]
    found = compute(own, job=replace(JOB, parcels=some))
    assert found.identity[0] == some
    with pytest.raises(SeriesError, match="these series have atlas toy"):
        compute(own, job=replace(JOB, parcels=("P1", "gone")))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"atlas": "other"}, "atlas: toy and other"),
        ({"cleaning_fingerprint": "raw"}, "cleaning fingerprint: clean and raw"),
        ({"networks": ("A",) * N_PARCELS}, "assigned to other networks"),
    ],
)
def test_sessions_of_another_making_are_refused_with_the_difference(changed, words):
    first, other = compute(make_series(1)), compute(make_series(2, **changed))
    identity, where = same_identity(None, "", first)
    with pytest.raises(SeriesError, match=words):
        same_identity(identity, where, other)
    assert same_identity(identity, where, compute(make_series(3))) == (identity, where)


def test_run_is_read_where_it_is_a_file(tmp_path):
    own = make_series(1)
    path = write_series(own, tmp_path)
    assert read_run(own) is own
    from brainage.series import find_series

    (file,) = find_series(tmp_path)
    np.testing.assert_allclose(read_run(file).values, own.values, rtol=1e-6)
    path.write_text("no\ttable")
    assert compute_sessions([session_of(file)], JOB)[0].reason.startswith(str(path))
