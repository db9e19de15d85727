"""Solves square systems of integers exactly.

By FLINT's p-adic lifting where python-flint is installed (``pip install 'treadle[exact]'``), else by Bareiss'
fraction-free elimination (1968), in which every division leaves no rest, up to ``MOST_UNKNOWNS``.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

# Unknowns up to which elimination takes a moment; with FLINT, up to which lifting does.
MOST_UNKNOWNS, MOST_WITH_FLINT = 50, 600


class Singular(ArithmeticError):
    """Raised where equations are dependent."""


@cache
def has_flint() -> bool:
    """Say whether python-flint is installed."""
    return find_spec("flint") is not None


def most_unknowns() -> int:
    """Return how many unknowns are solved for exactly here."""
    return MOST_WITH_FLINT if has_flint() else MOST_UNKNOWNS


def rational_solution(matrix: NDArray[np.object_], right: NDArray[np.object_]) -> tuple[list[int], int]:
    """Solve matrix x = right; return numerators over one positive denominator.

    Parameters
    ----------
    matrix : ndarray of shape (p, p), Python integers
    right : ndarray of shape (p,), Python integers

    Raises
    ------
    Singular
        If there is no solution, or more than one.
    """
    if len(right) == 0:
        return [], 1
    if has_flint():
        return _by_flint(matrix, right)
    return _by_elimination([[*row, b] for row, b in zip(matrix.tolist(), right.tolist(), strict=True)])


def _by_flint(matrix: NDArray[np.object_], right: NDArray[np.object_]) -> tuple[list[int], int]:
    import flint

    try:
        found = flint.fmpz_mat(matrix.tolist()).solve(flint.fmpz_mat(len(right), 1, right.tolist()))
    except ZeroDivisionError:
        raise Singular("the equations are dependent") from None
    numerators, denominator = cast(Any, found).numer_denom()
    return [int(x) for x in numerators.entries()], int(denominator)


def _by_elimination(rows: list[list[int]]) -> tuple[list[int], int]:
    """Eliminate by Bareiss's rule, which stays in integers.

    After step k every entry is a minor of order k + 1, so that the pivot before divides it.
    """
    p = len(rows)
    before = 1
    for k in range(p):
        pivot_row = next((i for i in range(k, p) if rows[i][k]), None)
        if pivot_row is None:
            raise Singular("the equations are dependent")
        rows[k], rows[pivot_row] = rows[pivot_row], rows[k]
        upper = rows[k]
        pivot = upper[k]
        for i in range(k + 1, p):
            row = rows[i]
            factor = row[k]
            row[k + 1 :] = [
                (pivot * a - factor * b) // before for a, b in zip(row[k + 1 :], upper[k + 1 :], strict=True)
            ]
            row[k] = 0
        before = pivot
    determinant = rows[p - 1][p - 1]
    # The numerators over one denominator are integers too (Cramer).
    numerators = [0] * p
    for i in range(p - 1, -1, -1):
        row = rows[i]
        known = sum(a * x for a, x in zip(row[i + 1 : p], numerators[i + 1 :], strict=True))
        numerators[i] = (row[p] * determinant - known) // row[i]
    if determinant < 0:
        return [-x for x in numerators], -determinant
    return numerators, determinant
