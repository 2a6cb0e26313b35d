"""Column schemas with units, and the reading, checking and writing of tables.

Tables are plain DataFrames. A schema says what each column means and in which unit; reading a
file reports every problem at once, and writing puts a BIDS data dictionary (JSON) beside it.
Missing text is ``None``/NaN; ``n/a`` in a file. A key column (participant_id, session_id) is
never missing: a scan without sessions has the session_id ``"n/a"``, as text.
"""

from brainage.tables.cells import read_lines, read_text_table, separator_of
from brainage.tables.checks import check_table, write_table
from brainage.tables.length_curve import LENGTH_CURVE, LOSSES, LengthCurve, Loss
from brainage.tables.missing import MISSING_WORDS, is_missing, missing_cells
from brainage.tables.numbers import number_of, numbers_or_categories
from brainage.tables.people import read_people
from brainage.tables.reading import parse_table, read_table, refuse_misnamed
from brainage.tables.schema import (
    NO_SESSION,
    PEOPLE,
    SCORES,
    WHOLE_BRAIN,
    Column,
    TableSchema,
)
from brainage.tables.scores import (
    complete_scores,
    read_scores,
    refuse_several_clocks,
    refuse_unfit_scores,
)
from brainage.tables.sex import SEX_COLUMNS, sex_levels

__all__ = [
    "LENGTH_CURVE",
    "LOSSES",
    "MISSING_WORDS",
    "NO_SESSION",
    "PEOPLE",
    "SCORES",
    "SEX_COLUMNS",
    "WHOLE_BRAIN",
    "Column",
    "LengthCurve",
    "Loss",
    "TableSchema",
    "check_table",
    "complete_scores",
    "is_missing",
    "missing_cells",
    "number_of",
    "numbers_or_categories",
    "parse_table",
    "read_lines",
    "read_people",
    "read_scores",
    "read_table",
    "refuse_several_clocks",
    "refuse_unfit_scores",
    "read_text_table",
    "refuse_misnamed",
    "separator_of",
    "sex_levels",
    "write_table",
]
