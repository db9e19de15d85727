"""A feature of dates: elapsed days, year, and cyclic parts of year, week and day.

The month, the day of the week and the minute of the day are angles, each given by its sine and cosine, so
that December is next to January. A part that is the same in all training rows is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treadle.choices import DecimalMark
from treadle.errors import InvalidInput
from treadle.strict_text import ParsedTable
from treadle.tables.columns import Column
from treadle.tables.preparation.cells import DAY, LATEST, NO_MOMENT, as_moments
from treadle.tables.preparation.counts import ColumnCounts
from treadle.tables.preparation.feature import Block, Cells, Feature
from treadle.tables.preparation.stored import field, texts

MINUTE = 60_000_000  # microseconds
CYCLES = {"month": 12, "weekday": 7, "minute": 1440}
PARTS = ("elapsed", "year", *CYCLES)
IN_WORDS = {"elapsed": "elapsed days", "month": "month", "weekday": "day of week", "minute": "time of day"}

Moments = NDArray[np.int64]


def calendar(moments: Moments) -> dict[str, NDArray[np.int64]]:
    """Return year, month from 0, day of the week from Monday, 0, and minute of the day."""
    days = moments // DAY
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return {
        "year": 1970 + months // 12,
        "month": months % 12,
        "weekday": (days + 3) % 7,  # 1970-01-01 was a Thursday
        "minute": (moments - days * DAY) // MINUTE,
    }


def sines_of_turns(n: int) -> NDArray[np.float64]:
    """Return sin(2 pi k / n) for k = 0 ... n - 1 and a quarter of n more: the cosines follow the sines.

    By its Taylor series within an eighth of a turn, so that every processor has the same bits. ``n`` is a
    multiple of 4.
    """
    quarter = n // 4
    first = np.array([_sine(k, n) if 8 * k <= n else _cosine(quarter - k, n) for k in range(quarter + 1)])
    half = np.concatenate([first[:-1], first[:0:-1]])
    turn = np.concatenate([half, -half])
    return np.concatenate([turn, turn[:quarter]])


def _sine(k: int, n: int) -> float:
    return _series(2 * math.pi * k / n, 1)


def _cosine(k: int, n: int) -> float:
    return _series(2 * math.pi * k / n, 0)


def _series(angle: float, first: int) -> float:
    """Sum the Taylor series of the sine (first = 1) or the cosine (first = 0), smallest terms first."""
    terms = [angle if first else 1.0]
    for power in range(first + 2, 24, 2):
        terms.append(-terms[-1] * angle * angle / (power * (power - 1)))
    total = 0.0
    for term in reversed(terms):
        total += term
    return total


def _circle(n: int) -> NDArray[np.float64]:
    """Return (n, 2): the sine and the cosine of k / n of a turn."""
    sines = sines_of_turns(4 * n)
    return np.stack([sines[: 4 * n : 4], sines[n::4][:n]], axis=1)


CIRCLES = {part: _circle(n) for part, n in CYCLES.items()}


@dataclass(frozen=True)
class DateFeature(Feature):
    """A column of dates or time stamps.

    Attributes
    ----------
    name : str
    origin : int
        From where elapsed days count, in microseconds since 1970.
    parts : tuple of {"elapsed", "year", "month", "weekday", "minute"}
    has_indicator : bool
        Whether a plain column is 1 where the date is missing.
    """

    name: str
    origin: int
    parts: tuple[str, ...]
    has_indicator: bool = False
    kind = "date"

    @classmethod
    def fit(cls, column: Column, what: str) -> DateFeature:
        """Make the feature of a column of the training rows, some of which have a date."""
        moments = as_moments(column, what)
        present = moments[moments != NO_MOMENT]
        origin = int(present.min())
        different = {"elapsed": present - origin, **calendar(present)}
        parts = tuple(part for part in PARTS if different[part].min() < different[part].max())
        return cls(column.name, origin, parts, len(present) < len(moments))

    @property
    def number_names(self) -> tuple[str, ...]:
        """The parts, two columns for each cyclic one."""
        names: list[str] = []
        for part in self.parts:
            words = IN_WORDS.get(part, part)
            if part in CYCLES:
                names += [f"{self.name}: {function} of {words}" for function in ("sine", "cosine")]
            else:
                names.append(f"{self.name}: {words}")
        return tuple(names)

    @property
    def parts_in_words(self) -> list[str]:
        """What the parts are, for people."""
        return [IN_WORDS.get(part, part) for part in self.parts]

    @property
    def plain_names(self) -> tuple[str, ...]:
        """The indicator, where there is one."""
        return (f"{self.name} is missing",) if self.has_indicator else ()

    def cells(
        self, column: Column, what: str, first_row: int, mark: DecimalMark | None
    ) -> tuple[Cells, ColumnCounts]:
        """Read the moments; NO_MOMENT where missing."""
        moments = as_moments(column, what, first_row)
        return moments, ColumnCounts(int(np.count_nonzero(moments == NO_MOMENT)))

    def write(self, cells: Cells, numbers: Block, plain: Block) -> None:
        """Write the parts, and 1 for each date that is missing."""
        missing = cells == NO_MOMENT
        moments: Moments = np.where(missing, self.origin, cells)
        found = calendar(moments)
        place = 0
        for part in self.parts:
            if part == "elapsed":
                numbers[:, place] = (moments - self.origin) / DAY
            elif part == "year":
                numbers[:, place] = found["year"]
            else:
                numbers[:, place : place + 2] = CIRCLES[part][found[part]]
                place += 1
            place += 1
        numbers[missing] = np.nan
        if self.has_indicator:
            plain[:, 0] = missing

    def to_dict(self) -> dict[str, object]:
        """Return what describes the feature, ready for JSON."""
        return {
            "kind": self.kind,
            "name": self.name,
            "origin": self.origin,
            "parts": list(self.parts),
            "has_indicator": self.has_indicator,
        }

    @classmethod
    def from_dict(cls, described: ParsedTable) -> DateFeature:
        """Make the feature that ``to_dict`` described."""
        origin = field(described, "origin", int)
        parts = texts(described, "parts")
        if not -LATEST <= origin <= LATEST:
            raise InvalidInput(f"a date's origin must be within 2^62 microseconds of 1970; got {origin}")
        if list(parts) != [part for part in PARTS if part in parts]:
            raise InvalidInput(f"a date's parts must be some of {', '.join(PARTS)}; got {list(parts)!r:.100}")
        return cls(field(described, "name", str), origin, parts, field(described, "has_indicator", bool))
