"""What a benchmark measured: medians, spread and ratios, the check that everyone trained, and the table."""

from __future__ import annotations

import math
import os
import platform
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

# All rivals train one recipe and differ by their random numbers alone, which moves the loss of an epoch by a
# few per cent. Half of the rows, another batch size or another rate moves that of the sixth epoch further.
LOSS_TOLERANCE = 0.10


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
    # Not a number has no place in an order: it must not move the median that the others are held to.
    finite = [m.losses[-1] for m in measurements if math.isfinite(m.losses[-1])]
    middle = statistics.median(finite) if finite else math.nan
    sentences = []
    for m in measurements:
        fell = m.losses[-1] < m.losses[0]
        near = abs(m.losses[-1] - middle) <= LOSS_TOLERANCE * middle
        if not (fell and near):
            sentences.append(
                f"{m.name} did not train the recipe: its loss went from {m.losses[0]:.4f} to "
                f"{m.losses[-1]:.4f} in {len(m.losses)} epochs, and the rivals' median is {middle:.4f}"
            )
    return sentences


def conditions(threads: int, load: float | None) -> dict[str, Any]:
    """The machine, the threads, and how busy the machine was before the first epoch."""
    return {
        "processor": processor_model(),
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "threads": threads,
        "load_before": load,
    }


def processor_model() -> str:
    """The processor's own name."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def as_json(measurements: list[Measurement], conditions: dict[str, Any], date: str) -> dict[str, Any]:
    """Everything that was measured, unrounded."""
    return {"date": date, **conditions, "rivals": [asdict(m) for m in measurements]}


def as_markdown(measurements: list[Measurement], conditions: dict[str, Any], date: str) -> str:
    """The table, with the first measurement as the unit of its ratios."""
    unit = measurements[0]
    n = len(unit.seconds)
    load = "" if conditions["load_before"] is None else f", load before {conditions['load_before']:.2f}"
    lines = [
        "# The classic recipe, seconds an epoch",
        "",
        "Fashion-MNIST, 784-256-128-64-10, ReLU, cross-entropy, Adam 0.001, batches of 64, float32.",
        "Written by `make bench`: each rival in a process of its own, one epoch each in turn.",
        "",
        f"- Machine: {conditions['processor']}, {conditions['processors']} processors, "
        f"{conditions['system']}, Python {conditions['python']}{load}",
        f"- Threads: {conditions['threads']}",
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
