"""The scatter of samples' solutions: against samples that are solved, and where nothing tells of it."""

import numpy as np
import pytest

from tests.l1.linear_programs import highs_dual
from treadle.l1.dense.scatter import scatter_of


def table(n=3000, p=3, seed=0):
    """Rows with an intercept, and theta = 0: errors of median 0."""
    rng = np.random.default_rng(seed)
    Z = np.column_stack([np.ones(n), rng.normal(size=(n, p - 1))])
    return Z, rng.standard_t(2, size=n)


def test_covariance_and_radius_are_those_of_samples_that_are_solved():
    distances, covariances, radii = [], [], []
    for seed in range(60):
        Z, y = table(300, seed=seed)
        ones = np.ones(300)
        _, w = highs_dual(Z, y, -ones, ones, np.zeros(3))
        found = scatter_of(Z, y - Z @ w, -ones, ones, 1.0)
        distances.append(np.linalg.norm(w))  # from the solution of very many rows, 0
        covariances.append(found.covariance)
        radii.append(found.radius(10**9))
    # E|w|^2 is the trace, here of 60 samples: twice its standard error is a third of it.
    assert np.mean(np.square(distances)) == pytest.approx(np.trace(np.mean(covariances, axis=0)), rel=0.35)
    assert np.mean(np.array(distances) <= radii) >= 0.95
    assert np.mean(radii) <= 3 * np.mean(distances)


def test_a_sample_of_all_rows_is_off_by_nothing():
    Z, y = table()
    found = scatter_of(Z, y, -np.ones(3000), np.ones(3000), 1.0)
    assert found.radius(3000) == 0
    assert found.radius(6000) < found.radius(10**6)


def test_the_hessian_is_that_of_the_density_at_zero():
    Z, y = table(100_000)
    found = scatter_of(Z, y, -np.ones(100_000), np.ones(100_000), 1.0)
    density = 1 / (2 * np.sqrt(2))  # of Student's t with two degrees of freedom, at 0
    np.testing.assert_allclose(found.J / 100_000, 2 * density * np.eye(3), atol=0.05)
    share = np.mean(np.abs(y) <= found.window * np.linalg.norm(Z, axis=1))
    assert share == pytest.approx(0.2, abs=0.001)


def test_a_newton_step_takes_the_gradient_of_all_rows_away():
    Z, y = table(20_000)
    y = y + Z @ [0.1, -0.2, 0.05]
    u = np.where(y > 0, 1.0, -1.0)
    some = scatter_of(Z[:5000], y[:5000], -np.ones(5000), np.ones(5000), 0.25)
    step = some.step(Z.T @ u)
    after = np.where(y - Z @ step > 0, 1.0, -1.0)
    assert np.linalg.norm(Z.T @ after) < 0.2 * np.linalg.norm(Z.T @ u)
    assert np.linalg.norm(step - [0.1, -0.2, 0.05]) < some.miss(2000) * np.linalg.norm(step)


def test_more_rows_make_a_step_surer():
    Z, y = table()
    found = scatter_of(Z, y, -np.ones(3000), np.ones(3000), 1.0)
    assert found.miss(10) > found.miss(1000) > 0


@pytest.mark.parametrize("kind", ["all at zero", "few rows", "a direction without rows"])
def test_rows_that_do_not_tell_of_it_are_no_scatter(kind):
    Z, y = table(200)
    if kind == "all at zero":
        y = np.zeros(200)
    elif kind == "few rows":
        Z, y = Z[:15], y[:15]
    else:
        Z[:, 2] = np.where(np.arange(200) == np.argmax(np.abs(y)), 1.0, 0.0)
    assert scatter_of(Z, y, -np.ones(len(y)), np.ones(len(y)), 1.0) is None
