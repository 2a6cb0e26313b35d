"""The parent of every options type: strict, frozen, and with a fingerprint.

Options types live in the room whose choices they hold; ``brainage.config`` puts them together.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

_T = TypeVar("_T")

#: A tuple that a YAML list may fill: strict about its items, lenient about the list.
Listed = Annotated[tuple[_T, ...], Field(strict=False)]


class Options(BaseModel):
    """A frozen set of choices that refuses unknown keys and never guesses a type.

    Strict: the text ``"1e-3"`` is not a number and the number 7 is not a participant id, so a
    YAML surprise is an error and not another analysis.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)

    def fingerprint(self) -> str:
        """Return a short hash of every value, equal for equal choices."""
        return fingerprint_of(self.model_dump(mode="json"))


def fingerprint_of(value: Any) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a JSON-able value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
