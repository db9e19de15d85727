"""Time treadle beside its rivals, in one run, and write the page of results.

``python benchmarks/run.py`` needs treadle with its native engine, a C compiler and
benchmarks/requirements.txt; ``make bench`` installs what Python needs. A run with fewer rounds, rows, rivals
or sections than the standard is a trial: it prints the page and writes no file, unless --out names a folder
for it. A section that others disturbed is measured again, and where that does not help, nothing is written.
A section that fails leaves what the others measured: the page names it, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import floor
import native
from machine import OthersWatch, available_processors, description, take_processors
from page import page
from sections import Foul, boxes, classic, command, everyday, growth, l1, prediction, shapes, sharing
from settings import ROUNDS, THREADS, TRAINED, Settings

RESULTS = Path(__file__).parent / "results"
SECTIONS = {
    "classic": classic,
    "shapes": shapes,
    "growth": growth,
    "sharing": sharing,
    "prediction": prediction,
    "everyday": everyday,
    "boxes": boxes,
    "command": command,
    "l1": l1,
}
# Processors that other programs may take while a section is measured. Threads that wait for each other suffer
# from much less than their share of a busy machine, and some rivals more than others.
OTHERS_ALLOWED = 0.2
ATTEMPTS = 3


def measure(name: str, settings: Settings, processors: list[int]) -> dict[str, Any]:
    """A section's record, and the processors that other programs took meanwhile as ``others``."""
    with OthersWatch(processors) as watch:
        record = SECTIONS[name].measure(settings)
    return {**record, "others": watch.taken}


def measure_all(
    names: Iterable[str], settings: Settings, processors: list[int], attempts: int
) -> tuple[dict[str, tuple[str, dict[str, Any]]], dict[str, str]]:
    """Each section's Markdown and record; and why there is none, for those that failed."""
    measured: dict[str, tuple[str, dict[str, Any]]] = {}
    failures: dict[str, str] = {}
    for name in names:
        for _ in range(attempts):
            print(f"--- {name}", file=sys.stderr)
            try:
                record = measure(name, settings, processors)
                measured[name] = SECTIONS[name].page(record), record
            except Exception as error:  # whatever it is, it is this section's alone
                measured.pop(name, None)
                failures[name] = str(error) if isinstance(error, Foul) else f"{type(error).__name__}: {error}"
                traceback.print_exception(error)
                break
            if not disturbed(record):
                break
    return measured, failures


def disturbed(record: dict[str, Any]) -> bool:
    """Whether others took more than is allowed while that was measured."""
    return record["others"] is not None and not record["others"] <= OTHERS_ALLOWED


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line, checked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="timed epochs of each rival (default 5)")
    parser.add_argument("--threads", type=int, default=THREADS, help="threads of each rival (default 2)")
    parser.add_argument("--rivals", help=f"some of {','.join(TRAINED)} (default all)")
    parser.add_argument("--sections", help=f"some of {','.join(SECTIONS)} (default all)")
    parser.add_argument("--rows", type=int, help="train on the first ROWS images only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the page, of a trial as well (default results/)")
    options = parser.parse_args(words)
    for name, known in (("rivals", TRAINED), ("sections", SECTIONS)):
        chosen = getattr(options, name)
        names = None if chosen is None else tuple(chosen.split(","))
        if names and (unknown := sorted(set(names) - set(known))):
            parser.error(f"--{name}: there is no {', '.join(unknown)}; there are {', '.join(known)}")
        setattr(options, name, names)
    if options.rounds < 1 or options.threads < 1 or (options.rows is not None and options.rows < 1):
        parser.error("--rounds, --threads and --rows must be at least 1")
    if options.threads > len(available_processors()):
        parser.error(
            f"--threads {options.threads} is more than the {len(available_processors())} processors here"
        )
    return options


def main() -> int:
    options = arguments()
    trial = options.rounds < ROUNDS or any((options.rows, options.rivals, options.sections))
    no_native = native.refusal("float32")
    if no_native and (options.rivals is None or "native" in options.rivals):
        print(
            f"treadle's native engine is what is measured, and it is not here: {no_native}", file=sys.stderr
        )
        return 1
    settings = Settings(
        options.rounds,
        options.threads,
        options.seed,
        options.rows,
        options.rivals,
        native_kernels="" if no_native else native.kernels(),
        no_bfloat16=native.refusal("bfloat16"),
    )
    processors = take_processors(options.threads)
    try:
        rates = floor.description(options.threads)
    except floor.FloorUnknown as error:
        print(error, file=sys.stderr)
        return 1
    measured, failures = measure_all(
        options.sections or SECTIONS, settings, processors, 1 if trial else ATTEMPTS
    )
    conditions = {
        **description(),
        "threads": options.threads,
        "rounds": options.rounds,
        "date": datetime.date.today().isoformat(),
        "trial": trial,
        "rates": rates,
    }
    text = page(conditions, measured, failures)
    print(text, end="")
    for name, reason in failures.items():
        print(f"The section {name} failed: {reason}", file=sys.stderr)
    status = 1 if failures else 0
    if trial and options.out is None:
        print("A trial: nothing is written.", file=sys.stderr)
        return status
    if busy := [name for name, (_, record) in measured.items() if disturbed(record)]:
        print(
            f"Other programs took more than {OTHERS_ALLOWED} processors during {', '.join(busy)}: "
            "nothing is written. Run it again when the machine is quiet.",
            file=sys.stderr,
        )
        return status
    folder = options.out or RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "performance.md").write_text(text, "utf-8")
    sections = {name: record for name, (_, record) in measured.items()}
    record = json.dumps({**conditions, "sections": sections, "failures": failures}, indent=2)
    (folder / "performance.json").write_text(record + "\n", "utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
