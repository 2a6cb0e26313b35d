"""Values of a clock file: each is what it must be, or refused by name."""

import math

import numpy as np
import pytest

from brainage.clock.stored import (
    array,
    ascending,
    flag,
    number,
    only,
    optional_number,
    record,
    text,
    texts,
    whole,
)
from brainage.errors import ClockFileError

ARRAYS = {"x": np.array([[1.0, 2.0], [3.0, 4.0]]), "n": np.array([1, 2])}


@pytest.mark.parametrize(
    ("read", "value", "words"),
    [
        (lambda v: record(v, "it", ["a"], optional=["b"]), {"b": 1}, r"it: expected the keys"),
        (lambda v: record(v, "it", ["a"]), [1], "found 'list'"),
        (lambda v: number(v, "it", low=0), -1, "a number from 0 to"),
        (lambda v: number(v, "it"), True, "found True"),
        (lambda v: number(v, "it"), float("nan"), "found nan"),
        (lambda v: number(v, "it"), 1e13, "expected a number"),
        (lambda v: whole(v, "it"), 2.0, "a whole number"),
        (lambda v: text(v, "it", among=("a", "b")), "c", r"one of \('a', 'b'\)"),
        (lambda v: text(v, "it"), 1, "expected text"),
        (lambda v: texts(v, "it"), ["a", "a"], "each name once"),
        (lambda v: texts(v, "it"), "ab", "a list of texts"),
        (lambda v: flag(v, "it"), 1, "true or false"),
        (lambda v: array(ARRAYS, v, (2, 2)), "y", "array 'y': expected, but not in the file"),
        (lambda v: array(ARRAYS, "x", v), (None, 3), r"expected shape \('any', 3\)"),
        (lambda v: array(ARRAYS, "n", v), (2,), "of kind 'f', found .* of int64"),
        (lambda v: array(ARRAYS, "x", (2, 2), high=v), 3.5, "from -1e\\+12 to 3.5, found 1 to 4"),
        (lambda v: ascending(v, "it"), np.array([1.0, 0.5]), "ascending"),
        (lambda v: ascending(v, "it", strictly=True), np.array([1.0, 1.0]), "ascending"),
        (lambda v: only(v, ["a"], "it"), ["a", "z"], r"nothing else, found \['z'\]"),
    ],
)
def test_value_that_is_not_what_it_must_be_is_refused(read, value, words):
    with pytest.raises(ClockFileError, match=words):
        read(value)


def test_values_that_are_what_they_must_be_are_returned():
    assert record({"a": 1, "b": 2}, "it", ["a"], optional=["b"]) == {"a": 1, "b": 2}
    assert (number(3, "it"), whole(3, "it", high=3)) == (3.0, 3)
    assert array(ARRAYS, "x", (None, 2), low=1, high=4) is ARRAYS["x"]
    assert array(ARRAYS, "n", (2,), kind="i") is ARRAYS["n"]
    assert ascending(np.array([1.0, 1.0]), "it").tolist() == [1.0, 1.0]
    assert math.isnan(optional_number(None, "it"))
    only(["a"], ["a", "b"], "it")
