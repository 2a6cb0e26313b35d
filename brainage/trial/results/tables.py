"""A result table of an analysis: its columns, what the page says of it, which columns plan it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from brainage.showing import Shown
from brainage.tables import Column, TableSchema

#: Columns that the comparison adds to every table of an analysis.
PLAN_COLUMNS = (
    Column("prespecified", "boolean", "Whether the plan names this row; false is post hoc."),
    Column("plan_hash", "text", "Hash of the plan in force; 'no plan' without one."),
)


@dataclass(frozen=True, repr=False)
class ResultTable(Shown):
    """One table of an analysis.

    Parameters
    ----------
    schema : TableSchema
        Name (of the file too) and columns, without the plan's.
    caption : str
        What it shows, for the page.
    planned_by : tuple of str, default=()
        Columns whose values the plan names row by row; empty: the table is planned as a whole.
    shown : {"table", "wrapped", "folded", "file"}, default="table"
        How the page shows it; "file": it names the file only.
    describes : bool, default=False
        Describes data and tests nothing: its rows are not marked as planned or post hoc.

    Examples
    --------
    >>> from brainage.trial import REGISTRY
    >>> record = next(each for each in REGISTRY if each.key == "levakov")
    >>> table = record.tables[0]
    >>> table.name, table.shown
    ('levakov', 'folded')
    """

    schema: TableSchema
    caption: str
    planned_by: tuple[str, ...] = ()
    shown: str = "table"
    describes: bool = False

    @property
    def name(self) -> str:
        """Name of the table and of its file."""
        return self.schema.name

    def labelled(self, more: tuple[Column, ...] = ()) -> TableSchema:
        """Return the schema with the plan's columns, and with columns that the study names."""
        plan = () if self.describes else PLAN_COLUMNS
        return replace(self.schema, columns=(*self.schema.columns, *more, *plan))


@dataclass(frozen=True, repr=False)
class TableRecord(Shown):
    """What a comparison keeps of a table of an analysis, beside its rows.

    Parameters
    ----------
    analysis : str
        Key of the analysis.
    title : str
        What the analysis is called.
    caption : str
        What the table shows.
    shown : str
        How the page shows it.
    schema : TableSchema
        With the plan's columns.

    Examples
    --------
    >>> record = examples.result().table_records["levakov"]
    >>> record.analysis, record.shown
    ('levakov', 'folded')
    """

    analysis: str
    title: str
    caption: str
    shown: str
    schema: TableSchema

    def as_json(self) -> dict:
        """Return the record as plain values."""
        return {
            "analysis": self.analysis,
            "title": self.title,
            "caption": self.caption,
            "shown": self.shown,
            "key": list(self.schema.key),
            "columns": [vars(column) for column in self.schema.columns],
        }

    @classmethod
    def from_json(cls, name: str, values: Mapping) -> TableRecord:
        """Return the record that `as_json` made."""
        columns = tuple(Column(**each) for each in values["columns"])
        schema = TableSchema(name, columns, key=tuple(values["key"]))
        texts = {key: values[key] for key in ("analysis", "title", "caption", "shown")}
        return cls(**texts, schema=schema)
