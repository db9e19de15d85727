"""A solution of X - origin as the solution of X."""

from fractions import Fraction

import numpy as np

from treadle.l1.dense.solve import solve


def test_the_origin_moves_the_intercept_and_leaves_the_rest():
    """Of X - origin the residual is y - (x - o) w - b: of X the intercept is b - o w."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    origin = np.array([2**53 + 1, -7])  # the first is no double
    found = solve(X, y)
    moved = found.with_origin(origin)
    shift = sum(Fraction(float(w)) * int(o) for w, o in zip(found.coef, origin, strict=True))
    assert moved.intercept == float(Fraction(found.intercept) - shift)
    assert moved.certificate.intercept == moved.intercept
    np.testing.assert_array_equal(moved.coef, found.coef)
    assert (moved.objective, moved.n_passes) == (found.objective, found.n_passes)
    assert found.with_origin(np.zeros(2, np.int64)).intercept == found.intercept
