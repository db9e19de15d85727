"""What every user meets: one row in both types, tiny and deep networks, short commands."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from typing import Any

import floor
from contest import Contestant, play
from everyday_worker import CALLS, DEEP, DEEP_DROPOUT, TABLES, TINY, EverydayTask
from recipe import Recipe
from results import table
from sections import Foul
from settings import Settings

DTYPES = ("float32", "float64")
# How much less than scikit-learn's an accuracy on the training rows may be.
WORSE = 0.03
COMMANDS = (("info",), ("train", "digits", "--epochs", "1"))


def measure(settings: Settings) -> dict[str, Any]:
    """A contest for each line of the page's tables."""
    share = 100 if settings.rows is not None else 1
    contests = [
        *(
            _contest("row", data, dtype, ("treadle", "scikit-learn"), settings, share)
            for data in TABLES
            for dtype in DTYPES
        ),
        *(
            _contest(what, "", "float32", ("treadle", "PyTorch"), settings, share)
            for what in ("tiny", "deep")
        ),
    ]
    sizes, n_rows, batch_size, _ = DEEP
    recipe = Recipe(sizes, batch_size)
    seconds = floor.floor(recipe, n_rows, settings.threads)
    return {
        "rounds": settings.rounds,
        "contests": contests,
        "products": None if seconds is None else seconds / recipe.n_steps(n_rows),
        "commands": {
            " ".join(words): cpu_seconds(words, 1 if settings.rows else settings.rounds) for words in COMMANDS
        },
    }


def _contest(
    what: str, data: str, dtype: str, programs: tuple[str, str], settings: Settings, share: int
) -> dict[str, Any]:
    tasks = [
        EverydayTask(program, what, data, dtype, settings.threads, settings.seed, share)
        for program in programs
    ]
    played = play([Contestant("everyday_worker.py", task) for task in tasks], settings.rounds)
    ours, rival = ([answer["seconds"] for answer in answers[1:]] for _, answers in played)
    last, of_rival = (answers[-1] for _, answers in played)
    if "score" in last and last["score"] < of_rival["score"] - WORSE:
        raise Foul(f"treadle's accuracy on {data} is {last['score']}, scikit-learn's {of_rival['score']}")
    return {
        "what": what, "data": data, "dtype": dtype, "programs": programs, "ours": ours, "rival": rival,
        "rivals": [ready for ready, _ in played],
    }  # fmt: skip


def cpu_seconds(words: tuple[str, ...], rounds: int) -> list[float]:
    """Processor seconds of the command, of each of the starts after one that is not counted."""
    found = []
    for _ in range(1 + rounds):
        with tempfile.TemporaryDirectory() as folder:
            out = ["--out", f"{folder}/run"] if words[0] == "train" else []
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run(
                [sys.executable, "-m", "treadle", *words, *out], capture_output=True, text=True, check=False
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise Foul(f"treadle {' '.join(words)} failed: {done.stderr.strip()}")
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return found[1:]


def page(record: dict[str, Any]) -> str:
    """A table for each kind of thing."""
    rows, networks = (
        [c for c in record["contests"] if c["what"] in kinds] for kinds in (("row",), ("tiny", "deep"))
    )
    titles = {
        "tiny": f"{_title(TINY[0])}, {TINY[1]} rows, a step an epoch, {TINY[3]} epochs, s",
        "deep": f"{_title(DEEP[0])}, SiLU, dropout {DEEP_DROPOUT}, batches of {DEEP[2]}, ms a step",
    }
    network_rows = [
        [titles[c["what"]], *_numbers(c, 1.0 if c["what"] == "tiny" else 1e3, ".2f")] for c in networks
    ]
    row_lines = [[c["data"], c["dtype"], *_numbers(c, 1e6, ".0f")] for c in rows]
    commands = [
        [f"`treadle {words}`", f"{statistics.median(s):.2f}", f"{min(s):.2f} to {max(s):.2f}"]
        for words, s in record["commands"].items()
    ]
    products = record["products"]
    of_floor = f" The products and Adam alone take {1e3 * products:.2f} ms a step." if products else ""
    return f"""## What every user meets

`predict_proba` of one row by `MLPClassifier` with its defaults, microseconds a call; medians of
{record["rounds"]} times {CALLS} calls, in brackets the least and the greatest ratio of one round:

{table(["table", "X", "scikit-learn", "treadle", "times faster"], row_lines)}
Small and deep networks of a table's size, by `MLPClassifier` in float32, beside PyTorch's fused Adam:

{table(["", "PyTorch", "treadle", "times faster"], network_rows)}
{of_floor.strip()}

Short commands, seconds of processor from start to end:

{table(["", "median", "min to max"], commands)}"""


def _title(sizes: tuple[int, ...]) -> str:
    return "-".join(map(str, sizes))


def _numbers(contest: dict[str, Any], factor: float, digits: str) -> list[str]:
    ratios = [b / a for a, b in zip(contest["ours"], contest["rival"], strict=True)]
    rival, ours = (statistics.median(contest[key]) for key in ("rival", "ours"))
    return [
        format(rival * factor, digits),
        format(ours * factor, digits),
        f"{rival / ours:.1f} ({min(ratios):.1f} to {max(ratios):.1f})",
    ]
