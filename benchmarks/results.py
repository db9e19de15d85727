"""What a benchmark measured: medians, spread and ratios, the check that everyone trained, and the table."""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass, field
from typing import Any

# How far the loss of an epoch may be from the rivals' median for that epoch. All train one recipe and differ
# by their random numbers alone, which moved the first epoch by 2 % over twelve seeds, and later ones by less.
# Batches of 128 moved it by 10 %, half of the rate by 10 %, twice the rate by 5 %, half of the rows by 22 %.
LOSS_TOLERANCE = 0.04


@dataclass
class Measurement:
    """One rival: ``losses`` of all epochs, the warm-up first, and ``seconds`` of those after the warm-up."""

    name: str
    versions: dict[str, str]
    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Median seconds an epoch."""
        return statistics.median(self.seconds)


def untrained(measurements: list[Measurement]) -> list[str]:
    """A sentence for each rival whose losses say that it did not train the recipe; none where all did."""
    medians = [_finite_median(losses) for losses in zip(*(m.losses for m in measurements), strict=True)]
    sentences = []
    for m in measurements:
        if not m.losses[-1] < m.losses[0]:
            sentences.append(f"{m.name} did not train: its loss went from {m.losses[0]} to {m.losses[-1]}")
            continue
        for epoch, (loss, median) in enumerate(zip(m.losses, medians, strict=True), start=1):
            if not abs(loss - median) <= LOSS_TOLERANCE * median:
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


def as_json(measurements: list[Measurement], conditions: dict[str, Any], date: str) -> dict[str, Any]:
    """Everything that was measured, unrounded."""
    return {"date": date, **conditions, "rivals": [asdict(m) for m in measurements]}


def as_markdown(measurements: list[Measurement], conditions: dict[str, Any], date: str) -> str:
    """The table, with the first measurement as the unit of its ratios."""
    unit = measurements[0]
    n = len(unit.seconds)
    others = conditions["others"]
    taken = "not counted on this system" if others is None else f"{others:.2f} processors on average"
    lines = [
        "# The classic recipe, seconds an epoch",
        "",
        "Fashion-MNIST, 784-256-128-64-10, ReLU, cross-entropy, Adam 0.001, batches of 64, float32.",
        "Written by `make bench`: each rival in a process of its own, one epoch each in turn.",
        "",
        f"- Machine: {conditions['processor']}, {conditions['processors']} processors, "
        f"{conditions['system']}, Python {conditions['python']}",
        f"- Threads: {conditions['threads']}",
        f"- Taken by other programs meanwhile: {taken}",
        f"- Date: {date}",
        f"- n: {n} {'epoch' if n == 1 else 'epochs'} each, after one epoch to warm up",
        "",
        f"| rival | median s | min s | max s | times {unit.name} | loss of the last epoch |",
        "| :-- | --: | --: | --: | --: | --: |",
    ]
    lines += [
        f"| {m.name} | {m.median:.3f} | {min(m.seconds):.3f} | {max(m.seconds):.3f} "
        f"| {m.median / unit.median:.2f} | {m.losses[-1]:.4f} |"
        for m in measurements
    ]
    lines += ["", "| rival | versions |", "| :-- | :-- |"]
    lines += [f"| {m.name} | {', '.join(f'{k} {v}' for k, v in m.versions.items())} |" for m in measurements]
    return "\n".join(lines) + "\n"
