"""The exact L1 regression beside who else fits one: seconds, memory, how far each is above the optimum."""

from __future__ import annotations

import statistics
from typing import Any

from contest import Contestant, play
from l1_worker import L1Task
from results import table
from sections import Foul
from settings import ROUNDS, Settings

SHAPES = (
    (1_000, 10),
    (10_000, 10),
    (100_000, 10),
    (100_000, 50),
    (1_000_000, 10),
    (1_000_000, 50),
    (100_000, 200),
)
# Who takes part, up to how many numbers in X: beyond, a fit takes a minute or more.
RIVALS = {
    "treadle_lad": None,
    "treadle_verify": None,
    "treadle_verify_exact": None,
    "pyqreg2_quantreg": None,
    "pinball_pfn": None,
    "pinball_fnb": None,
    "statsmodels_quantreg": 10_000_000,
    "sklearn_quantile": 100_000,
    "floor": None,
}
# From so many numbers in X on, no more than that many timed fits each; up to so many, more: what takes
# milliseconds varies by half.
LARGE, ROUNDS_OF_LARGE = 10_000_000, 3
SMALL, ROUNDS_OF_SMALL = 10_000, 25
# How far above the least objective of all a treadle fit may be, relative to it.
TOLERANCE = 1e-10


def measure(settings: Settings) -> dict[str, Any]:
    """A contest for each shape; in a trial, of the first 2 000 rows and 10 features at most."""
    shapes = SHAPES if settings.rows is None else tuple((settings.rows, d) for _, d in SHAPES[:1])
    return {"contests": [_contest(n, d, settings) for n, d in shapes]}


def _contest(n: int, d: int, settings: Settings) -> dict[str, Any]:
    names = [name for name, most in RIVALS.items() if most is None or n * d <= most]
    rounds = settings.rounds
    if n * d >= LARGE:
        rounds = min(rounds, ROUNDS_OF_LARGE)
    elif n * d <= SMALL and rounds >= ROUNDS:
        rounds = max(rounds, ROUNDS_OF_SMALL)
    tasks = [L1Task(name, n, d, settings.threads, settings.seed) for name in names]
    played = play([Contestant("l1_worker.py", task) for task in tasks], rounds)
    fits = [
        {
            **ready,
            "seconds": [answer["seconds"] for answer in answers[1:]],
            "objective": answers[-1]["objective"],
            "megabytes": answers[0]["megabytes"],
        }
        for ready, answers in played
    ]
    least = min(fit["objective"] for fit in fits if fit["objective"] is not None)
    ours = fits[0]["objective"]
    if not ours <= least * (1 + TOLERANCE):
        raise Foul(f"treadle's objective at {n} x {d} is {ours!r}, above the least, {least!r}")
    absent = [name for name in RIVALS if name not in names]
    return {"rows": n, "features": d, "fits": fits, "least": least, "absent": absent}


def page(record: dict[str, Any]) -> str:
    """A table for each shape."""
    tables = "\n".join(map(_table, record["contests"]))
    return f"""## Exact L1 regression, seconds a fit

The median of y given X, with an intercept, of the public classes as a user calls them. Noise is t with 1.5
degrees of freedom, 5 % of rows are gross outliers, .1 % leverage rows. Memory is the peak of the first fit in
a fresh process, beyond what it held before. The floor is one product X w and one X'X. `verify` proves a fit
that is there; it is no fit, and its first call, which makes one, is not timed.

{tables}"""


def _table(contest: dict[str, Any]) -> str:
    *fits, floor = contest["fits"]
    medians = [statistics.median(fit["seconds"]) for fit in fits]
    least_time = statistics.median(floor["seconds"])
    rows = [
        [
            fit["name"],
            f"{median:.4f}",
            f"{min(fit['seconds']):.4f} to {max(fit['seconds']):.4f}",
            f"{median / medians[0]:.2f}",
            f"{median / least_time:.1f}",
            "" if fit["megabytes"] is None else f"{fit['megabytes']:.0f}",
            f"{fit['objective'] / contest['least'] - 1:.0e}",
        ]
        for fit, median in zip(fits, medians, strict=True)
    ]
    headings = ["", "median s", "min to max s", "times treadle", "times the floor", "MB", "above the least"]
    absent = (
        f" Left out, as a minute or more a fit: {', '.join(contest['absent'])}." if contest["absent"] else ""
    )
    title = f"### {contest['rows']} rows, {contest['features']} features"
    told = f"The floor took {least_time:.4f} s; n: {len(floor['seconds'])} fits.{absent}"
    return f"{title}\n\n{told}\n\n{table(headings, rows)}"
