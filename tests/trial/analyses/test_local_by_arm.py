"""Regions by arm: a level that cannot be done is a note, and the others are done."""

from __future__ import annotations

import pytest

from brainage.errors import DesignError
from brainage.trial import TrialDesign
from brainage.trial.analyses.local_by_arm import local_tables


def local_of(trial, inputs_of, make_options, features, **local):
    scores, design = trial
    options = make_options(local={"n_draws": 99} | local)
    return local_tables(
        inputs_of(scores, TrialDesign(options, design.allocation), features=features)
    )


def test_region_that_matches_nothing_is_a_note_and_the_other_levels_are_done(
    trial, inputs_of, make_options, edges_of
):
    regions = [{"name": "prefrontal", "pattern": "Frontal"}]
    found = local_of(trial, inputs_of, make_options, edges_of(trial[0]), regions=regions)
    table = found.tables["local"]
    assert set(table["level"]) == {"network", "parcel"}
    assert set(zip(table["arm"], table["visit"], strict=True)) == {
        (arm, visit) for arm in ("MIT", "HRT") for visit in ("1 year", "2 years")
    }
    assert any("no parcel matches its pattern 'Frontal'" in note for note in found.notes)
    # Edges are asked for by name.
    assert "edge_components" not in found.tables


def test_view_that_the_features_lack_is_a_reason(trial, inputs_of, make_options, edges_of):
    with pytest.raises(DesignError, match=r"science\.connectivity\.kinds"):
        local_of(trial, inputs_of, make_options, edges_of(trial[0]), view="pearson")


def test_no_level_that_can_be_done_is_refused_with_the_reasons(
    trial, inputs_of, make_options, edges_of
):
    features = edges_of(trial[0], networks=(None,) * 8)
    with pytest.raises(DesignError, match="no level could be done.*assigns no networks"):
        local_of(trial, inputs_of, make_options, features, levels=["network"])
