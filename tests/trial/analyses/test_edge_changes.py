"""Edges at baseline and at a visit, of the people who have both."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.connectivity import FeatureTable, View
from brainage.errors import DesignError
from brainage.trial.analyses.edge_changes import edge_changes

CHANGE = {"view": "fisher_z", "visit": "1 year"}


@pytest.fixture
def features(trial, edges_of):
    return edges_of(trial[0])


def with_values(features, values):
    return FeatureTable({"fisher_z": View(values, features["fisher_z"].spec)}, features.rows)


def test_change_is_follow_up_minus_baseline_of_who_has_both(trial, features):
    found = edge_changes(features, trial[1], **CHANGE)
    keyed = pd.DataFrame(np.asarray(features["fisher_z"].values, dtype=float)).set_axis(
        pd.MultiIndex.from_frame(features.rows[["session_id", "participant_id"]])
    )
    both = [p for p in trial[1].allocation["participant_id"] if ("1y", p) in keyed.index]
    assert found.people["participant_id"].tolist() == both
    first, last = keyed.loc["bl"].loc[both], keyed.loc["1y"].loc[both]
    np.testing.assert_array_equal(found.baseline, first)
    np.testing.assert_array_equal(found.change, last - first)
    assert found.count("HRT", "CON") == found.people["arm"].isin(["HRT", "CON"]).sum()
    assert "baseline_gap" not in found.covariates


def test_edge_missing_in_one_scan_is_left_out_for_all_and_counted(trial, features):
    found = edge_changes(features, trial[1], **CHANGE)
    person = found.people["participant_id"].iloc[0]
    rows, values = features.rows, np.array(features["fisher_z"].values)
    scan = (rows["participant_id"] == person) & (rows["session_id"] == "bl")
    values[np.ix_(scan, [2, 5])] = np.nan
    found = edge_changes(with_values(features, values), trial[1], **CHANGE)
    assert np.flatnonzero(~found.usable).tolist() == [2, 5]
    assert not found.change[:, [2, 5]].any()
    (note,) = found.notes
    assert note.startswith("2 of 28 edges were not measured in every scan at baseline and 1 year")


def test_ages_that_nobody_knows_are_no_covariate_and_that_is_said(trial, features):
    unknown = FeatureTable(dict(features.views), features.rows.assign(age_years=np.nan))
    found = edge_changes(unknown, trial[1], **CHANGE)
    assert not found.people["baseline_age"].any()
    assert found.notes == ("ages are not known: connectivity is compared without age as covariate",)


def test_person_without_a_covariate_is_left_out_and_counted(trial, features):
    ages = features.rows["age_years"].where(features.rows["participant_id"] != "004")
    found = edge_changes(
        FeatureTable(dict(features.views), features.rows.assign(age_years=ages)),
        trial[1],
        **CHANGE,
    )
    assert "004" not in set(found.people["participant_id"])
    assert found.notes == ("1 participant(s) left out: no value of baseline_age",)


def test_what_cannot_be_compared_is_refused_by_name(trial, features):
    scores, design = trial
    with pytest.raises(DesignError, match="found '3 years'"):
        edge_changes(features, design, view="fisher_z", visit="3 years")
    with pytest.raises(DesignError, match=r"science\.trial\.local\.view"):
        edge_changes(features, design, view="pearson", visit="1 year")
    nothing = with_values(features, np.full_like(features["fisher_z"].values, np.nan))
    with pytest.raises(DesignError, match="no edge was measured in every scan"):
        edge_changes(nothing, design, **CHANGE)
    control = set(design.allocation.loc[design.allocation["arm"] == "CON", "participant_id"])
    lost = features.rows["participant_id"].isin(control) & (features.rows["session_id"] == "1y")
    with pytest.raises(DesignError, match="two people an arm with both scans, found 0 of CON"):
        edge_changes(features.select((~lost).to_numpy()), design, **CHANGE)
