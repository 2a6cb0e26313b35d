"""Sites as text: missing ones are no site, unseen ones are refused by name."""

import numpy as np
import pandas as pd
import pytest

from brainage.clock.preparation.site_labels import (
    checked_ages,
    refuse_missing_sites,
    refuse_unseen_sites,
    rows_by_site,
    site_codes,
    site_labels,
)
from brainage.errors import BrainAgeError, FeatureMismatchError


def test_numbers_are_text_every_kind_of_missing_is_none_and_no_column_is_one_site():
    assert site_labels([1, "b", None, np.nan, pd.NA], 5) == ["1", "b", None, None, None]
    assert site_labels(None, 2) == ["", ""]
    with pytest.raises(ValueError, match="expected 3 sites, found 2"):
        site_labels(["a", "b"], 3)


def test_rows_of_each_known_site_are_yielded_once_and_others_never():
    code = site_codes(["b", "a", None, "c", "b"], ["a", "b"])
    assert code.tolist() == [1, 0, -1, -1, 1]
    found = {site: rows.tolist() for rows, site in rows_by_site(code)}
    assert found == {0: [1], 1: [0, 4]}


@pytest.mark.parametrize(("may", "words"), [(True, "Calibrate the clock"), (False, "pass_through")])
def test_unseen_sites_are_named_with_the_way_out(may, words):
    with pytest.raises(FeatureMismatchError, match=rf"found \['z'\]\. .*{words}"):
        refuse_unseen_sites(["a", "z", None], {"a"}, "combat", may_calibrate=may)
    refuse_unseen_sites(["a", None], {"a"}, "combat", may_calibrate=may)


def test_missing_sites_are_refused_only_where_every_scan_must_have_one():
    with pytest.raises(FeatureMismatchError, match="found 2 without"):
        refuse_missing_sites(["a", None, None], "combat", "refuse")
    refuse_missing_sites(["a", None], "combat", "pass_through")
    refuse_missing_sites(["a", None], "none", "refuse")


def test_ages_are_there_and_finite_where_a_trend_is_learnt():
    assert checked_ages([20, 30], 2).tolist() == [20.0, 30.0]
    with pytest.raises(BrainAgeError, match="1 missing"):
        checked_ages(np.array([20, np.nan]), 2)
    with pytest.raises(ValueError, match="need ages"):
        checked_ages(None, 2)
