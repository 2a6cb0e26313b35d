"""BIDS' words for one sex."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from brainage.tables import read_people, sex_levels


def test_synonyms_are_one_level_and_codes_stay():
    cells = pd.Series(
        ["FEMALE", " f", "Male", "other", "2", 2, None, np.nan, "NA"], index=range(9, 0, -1)
    )
    found = sex_levels(cells)
    assert found.tolist() == ["F", "F", "M", "O", "2", 2, None, None, None]
    assert found.index.equals(cells.index)


def test_codes_are_read_by_the_levels_that_the_dictionary_states(tmp_path):
    table = tmp_path / "p.tsv"
    table.write_text("participant_id\tage\tsex\n01\t40\t1\n02\t40\t2\n03\t40\t9\n04\t40\tF\n")
    levels = {"1": "male", "2": {"Description": "Female"}, "9": "not recorded"}
    table.with_suffix(".json").write_text(json.dumps({"sex": {"Levels": levels}}))
    assert read_people(table)["sex"].tolist() == ["M", "F", "9", "F"]
