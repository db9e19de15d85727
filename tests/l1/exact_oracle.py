"""The least of an L1 regression by trying every basis, in rational numbers; and tables that mislead doubles.

It shares no code with the package: a vertex is optimal if and only if none has a smaller objective, and an
optimum is at a vertex wherever the columns are independent.
"""

from fractions import Fraction
from itertools import combinations

import numpy as np


def solution(M, b):
    """x with M x = b by Gauss and Jordan, None if there is not one."""
    n = len(M)
    A = [[Fraction(a) for a in row] + [Fraction(v)] for row, v in zip(M, b, strict=True)]
    for k in range(n):
        pivot = next((i for i in range(k, n) if A[i][k] != 0), None)
        if pivot is None:
            return None
        A[k], A[pivot] = A[pivot], A[k]
        A[k] = [a / A[k][k] for a in A[k]]
        for i in range(n):
            if i != k and A[i][k] != 0:
                A[i] = [a - A[i][k] * other for a, other in zip(A[i], A[k], strict=True)]
    return [row[n] for row in A]


def objective(X, y, w, b, weight=None, quantile=0.5, alpha=0.0):
    """sum c 2 rho(y - X w - b) + 2 alpha (sum c) |w|_1 of rational w and b."""
    weight = [Fraction(1)] * len(y) if weight is None else [Fraction(float(c)) for c in weight]
    tau = Fraction(quantile)
    total = 2 * Fraction(alpha) * sum(weight) * sum(abs(v) for v in w)
    for row, target, c in zip(X, y, weight, strict=True):
        r = Fraction(float(target)) - b - sum(Fraction(float(a)) * v for a, v in zip(row, w, strict=True))
        total += c * 2 * max(tau * r, (tau - 1) * r)
    return total


def least(X, y, weight=None, quantile=0.5, alpha=0.0, fit_intercept=True):
    """The least objective there is, None if the columns are dependent."""
    N, D = len(y), len(X[0])
    rows = [[Fraction(1)] * fit_intercept + [Fraction(float(a)) for a in row] for row in X]
    targets = [Fraction(float(t)) for t in y]
    names = [i for i in range(N) if weight is None or weight[i] > 0]
    if alpha:
        rows += [[Fraction(0)] * fit_intercept + [Fraction(int(j == k)) for k in range(D)] for j in range(D)]
        targets += [Fraction(0)] * D
        names += range(N, N + D)
    best = None
    for basis in combinations(names, D + fit_intercept):
        w = solution([rows[i] for i in basis], [targets[i] for i in basis])
        if w is not None:
            b = w[0] if fit_intercept else Fraction(0)
            f = objective(X, y, w[fit_intercept:], b, weight, quantile, alpha)
            best = f if best is None else min(best, f)
    return best


KINDS = (
    *("offset", "last places", "near-collinear", "ties", "weights"),
    *("penalty", "linear to rounding", "huge", "tiny", "time stamps"),
)


def table(kind, rng):
    """X, y and the options of a fit: a small table that misleads doubles."""
    D = int(rng.integers(1, 4))
    N = int(rng.integers(D + 1, D + 6 if D < 3 else 8))
    options = {
        "fit_intercept": bool(rng.random() < 0.8),
        "quantile": float(rng.choice([0.5, 0.5, 0.25, 0.9, 0.1])),
    }
    whole = rng.random(2) < 0.5
    X = rng.integers(0, 5, size=(N, D)).astype(float) if whole[0] else rng.normal(size=(N, D))
    y = rng.integers(0, 6, size=N).astype(float) if whole[1] else rng.normal(size=N)
    if kind == "offset":
        X += 10.0 ** rng.integers(3, 16) * rng.choice([1, 3, -1])
    elif kind == "last places":
        base = float(rng.choice([1.0, 1e6, 1e15, 1e-3, 1e300, 1.7e308]))
        steps = rng.integers(0, 5, size=(N, D)) * rng.choice([1, 1, 0.0], size=D)
        X = base + np.spacing(base) * steps
    elif kind == "near-collinear" and D > 1:
        X[:, 1] = X[:, 0] * rng.choice([1, 2, 0.1]) + 10.0 ** rng.integers(-18, -6) * rng.integers(
            0, 4, size=N
        )
    elif kind == "ties":
        X = rng.integers(0, 3, size=(N, D)).astype(float)
        y = rng.integers(0, 3, size=N).astype(float)
    elif kind == "weights":
        options["sample_weight"] = np.append(1.0, rng.choice([0, 1, 0.3, 2.7, 1e-9, 1e9], size=N - 1))
    elif kind == "penalty":
        options["alpha"] = float(rng.choice([0.01, 0.1, 0.3, 2]))
    elif kind == "linear to rounding":
        y = X @ rng.normal(size=D) + rng.normal()
    elif kind == "huge":
        X *= (
            np.exp2(rng.integers(-900, 900, size=D))
            if rng.random() < 0.5
            else np.exp2(rng.integers(-1000, 1000))
        )
        y *= np.exp2(rng.integers(-300, 300))
    elif kind == "tiny":
        y *= 1e-310
    elif kind == "time stamps":
        start = rng.integers(0, 10 ** int(rng.integers(1, 8)), size=(N, 1))
        X = 1.6e15 + start * np.ones(D) + rng.integers(0, 9, size=(N, D))
    return X, y, options
