"""The section of times: an epoch of the torch engine beside others."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gpu.processes import Ended, Process
from gpu.settings import Settings
from recipe import OTHER_SHAPES, Recipe
from results import Measurement, from_records, ratio, table, untrained

RIVALS = {
    "treadle": "treadle_torch",
    "eager": "torch_in_memory",
    "compiled": "torch_compiled",
    "jax": "jax_scan",
}
"""Modules of ``rivals`` by the name that --rivals takes; ratios are to the first that was measured."""

# Of the time that is left, what a recipe may take if others are to come: the first loads what compiles.
SHARE_OF_A_RECIPE = 0.5
# Of that, what setting up may take: whoever compiles longer is left out.
SHARE_OF_SETTING_UP = 0.8
# Seconds after which an epoch is given up, and its rival left out.
LONGEST_EPOCH = 30.0


def measure(settings: Settings, until: float) -> dict[str, Any]:
    """A contest for the classic recipe and for each other shape, as far as there is time.

    Returns
    -------
    dict
        ``recipes``, each with its ``recipe``, ``rivals`` as Measurements, the seconds of ``setting_up`` by
        rival, and ``foul``, a sentence for each rival that did not train; ``left_out`` says why a rival is
        missing, or is missing from some recipe on; ``rows`` of an epoch; ``conditions`` of the device.
    """
    task = {"device": settings.device, "data": settings.data, "rows": settings.rows}
    environment = {"TORCH_COMPILE_DISABLE": "1"} if settings.dry else {}
    field = _Field(
        {
            name: Process("epochs_part", {**task, "rival": RIVALS[name]}, environment)
            for name in settings.rivals
        }
    )
    recipes = (Recipe(), *OTHER_SHAPES)
    contests: list[dict[str, Any]] = []
    try:
        ready = field.answers(_part_of(until, SHARE_OF_A_RECIPE))
        for i, recipe in enumerate(recipes):
            if field.processes and time.monotonic() < until:
                end = _part_of(until, SHARE_OF_A_RECIPE if i < len(recipes) - 1 else 1.0)
                contests.append(_contest(recipe, field, ready, settings.rounds, end, until))
    finally:
        field.end()
    return {
        "conditions": next((said["conditions"] for said in ready.values() if "conditions" in said), {}),
        "rows": settings.rows,
        "recipes": contests,
        "left_out": field.left_out,
    }


def _part_of(until: float, share: float) -> float:
    """When that share of the time until then is over."""
    now = time.monotonic()
    return now + (until - now) * share


class _Field:
    """The rivals that are still in, by name; and why the others are not."""

    def __init__(self, processes: Mapping[str, Process]) -> None:
        self.processes = dict(processes)
        self.left_out: dict[str, str] = {}

    def ask(self, request: dict[str, Any]) -> None:
        """Ask all of them at once."""
        for process in self.processes.values():
            process.ask(request)

    def answers(self, until: float, names: Sequence[str] | None = None) -> dict[str, Any]:
        """An answer of each of those names (None: of all) that gives one; the others are out."""
        given = {}
        for name in names or list(self.processes):
            try:
                answer = self.processes[name].answer(until)
                if answer is None:
                    raise Ended("it ended early")
                given[name] = answer
            except Ended as error:
                self.processes.pop(name).end()
                self.left_out[name] = str(error)
        return given

    def end(self) -> None:
        """End all of them."""
        for process in self.processes.values():
            process.end()


def _contest(
    recipe: Recipe,
    field: _Field,
    ready: Mapping[str, dict[str, Any]],
    rounds: int,
    end: float,
    until: float,
) -> dict[str, Any]:
    """As many rounds as are wanted, or as the end leaves time for; one at least, and none past until."""
    field.ask({"recipe": asdict(recipe)})
    first = field.answers(_part_of(end, SHARE_OF_SETTING_UP))
    seconds: dict[str, list[float]] = {name: [] for name in first}
    losses = {name: [answer["loss"]] for name, answer in first.items()}
    longest = 0.0
    for i in range(rounds):
        start = time.monotonic()
        if i > 0 and start + longest > end:
            break
        # One after the other: the device is one.
        for name in list(field.processes):
            field.processes[name].ask({})
            in_time = min(until, time.monotonic() + LONGEST_EPOCH)
            for answer in field.answers(in_time, [name]).values():
                seconds[name].append(answer["seconds"])
                losses[name].append(answer["loss"])
        longest = max(longest, time.monotonic() - start)
    measured = {
        name: Measurement(first[name]["name"], ready[name]["versions"], losses[name], seconds[name])
        for name in field.processes  # which took part in every round
    }
    return {
        "recipe": asdict(recipe),
        "rivals": {name: asdict(measurement) for name, measurement in measured.items()},
        "setting_up": {name: answer["seconds"] for name, answer in first.items()},
        "foul": untrained(list(measured.values())),
    }


def problems(record: dict[str, Any]) -> list[str]:
    """A sentence for each recipe that was not measured, and each rival that failed or did not train.

    A rival that is not installed is no problem.
    """
    shapes = (Recipe(), *OTHER_SHAPES)
    missing = [f"{recipe.title}: not measured, out of time" for recipe in shapes[len(record["recipes"]) :]]
    fouls = [f"{Recipe(**c['recipe']).title}: {said}" for c in record["recipes"] for said in c["foul"]]
    failed = [
        f"{RIVALS[name]}: {why}"
        for name, why in record["left_out"].items()
        if not why.startswith(ModuleNotFoundError.__name__)
    ]
    return missing + fouls + failed


def page(record: dict[str, Any]) -> str:
    """A table for each recipe."""
    tables = "\n".join(
        f"### {Recipe(**contest['recipe']).title}\n\n{_table(contest)}" for contest in record["recipes"]
    )
    left_out = "".join(f"- {RIVALS[name]} is left out: {why}\n" for name, why in record["left_out"].items())
    left_out += "\n" if left_out else ""
    return f"""## Seconds an epoch of {record["rows"]} rows

ReLU, cross-entropy, Adam, float32 without TensorFloat-32, the last partial batch included. Each rival has a
process of its own, and they train an epoch each in turn. Ratios are of medians, with the least and the
greatest of one round. Setting up is once: the data's way to the device, compiling, and the first epoch; all
set up at the same time.

{left_out}{tables}"""


def _table(contest: dict[str, Any]) -> str:
    measurements = from_records(contest["rivals"].values())
    if not measurements:
        return "Nobody was measured.\n"
    unit = measurements[0]
    rows = [
        [
            m.name,
            str(len(m.seconds)),
            f"{m.median:.4f}",
            f"{min(m.seconds):.4f} to {max(m.seconds):.4f}",
            ratio(m, unit),
            f"{contest['setting_up'][name]:.1f}",
            f"{m.losses[-1]:.4f}",
        ]
        for name, m in zip(contest["rivals"], measurements, strict=True)
    ]
    headings = [
        "rival",
        "n",
        "median s",
        "min to max s",
        f"times {unit.name}",
        "setting up s",
        "loss of the last epoch",
    ]
    return table(headings, rows)
