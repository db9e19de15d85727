"""treadle's MLP beside scikit-learn's: scores on public data, times of a fit, memory beside the data.

``python estimators.py`` takes at most twelve minutes and writes results/estimators.md; ``make bench``
ends with it. It needs statsmodels, for half of the data. Both get the same data, split and scaled the
same way, the same hyper-parameters and all processors, and fit in turn, so that what slows the machine
slows both. ``--quick`` is a trial of everything in little time, which writes nothing.
"""

from __future__ import annotations

import argparse
import datetime
import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from scipy.stats import t as student_t
from sklearn import neural_network
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import native
import treadle
from machine import OthersWatch, available_processors, description, rest
from public_data import DATA_SETS, PublicData
from results import table

HERE = Path(__file__).parent
PAGE = HERE / "results" / "estimators.md"
SEEDS = range(5)
MEMORY_LIMIT_MB = 64
# Rows, columns, epochs and rounds of a timed fit.
SHAPES = (
    (1_000, 20, 20, 7),
    (10_000, 20, 10, 5),
    (10_000, 100, 10, 5),
    (100_000, 20, 2, 3),
    (100_000, 100, 2, 3),
    (1_000_000, 100, 1, 1),
)
QUICK_SHAPES = ((1_000, 20, 2, 1),)
# Real tables of few rows, fitted with the defaults: nearly all that most people fit.
SMALL = {"iris": load_iris, "breast_cancer": load_breast_cancer, "digits": load_digits}
SMALL_ROUNDS = 7


@dataclass(frozen=True)
class Contest:
    """Two programs at one thing: numbers of scikit-learn and of treadle, in the same order."""

    name: str
    rivals: list[float]
    ours: list[float]


def classes(package: Any, classifies: bool) -> Any:
    """The estimator of scikit-learn or of treadle."""
    return package.MLPClassifier if classifies else package.MLPRegressor


