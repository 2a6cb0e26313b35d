"""Rows written one by one are an array that numpy opens."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from brainage.connectivity.store import NpyRows, open_store

ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)


def test_rows_written_one_by_one_are_one_array(tmp_path):
    with NpyRows(tmp_path / "a.npy", 3) as writer:
        for row in ROWS:
            writer.append(row)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), ROWS)


@pytest.mark.parametrize("on_disk", [False, True])
def test_memory_and_folder_hold_the_same_rows(tmp_path, on_disk):
    with open_store(tmp_path if on_disk else None, ("a",), 9) as store:
        for row in ROWS:
            store.append({"a": row})
        np.testing.assert_array_equal(store.finish("a"), ROWS)


def test_a_failure_leaves_no_file_under_the_final_name(tmp_path):
    with (
        contextlib.suppress(RuntimeError),
        open_store(tmp_path, ("a",), 9) as store,
    ):
        store.append({"a": ROWS[0]})
        raise RuntimeError
    assert not (tmp_path / "a.npy").exists()
