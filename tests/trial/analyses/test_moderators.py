"""Moderators: R's interaction, effects at values that add up, and one level that is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.trial import TrialDesign, TrialOptions, compare_arms
from brainage.trial.analyses.moderators import moderator_rows
from brainage.trial.options import ModeratorOptions

sys.path.insert(0, str(Path(__file__).parent.parent))
from r_reference import ARMS, FOLDER, follow_ups, visits_of  # noqa: E402


def design_of(name):
    data = follow_ups(name)
    visits = [{"label": "base", "session_id": "b", "nominal_years": 0}]
    visits += [
        {"label": visit, "session_id": visit, "nominal_years": years}
        for years, visit in enumerate(visits_of(data), start=1)
    ]
    options = TrialOptions.model_validate(
        {
            "arms": list(ARMS),
            "control_arm": "CON",
            "visits": visits,
            "primary_visit": visits_of(data)[-1],
            "strata": ["stratum"],
            "score_covariates": ["sex"],
            "covariance_by_arm": False,
        }
    )
    people = data.drop_duplicates("participant_id")
    allocation = people[["participant_id", "arm", "stratum"]].reset_index(drop=True)
    return data, TrialDesign(options, allocation)


@pytest.mark.parametrize("name", ["complete", "missing"])
@pytest.mark.parametrize(
    ("variable", "values", "key", "at"),
    [("baseline_age", (68.0,), "age", "68"), ("sex", (), "sex", "male")],
)
def test_interaction_and_effect_at_a_value_are_those_of_lmer_test(name, variable, values, key, at):
    data, design = design_of(name)
    wanted = json.loads((FOLDER / "contrasts.json").read_text())["moderators"][name][key]
    moderator = ModeratorOptions(variable=variable, values=values)
    rows = pd.DataFrame(moderator_rows(data, design, moderator, errors="model"))
    last = design.later_visits[-1]
    mine = rows[(rows["arm"] == "HRT") & (rows["visit"] == last)]
    pairs = (
        (mine[mine["row"] == "interaction"].iloc[0], wanted["interaction"][0]),
        (
            mine[(mine["row"] == "effect") & (mine["at"] == at)].iloc[0],
            wanted["at_68" if key == "age" else "male"][0],
        ),
    )
    for row, r in pairs:
        assert row["estimate"] == pytest.approx(r["estimate"], abs=1e-3 * r["se"])
        assert row["se"] == pytest.approx(r["se"], rel=1e-3)
        assert row["df"] == pytest.approx(r["df"], rel=2e-3)
    joint, r = rows[rows["row"] == "joint test"].iloc[0], wanted["joint"][0]
    assert joint["statistic"] == pytest.approx(r["f"], rel=2e-3)
    assert joint["numerator_df"] == r["df1"]
    assert joint["df"] == pytest.approx(r["df2"], rel=5e-3)


def test_effects_at_two_values_differ_by_the_interaction(trial, make_options, ran):
    scores, design = trial
    options = make_options(moderators=[{"variable": "baseline_age", "values": [64.0, 66.0]}])
    done = ran("moderators", scores, TrialDesign(options, design.allocation))
    table = done.result.tables["moderators"]
    for _, rows in table[table["arm"] != "all arms"].groupby(["arm", "visit"]):
        effect = rows[rows["row"] == "effect"].set_index("at")["estimate"]
        slope = rows.loc[rows["row"] == "interaction", "estimate"].iloc[0]
        assert effect["66"] - effect["64"] == pytest.approx(2 * slope)


def test_moderator_of_the_allocation_is_read_by_its_name(trial, make_options, ran):
    scores, design = trial
    bmi = np.random.default_rng(0).normal(27, 3, len(design.allocation))
    options = make_options(moderators=[{"variable": "bmi"}])
    assert options.allocation_columns == ("stratum", "bmi")
    used = TrialDesign.from_options(options, design.allocation.assign(bmi=bmi))
    table = ran("moderators", scores, used).result.tables["moderators"]
    assert set(table["moderator"]) == {"bmi"}
    assert np.isfinite(table.loc[table["row"] != "joint test", "estimate"]).all()


def test_moderator_with_one_level_in_an_arm_is_listed_as_not_run(trial, make_options):
    scores, design = trial
    active = design.allocation["arm"] == "HRT"
    group = np.where(active, "a", np.resize(["a", "b"], len(active)))
    options = make_options(moderators=[{"variable": "group"}])
    used = TrialDesign.from_options(options, design.allocation.assign(group=group))
    result = compare_arms(scores, used)
    listed = result.analyses.set_index("analysis").loc["moderators"]
    assert listed["state"] == "not run"
    assert "HRT at 1 year has fewer than two values of 'group' (a)" in listed["reason"]
    assert "moderators" not in result.tables
