"""Column schemas with units, and the reading, checking and writing of tables.

Tables are plain DataFrames. A schema says what each column means and in which unit; reading a
file reports every problem at once, and writing puts a BIDS data dictionary (JSON) beside it.
Missing text is ``None``/NaN; ``n/a`` in a file. A key column (participant_id, session_id) is
never missing: a scan without sessions has the session_id ``"n/a"``, as text.
"""

from brainage.tables.checks import check_table, write_table
from brainage.tables.people import read_people
from brainage.tables.reading import (
    parse_table,
    read_table,
    read_text_table,
    refuse_misnamed,
    separator_of,
)
from brainage.tables.schema import (
    NO_SESSION,
    PEOPLE,
    SCORES,
    WHOLE_BRAIN,
    Column,
    TableSchema,
)

__all__ = [
    "NO_SESSION",
    "PEOPLE",
    "SCORES",
    "WHOLE_BRAIN",
    "Column",
    "TableSchema",
    "check_table",
    "parse_table",
    "read_people",
    "read_table",
    "read_text_table",
    "refuse_misnamed",
    "separator_of",
    "write_table",
]