def timed(estimator: Any, X: NDArray[Any], y: NDArray[Any]) -> tuple[Any, float]:
    """The fitted estimator, and the seconds that it took."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that so few epochs are not enough is known
        rest()
        start = time.perf_counter()
        estimator.fit(X, y)
        return estimator, time.perf_counter() - start


def scores(data: PublicData, seeds: Sequence[int]) -> tuple[Contest, Contest]:
    """Accuracies or R2 on a quarter that was not trained on, seed by seed; and the seconds of the fits."""
    found: dict[Any, list[float]] = {neural_network: [], treadle: []}
    seconds: dict[Any, list[float]] = {neural_network: [], treadle: []}
    for seed in seeds:
        X, X_test, y, y_test = train_test_split(
            data.X, data.y, test_size=0.25, random_state=seed, stratify=data.y if data.classifies else None
        )
        scaler = StandardScaler().fit(X)
        X, X_test = scaler.transform(X), scaler.transform(X_test)
        if not data.classifies:
            mean, deviation = y.mean(), y.std()
            y, y_test = (y - mean) / deviation, (y_test - mean) / deviation
        for package in found:
            mlp = classes(package, data.classifies)(max_iter=data.max_iter, random_state=seed)
            mlp, took = timed(mlp, X, y)
            found[package].append(float(mlp.score(X_test, y_test)))
            seconds[package].append(took)
    return Contest(data.name, *found.values()), Contest(data.name, *seconds.values())


def made_up(n_rows: int, n_columns: int, dtype: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """A table for timing alone, with three classes."""
    rng = np.random.default_rng(0)
    X = np.empty((n_rows, n_columns), dtype)
    for start in range(0, n_rows, 10_000):
        block = X[start : start + 10_000]
        block[:] = rng.standard_normal(block.shape)
    return X, (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(np.int64) + (X[:, 3] > 1)


def fit_times(shape: tuple[int, int, int, int], dtype: str) -> Contest:
    """Seconds of a fit of so many epochs."""
    n_rows, n_columns, n_epochs, rounds = shape
    X, y = made_up(n_rows, n_columns, dtype)
    options = {"max_iter": n_epochs, "tol": 0.0, "n_iter_no_change": n_epochs}
    return in_turn(f"{n_rows:,} x {n_columns}".replace(",", " "), X, y, options, rounds)


def small_fit_times(name: str, dtype: str, rounds: int) -> Contest:
    """Seconds of a fit with the defaults."""
    X, y = SMALL[name](return_X_y=True)
    return in_turn(
        f"{name}, {len(X)} x {X.shape[1]}", StandardScaler().fit_transform(X).astype(dtype), y, {}, rounds
    )


def in_turn(name: str, X: NDArray[Any], y: NDArray[Any], options: dict[str, Any], rounds: int) -> Contest:
    """Seconds of fits, the rounds in turn after one fit each to warm up."""
    seconds: dict[Any, list[float]] = {neural_network: [], treadle: []}
    for package in seconds:
        timed(package.MLPClassifier(random_state=0, **options | {"max_iter": 1}), X[:1000], y[:1000])
    for _ in range(rounds):
        for package, measured in seconds.items():
            measured.append(timed(package.MLPClassifier(random_state=0, **options), X, y)[1])
    return Contest(name, *seconds.values())


def memory(dtype: str, n_rows: int, n_columns: int) -> dict[str, float]:
    """What fit_memory.py says, in a process of its own."""
    command = [sys.executable, str(HERE / "fit_memory.py"), dtype, str(n_rows), str(n_columns)]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def verdict(contest: Contest) -> tuple[str, str]:
    """The mean difference with its interval of 95 %, paired by seed; and what it says."""
    differences = [a - b for a, b in zip(contest.ours, contest.rivals, strict=True)]
    mean = statistics.mean(differences)
    n = len(differences)
    half = float(student_t.ppf(0.975, n - 1)) * statistics.stdev(differences) / n**0.5
    word = "below" if mean + half < 0 else "above" if mean - half > 0 else "the same within noise"
    return f"{mean:+.4f} ± {half:.4f}", word


def score_table(contests: Sequence[tuple[Contest, Contest]], data_sets: Sequence[PublicData]) -> str:
    """A row for each data set."""
    rows = []
    for data, (scored, times) in zip(data_sets, contests, strict=True):
        difference, word = verdict(scored)
        rows.append(
            [
                data.name,
                f"{data.X.shape[0]} x {data.X.shape[1]}",
                "accuracy" if data.classifies else "R²",
                f"{statistics.mean(scored.rivals):.4f}",
                f"{statistics.mean(scored.ours):.4f}",
                difference,
                word,
                f"{statistics.median(times.rivals):.2f}",
                f"{statistics.median(times.ours):.2f}",
            ]
        )
    headings = ["data", "rows x columns", "score", "scikit-learn", "treadle", "difference", "treadle is"]
    return table([*headings, "scikit-learn, s", "treadle, s"], rows)


def time_table(contests: Sequence[tuple[str, Contest]]) -> str:
    """A row for each shape and type."""
    rows = []
    for dtype, contest in contests:
        ratios = [a / b for a, b in zip(contest.rivals, contest.ours, strict=True)]
        spread = f" ({min(ratios):.1f} to {max(ratios):.1f})" if len(ratios) > 1 else ""
        rows.append(
            [
                contest.name,
                dtype,
                f"{statistics.median(contest.rivals):.3f}",
                f"{statistics.median(contest.ours):.3f}",
                f"{statistics.median(contest.rivals) / statistics.median(contest.ours):.1f}{spread}",
            ]
        )
    return table(["rows x columns", "X", "scikit-learn, s", "treadle, s", "times faster"], rows)


def memory_table(measured: Sequence[tuple[str, str, dict[str, float]]]) -> str:
    """A row for each type."""
    rows = [[shape, dtype, f"{m['data_mb']:.0f}", f"{m['fit_mb']:.1f}"] for shape, dtype, m in measured]
    return table(["rows x columns", "X", "the data, MB", "fit beside them, MB"], rows)


def page(quick: bool, say: Callable[[str], None]) -> str:
    """Measure everything, and write it up."""
    seeds = SEEDS[:2] if quick else SEEDS
    with OthersWatch(available_processors()) as watch:
        data_sets = [load() for load in DATA_SETS.values()][: 2 if quick else None]
        contests = []
        for data in data_sets:
            say(data.name)
            contests.append(scores(data, seeds))
        times = []
        for name in SMALL:
            for dtype in ("float32", "float64"):
                say(f"{name}, {dtype}")
                times.append((dtype, small_fit_times(name, dtype, 1 if quick else SMALL_ROUNDS)))
        for shape in QUICK_SHAPES if quick else SHAPES:
            for dtype in ("float32", "float64"):
                say(f"{shape[0]} x {shape[1]}, {dtype}")
                times.append((dtype, fit_times(shape, dtype)))
        say("memory")
        n_rows = 2_000 if quick else 200_000
        measured = [(f"{n_rows} x 784", dtype, memory(dtype, n_rows, 784)) for dtype in ("uint8", "float32")]
    told = description()
    others = "not counted" if watch.taken is None else f"{watch.taken:.2f}"
    return f"""# The estimators beside scikit-learn's

{"A trial, smaller than the standard run. " if quick else ""}Written by \
`python benchmarks/estimators.py` on {datetime.date.today().isoformat()}: {told["processor"]},
{told["processors"]} processors; treadle's kernels: {native.kernels()}; scikit-learn {sklearn.__version__},
NumPy {np.__version__}. Taken by other programs meanwhile, in processors on average: {others}.

## Scores

`MLPClassifier` and `MLPRegressor` with their defaults, in float64; features, and what a regressor predicts,
scaled to mean 0 and deviation 1 on the training rows. A quarter of the rows is for the score; {len(seeds)}
seeds, each of a split and of the initial weights. The difference is paired by seed, with its interval of
95 %. Seconds are medians of one fit.

{score_table(contests, data_sets)}
## Time of a fit

One hidden layer of 100, Adam, batches of 200: the defaults, until the loss has stopped falling; the tables of
random numbers for a few epochs, with three classes. Medians; in brackets the least and the greatest ratio of
one round.

{time_table(times)}
## Memory

The greatest resident memory while `fit` runs, in a fresh process, less what there was before: 784-256-128-10,
two epochs, early stopping on a tenth of the rows. The limit is {MEMORY_LIMIT_MB} MB.

{memory_table(measured)}"""


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a trial, which writes nothing")
    options = parser.parse_args()
    text = page(options.quick, lambda what: print(what, file=sys.stderr, flush=True))
    print(text)
    if options.quick:
        print("A trial: nothing is written.", file=sys.stderr)
        return
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
