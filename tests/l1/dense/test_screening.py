"""A pass that keeps the rows near a guess: row by row against plain sums, and what it promises of a ball."""

import numpy as np
import pytest

from treadle.errors import CertificateFailed, InvalidInput
from treadle.l1.dense.coordinates import coordinates_of
from treadle.l1.dense.screening import Screen, check, merged, refuse_not_finite, screen, with_kept
from treadle.l1.sources.chunk_rows import ChunkRows
from treadle.l1.sources.rows import ArrayRows, Chunk

TAU = 0.3


def problem(n=700, kind="arrays", weighted=True):
    """Rows in memory, or in chunks of 90; a column that depends on others is left out of the coordinates."""
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 3))
    X = np.column_stack([X, X[:, 0] - 2 * X[:, 1]])
    y = X[:, 0] + rng.standard_t(2, size=n)
    weight = rng.integers(0, 3, n).astype(float) if weighted else np.ones(n)
    some = [slice(start, start + 90) for start in range(0, n, 90)]
    rows = ArrayRows(X, y, weight) if kind == "arrays" else ChunkRows([(X[s], y[s], weight[s]) for s in some])
    return rows, X, y, weight, coordinates_of(X[:200], True, False)


def by_rows(coordinates, X, y, weight, theta, radius):
    """Of each row: whether it is kept, and u where not, in plain loops."""
    kept, u = [], np.zeros(len(y))
    for i, x in enumerate(X):
        z = coordinates.A.T @ np.concatenate([[1.0], x[coordinates.columns]])
        r = y[i] - z @ theta
        if weight[i] > 0 and abs(r) <= radius * np.sqrt((z * z).sum()):
            kept.append(i)
        else:
            u[i] = weight[i] * (2 * TAU if r > 0 else -2 * (1 - TAU))
    return kept, u


@pytest.mark.parametrize("kind", ["arrays", "chunks"])
@pytest.mark.parametrize("weighted", [True, False])
def test_it_keeps_the_rows_near_and_sums_up_the_others(kind, weighted):
    rows, X, y, weight, coordinates = problem(kind=kind, weighted=weighted)
    theta = np.array([0.1, 0.8, -0.1, 0.2])
    found = screen(rows, Screen(coordinates, theta, 0.4, TAU))
    kept, u = by_rows(coordinates, X, y, weight, theta, 0.4)
    assert 0 < len(kept) < len(y) / 2
    np.testing.assert_array_equal(found.kept.indices, kept)
    np.testing.assert_array_equal(found.side, np.sign(u))
    columns = coordinates.columns
    np.testing.assert_allclose(found.fold[0], u.sum(), rtol=1e-12)
    np.testing.assert_allclose(found.fold[1 + columns], u @ X[:, columns], rtol=1e-10)
    r = y - coordinates.of(X) @ theta
    np.testing.assert_allclose([found.loss, found.size], [u @ r, np.abs(u).sum()], rtol=1e-12)


@pytest.mark.parametrize("kind", ["arrays", "chunks"])
def test_in_the_ball_no_row_folded_crosses_zero_and_beyond_it_some_do(kind):
    rows, X, y, _, coordinates = problem(kind=kind)
    theta, radius = np.array([0.1, 0.8, -0.1, 0.2]), 0.4
    found = screen(rows, Screen(coordinates, theta, radius, TAU))
    rng = np.random.default_rng(0)
    crossing = np.zeros(2, int)
    for _ in range(300):
        away = rng.normal(size=4)
        away *= radius / np.linalg.norm(away)
        for k, far in enumerate((0.999999, 3.0)):
            r = y - coordinates.of(X) @ (theta + far * away)
            crossing[k] += (r * found.side < 0).sum()
    assert crossing[0] == 0
    assert crossing[1] > 0


@pytest.mark.parametrize("kind", ["arrays", "chunks"])
def test_a_check_finds_the_rows_folded_with_the_wrong_sign_and_they_can_be_kept(kind):
    rows, X, y, weight, coordinates = problem(kind=kind)
    theta = np.array([0.1, 0.8, -0.1, 0.2])
    request = Screen(coordinates, theta, 0.1, TAU)
    found = screen(rows, request)
    elsewhere = theta + np.array([0.5, -0.4, 0.3, 0.2])
    crossed = check(rows, request, found, elsewhere)
    r = y - coordinates.of(X) @ elsewhere
    expected = np.flatnonzero((found.side * r < 0) & (weight > 0))
    assert len(expected)
    np.testing.assert_array_equal(crossed.indices, expected)
    fold, loss, size = found.fold.copy(), found.loss, found.size
    u = found.side * np.where(found.side > 0, 2 * TAU, 2 * (1 - TAU)) * weight
    both = with_kept(found, request, crossed)
    np.testing.assert_array_equal(both.kept.indices, [*found.kept.indices, *expected])
    columns = coordinates.columns
    of_crossed = u[expected] @ X[expected][:, columns]
    np.testing.assert_allclose(both.fold[1 + columns], fold[1 + columns] - of_crossed, rtol=1e-9, atol=1e-9)
    of_crossed = u[expected] @ (y - coordinates.of(X) @ theta)[expected]
    np.testing.assert_allclose(both.loss, loss - of_crossed, rtol=1e-10)
    np.testing.assert_allclose(both.size, size - np.abs(u[expected]).sum(), rtol=1e-12)
    assert not both.side[expected].any()
    assert len(check(rows, request, both, theta)) == 0


def test_parts_of_a_pass_are_joined_in_their_order():
    rows, X, y, weight, coordinates = problem()
    request = Screen(coordinates, np.array([0.1, 0.8, -0.1, 0.2]), 0.4, TAU)
    halves = [
        Chunk(np.arange(s.start, s.stop), X[s], y[s], weight[s]) for s in (slice(0, 301), slice(301, 700))
    ]
    whole, parts = request(rows.whole()), merged([request(half) for half in halves])
    np.testing.assert_array_equal(parts.kept.indices, whole.kept.indices)
    np.testing.assert_array_equal(parts.side, whole.side)
    np.testing.assert_allclose(parts.fold, whole.fold, rtol=1e-10, atol=1e-10)
    without = merged([Screen(coordinates, request.theta, 0.4, TAU, False)(half) for half in halves])
    assert without.side is None


@pytest.mark.parametrize("kind", ["arrays", "chunks"])
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_a_pass_refuses_a_row_that_is_not_finite(kind, value):
    rows, X, _, _, coordinates = problem(kind=kind, weighted=False)
    X[333, 0] = value
    with pytest.raises(InvalidInput, match="row 333 holds a value that is not a finite number"):
        screen(rows, Screen(coordinates, np.full(4, 0.1), 0.4, TAU))


def test_a_row_of_finite_numbers_whose_sum_is_none_is_another_refusal():
    chunk = Chunk(np.array([7, 8]), np.array([[1.0], [1e308]]), np.array([1.0, -1e308]), None)
    with pytest.raises(CertificateFailed, match="row 8 has a residual beyond the range of a double"):
        refuse_not_finite(np.array([0.0, -np.inf]), chunk)
    refuse_not_finite(np.zeros(2), chunk)
