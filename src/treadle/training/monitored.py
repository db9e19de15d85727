"""Finds the figure of an epoch that a callback goes by."""

from __future__ import annotations

from dataclasses import fields

from treadle.errors import InvalidInput
from treadle.training.history import EpochRecord


def monitored_figure(record: EpochRecord, name: str) -> float:
    """Return the number in a column of the history; raise InvalidInput if it has none such."""
    try:
        return float(getattr(record, name))
    except (AttributeError, TypeError):
        columns = ", ".join(field.name for field in fields(EpochRecord))
        raise InvalidInput(
            f"the history has no column of numbers {name!r} to monitor; it has {columns}"
        ) from None
