"""What a check of a study found."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd


@dataclass
class Check:
    """What was found: lines to read, tables, `problems` cost scans, `stops` end a stage."""

    lines: list[str] = field(default_factory=list)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)

    def as_dict(self) -> dict:
        """Return everything as JSON-able values."""
        tables = {title: table.to_dict("records") for title, table in self.tables.items()}
        return {
            "lines": self.lines,
            "tables": tables,
            "problems": self.problems,
            "stops": self.stops,
        }
