"""One program at one of the things that every user meets; as worker.py, with an ``EverydayTask``.

Each line of standard input is answered with ``seconds``, and ``score`` or ``loss``, which show that what was
timed was done.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn import datasets, neural_network
from sklearn.preprocessing import StandardScaler

import treadle
from rivals.treadle_native import versions as treadle_versions
from worker import serve

CALLS = 500
TABLES: dict[str, Callable[..., Any]] = {
    "iris": datasets.load_iris,
    "breast cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
}
# Units of every layer, rows, rows a batch and epochs of a round: a step an epoch, and a table's network.
TINY = ((4, 32, 16, 4), 200, 200, 10_000)
DEEP = ((71, 256, 256, 256, 2), 10_240, 256, 4)
DEEP_DROPOUT = 0.15


@dataclass(frozen=True)
class EverydayTask:
    """A program, what it does, with which table and type of numbers, how much of it.

    ``what`` is "row", "tiny" or "deep"; ``share`` divides the epochs in a trial.
    """

    program: str
    what: str
    data: str
    dtype: str
    threads: int
    seed: int
    share: int = 1


def one_row(task: EverydayTask) -> Callable[[], dict[str, Any]]:
    """Predict one row after the other, by an estimator that was fitted once with its defaults."""
    X, y = TABLES[task.data](return_X_y=True)
    X = StandardScaler().fit_transform(X).astype(task.dtype)
    module = treadle if task.program == "treadle" else neural_network
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that so few epochs are not enough is known
        estimator = module.MLPClassifier(random_state=task.seed).fit(X, y)
    rows = [X[i % len(X)][np.newaxis] for i in range(CALLS)]
    score = float(estimator.score(X, y))

    def predict() -> dict[str, Any]:
        seconds = []
        for row in rows:
            start = time.perf_counter()
            estimator.predict_proba(row)
            seconds.append(time.perf_counter() - start)
        return {"seconds": statistics.median(seconds), "score": score}

    return predict


def rows_at_random(
    sizes: tuple[int, ...], n_rows: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Rows, and classes that the first features tell."""
    X = np.random.default_rng(seed).standard_normal((n_rows, sizes[0])).astype(np.float32)
    return X, (2 * (X[:, 0] + X[:, 1] > 0) + (X[:, 2] > 0)).astype(np.int64) % sizes[-1]


def trained(task: EverydayTask) -> tuple[tuple[int, ...], int, int, int]:
    """Units, rows, rows a batch, and epochs of a round."""
    sizes, n_rows, batch_size, epochs = TINY if task.what == "tiny" else DEEP
    return sizes, n_rows, batch_size, max(1, epochs // task.share)


def by_treadle(task: EverydayTask) -> Callable[[], dict[str, Any]]:
    """Train by the estimator, with stopping rules that never hold; a round is a fit."""
    sizes, n_rows, batch_size, epochs = trained(task)
    X, y = rows_at_random(sizes, n_rows, task.seed)
    extra = {} if task.what == "tiny" else {"activation": "silu", "dropout": DEEP_DROPOUT}

    def train() -> dict[str, Any]:
        mlp = treadle.MLPClassifier(
            sizes[1:-1], batch_size=batch_size, max_iter=epochs, tol=0.0, n_iter_no_change=epochs + 1,
            random_state=task.seed, alpha=0.0, n_threads=task.threads, **extra,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start = time.perf_counter()
            mlp.fit(X, y)
        return {"seconds": _a_unit(time.perf_counter() - start, task, epochs), "loss": float(mlp.loss_)}

    return train


def by_pytorch(task: EverydayTask) -> Callable[[], dict[str, Any]]:
    """Train as an expert would: rows in memory, fused Adam, the loss read once."""
    import torch
    from torch.nn import functional as F

    torch.set_num_threads(task.threads)
    torch.set_flush_denormal(True)
    sizes, n_rows, batch_size, epochs = trained(task)
    X, y = map(torch.from_numpy, rows_at_random(sizes, n_rows, task.seed))
    hidden = (
        [torch.nn.ReLU] if task.what == "tiny" else [torch.nn.SiLU, lambda: torch.nn.Dropout(DEEP_DROPOUT)]
    )

    def train() -> dict[str, Any]:
        start = time.perf_counter()
        torch.manual_seed(task.seed)
        layers: list[torch.nn.Module] = []
        for n_in, n_out in pairwise(sizes):
            layers += [torch.nn.Linear(n_in, n_out), *(make() for make in hidden)]
        model = torch.nn.Sequential(*layers[: -len(hidden)])
        optimizer = torch.optim.Adam(model.parameters(), fused=True)
        for _ in range(epochs):
            batches = [slice(None)] if batch_size == n_rows else torch.randperm(n_rows).split(batch_size)
            for rows in batches:
                loss = F.cross_entropy(model(X[rows]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return {"seconds": _a_unit(time.perf_counter() - start, task, epochs), "loss": float(loss.detach())}

    return train


def _a_unit(seconds: float, task: EverydayTask, epochs: int) -> float:
    """Seconds of what the page states: 10 000 epochs of the tiny network, a step of the deep one."""
    if task.what == "tiny":
        return seconds * TINY[3] / epochs
    _, n_rows, batch_size, _ = DEEP
    return seconds / (epochs * (n_rows // batch_size))


def prepare(task: EverydayTask) -> tuple[dict[str, Any], Callable[[], dict[str, Any]]]:
    """The program's name and versions, and the function that plays a round."""
    versions = treadle_versions() if task.program == "treadle" else {"scikit-learn": sklearn.__version__}
    if task.program == "PyTorch":
        import torch

        versions = {"torch": torch.__version__}
    if task.what == "row":
        return {"name": task.program, "versions": versions}, one_row(task)
    train = by_treadle(task) if task.program == "treadle" else by_pytorch(task)
    return {"name": task.program, "versions": versions}, train


if __name__ == "__main__":
    task = EverydayTask(**json.loads(sys.argv[1]))
    serve(task.program, task.threads, lambda: prepare(task))
