"""Newton's method on the smoothed loss: derivatives, where it ends, what it refuses, what solve has of it."""

import numpy as np
import pytest

from tests.l1.linear_programs import contaminated
from treadle.errors import InvalidInput
from treadle.l1.dense import newton, smoothed_loss, vertex_search
from treadle.l1.dense.coordinates import coordinates_of
from treadle.l1.dense.smoothed_loss import SmoothedLoss, descend
from treadle.l1.dense.solve import solve
from treadle.l1.sources.rows import ArrayRows


def problem(n=3000, d=6, weighted=False, dtype=np.float64, order="C"):
    rng = np.random.default_rng(n)
    X = np.asarray(rng.normal(size=(n, d)), dtype, order=order)
    y = (X @ rng.normal(size=d) + rng.standard_t(2, size=n)).astype(dtype)
    rows = ArrayRows(X, y, rng.uniform(0, 3, n) if weighted else None)
    return rows, coordinates_of(X[: n // 2], True, False)


def loss_of(rows, coordinates, quantile, window, theta):
    """The mean of 2 c rho over residuals uniform within h |z|, by the antiderivative of rho, summed."""
    Z = coordinates.of(rows.X)
    r = rows.y - Z @ theta
    b = window * np.linalg.norm(Z, axis=1)

    def antiderivative(s):
        return np.where(s > 0, quantile, quantile - 1) * s * s

    weight = np.ones(len(r)) if rows.weight is None else rows.weight
    return float((weight * (antiderivative(r + b) - antiderivative(r - b)) / (2 * b)).sum())


@pytest.mark.parametrize("quantile", [0.5, 0.2])
@pytest.mark.parametrize(
    ("weighted", "dtype", "order"),
    [(False, np.float64, "C"), (True, np.float32, "F"), (True, np.float64, "C")],
)
def test_derivatives_are_those_of_finite_differences(quantile, weighted, dtype, order):
    rows, coordinates = problem(9000, 3, weighted, dtype, order)
    theta, window = 0.3 * np.ones(coordinates.size), 0.4
    found = SmoothedLoss(rows, coordinates, quantile, window).at(theta)

    def loss(at):
        return loss_of(rows, coordinates, quantile, window, at)

    steps = 1e-4 * np.eye(coordinates.size)
    slopes = [(loss(theta + h) - loss(theta - h)) / 2e-4 for h in steps]
    np.testing.assert_allclose(found.descent, -np.array(slopes), rtol=1e-6, atol=1e-4)
    loss_at = SmoothedLoss(rows, coordinates, quantile, window).at
    bends = [(loss_at(theta - h).descent - loss_at(theta + h).descent) / 2e-4 for h in steps]
    np.testing.assert_allclose(found.J, bends, rtol=1e-3, atol=1e-3 * np.abs(found.J).max())


def test_bits_do_not_depend_on_threads(monkeypatch):
    rows, coordinates = problem(50_000, 7, weighted=True)
    found = []
    for n in "1", "2", "3":
        monkeypatch.setenv("OMP_NUM_THREADS", n)
        found.append(SmoothedLoss(rows, coordinates, 0.5, 0.3).at(np.zeros(coordinates.size)))
    for other in found[1:]:
        np.testing.assert_array_equal(other.descent, found[0].descent)
        np.testing.assert_array_equal(other.J, found[0].J)
        assert other.n_near == found[0].n_near


@pytest.mark.parametrize("off", [0.2, 5.0])
def test_it_ends_where_the_loss_is_least(off):
    rows, coordinates = problem(20_000, 20)
    loss = SmoothedLoss(rows, coordinates, 0.5, 0.2)
    theta, at = descend(loss, np.full(coordinates.size, off))
    here = loss_of(rows, coordinates, 0.5, 0.2, theta)
    assert np.linalg.norm(at.newton()) <= smoothed_loss.LAST_STEP_IN_WINDOWS * loss.window
    rng = np.random.default_rng(1)
    for _ in range(20):
        away = rng.normal(size=len(theta))
        away *= loss.window / np.linalg.norm(away)
        assert loss_of(rows, coordinates, 0.5, 0.2, theta + away) > here


def test_windows_that_do_not_tell_of_all_directions_are_refused():
    rows, coordinates = problem()
    assert descend(SmoothedLoss(rows, coordinates, 0.5, 1e-9), np.zeros(coordinates.size)) is None


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_row_that_is_not_finite_is_named(value):
    X, y = contaminated(30_000, 60)
    X[17_171, 3] = value
    with pytest.raises(InvalidInput, match="row 17171 holds a value that is not a finite number"):
        solve(X, y)


@pytest.mark.parametrize(("quantile", "weighted"), [(0.5, False), (0.8, True)])
def test_a_descent_leaves_fewer_rows_and_the_same_optimum(monkeypatch, quantile, weighted):
    X, y = contaminated(30_000, 60)
    weight = np.random.default_rng(0).integers(0, 3, len(y)).astype(float) if weighted else None
    sizes = []
    closely = vertex_search.closely

    def noted(reduced, *rest):
        sizes.append(len(reduced))
        return closely(reduced, *rest)

    monkeypatch.setattr(vertex_search, "closely", noted)
    with_descent = solve(X, y, quantile=quantile, sample_weight=weight)
    few = max(sizes)
    sizes.clear()
    monkeypatch.setattr(newton, "NEAR_ROWS_FOR_CURVATURE", 0)
    without = solve(X, y, quantile=quantile, sample_weight=weight)
    assert few < max(sizes)
    assert with_descent.objective == pytest.approx(without.objective, rel=1e-12)
    assert with_descent.certificate.verify(X, y, weight)
