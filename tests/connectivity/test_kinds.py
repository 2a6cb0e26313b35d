"""One record a kind: options, layouts and words follow from it."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from brainage.connectivity import KINDS, ConnectivityOptions
from brainage.connectivity.kinds import kind_record, whole_row
from brainage.errors import MatrixError


def test_every_kind_is_a_choice_of_the_config_and_no_other_is():
    assert ConnectivityOptions(kinds=tuple(KINDS)).kinds == tuple(KINDS)
    with pytest.raises(ValidationError, match="log_correlation"):
        ConnectivityOptions(kinds=("fisher-z",))
    with pytest.raises(MatrixError, match="expected one of pearson"):
        kind_record("fisher-z")


def test_every_kind_has_words_and_a_shrinkage_that_can_be_stated():
    assert len({record.words for record in KINDS.values()}) == len(KINDS)
    stated = {name: record.stated_shrinkage("oas") for name, record in KINDS.items()}
    assert stated["partial"] == "oas"
    assert stated["fisher_z"] == "none"
    assert stated["log_covariance"] == "fixed_0.8"


def test_a_row_is_nan_exactly_where_a_parcel_is_missing():
    here = np.array([True, False, True])
    np.testing.assert_array_equal(
        whole_row(np.array([[1, 2], [2, 1]]), here, "upper"), np.float32([np.nan, 2, np.nan])
    )
    np.testing.assert_array_equal(
        whole_row(np.array([5.0, 6.0]), here, "parcel"), np.float32([5, np.nan, 6])
    )
