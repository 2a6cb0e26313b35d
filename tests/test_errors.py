"""Every error is the input's, is caught as one, and survives a process."""

from __future__ import annotations

import inspect
import pickle

import pytest

from brainage import errors

KINDS = [value for value in vars(errors).values() if inspect.isclass(value)]


@pytest.mark.parametrize("kind", [k for k in KINDS if issubclass(k, Exception)])
def test_an_error_keeps_its_kind_and_words_from_one_process_to_another(kind):
    back = pickle.loads(pickle.dumps(kind("where: expected this, found that")))
    assert type(back) is kind
    assert str(back) == "where: expected this, found that"


def test_all_errors_have_one_parent():
    others = [k for k in KINDS if not issubclass(k, errors.BrainAgeError | Warning)]
    assert not others
