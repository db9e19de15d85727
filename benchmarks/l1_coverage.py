"""How often the 95 % intervals of LADRegressor.summary cover the true coefficients: a simulation.

    python benchmarks/l1_coverage.py [--repeats 2000] [--rows 200,1000] [--out
    benchmarks/results/l1_coverage.md]

Each repeat draws three features and errors of median 0 anew, fits the median, and asks for each coefficient
whether its interval holds it. Errors: normal, t with 3 degrees of freedom, and normal ones whose spread grows
with the first feature, for the methods that claim to allow it. Coverage is the mean over coefficients and
repeats; its standard error is told beside it.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.l1.inference import infer

ERRORS: dict[str, Callable[[np.random.Generator, NDArray[np.float64]], NDArray[np.float64]]] = {
    "normal": lambda rng, X: rng.standard_normal(len(X)),
    "t, 3 degrees of freedom": lambda rng, X: rng.standard_t(3, len(X)),
    "spread grows with x1": lambda rng, X: (0.3 + X[:, 0]) * rng.standard_normal(len(X)),
}
UNEQUAL = "spread grows with x1"
METHODS = ("nid", "iid", "kernel", "robust", "rank", "rank_nid", "pairs", "weighted")
ALLOWS_UNEQUAL = ("nid", "rank_nid", "pairs", "weighted")
N_BOOTSTRAP = 100
TRUTH = np.array([1.0, 2.0, -1.0, 0.0])  # the intercept first


def coverage(method: str, errors: str, n_rows: int, repeats: int, seed: int) -> tuple[float, float]:
    """The share of intervals that hold the truth, and its standard error."""
    rng = np.random.default_rng([seed, n_rows])
    shares = np.empty(repeats)
    for i in range(repeats):
        X = rng.uniform(0, 2, (n_rows, 3))
        y = TRUTH[0] + X @ TRUTH[1:] + ERRORS[errors](rng, X)
        intervals = infer(X, y, method=method, n_bootstrap=N_BOOTSTRAP, random_state=i).intervals
        shares[i] = ((intervals[:, 0] <= TRUTH) & (intervals[:, 1] >= TRUTH)).mean()
    return float(shares.mean()), float(shares.std() / math.sqrt(repeats))


def table(sizes: list[int], repeats: int, seed: int) -> str:
    rows = [
        "| method | errors | " + " | ".join(f"{n} rows" for n in sizes) + " |",
        "| :-- | :-- |" + " --: |" * len(sizes),
    ]
    for method in METHODS:
        for errors in ERRORS:
            if errors == UNEQUAL and method not in ALLOWS_UNEQUAL:
                continue
            few = max(2, repeats // 10) if method in ("pairs", "weighted") else repeats
            cells = []
            for n_rows in sizes:
                start = time.perf_counter()
                share, error = coverage(method, errors, n_rows, few, seed)
                cells.append(f"{share:.3f} ± {error:.3f}")
                took = time.perf_counter() - start
                print(method, errors, n_rows, cells[-1], f"{took:.0f} s", file=sys.stderr, flush=True)
            rows.append(f"| {method} | {errors} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=2000, help="of each case; a tenth for bootstraps")
    parser.add_argument("--rows", default="200,1000")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    sizes = [int(text) for text in options.rows.split(",")]
    if options.repeats < 2 or min(sizes) < 10:
        raise InvalidInput("--repeats must be at least 2 and --rows at least 10")
    text = f"""# Coverage of the 95 % intervals

Median regression on an intercept and three features, {options.repeats} repeats (a tenth for the two
bootstraps), seed {options.seed}: the share of the four intervals that hold the true coefficient, with its
standard error. By `python benchmarks/l1_coverage.py`.

{table(sizes, options.repeats, options.seed)}"""
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
