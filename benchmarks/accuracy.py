"""Test accuracy of the classic recipe over seeds, by the command that a user calls; written to results/.

Each seed is one ``treadle train fashion-mnist``, as many at once as there are processors, since the NumPy
engine takes one each. Nothing is chosen by the test set: it is the last epoch that counts.
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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from treadle.runs.environment import processor_name

RESULTS = Path(__file__).parent / "results" / "accuracy.md"


def final_scores(seed: int) -> tuple[float, float]:
    """Accuracy and loss on the test set after the last epoch."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["train", "fashion-mnist", "--engine", "numpy", "--seed", str(seed), "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "treadle", *arguments, "--out", f"{folder}/run"],
            stdout=subprocess.PIPE,
            check=True,
        )
    last = json.loads(done.stdout)["history"][-1]
    return last["test_accuracy"], last["test_loss"]


def table(scores: list[tuple[float, float]]) -> str:
    """The page of results."""
    accuracies = [100 * accuracy for accuracy, _ in scores]
    rows = "\n".join(f"| {seed} | {100 * a:.2f} | {loss:.4f} |" for seed, (a, loss) in enumerate(scores))
    return f"""# The classic recipe, test accuracy

Fashion-MNIST, 784-256-128-64-10, 20 epochs, NumPy engine; after the last epoch, whatever came before.
Written by `python benchmarks/accuracy.py` on {datetime.date.today()}, {processor_name()}.

- Mean of {len(scores)} seeds: {statistics.mean(accuracies):.2f} %; of the first five: \
{statistics.mean(accuracies[:5]):.2f} %
- Standard deviation: {statistics.stdev(accuracies):.2f} points
- Range: {min(accuracies):.2f} to {max(accuracies):.2f} %

| seed | test accuracy, % | test loss |
| --: | --: | --: |
{rows}
"""


def main() -> None:
    """Train all seeds and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=9, help="seeds 0 to N - 1; at least 2 [9]")
    n_seeds = parser.parse_args().seeds
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        page = table(list(pool.map(final_scores, range(n_seeds))))
    RESULTS.write_text(page, "utf-8")
    print(page)


if __name__ == "__main__":
    main()
