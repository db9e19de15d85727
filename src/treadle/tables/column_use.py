"""Describes the use that was made of a table's column, for people and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["target", "feature", "left out"]


@dataclass(frozen=True)
class ColumnUse:
    """A column's use in a fit.

    Attributes
    ----------
    name : str
    role : {"target", "feature", "left out"}
    kind : str
        What it was taken for.
    reason : str
        Why; of a column left out, why that was.
    note : str
        What was done to its values; "" for nothing.
    levels : tuple of str
        Of a category, the reference first where there is one; else empty.
    reference : str or None
        The level without a dummy.
    """

    name: str
    role: Role
    kind: str
    reason: str
    note: str = ""
    levels: tuple[str, ...] = ()
    reference: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the use as a dictionary for JSON."""
        return {**vars(self), "levels": list(self.levels)}
