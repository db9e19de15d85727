"""The page of results: the conditions, what the machine can do, and the sections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def page(
    conditions: dict[str, Any],
    sections: Mapping[str, tuple[str, dict[str, Any]]],
    failures: Mapping[str, str],
) -> str:
    """Markdown of the whole page.

    Parameters
    ----------
    conditions : dict
        Machine, threads, rounds, date, and ``floor.description`` as ``rates``.
    sections : mapping of str to (str, dict)
        Each section's Markdown and its record.
    failures : mapping of str to str
        The sections that are missing, and why.
    """
    rates = conditions["rates"]
    records = [record for _, record in sections.values()]
    versions = dict(sorted({k: v for record in records for k, v in _versions(record)}.items()))
    bfloat16 = (
        f"{rates['bfloat16_gflops']:.0f} GFLOP/s in bfloat16 ({rates['bfloat16_unit']})"
        if rates["bfloat16_gflops"]
        else "no bfloat16 unit"
    )
    n = conditions["rounds"]
    header = f"""# Performance

{"A trial, smaller than the standard run. " if conditions["trial"] else ""}Written by `make bench`.
Each rival has a process of its own; they train or predict in turn, a round each, so that what slows the
machine slows all. Ratios are of medians, with the least and the greatest of one round. The floor is the
arithmetic of an epoch at the rate below, and Adam's traffic once a step; nothing else.

- Machine: {conditions["processor"]}, {conditions["processors"]} processors, {conditions["system"]}, \
Python {conditions["python"]}
- Threads: {conditions["threads"]}, on as many processors
- n: {n} timed {"epoch" if n == 1 else "epochs"} each, after one epoch to warm up, where nothing else is said
- Taken by other programs meanwhile, in processors on average: {_others(sections)}
- Measured rates of {conditions["threads"]} threads: {rates["float32_gflops"]:.0f} GFLOP/s in float32 \
(vectors of {rates["float32_width"]}), {bfloat16}
- Adam's pass over the classic network: {rates["adam_microseconds"]:.0f} µs
- Date: {conditions["date"]}
- Versions: {", ".join(f"{k} {v}" for k, v in versions.items())}
"""
    missing = [f"**The section {name} is missing**: {reason}\n" for name, reason in failures.items()]
    return "\n".join([header, *missing, *(text for text, _ in sections.values())])


def _others(sections: Mapping[str, tuple[str, dict[str, Any]]]) -> str:
    return ", ".join(
        f"{name} {'not counted' if record['others'] is None else format(record['others'], '.2f')}"
        for name, (_, record) in sections.items()
    )


def _versions(record: Any) -> Iterator[tuple[str, str]]:
    """Every package and version in a record, wherever it says ``versions``."""
    if isinstance(record, dict):
        yield from record.get("versions", {}).items()
        record = list(record.values())
    if isinstance(record, list):
        for value in record:
            yield from _versions(value)
