"""The whole command ``treadle train fashion-mnist``, from start to report, and the whole reference script."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from contest import HERE
from results import table
from sections import Foul
from settings import ROUNDS, Settings

# A start is twenty epochs: fewer starts than single epochs will do.
STARTS = 3
REST = "interpreter's start and end"


def measure(settings: Settings) -> dict[str, Any]:
    """Each command in turn, then each once more with stopwatches inside, then the script once."""
    trial = settings.rows is not None or settings.rounds < ROUNDS
    epochs = 1 if trial else 20
    engine = "native" if settings.plays("native") else "numpy"
    train = ["train", "fashion-mnist", "--engine", engine, "--epochs", str(epochs)]
    commands = {"float32": train}
    if settings.plays("native-bfloat16"):
        commands["bfloat16"] = [*train, "--precision", "bfloat16"]
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    # The first start of each finds caches cold that the others find warm, and is not counted.
    for start in range(1 + (1 if trial else STARTS)):
        for name, arguments in commands.items():
            elapsed = _start(["-m", "treadle"], arguments)
            if start > 0:
                seconds[name].append(elapsed)
    script = None
    if settings.plays("reference"):
        script = _run([str(HERE / "rivals" / "reference_script.py"), str(settings.threads), str(epochs)])
    return {
        "epochs": epochs,
        "engine": engine,
        "seconds": seconds,
        "parts": {name: _parts(engine, arguments) for name, arguments in commands.items()},
        "script": script,
    }


def _run(arguments: list[str]) -> float:
    """Seconds of a Python process from start to end."""
    path = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    elapsed = time.perf_counter() - start
    print(f"{elapsed:8.2f} s  {' '.join(arguments)}", file=sys.stderr, flush=True)
    if done.returncode != 0:
        raise Foul(f"{' '.join(arguments)} failed: {done.stderr.strip()}")
    return elapsed


def _start(program: list[str], arguments: list[str]) -> float:
    """Seconds of treadle with those arguments, into a folder that did not exist; its report must be there."""
    with tempfile.TemporaryDirectory() as folder:
        elapsed = _run([*program, *arguments, "--out", f"{folder}/run"])
        if not Path(folder, "run", "report.html").is_file():
            raise Foul(f"treadle {' '.join(arguments)} wrote no report")
    return elapsed


def _parts(engine: str, arguments: list[str]) -> dict[str, float]:
    """Seconds of each part of one more start; they add up to it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "parts.json")
        elapsed = _start([str(HERE / "command_parts.py"), str(file), engine], arguments)
        parts: dict[str, float] = json.loads(file.read_text("utf-8"))
    return {**parts, REST: elapsed - sum(parts.values())}


def page(record: dict[str, Any]) -> str:
    """The table of whole commands, and that of their parts."""
    seconds = record["seconds"]
    unit = statistics.median(seconds["float32"])
    rows = [
        [
            f"treadle, {record['engine']} engine, {name}",
            f"{statistics.median(s):.2f}",
            f"{min(s):.2f} to {max(s):.2f}",
            str(len(s)),
            f"{statistics.median(s) / unit:.2f}",
        ]
        for name, s in seconds.items()
    ]
    if (script := record["script"]) is not None:
        rows.append(
            ["the reference script, without pictures", f"{script:.2f}", "", "1", f"{script / unit:.2f}"]
        )
    names = list(seconds)
    slowest_first = sorted(record["parts"]["float32"], key=lambda part: -record["parts"]["float32"][part])
    parts = [
        [part, *(f"{record['parts'][name].get(part, 0.0):.3f}" for name in names)] for part in slowest_first
    ]
    totals = ["together", *(f"{sum(record['parts'][name].values()):.3f}" for name in names)]
    return f"""## The whole command, seconds

`treadle train fashion-mnist`, epochs: {record["epochs"]}; a new process, the data cached, to the written
report.

{table(["", "median s", "min to max s", "n", f"times {rows[0][0]}"], rows)}
One more start of each, with stopwatches inside, by part:

{table(["part", *(f"{name}, s" for name in names)], [*parts, totals])}"""
