"""The questions beside the primary contrast, asked in the plan and run by the comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

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


@pytest.fixture(scope="module")
def asked(make_trial, make_options, edges_of, tmp_path_factory):
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
    more = TrialInputs(features=edges_of(scores), outcomes=outcomes, clocks=SHARES)
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


def test_no_plan_makes_every_row_post_hoc(asked, make_options):
    _, scores, allocation = asked
    design = TrialDesign.from_options(make_options(**ASKED), allocation)
    result = compare_arms(scores, design)
    assert not result.tables["dose"]["prespecified"].any()
    assert isinstance(result.tables["dose"], pd.DataFrame)
