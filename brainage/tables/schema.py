"""What a column is: its kind, unit, meaning and range; and the tables every room shares."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from brainage.showing import Shown

NO_SESSION = "n/a"
#: The `network` of scores that use every edge.
WHOLE_BRAIN = "whole_brain"


@dataclass(frozen=True, repr=False)
class Column(Shown):
    """One column: its name, kind, unit and meaning.

    Parameters
    ----------
    name : str
        Ends in the unit where there is one (``age_years``).
    kind : {"text", "number", "integer", "boolean"}
        What a cell must be.
    description : str
        For the data dictionary.
    unit : str or None, default=None
        ``years``, ``mm``, ``s``; None for unitless.
    required : bool, default=True
        Whether the column must be there.
    nullable : bool, default=False
        Whether a cell may be ``n/a``.
    low, high : float or None, default=None
        Smallest and largest value that can be true.

    Examples
    --------
    >>> Column("gap_years", "number", "Predicted age minus age.", "years")
    Column
      name: gap_years
      kind: number
      description: Predicted age minus age.
      unit: years
      required: True
      nullable: False
      low: None
      high: None
    """

    name: str
    kind: Literal["text", "number", "integer", "boolean"]
    description: str
    unit: str | None = None
    required: bool = True
    nullable: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, repr=False)
class TableSchema(Shown):
    """The columns of one kind of table; `key` columns together are unique.

    Examples
    --------
    >>> SCORES = ba.SCORES
    >>> SCORES.name, SCORES.key
    ('scores', ('participant_id', 'session_id', 'network'))
    >>> SCORES.names[:4]
    ('participant_id', 'session_id', 'age_years', 'sex')
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    _by_name: dict = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {c.name: c for c in self.columns})

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(self._by_name)

    def __getitem__(self, name: str) -> Column:
        return self._by_name[name]


_ID = Column("participant_id", "text", "Participant, with or without the BIDS prefix 'sub-'.")
_SESSION = Column("session_id", "text", "Session label, 'n/a' where the study has none.")
_AGE = Column("age_years", "number", "Age at that scan.", "years", low=0, high=120)

PEOPLE = TableSchema(
    "people",
    (
        _ID,
        _SESSION,
        # A scan without an age is left out with a reason; it does not stop the others.
        replace(_AGE, nullable=True),
        Column(
            "age_as_written",
            "text",
            "The age where it is no single number ('89+', '20-25'); such a scan is left out.",
            required=False,
            nullable=True,
        ),
        Column("sex", "text", "Sex as recorded.", required=False, nullable=True),
        Column("site", "text", "Site that scanned.", required=False, nullable=True),
        Column("scanner", "text", "Scanner or software.", required=False, nullable=True),
        Column("family_id", "text", "Family; kept in one fold.", required=False, nullable=True),
    ),
    key=("participant_id", "session_id"),
)

SCORES = TableSchema(
    "scores",
    (
        _ID,
        _SESSION,
        _AGE,
        Column("sex", "text", "Sex as recorded.", required=False, nullable=True),
        Column("site", "text", "Site that scanned.", required=False, nullable=True),
        Column("scanner", "text", "Scanner or software.", required=False, nullable=True),
        Column(
            "mean_fd_mm",
            "number",
            "Mean framewise displacement.",
            "mm",
            required=False,
            nullable=True,
        ),
        Column(
            "retained_s",
            "number",
            "Signal left after censoring: a shorter scan moves some clocks by years.",
            "s",
            required=False,
            nullable=True,
            low=0,
        ),
        Column(
            "network",
            "text",
            f"'{WHOLE_BRAIN}' or the network whose edges made this score.",
            required=False,
        ),
        # Of these three one is enough: see `tables.complete_scores`.
        Column("predicted_age_years", "number", "Brain age, uncorrected.", "years", required=False),
        Column(
            "gap_years",
            "number",
            "Predicted minus age; positive looks older.",
            "years",
            required=False,
        ),
        Column(
            "gap_corrected_years",
            "number",
            "Gap after the frozen age-bias line.",
            "years",
            required=False,
        ),
        Column(
            "interval_low_years",
            "number",
            "90 % interval of the uncorrected prediction.",
            "years",
            required=False,
            nullable=True,
        ),
        Column(
            "interval_high_years",
            "number",
            "90 % interval of the uncorrected prediction.",
            "years",
            required=False,
            nullable=True,
        ),
        Column(
            "in_age_range",
            "boolean",
            "Age lies inside the reference cohort's range.",
            required=False,
        ),
        Column(
            "distance_percentile",
            "number",
            "Share of reference scans nearer to the reference mean, in percent.",
            "percent",
            required=False,
            nullable=True,
            low=0,
            high=100,
        ),
        Column("clock_id", "text", "Content hash of the clock.", required=False),
    ),
    key=("participant_id", "session_id", "network"),
)
