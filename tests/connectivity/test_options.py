"""Choices of the connectivity room."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from brainage.connectivity import ConnectivityOptions


@pytest.mark.parametrize(
    "wrong",
    [{"kinds": ["z"]}, {"shrinkage": "some"}, {"parcel_presence": 1.5}, {"kind": "partial"}],
)
def test_what_is_no_choice_is_refused(wrong):
    with pytest.raises(ValidationError):
        ConnectivityOptions.model_validate(wrong)


def test_the_default_is_fisher_z():
    assert ConnectivityOptions().kinds == ("fisher_z",)
