"""Time an epoch of the classic recipe, treadle beside its rivals in one run, and write the table of ratios.

``python benchmarks/run.py`` needs treadle and benchmarks/requirements.txt; ``make bench`` installs both.
Rounds are interleaved (each rival trains one epoch, then each the next), so that a machine that slows down or
is shared for a while does so for all. A run with fewer rounds, rows or rivals than the standard is a trial:
it prints the table and writes no file, and neither does one on a machine that others keep busy.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from machine import available_processors, busy_seconds, description
from results import Measurement, as_json, as_markdown, untrained

HERE = Path(__file__).parent
RESULTS = HERE / "results"
RIVALS = ("treadle_numpy", "reference_script", "torch_in_memory", "sklearn_mlp", "jax_scan")
ROUNDS = 5
# Processors that other programs may take while the table is measured. Threads that wait for each other suffer
# from much less than their share of a busy machine, and some rivals more than others.
OTHERS_ALLOWED = 0.2


class Worker:
    """A rival's process, see worker.py."""

    def __init__(self, module: str, threads: int, seed: int, n_rows: int | None) -> None:
        self.module = module
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
        self.cpu = 0.0
        command = [sys.executable, str(HERE / "worker.py"), module, str(threads), str(seed)]
        self.process = subprocess.Popen(
            command if n_rows is None else [*command, str(n_rows)],
            env={**os.environ, **dict.fromkeys(names, str(threads))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def answer(self) -> dict[str, Any]:
        """The next line of the worker, waited for."""
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            sys.exit(f"{self.module} ended early, with code {self.process.wait()}; its own message is above")
        message = json.loads(line)
        self.cpu = message.pop("cpu")
        return message

    def train_epoch(self) -> dict[str, Any]:
        """Seconds and loss of one more epoch."""
        self.process.stdin.write("epoch\n")  # type: ignore[union-attr]
        self.process.stdin.flush()  # type: ignore[union-attr]
        return self.answer()


def measure(
    modules: list[str], rounds: int, threads: int, seed: int, n_rows: int | None = None
) -> tuple[list[Measurement], float | None]:
    """Every rival's epochs, and the processors that other programs took meanwhile (None: not counted)."""
    workers, measurements = [], []
    try:
        # One after the other, so that nobody's preparation runs beside another's.
        for module in modules:
            workers.append(Worker(module, threads, seed, n_rows))
            ready = workers[-1].answer()
            measurements.append(Measurement(ready["name"], ready["versions"]))
        start, busy, own = time.perf_counter(), busy_seconds(), sum(worker.cpu for worker in workers)
        for i in range(rounds + 1):
            for worker, measurement in zip(workers, measurements, strict=True):
                epoch = worker.train_epoch()
                measurement.losses.append(epoch["loss"])
                if i > 0:
                    measurement.seconds.append(epoch["seconds"])
                label = f"round {i}" if i else "warm-up"
                note = f"{label:8} {measurement.name:36} {epoch['seconds']:8.3f} s   loss {epoch['loss']:.4f}"
                print(note, file=sys.stderr, flush=True)
        elapsed, now_busy = time.perf_counter() - start, busy_seconds()
        own = sum(worker.cpu for worker in workers) - own
    finally:
        for worker in workers:
            worker.process.communicate()
    if busy is None or now_busy is None:
        return measurements, None
    # The kernel counts in hundredths of a second, and so may count a quiet machine's work a little short.
    return measurements, max(0.0, (now_busy - busy - own) / elapsed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="timed epochs of each rival (default 5)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each rival (default 2)")
    parser.add_argument("--rivals", default=",".join(RIVALS), help="modules, treadle's first (default all)")
    parser.add_argument("--rows", type=int, help="train on the first ROWS images only")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    modules = options.rivals.split(",")
    if unknown := set(modules) - set(RIVALS):
        parser.error(f"no rival is called {', '.join(sorted(unknown))}; there are {', '.join(RIVALS)}")
    if options.rounds < 1 or options.threads < 1 or (options.rows is not None and options.rows < 1):
        parser.error("--rounds, --threads and --rows must be at least 1")

    if options.threads > available_processors():
        parser.error(f"--threads {options.threads} is more than the {available_processors()} processors here")

    measurements, others = measure(modules, options.rounds, options.threads, options.seed, options.rows)
    circumstances = {**description(), "threads": options.threads, "others": others}
    date = datetime.date.today().isoformat()
    table = as_markdown(measurements, circumstances, date)
    print(table, end="")
    if sentences := untrained(measurements):
        print(*sentences, sep="\n", file=sys.stderr)
        return 1
    if options.rounds < ROUNDS or options.rows is not None or tuple(modules) != RIVALS:
        print("A trial: nothing is written.", file=sys.stderr)
        return 0
    if others is not None and not others <= OTHERS_ALLOWED:
        print(
            f"Other programs took {others:.2f} processors meanwhile, more than the {OTHERS_ALLOWED} allowed: "
            "nothing is written. Run it again when the machine is quiet.",
            file=sys.stderr,
        )
        return 0
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "classic_recipe.md").write_text(table, encoding="utf-8")
    record = json.dumps(as_json(measurements, circumstances, date), indent=2)
    (RESULTS / "classic_recipe.json").write_text(record + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
