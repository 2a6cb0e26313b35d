"""What a data dictionary says of a column, the nearest file first."""

from __future__ import annotations

import json

import pytest

from brainage.errors import TableError
from brainage.tables.dictionary import described


def test_the_nearest_dictionary_goes_first_and_the_root_fills_in(tmp_path):
    table = tmp_path / "sub-01" / "sub-01_sessions.tsv"
    table.parent.mkdir()
    (tmp_path / "sessions.json").write_text(json.dumps({"age": {"Units": "month", "Note": "a"}}))
    table.with_suffix(".json").write_text(json.dumps({"age": {"Note": "b"}, "sex": 3}))
    assert described(table, "age") == {"Units": "month", "Note": "b"}
    assert described(table, "sex") == {}
    table.with_suffix(".json").write_text("{")
    with pytest.raises(TableError, match="expected JSON"):
        described(table, "age")
