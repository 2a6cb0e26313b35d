"""Arm reaches a score by no mapping: not by name, by value or by pattern."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.config import study_from_mapping
from brainage.errors import LeakageError
from brainage.stages.blinding import columns_that_follow_arms, refuse_arm_columns

ARMS = ["CON", "MIT", "HRT"]


def study_in(folder, columns, **more):
    trial = {
        "arms": ARMS,
        "control_arm": "CON",
        "visits": [
            {"label": "baseline", "session_id": "b", "nominal_years": 0.0},
            {"label": "1 year", "session_id": "f", "nominal_years": 1.0},
        ],
        "primary_visit": "1 year",
    }
    paths = {"trial": {"series": "s", "participants": "people.tsv", "columns": columns}}
    return study_from_mapping(
        {"paths": paths | more.pop("paths", {}), "science": {"trial": trial | more}}, base=folder
    )


def write_people(folder, **columns):
    n = 30
    table = pd.DataFrame({"participant_id": [f"p{i:02d}" for i in range(n)], "age_years": "60"})
    allocation = table[["participant_id"]].assign(arm=[ARMS[i % 3] for i in range(n)])
    table = table.assign(arm=allocation["arm"], group=[f"g{i % 3}" for i in range(n)])
    table = table.assign(hospital=["north" if i % 2 else "south" for i in range(n)], **columns)
    table.to_csv(folder / "people.tsv", sep="\t", index=False)
    return allocation


@pytest.mark.parametrize(
    ("columns", "more"),
    [
        ({"site": "arm"}, {}),
        ({"scanner": "arm"}, {}),
        ({"sex": "ARM"}, {}),
        ({"site": "group"}, {"arm_column": "group"}),
        ({"site": "group"}, {"paths": {"allocation_columns": {"arm": "group"}}}),
        ({"site": "dose"}, {"dose_column": "dose"}),
    ],
)
def test_a_mapping_onto_the_arm_by_any_of_its_names_is_refused(tmp_path, columns, more):
    write_people(tmp_path)
    with pytest.raises(LeakageError, match=r"paths\.trial\.columns: .*A score never reads it"):
        refuse_arm_columns(study_in(tmp_path, columns, **more))


def test_arms_written_under_another_header_are_refused_by_value(tmp_path):
    write_people(tmp_path, ward=[["con", "Mit ", "HRT"][i % 3] for i in range(30)])
    with pytest.raises(LeakageError, match=r"column site .* holds the arm\(s\) CON, HRT, MIT"):
        refuse_arm_columns(study_in(tmp_path, {"site": "ward"}))


def test_a_column_called_site_that_holds_arms_is_refused_without_any_mapping(tmp_path):
    write_people(tmp_path, site=[ARMS[i % 3] for i in range(30)])
    with pytest.raises(LeakageError, match="holds the arm"):
        refuse_arm_columns(study_in(tmp_path, {}))


def test_other_words_that_follow_the_arms_are_found_once_the_allocation_is_known(tmp_path):
    allocation = write_people(tmp_path)
    study = study_in(tmp_path, {"site": "group", "scanner": "hospital"})
    refuse_arm_columns(study)
    assert columns_that_follow_arms(study, allocation) == ["site"]


def test_a_finer_code_within_arms_is_found_too(tmp_path):
    code = [f"{i % 3}-{(i // 3) % 2}" for i in range(30)]
    allocation = write_people(tmp_path, ward=code)
    assert columns_that_follow_arms(study_in(tmp_path, {"site": "ward"}), allocation) == ["site"]


def test_one_pair_of_twins_in_one_arm_is_chance(tmp_path):
    family = ["n/a"] * 30
    family[0] = family[3] = "twins"
    allocation = write_people(tmp_path, kin=family)
    assert columns_that_follow_arms(study_in(tmp_path, {"family_id": "kin"}), allocation) == []


def test_sites_drawn_without_regard_to_arm_pass(tmp_path):
    rng = np.random.default_rng(0)
    allocation = write_people(tmp_path, ward=[f"w{k}" for k in rng.integers(0, 4, 30)])
    study = study_in(tmp_path, {"site": "ward"})
    refuse_arm_columns(study)
    assert columns_that_follow_arms(study, allocation) == []
