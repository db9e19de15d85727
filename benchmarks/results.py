"""What a training contest measured: medians, spread, ratios, the check that everyone trained, the table."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# How far the loss of an epoch may be from the rivals' median for that epoch. All train one recipe and differ
# by their random numbers alone, which moved the first epoch by 2 % over twelve seeds, and later ones by less.
# Batches of 128 moved it by 10 %, half of the rate by 10 %, twice the rate by 5 %, half of the rows by 22 %.
LOSS_TOLERANCE = 0.04


@dataclass(frozen=True)
class Measurement:
    """One rival: ``losses`` of all epochs, the warm-up first, and ``seconds`` of those after the warm-up.

    ``floor`` is the least that an epoch can take in its precision, see floor.py; None where that is unknown.
    ``tolerance`` is how far a loss may be from the rivals' median, relative to it.
    """

    name: str
    versions: dict[str, str]
    losses: list[float]
    seconds: list[float]
    floor: float | None = None
    tolerance: float = LOSS_TOLERANCE

    @classmethod
    def of(
        cls,
        played: tuple[dict[str, Any], Sequence[dict[str, Any]]],
        floor: float | None,
        tolerance: float = LOSS_TOLERANCE,
    ) -> Measurement:
        """From what a worker said of itself and of each epoch, the warm-up's first."""
        ready, answers = played
        losses, seconds = ([answer[key] for answer in answers] for key in ("loss", "seconds"))
        return cls(ready["name"], ready["versions"], losses, seconds[1:], floor, tolerance)

    @property
    def median(self) -> float:
        """Median seconds an epoch."""
        return statistics.median(self.seconds)


def untrained(measurements: Sequence[Measurement]) -> list[str]:
    """A sentence for each rival whose losses say that it did not train the recipe; none where all did."""
    medians = [_finite_median(losses) for losses in zip(*(m.losses for m in measurements), strict=True)]
    sentences = []
    for m in measurements:
        if not m.losses[-1] < m.losses[0]:
            sentences.append(f"{m.name} did not train: its loss went from {m.losses[0]} to {m.losses[-1]}")
            continue
        for epoch, (loss, median) in enumerate(zip(m.losses, medians, strict=True), start=1):
            if not abs(loss - median) <= m.tolerance * median:
                sentences.append(
                    f"{m.name} did not train the recipe: its loss of epoch {epoch} is {loss:.4f}, and the "
                    f"rivals' median is {median:.4f}"
                )
                break
    return sentences


def _finite_median(losses: tuple[float, ...]) -> float:
    # Not a number has no place in an order: it must not move the median that the others are held to.
    finite = [loss for loss in losses if math.isfinite(loss)]
    return statistics.median(finite) if finite else math.nan


def ratio(measured: Measurement, unit: Measurement) -> str:
    """Ratio of the medians, with the least and the greatest ratio of one round."""
    rounds = [a / b for a, b in zip(measured.seconds, unit.seconds, strict=True)]
    return f"{measured.median / unit.median:.2f} ({min(rounds):.2f} to {max(rounds):.2f})"


def rivals_table(measurements: Sequence[Measurement], units: Iterable[int] = (0,)) -> str:
    """A row for each rival; the measurements at ``units`` are those that the ratios are to."""
    chosen = [measurements[unit] for unit in units]
    headings = ["rival", "median s", "min to max s", *(f"times {unit.name}" for unit in chosen)]
    rows = [
        [
            m.name,
            f"{m.median:.3f}",
            f"{min(m.seconds):.3f} to {max(m.seconds):.3f}",
            *(ratio(m, unit) for unit in chosen),
            "" if m.floor is None else f"{m.median / m.floor:.2f}",
            f"{m.losses[-1]:.4f}",
        ]
        for m in measurements
    ]
    return table([*headings, "times the floor", "loss of the last epoch"], rows)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, its first column of words and the others of numbers."""
    lines = [headings, [":--", *["--:"] * (len(headings) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def as_records(measurements: Iterable[Measurement]) -> list[dict[str, Any]]:
    """Everything that was measured, unrounded."""
    return [asdict(m) for m in measurements]


def from_records(records: Iterable[dict[str, Any]]) -> list[Measurement]:
    """What ``as_records`` was given."""
    return [Measurement(**record) for record in records]
