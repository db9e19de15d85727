"""A million boxes for a function of one variable: building them, and evaluating ten million points."""

from __future__ import annotations

import statistics
from typing import Any

from boxes_worker import LIPSCHITZ, WAYS, A, B, BoxesTask
from contest import Contestant, play
from results import table
from sections import Foul
from settings import Settings

N_BOXES, N_POINTS = 1_000_000, 10_000_000
# Of a trial: boxes and points for each row that it trains on.
TRIAL_BOXES, TRIAL_POINTS = 10, 100
# The slowest of the ways takes some ten seconds a round, and repeats itself within a few per cent.
MOST_ROUNDS = 3


def measure(settings: Settings) -> dict[str, Any]:
    """A contest of all ways, in which each round's greatest error is held against the bound of boxes."""
    n_boxes, n_points = N_BOXES, N_POINTS
    if settings.rows is not None:
        n_boxes, n_points = TRIAL_BOXES * settings.rows, TRIAL_POINTS * settings.rows
    tasks = [BoxesTask(way, n_boxes, n_points, settings.threads, settings.seed) for way in WAYS]
    rounds = min(settings.rounds, MOST_ROUNDS)
    played = play([Contestant("boxes_worker.py", task) for task in tasks], rounds)
    # Half a box, and as much as float32 moves a point by.
    bound = LIPSCHITZ * ((B - A) / n_boxes / 2 + 2 * 2.0**-24) * (1 + 1e-9)
    records = []
    for ready, answers in played:
        error = max(answer["error"] for answer in answers)
        if not error <= bound:
            raise Foul(f"{ready['name']} is off by {error}, where boxes are by {bound} at most")
        timed = answers[1:]
        records.append({**ready, "error": error, **{k: [a[k] for a in timed] for k in ("build", "predict")}})
    return {
        "boxes": n_boxes,
        "points": n_points,
        "rounds": rounds,
        "threads": settings.threads,
        "ways": records,
    }


def page(record: dict[str, Any]) -> str:
    """Build and predict, each beside treadle's."""
    ways = record["ways"]
    unit = {key: statistics.median(ways[0][key]) for key in ("build", "predict")}
    rows = []
    for way in ways:
        cells = [way["name"]]
        for key in ("build", "predict"):
            median = statistics.median(way[key])
            spread = f"{min(way[key]):.3f} to {max(way[key]):.3f}"
            cells += [f"{median:.3f}", spread, f"{median / unit[key]:.2f}"]
        rows.append([*cells, f"{way['error']:.2g}"])
    headings = [
        "", "build s", "min to max", "times treadle's", "predict s", "min to max", "times treadle's", "error",
    ]  # fmt: skip
    return f"""## Boxes: {record["boxes"]:,} of them, {record["points"]:,} points

f(x) = sin 3x + 0.5 cos 7x on [-2, 2], points at random, {record["rounds"]} rounds after one to warm up.
treadle predicts on {record["threads"]} threads, and its building includes the proved bound and the sampled
error; the others have one thread each. The error is the greatest |f - F| met.

{table(headings, rows)}"""
