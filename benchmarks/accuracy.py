"""Test accuracy of a recipe over seeds, by the command that a user calls; written to results/.

``python accuracy.py`` trains the classic recipe with each engine, and with PyTorch from the same initial
parameters in the same order of the rows: as many runs at once as there are processors, one thread each.
``python accuracy.py --recipe fast --seeds 10`` trains another recipe with the native engine, one run after
the other on all processors, and says how long training took. Nothing is chosen by the test set: it is the
model after the last epoch that counts.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import native
from machine import THREAD_VARIABLES, available_processors, description
from results import table

HERE = Path(__file__).parent
RESULTS = HERE / "results"
CLASSIC_EPOCHS = 20
# How rivals/torch_in_memory.py computes in each precision.
HOW = {"float32": "float32", "bfloat16": "bfloat16 by autocast"}


@dataclass(frozen=True)
class Score:
    """A trained model on the test set: fraction right, mean cross-entropy; and its training's seconds."""

    accuracy: float
    loss: float
    seconds: float


def score(command: Sequence[str], threads: int) -> Score:
    """What the command, told to write into a new folder where it writes at all, says of its model."""
    path = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, *(word.format(folder=folder) for word in command)],
            env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads)), "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            check=False,
        )
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed; its own message is above")
    told = json.loads(done.stdout)
    return Score(told["test"]["accuracy"], told["test"]["loss"], told["seconds"]["training"])


def treadle(recipe: str, engine: str, precision: str, seed: int, epochs: int | None) -> list[str]:
    """The command of one run of treadle."""
    options = ["--recipe", recipe, "--engine", engine, "--precision", precision, "--seed", str(seed)]
    if epochs is not None:
        options += ["--epochs", str(epochs)]
    return ["-m", "treadle", "train", "fashion-mnist", *options, "--json", "--out", "{folder}/run"]


def torch(precision: str, seed: int, epochs: int | None) -> list[str]:
    """The command of one run of PyTorch, one thread."""
    return [str(HERE / "torch_same_start.py"), str(seed), precision, str(epochs or CLASSIC_EPOCHS), "1"]


def classic_scores(seeds: int, precisions: Sequence[str], epochs: int | None) -> dict[str, list[Score]]:
    """Each program's scores, seed by seed."""
    commands = {f"PyTorch, {HOW[p]}": [torch(p, seed, epochs) for seed in range(seeds)] for p in precisions}
    numpy = [treadle("classic", "numpy", "float32", seed, epochs) for seed in range(seeds)]
    commands["treadle, NumPy engine, float32"] = numpy
    for precision in precisions:
        commands[f"treadle, native engine, {precision}"] = [
            treadle("classic", "native", precision, seed, epochs) for seed in range(seeds)
        ]
    with ThreadPoolExecutor(len(available_processors())) as pool:
        futures = {name: [pool.submit(score, c, 1) for c in cs] for name, cs in commands.items()}
        return {name: [future.result() for future in scores] for name, scores in futures.items()}


def recipe_scores(
    recipe: str, seeds: int, precisions: Sequence[str], epochs: int | None
) -> dict[str, list[Score]]:
    """The native engine's scores in each precision, seed by seed, one run after the other."""
    threads = len(available_processors())
    return {
        f"treadle, native engine, {precision}": [
            score(treadle(recipe, "native", precision, seed, epochs), threads) for seed in range(seeds)
        ]
        for precision in precisions
    }


def page(recipe: str, scores: Mapping[str, Sequence[Score]], conditions: Mapping[str, object]) -> str:
    """The page of results; differences are from its first program."""
    first = [100 * s.accuracy for s in next(iter(scores.values()))]
    summary = []
    for name, of_seeds in scores.items():
        accuracies, seconds = [100 * s.accuracy for s in of_seeds], [s.seconds for s in of_seeds]
        differences = [a - b for a, b in zip(accuracies, first, strict=True)]
        error = statistics.stdev(differences) / len(differences) ** 0.5
        difference = f"{statistics.mean(differences):+.2f} ± {error:.2f}"
        summary.append(
            [
                name,
                f"{statistics.mean(accuracies):.2f}",
                f"{statistics.stdev(accuracies):.2f}",
                f"{min(accuracies):.2f} to {max(accuracies):.2f}",
                f"{statistics.mean(s.loss for s in of_seeds):.4f}",
                *([f"{statistics.median(seconds):.2f}"] if recipe != "classic" else [difference]),
            ]
        )
    last = "from the first, ± standard error" if recipe == "classic" else "training, median s"
    headings = ["", "mean, %", "standard deviation", "range, %", "test loss", last]
    by_seed = [
        [str(seed), *(f"{100 * s[seed].accuracy:.2f}" for s in scores.values())] for seed in range(len(first))
    ]
    command = "accuracy.py" if recipe == "classic" else f"accuracy.py --recipe {recipe}"
    start = ", all from the same initial parameters, in the same orders of the rows"
    return f"""# The {recipe} recipe, test accuracy

Fashion-MNIST, {len(first)} seeds{start if recipe == "classic" else ""}.
The model after the last epoch, whatever came before. Written by `python benchmarks/{command}` on
{conditions["date"]}: {conditions["processor"]}, {conditions["processors"]} processors; treadle's kernels:
{conditions["kernels"]}.

{table(headings, summary)}
By seed, %:

{table(["seed", *scores], by_seed)}"""


def main() -> None:
    """Train all seeds and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recipe", default="classic", help="classic, fast or accurate [classic]")
    parser.add_argument("--seeds", type=int, default=9, help="seeds 0 to N - 1; at least 2 [9]")
    parser.add_argument("--precisions", help="of the native engine [float32, and bfloat16 where it can]")
    parser.add_argument("--epochs", type=int, help="a trial with so many epochs, which writes nothing")
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error(f"--seeds must be at least 2, for a standard deviation; got {options.seeds}")
    precisions = (options.precisions or "float32,bfloat16").split(",")
    for precision in precisions:
        if reason := native.refusal(precision):
            if options.precisions or precision == "float32":
                parser.error(reason)
            print(f"bfloat16 is left out: {reason}", file=sys.stderr)
            precisions = ["float32"]
    if options.recipe == "classic":
        scores = classic_scores(options.seeds, precisions, options.epochs)
    else:
        scores = recipe_scores(options.recipe, options.seeds, precisions, options.epochs)
    conditions = {**description(), "kernels": native.kernels(), "date": datetime.date.today().isoformat()}
    text = page(options.recipe, scores, conditions)
    print(text)
    if options.epochs is not None:
        print("A trial: nothing is written.", file=sys.stderr)
        return
    name = "accuracy" if options.recipe == "classic" else f"accuracy_{options.recipe}"
    record = {
        **conditions,
        "recipe": options.recipe,
        "scores": {n: [*map(asdict, s)] for n, s in scores.items()},
    }
    (RESULTS / f"{name}.md").write_text(text, "utf-8")
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
