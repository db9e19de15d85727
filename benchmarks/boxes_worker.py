"""One way to build and to evaluate a function of pieces, in a process of its own; as worker.py, with a
``BoxesTask``.

Each line of standard input is answered with ``build`` and ``predict``, seconds, and ``error``, the greatest
|f - F| at all points of that round. The points are drawn anew each round, before the clock starts.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray

import treadle
from worker import serve

Array = NDArray[np.float64]
Predict = Callable[[Array], Array]

A, B = -2.0, 2.0
LIPSCHITZ = 6.436


@dataclass(frozen=True)
class BoxesTask:
    """A name of ``WAYS``, how many pieces, how many points a round, on how many threads."""

    way: str
    n_boxes: int
    n_points: int
    threads: int
    seed: int


def f(x: Array) -> Array:
    return np.sin(3 * x) + 0.5 * np.cos(7 * x)


def build_treadle(n_boxes: int) -> Predict:
    """With its bound and its sampled error, as ``treadle.approximate`` gives them."""
    return treadle.approximate(f, (A, B), n_boxes=n_boxes, lipschitz=LIPSCHITZ).predict


def build_searchsorted(n_boxes: int) -> Predict:
    edges = np.linspace(A, B, n_boxes + 1)
    heights = f((edges[:-1] + edges[1:]) / 2)
    return lambda x: heights[np.searchsorted(edges[1:-1], x, side="right")]


def build_interp(n_boxes: int) -> Predict:
    """Piecewise linear: more exact, and of no more than one lookup as well."""
    edges = np.linspace(A, B, n_boxes + 1)
    values = f(edges)
    return lambda x: np.interp(x, edges, values)


def build_tree(n_boxes: int) -> Predict:
    """A leaf a box, fitted to the boxes' middles; it casts to float32, as scikit-learn's trees do."""
    from sklearn.tree import DecisionTreeRegressor

    edges = np.linspace(A, B, n_boxes + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    tree = DecisionTreeRegressor().fit(middles[:, np.newaxis], f(middles))
    return lambda x: tree.predict(x[:, np.newaxis])


WAYS: dict[str, tuple[str, Callable[[int], Predict]]] = {
    "treadle": ("treadle, approximate and predict", build_treadle),
    "searchsorted": ("NumPy, searchsorted", build_searchsorted),
    "interp": ("NumPy, interp (linear pieces)", build_interp),
    "tree": ("scikit-learn, DecisionTreeRegressor", build_tree),
}


def prepare(task: BoxesTask) -> tuple[dict[str, Any], Callable[[], dict[str, Any]]]:
    """The way's name and versions, and the function that plays a round."""
    name, build = WAYS[task.way]
    rng = np.random.default_rng(task.seed)

    def play() -> dict[str, Any]:
        x = rng.uniform(A, B, task.n_points)
        start = time.perf_counter()
        predict = build(task.n_boxes)
        built = time.perf_counter()
        values = predict(x)
        ended = time.perf_counter()
        return {
            "build": built - start,
            "predict": ended - built,
            "error": float(np.abs(values - f(x)).max()),
        }

    return {"name": name, "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__}}, play


if __name__ == "__main__":
    task = BoxesTask(**json.loads(sys.argv[1]))
    serve(task.way, task.threads, lambda: prepare(task))
