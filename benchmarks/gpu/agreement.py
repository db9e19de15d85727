"""The section of agreement: the torch engine beside NumPy, and beside the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpu.processes import Ended, Process
from gpu.settings import Settings
from results import table


def measure(settings: Settings, until: float) -> dict[str, Any]:
    """As many cases as there is time for.

    Returns
    -------
    dict
        ``conditions`` of the device, ``found`` for each case and type, ``cases`` in all; ``failed`` is None,
        or why there are not more.
    """
    record: dict[str, Any] = {"conditions": {}, "cases": None, "found": [], "failed": None}
    process = Process(
        "agreement_part", {"device": settings.device, "data": settings.data, "steps": settings.steps}
    )
    try:
        record["conditions"] = process.answer(until) or {}
        record["cases"] = (process.answer(until) or {}).get("cases")
        while found := process.answer(until):
            record["found"].append(found)
    except Ended as error:
        record["failed"] = str(error)
    finally:
        process.end()
    return record


def problems(record: dict[str, Any]) -> list[str]:
    """A sentence for each case that does not agree, and one if some were not tried."""
    sentences = [
        f"{found['case']}, {found['dtype']}: beyond its tolerance in {', '.join(found['beyond'])}"
        for found in record["found"]
        if found["beyond"]
    ]
    if record["failed"]:
        n = len(record["found"])
        sentences.append(f"agreement ended after {n} of {2 * (record['cases'] or 0)}: {record['failed']}")
    return sentences


def page(record: dict[str, Any]) -> str:
    """A row for each case, float64 and then float32."""
    found = record["found"]
    steps = max((f["steps"] for f in found), default=0)
    on_cpu = any("cpu_loss" in f for f in found)
    names = ["loss", "state", "own_way", "logits", *(["cpu_loss", "cpu_state"] if on_cpu else [])]
    by_case: dict[str, dict[str, Any]] = {}
    for f in found:
        by_case.setdefault(f["case"], {})[f["dtype"]] = f
    rows = [[case, *_cells(of.get("float64"), of.get("float32"), names)] for case, of in by_case.items()]
    said = {
        "loss": "loss of a step",
        "state": "state after it",
        "own_way": "loss, own way",
        "logits": "logits at the end",
        "cpu_loss": "from the CPU: loss",
        "cpu_state": "from the CPU: state",
    }
    cpu = (
        "The last two columns are the same of the torch engine on the device and on the CPU."
        if on_cpu
        else "The device is the CPU: there is no other to compare it with."
    )
    return f"""## Agreement with the NumPy engine

treadle's torch engine on the device, {steps} steps of each case; largest relative differences, float64 /
float32. "Loss of a step" and "state after it" (parameters, moments, running statistics) are of steps from the
NumPy engine's own state; "own way" is where the engine starts as NumPy does and goes on by itself, and in
float32 is not judged: ReLU's kinks part two runs for good. {cpu}
{sum(not f["beyond"] for f in found)} of {len(found)} are within their tolerances; what is beyond is marked *.

{table(["case", *(said[name] for name in names)], rows)}"""


def _cells(double: dict[str, Any] | None, single: dict[str, Any] | None, names: Sequence[str]) -> list[str]:
    return [f"{_cell(double, name)} / {_cell(single, name)}" for name in names]


def _cell(found: dict[str, Any] | None, name: str) -> str:
    if found is None:
        return "-"
    return f"{found[name]:.1e}" + "*" * (name in found["beyond"])
