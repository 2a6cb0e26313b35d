"""Tables of a comparison: every column has a meaning, an empty one reads as a full one."""

from __future__ import annotations

import pytest

from brainage.tables import TableSchema, read_table, write_table
from brainage.trial.results import schemas
from brainage.trial.results.schemas import empty_table

SCHEMAS = [value for value in vars(schemas).values() if isinstance(value, TableSchema)]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.name)
def test_table_without_rows_is_written_and_read_with_its_columns(schema, tmp_path):
    write_table(empty_table(schema), tmp_path / "t.tsv", schema)
    found = read_table(tmp_path / "t.tsv", schema)
    assert list(found.columns) == list(schema.names)
    assert not len(found)


def test_every_column_in_years_says_so_in_its_name_and_its_unit():
    columns = {(c.name, c.unit) for schema in SCHEMAS for c in schema.columns}
    assert {name for name, unit in columns if unit == "years"} == {
        name for name, unit in columns if name.endswith("_years") or name == "years"
    }
