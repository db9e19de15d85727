"""How often the 95 % intervals of LADRegressor.summary cover the true coefficients: a simulation.

    python benchmarks/l1_coverage.py [--repeats 150] [--out benchmarks/results/l1_coverage.md]

Each repeat of a case draws a table anew, and each method says its intervals of the same table; a bootstrap,
of every sixth. Coverage is the mean over coefficients and repeats; its standard error, over repeats, is told
beside it. Tables that a method refuses do not count, and how many is told. Cases that a method does not claim
to cover are run too: what happens is the point.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from treadle.errors import InferenceWarning, InvalidInput
from treadle.l1.inference.inference import METHODS, infer

Floats = NDArray[np.float64]
N_BOOTSTRAP, BOOTSTRAP_SHARE = 50, 6
TRUTH = np.array([1.0, 2.0, -1.0, 0.0])  # the intercept first


class Case(NamedTuple):
    """Tables of ``n_rows``, by a generator; ``shift`` is what the errors' quantile adds to the truth."""

    name: str
    n_rows: int
    quantile: float
    draw: Callable[[np.random.Generator, int], tuple[Floats, Floats]]
    shift: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)


def uniform(rng: np.random.Generator, n: int) -> Floats:
    return rng.uniform(0, 2, (n, 3))


def normal(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    return uniform(rng, n), rng.standard_normal(n)


def heavy_tails(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    return uniform(rng, n), rng.standard_t(3, n)


def growing_spread(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    X = uniform(rng, n)
    return X, (0.3 + X[:, 0]) * rng.standard_normal(n)


def long_rows(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    X = rng.standard_normal((n, 3))
    X[:10] *= 1e4
    return X, rng.standard_normal(n)


def whole_numbers(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    return rng.integers(0, 5, (n, 3)).astype(float), np.round(2 * rng.standard_normal(n))


LOW = float(ndtri(0.05))
CASES = (
    Case("normal errors", 200, 0.5, normal),
    Case("t errors, 3 degrees of freedom", 200, 0.5, heavy_tails),
    Case("spread grows with x1", 200, 0.5, growing_spread),
    Case("spread grows with x1", 1000, 0.5, growing_spread),
    Case("10 rows 10 000 times as long", 300, 0.5, long_rows),
    Case("whole numbers, heavy ties", 200, 0.5, whole_numbers),
    Case("few rows", 25, 0.5, normal),
    Case("tau = .05", 60, 0.05, normal, (LOW, 0.0, 0.0, 0.0)),
    Case("tau = .05", 300, 0.05, normal, (LOW, 0.0, 0.0, 0.0)),
)


class Covered(NamedTuple):
    """The share of intervals that hold the truth, its standard error, and how many tables were refused."""

    share: float
    error: float
    refused: int

    def __str__(self) -> str:
        if math.isnan(self.share):
            return "refused"
        return f"{self.share:.3f} ± {self.error:.3f}" + (f" ({self.refused} refused)" if self.refused else "")


def coverage(case: Case, method: str, repeats: int, seed: int) -> Covered:
    """Of a method, in a case."""
    truth = TRUTH + case.shift
    step = BOOTSTRAP_SHARE if method in ("pairs", "weighted") else 1
    shares = []
    for i in range(0, repeats, step):
        rng = np.random.default_rng([seed, i])
        X, errors = case.draw(rng, case.n_rows)
        y = TRUTH[0] + X @ TRUTH[1:] + errors
        try:
            ends = infer(
                X, y, quantile=case.quantile, method=method, n_bootstrap=N_BOOTSTRAP, random_state=i
            ).intervals
        except InvalidInput:
            continue
        shares.append(((ends[:, 0] <= truth) & (ends[:, 1] >= truth)).mean())
    refused = len(range(0, repeats, step)) - len(shares)
    if len(shares) < 2:
        return Covered(math.nan, math.nan, refused)
    return Covered(float(np.mean(shares)), float(np.std(shares) / math.sqrt(len(shares))), refused)


def table(repeats: int, seed: int) -> str:
    rows = [
        "| errors and rows | n | " + " | ".join(METHODS) + " |",
        "| :-- | --: |" + " --: |" * len(METHODS),
    ]
    for case in CASES:
        cells = []
        for method in METHODS:
            start = time.perf_counter()
            cells.append(str(coverage(case, method, repeats, seed)))
            took = time.perf_counter() - start
            print(case.name, case.n_rows, method, cells[-1], f"{took:.0f} s", file=sys.stderr, flush=True)
        rows.append(f"| {case.name} | {case.n_rows} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=150, help="of each case; a sixth for bootstraps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.repeats < 2 * BOOTSTRAP_SHARE:
        raise InvalidInput(f"--repeats must be at least {2 * BOOTSTRAP_SHARE}; got {options.repeats}")
    warnings.simplefilter("ignore", InferenceWarning)  # of long rows and of ties: they are the point
    fewer = -(-options.repeats // BOOTSTRAP_SHARE)
    text = f"""# Coverage of the 95 % intervals

Quantile regression on an intercept and three features, of the median unless tau is told;
{options.repeats} tables of each case ({fewer} for the two bootstraps, of {N_BOOTSTRAP} refits), seed
{options.seed}: the share of the four intervals that hold the true coefficient, with its standard error over
tables. By `python benchmarks/l1_coverage.py`.

{table(options.repeats, options.seed)}"""
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
