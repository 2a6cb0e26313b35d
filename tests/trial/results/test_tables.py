"""A table's record goes through JSON whole, and carries the plan's columns where rows are tests."""

from __future__ import annotations

import json

from brainage.tables import Column, TableSchema
from brainage.trial.results.tables import ResultTable, TableRecord

SCHEMA = TableSchema(
    "toy",
    (Column("arm", "text", "Arm."), Column("estimate_years", "number", "Change.", "years")),
    key=("arm",),
)


def test_record_read_from_its_json_is_the_record():
    kind = ResultTable(SCHEMA, "What it shows.", shown="folded")
    record = TableRecord("toy", "a toy", kind.caption, kind.shown, kind.labelled())
    again = TableRecord.from_json("toy", json.loads(json.dumps(record.as_json())))
    assert again == record


def test_rows_that_describe_are_not_marked_as_planned_and_the_studys_columns_are_added():
    more = (Column("bmi", "number", "As the study names it."),)
    tested = ResultTable(SCHEMA, "Tests.").labelled(more).names
    described = ResultTable(SCHEMA, "Describes.", describes=True).labelled(more).names
    assert list(tested) == ["arm", "estimate_years", "bmi", "prespecified", "plan_hash"]
    assert list(described) == ["arm", "estimate_years", "bmi"]
