"""What the choices of one analysis have in common."""

from __future__ import annotations

from brainage.options import Options


class AnalysisOptions(Options):
    """Choices of one analysis, with the columns of other tables that it reads.

    A field of `TrialOptions` that holds one (or a list of them) is None (or empty) by default: a
    plan that does not ask for the analysis then keeps its hash.
    """

    @property
    def allocation_columns(self) -> tuple[str, ...]:
        """Columns of the allocation table: sessions attended, a moderator."""
        return ()

    @property
    def outcome_columns(self) -> tuple[str, ...]:
        """Columns of the outcome table: strength at each visit."""
        return ()
