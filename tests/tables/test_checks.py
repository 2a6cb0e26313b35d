"""Tables written here read back equal."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from brainage.errors import TableError
from brainage.tables import Column, TableSchema, read_table, write_table

SCHEMA = TableSchema(
    "toy",
    (
        Column("participant_id", "text", "Who."),
        Column("age_years", "number", "Age.", "years", low=0, high=120),
        Column("n_scans", "integer", "Scans.", nullable=True),
        Column("used", "boolean", "Used.", required=False),
    ),
    key=("participant_id",),
)


def test_numbers_written_read_back_equal_to_the_last_bit(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "participant_id": [f"{i:03d}" for i in range(50)],
            "age_years": rng.uniform(0, 100, 50) / 3,
            "n_scans": [float(i) if i % 7 else np.nan for i in range(50)],
            "used": rng.random(50) > 0.5,
        }
    )
    write_table(frame, tmp_path / "toy.tsv", SCHEMA)
    back = read_table(tmp_path / "toy.tsv", SCHEMA)
    assert (back["age_years"] == frame["age_years"]).all()
    assert (back["participant_id"] == frame["participant_id"]).all()
    assert back["n_scans"].equals(frame["n_scans"])
    assert (back["used"] == frame["used"]).all()


def test_a_table_has_a_data_dictionary_with_units(tmp_path):
    frame = pd.DataFrame({"participant_id": ["1"], "age_years": [3.0], "n_scans": [1]})
    write_table(frame, tmp_path / "toy.tsv", SCHEMA)
    assert json.loads((tmp_path / "toy.json").read_text())["age_years"]["Units"] == "years"
    assert (tmp_path / "toy.tsv").read_text().splitlines()[1] == "1\t3.0\t1"


def test_writing_a_column_the_schema_does_not_know_is_refused(tmp_path):
    frame = pd.DataFrame({"participant_id": ["1"], "age_years": [1.0], "n_scans": [1], "arm": "a"})
    with pytest.raises(TableError, match=r"\['arm'\] are not in the schema"):
        write_table(frame, tmp_path / "t.tsv", SCHEMA)


def test_text_with_tabs_quotes_and_line_breaks_stays_one_cell(tmp_path):
    schema = TableSchema("t", (Column("a", "text", "A."), Column("b", "text", "B.")))
    texts = ['say "no"', "two\nlines\tand a tab", '"']
    frame = pd.DataFrame({"a": texts, "b": ["x", "y\x1b[31m", "z"]})
    write_table(frame, tmp_path / "t.tsv", schema)
    back = read_table(tmp_path / "t.tsv", schema)
    assert back["a"].tolist() == ['say "no"', "two lines and a tab", '"']
    assert back["b"].tolist() == ["x", "y\\x1b[31m", "z"]
