"""The kernel's screen of L1 rows: which may change sides, and the sums of the others, against fractions."""

from fractions import Fraction

import numpy as np
import pytest

from treadle.hardware.native import extension
from treadle.hardware.native.l1 import ScreenRequest, on_another_side, screen

pytestmark = pytest.mark.skipif(not extension.is_built(), reason="treadle._native is not built")

RNG = np.random.default_rng(0)
X, Y, WEIGHTS = RNG.standard_normal((200, 4)), RNG.standard_normal(200), RNG.uniform(0.5, 2, 200)
COLUMNS, W = np.array([0, 3]), np.array([0.25, 1.0, -0.5])
A = RNG.standard_normal((3, 2))
LOW, HIGH = -0.6, 1.4


def request(**changes):
    given = {
        "X": X,
        "y": Y,
        "some": None,
        "weights": None,
        "columns": COLUMNS,
        "A": A,
        "w": W,
        "radius": 0.2,
        "low": LOW,
        "high": HIGH,
    }
    return ScreenRequest(**(given | changes))


def by_hand(r):
    """Residuals, and the distance in coordinates within which none can be 0."""
    rows = np.arange(len(r.X)) if r.some is None else r.some
    ones = np.column_stack([np.ones(len(rows)), r.X[rows][:, r.columns].astype(float)])
    return rows, ones, r.y[rows] - ones @ r.w, np.sqrt(((ones @ r.A) ** 2).sum(axis=1)) * r.radius


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"weights": WEIGHTS},
        {"some": np.array([3, 7, 8, 150])},
        {"X": np.asfortranarray(X.astype(np.float32)), "y": Y.astype(np.float32)},
        {"radius": 0.0},
        {"radius": 1e9},
    ],
    ids=["plain", "weights", "some", "float32", "no radius", "all"],
)
def test_rows_near_zero_are_kept_and_the_others_are_summed(changes, threads):
    r = request(**changes)
    rows, ones, residuals, reach = by_hand(r)
    for kernels in extension.available_kernels():
        found = screen(r, threads, kernels)
        kept = np.zeros(len(rows), bool)
        kept[found.rows] = True
        clear = np.abs(np.abs(residuals) - reach) > 1e-5
        np.testing.assert_array_equal(kept[clear], (np.abs(residuals) < reach)[clear])
        np.testing.assert_array_equal(found.side, np.where(kept, 0, np.sign(residuals)))
        weight = np.ones(len(rows)) if r.weights is None else r.weights[rows]
        dual = np.where(kept, 0, np.where(residuals > 0, HIGH, LOW) * weight)
        exact = [
            sum(Fraction(float(a)) * Fraction(float(u)) for a, u in zip(c, dual, strict=True)) for c in ones.T
        ]
        np.testing.assert_allclose(found.fold, [float(v) for v in exact], rtol=1e-10, atol=1e-10)
        assert found.loss == pytest.approx(float(dual @ residuals), rel=1e-6, abs=1e-6)
        assert found.size == pytest.approx(np.abs(dual).sum(), rel=1e-9)
        assert found.not_finite == -1


def test_the_first_row_that_is_not_finite_is_told():
    bad = X.copy()
    bad[[120, 40], [0, 3]] = np.nan, np.inf
    assert screen(request(X=bad), 1, "portable").not_finite == 40
    bad = X.copy()
    bad[120, 1] = np.nan  # a column that is not used
    assert screen(request(X=bad), 1, "portable").not_finite == -1


def test_rows_on_another_side_than_they_were_are_found():
    _, _, residuals, _ = by_hand(request())
    side = np.sign(residuals).astype(np.int8)
    assert on_another_side(request(), side.copy(), 2, "portable").size == 0
    side[[5, 77]] *= -1
    side[9] = 0
    assert on_another_side(request(), side, 2, "portable").tolist() == [5, 77]
