"""The tables of a study hold its people, its allocation, and every planted value."""

from __future__ import annotations

import pandas as pd

from brainage.synthetic.tables import write_tables
from brainage.tables import read_people


def test_tables_read_back_with_the_ages_of_the_truth(study, tmp_path):
    write_tables(study, tmp_path, counterfactual=False)
    trial = tmp_path / "trial"
    people = read_people(trial / "participants.tsv", trial / "sessions.tsv")
    planned = study.scans("trial").set_index(["participant_id", "session_id"])["age_years"]
    found = people.set_index(["participant_id", "session_id"])["age_years"]
    assert (found.reindex(planned.index).astype(float) - planned.astype(float)).abs().max() < 1e-3
    allocation = pd.read_table(trial / "allocation.tsv", dtype=str)
    assert allocation["arm"].tolist() == study.allocation["arm"].tolist()
