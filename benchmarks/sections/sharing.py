"""What another program on all of the processors costs treadle's native engine, on one thread and on more."""

from __future__ import annotations

import statistics
from dataclasses import asdict
from typing import Any

from contest import Contestant, play
from recipe import Recipe
from results import table
from sections import Foul
from settings import Settings
from sharing_worker import SharingTask

# Network, rows, rows a batch, and epochs a round: many that take microseconds, and few of many steps.
CASES = (
    ((4, 32, 16, 4), 200, 200, 2_000),
    (Recipe().sizes, 12_800, Recipe().batch_size, 4),
)
TRIAL_EPOCHS = 2


def measure(settings: Settings) -> dict[str, Any]:
    """One contest of the engine with itself, so that every number of threads sees the same machine."""
    if not settings.plays("native"):
        return {"measured": []}
    tasks = [
        SharingTask(
            sizes,
            rows if settings.rows is None else min(rows, settings.rows),
            batch_size,
            epochs if settings.rows is None else TRIAL_EPOCHS,
            threads,
            settings.threads,
            settings.seed,
        )
        for sizes, rows, batch_size, epochs in CASES
        for threads in sorted({1, settings.threads})
    ]
    played = play([Contestant("sharing_worker.py", task) for task in tasks], settings.rounds)
    measured: list[dict[str, Any]] = []
    for task, (ready, answers) in zip(tasks, played, strict=True):
        losses = [answer["loss"] for answer in answers]
        if task.threads > 1 and losses != measured[-1]["losses"]:
            raise Foul(
                f"{ready['name']}: the losses are {losses}, and {measured[-1]['losses']} on one thread"
            )
        seconds = {key: [answer[key] for answer in answers[1:]] for key in ("alone", "beside")}
        measured.append({**ready, "task": asdict(task), "losses": losses, **seconds})
    return {"rounds": settings.rounds, "measured": measured}


def page(record: dict[str, Any]) -> str:
    """A line for each network and number of threads."""
    rows = []
    for case in record["measured"]:
        if case["task"]["threads"] == 1:
            one = case
        rows.append(
            [
                case["name"],
                *(_spread(case[key], 1e6, ".0f") for key in ("alone", "beside")),
                _spread([b / a for a, b in zip(case["alone"], case["beside"], strict=True)]),
                *(
                    _spread([b / a for a, b in zip(one[key], case[key], strict=True)])
                    for key in ("alone", "beside")
                ),
            ]
        )
    headings = [
        "", "alone", "beside", "beside, times alone", "alone, times one thread", "beside, times one thread",
    ]  # fmt: skip
    text = f"""## Beside a busy program, microseconds an epoch

treadle's native engine, Adam, on the threads asked for, and another program that keeps each of the processors
busy without end: a fair share of them is half. Medians with the least and the greatest; ratios are of one
round.

{table(headings, rows)}"""
    return text if rows else "## Beside a busy program\n\ntreadle's native engine does not take part.\n"


def _spread(values: list[float], factor: float = 1, digits: str = ".2f") -> str:
    median, least, most = (format(f(values) * factor, digits) for f in (statistics.median, min, max))
    return f"{median} ({least} to {most})"
