"""The compiled passes against NumPy's, for every kernel of this processor; the bits of several threads."""

import numpy as np
import pytest

from tests.l1.linear_programs import contaminated
from treadle.hardware.native import extension
from treadle.l1.dense import screening, smoothed_loss
from treadle.l1.dense.coordinates import coordinates_of
from treadle.l1.dense.screening import Screen, check, screen
from treadle.l1.dense.solve import solve
from treadle.l1.interior import interior_rows
from treadle.l1.interior.interior_point import central, interior_point
from treadle.l1.sources.rows import ArrayRows

pytestmark = pytest.mark.skipif(not extension.is_built(), reason="treadle._native is not built")
KERNELS = extension.available_kernels() if extension.is_built() else []


@pytest.fixture(params=KERNELS)
def kernels(request, monkeypatch):
    monkeypatch.setenv("TREADLE_SIMD", request.param)


def without_native(monkeypatch):
    monkeypatch.setattr(extension, "missing", ImportError("a test"))


@pytest.mark.parametrize(("n", "d"), [(37, 3), (1000, 10), (600, 29)])
def test_a_step_of_the_interior_point_is_that_of_numpy(kernels, monkeypatch, n, d):
    X, y = contaminated(n, d)
    Z = coordinates_of(X, True, False).of(X)
    low, high = -np.ones(n), np.ones(n)
    state = central(y, low, high, 1.0)

    def passes():
        rows = interior_rows.interior_rows(Z, low, *state)
        gap, b = rows.normal(0.0, 0.0)
        found = [gap, b.copy()]
        dw = rows.factorise()(b)
        found += [dw, rows.predict(dw), rows.correct(0.1).copy(), rows.step(0.5 * dw)]
        found += [array.copy() for array in rows.where()]
        gap, b = rows.normal(0.3, 0.4)
        return [*found, gap, b.copy(), *rows.where()]

    compiled = passes()
    without_native(monkeypatch)
    for a, b in zip(compiled, passes(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * np.max(np.abs(b)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F", "strided"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_screen_and_its_check_are_those_of_numpy(kernels, monkeypatch, dtype, order, weighted):
    X, y = contaminated(9001, 4)
    X = np.column_stack([X, X[:, 0] + X[:, 1]])[:, [0, 1, 4, 2, 3]]  # one column is left out
    weight = np.random.default_rng(3).integers(0, 3, len(y)).astype(float) if weighted else None
    X, y = X.astype(dtype), y.astype(dtype)
    X = np.repeat(X, 2, axis=1)[:, ::2] if order == "strided" else np.asarray(X, order=order)
    rows = ArrayRows(X, y, weight)
    coordinates = coordinates_of(X[:500], True, False)
    request = Screen(coordinates, 0.1 * np.ones(coordinates.size), 0.2, 0.3)
    elsewhere = request.theta + 0.5
    compiled = screen(rows, request)
    crossed = check(rows, request, compiled, elsewhere)
    without_native(monkeypatch)
    plain = screen(rows, request)
    np.testing.assert_array_equal(compiled.kept.indices, plain.kept.indices)
    np.testing.assert_array_equal(compiled.side, plain.side)
    columns = coordinates.columns + 1
    np.testing.assert_allclose(compiled.fold[columns], plain.fold[columns], rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose([compiled.loss, compiled.size], [plain.loss, plain.size], rtol=1e-9)
    np.testing.assert_array_equal(crossed.indices, check(rows, request, plain, elsewhere).indices)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_screen_of_some_rows_is_that_of_their_copy(kernels, order):
    X, y = contaminated(9001, 4)
    weight = np.random.default_rng(3).integers(0, 3, len(y)).astype(float)
    rows = ArrayRows(np.asarray(X, order=order), y, weight)
    some = np.random.default_rng(4).permutation(len(y))[:5000]
    subset, copied = rows.subset(some), ArrayRows(X[some], y[some], weight[some])
    coordinates = coordinates_of(X[:500], True, False)
    request = Screen(coordinates, 0.1 * np.ones(coordinates.size), 0.2, 0.3)
    found, expected = screen(subset, request), screen(copied, request)
    np.testing.assert_array_equal(found.kept.indices, some[expected.kept.indices])
    np.testing.assert_array_equal(found.kept.targets(), expected.kept.targets())
    np.testing.assert_array_equal(found.side, expected.side)
    assert found.fold.tobytes() == expected.fold.tobytes()
    crossed = check(subset, request, found, request.theta + 0.5).indices
    assert len(crossed)
    np.testing.assert_array_equal(
        crossed, some[check(copied, request, expected, request.theta + 0.5).indices]
    )


def test_the_interior_point_takes_a_corner_without_a_copy_and_anything_else_with_one(kernels):
    Z = interior_rows.corner(13, 5)
    Z[:] = np.random.default_rng(5).normal(size=Z.shape)
    state = central(np.ones(13), -np.ones(13), np.ones(13), 1.0)

    def shared(Z):
        rows = interior_rows.interior_rows(Z, -np.ones(13), *state)
        np.testing.assert_array_equal(rows.Z[:13, :5], Z)
        assert rows.Z.shape == (16, 8)
        assert not rows.Z[13:].any()
        assert not rows.Z[:, 5:].any()
        return np.shares_memory(rows.Z, Z)

    assert shared(Z)
    assert not shared(np.ascontiguousarray(Z))
    assert not shared(np.full((16, 8), 2.0)[:13, :5])
    assert not shared(np.zeros((16, 8))[3:, 3:])


@pytest.mark.parametrize(("n", "d"), [(50_000, 12), (30_000, 60)])
def test_threads_change_no_bit(monkeypatch, n, d):
    from treadle.hardware.processors import ThreadCount

    X, y = contaminated(n, d)
    found = []
    for n in (1, 2, 3):
        for module in (interior_rows, screening, smoothed_loss):
            monkeypatch.setattr(module, "usable_threads", lambda n=n: ThreadCount(n, "a test"))
        solution = solve(X, y)
        found.append(
            (
                solution.coef.tobytes(),
                solution.certificate.values.tobytes(),
                solution.objective,
                solution.n_iter,
            )
        )
    assert found[0] == found[1] == found[2]


def test_without_the_extension_the_optimum_is_the_same(monkeypatch):
    X, y = contaminated(6000, 5)
    compiled = solve(X, y)
    without_native(monkeypatch)
    plain = solve(X, y)
    assert plain.certificate.verify(X, y)
    assert abs(plain.objective - compiled.objective) <= 1e-12 * compiled.objective


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_row_that_is_not_finite_is_named(kernels, bad):
    from treadle.errors import InvalidInput

    X, y = contaminated(9000, 3)
    X[8123, 1] = bad
    with pytest.raises(InvalidInput, match="row 8123 holds a value that is not a finite number"):
        solve(X, y)


def test_iterations_end_alike(kernels):
    X, y = contaminated(500, 4)
    Z = coordinates_of(X, True, False).of(X)
    ones = np.ones(len(y))
    at = interior_point(Z, y, -ones, ones, np.zeros(5), np.zeros(5), 1.0, 1e-6)
    assert at.gap <= 1e-6
    assert np.abs(Z.T @ (at.below - 1)).max() <= 1e-8 * len(y)
