"""The questions beside the primary contrast, asked in the plan and run by the comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from brainage.connectivity import FeatureTable, View, ViewSpec
from brainage.trial import (
    TrialDesign,
    TrialInputs,
    TrialResult,
    compare_arms,
    read_plan,
    write_plan,
)

NETWORKS = ("whole_brain", "motor", "visual")
ASKED = {
    "dose_column": "sessions",
    "dose": {"thresholds": [13.0]},
    "association": {"outcomes": ["strength"]},
    "networks": {"margin_years": 2.0, "n_draws": 99, "n_bootstraps": 200},
    "local": {
        "edges": True,
        "edge_threshold_t": 2.0,
        "n_draws": 99,
        "regions": [{"name": "front", "pattern": "^p[0-2]$"}],
    },
}
SHARES = {
    "whole_brain": {"share": 0.5, "share_se": 0.05, "share_kind": "planted"},
    "motor": {"share": 0.3, "share_se": 0.05, "share_kind": "planted"},
}


def features_of(scores):
    spec = ViewSpec(
        kind="fisher_z",
        shrinkage="none",
        layout="upper",
        parcel_names=tuple(f"p{k}" for k in range(8)),
        networks=("motor",) * 4 + ("visual",) * 4,
        atlas="toy",
        cleaning_fingerprint="x",
    )
    rows = scores[scores["network"] == "whole_brain"]
    rows = rows[["participant_id", "session_id", "age_years", "sex", "site"]].assign(
        scanner=None, family_id=None, mean_fd_mm=0.1, retained_s=300.0
    )
    values = np.random.default_rng(1).normal(0, 0.2, (len(rows), spec.n_features))
    return FeatureTable(
        {"fisher_z": View(values.astype(np.float32), spec)}, rows.reset_index(drop=True)
    )


@pytest.fixture(scope="module")
def asked(make_trial, make_options, tmp_path_factory):
    """The comparison with every question planned and every input given, saved and read again."""
    scores, allocation = make_trial(n=90, networks=NETWORKS)
    rng = np.random.default_rng(4)
    sessions = np.round(rng.uniform(5, 100, 90))
    allocation["sessions"] = np.where(allocation["arm"] == "CON", 0.0, sessions)
    people = scores[scores["network"] == "whole_brain"][["participant_id", "session_id"]]
    outcomes = people.assign(strength=rng.normal(50, 8, len(people))).reset_index(drop=True)
    outcomes.loc[5, "strength"] = np.nan
    options = make_options(**ASKED)
    folder = tmp_path_factory.mktemp("asked")
    write_plan(options, folder / "plan.json")
    more = TrialInputs(features=features_of(scores), outcomes=outcomes, clocks=SHARES)
    result = compare_arms(
        scores,
        TrialDesign.from_options(options, allocation),
        plan=read_plan(folder / "plan.json"),
        more=more,
    )
    result.save(folder / "results")
    return TrialResult.load(folder / "results"), scores, allocation


def test_every_question_is_done_and_planned(asked):
    states = asked[0].analyses.set_index("analysis")
    for key in ("dose", "association", "networks", "local", "individual_change"):
        assert states.at[key, "state"] == "done", states.at[key, "reason"]
        assert states.at[key, "planned"]


@pytest.mark.parametrize(
    "name",
    [
        "dose",
        "association",
        "networks",
        "network_specificity",
        "local",
        "edge_components",
        "reliability",
        "individual_change",
    ],
)
def test_tables_are_read_again_with_a_meaning_for_every_column(asked, name):
    result = asked[0]
    table, record = result.tables[name], result.table_records[name]
    assert set(record.schema.names) == set(table.columns)
    assert all(column.description for column in record.schema.columns)
    if name != "edge_components":
        assert len(table)
        assert table["prespecified"].all()


def test_every_row_without_a_number_says_why(asked):
    result = asked[0]
    dose = result.tables["dose"]
    assert dose.loc[dose["estimate_years"].isna(), "reads"].str.startswith("not run: ").all()
    pairs = result.tables["association"]
    joint = pairs["measure"] == "arm x outcome"
    silent = pairs["estimate"].isna() & ~joint & ~pairs["reads"].str.startswith("not run: ")
    assert not silent.any()
    specific = result.tables["network_specificity"]
    unknown = specific["network"] == "visual"
    assert specific.loc[unknown, "reads"].str.startswith("not run: the share").all()
    assert specific.loc[~unknown, "difference_latent_years"].notna().all()


def test_trend_over_three_arms_is_named_after_its_contrast(asked):
    dose = asked[0].tables["dose"]
    trend = dose[dose["analysis"] == "trend over arms"].set_index("visit")
    assert (trend["same_as"] == "HRT - CON").all()
    contrasts = asked[0].contrasts
    own = contrasts[(contrasts["network"] == "whole_brain") & (contrasts["arm"] == "HRT")]
    half = own.set_index("visit")["estimate_years"] / 2
    assert trend.at["1 year", "estimate_years"] == pytest.approx(half["1 year"], rel=1e-9)


def test_outcome_missing_at_a_visit_is_counted(asked):
    assert asked[0].tables["association"]["n_without_outcome"].max() == 1


def test_without_the_inputs_the_questions_are_listed_as_not_run(asked, make_options):
    _, scores, allocation = asked
    design = TrialDesign.from_options(make_options(**ASKED), allocation)
    states = compare_arms(scores, design).analyses.set_index("analysis")
    assert states.at["association", "state"] == "not run"
    assert "paths.outcomes" in states.at["association", "reason"]
    assert states.at["local", "state"] == "not run"
    assert states.at["networks", "state"] == "done"


def test_no_recorded_sessions_are_a_reason(asked, make_options):
    _, scores, allocation = asked
    empty = allocation.assign(sessions=np.nan)
    design = TrialDesign.from_options(make_options(**ASKED), empty)
    states = compare_arms(scores, design).analyses.set_index("analysis")
    assert states.at["dose", "state"] == "not run"
    assert "no sessions attended are recorded" in states.at["dose", "reason"]


def test_one_active_arm_has_no_trend_and_the_rest(make_trial, make_options):
    scores, allocation = make_trial(n=90)
    two = allocation[allocation["arm"] != "MIT"].assign(
        sessions=lambda d: 30.0 * (d["arm"] == "HRT")
    )
    two.loc[two.index[:4], "sessions"] = 12.0 * (two["arm"].iloc[:4] == "HRT")
    options = make_options(arms=["CON", "HRT"], **{k: ASKED[k] for k in ("dose", "dose_column")})
    kept = scores[scores["participant_id"].isin(two["participant_id"])]
    dose = compare_arms(kept, TrialDesign.from_options(options, two)).tables["dose"]
    assert "trend over arms" not in set(dose["analysis"])
    assert dose["estimate_years"].notna().any()


def test_dose_without_its_column_is_refused(make_options):
    with pytest.raises(ValidationError, match="dose_column, since dose is given"):
        make_options(dose={})


def test_no_plan_makes_every_row_post_hoc(asked, make_options):
    _, scores, allocation = asked
    design = TrialDesign.from_options(make_options(**ASKED), allocation)
    result = compare_arms(scores, design)
    assert not result.tables["dose"]["prespecified"].any()
    assert isinstance(result.tables["dose"], pd.DataFrame)


def test_outcome_that_nobody_has_at_a_visit_is_a_reason_and_the_other_visit_is_done(
    asked, make_options
):
    _, scores, allocation = asked
    people = scores[scores["network"] == "whole_brain"][["participant_id", "session_id"]]
    rng = np.random.default_rng(0)
    outcomes = people.assign(strength=rng.normal(50, 8, len(people)))
    outcomes.loc[outcomes["session_id"] == "1y", "strength"] = np.nan
    options = make_options(association={"outcomes": ["strength"]})
    design = TrialDesign.from_options(options, allocation)
    result = compare_arms(scores, design, more=TrialInputs(outcomes=outcomes))
    pairs = result.tables["association"].set_index("visit")
    assert pairs.loc["1 year", "reads"].str.startswith("not run: ").all()
    assert pairs.loc["2 years", "estimate"].notna().sum() >= 12


def test_outcome_that_never_changes_is_a_reason(asked, make_options):
    _, scores, allocation = asked
    people = scores[scores["network"] == "whole_brain"][["participant_id", "session_id"]]
    options = make_options(association={"outcomes": ["strength"]})
    design = TrialDesign.from_options(options, allocation)
    more = TrialInputs(outcomes=people.assign(strength=50.0))
    table = compare_arms(scores, design, more=more).tables["association"]
    assert table["reads"].str.startswith("not run: ").all()


def test_region_that_matches_nothing_is_a_note_and_the_other_levels_are_done(asked, make_options):
    _, scores, allocation = asked
    local = {"n_draws": 99, "regions": [{"name": "prefrontal", "pattern": "Frontal"}]}
    design = TrialDesign.from_options(make_options(local=local), allocation)
    result = compare_arms(scores, design, more=TrialInputs(features=features_of(scores)))
    assert set(result.tables["local"]["level"]) == {"network", "parcel"}
    assert any("no parcel matches its pattern 'Frontal'" in note for note in result.notes)


def test_view_that_the_features_lack_is_a_reason(asked, make_options):
    _, scores, allocation = asked
    design = TrialDesign.from_options(make_options(local={"view": "pearson"}), allocation)
    result = compare_arms(scores, design, more=TrialInputs(features=features_of(scores)))
    states = result.analyses.set_index("analysis")
    assert states.at["local", "state"] == "not run"
    assert "science.connectivity.kinds" in states.at["local", "reason"]
