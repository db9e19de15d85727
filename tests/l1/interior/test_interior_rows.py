"""The passes of a step: compiled and in NumPy, each held against equations written out here."""

import numpy as np
import pytest

from treadle.hardware.native.extension import kernels_if_built
from treadle.l1.interior import interior_rows as module
from treadle.l1.interior.interior_rows import (
    GROUP,
    _NativeRows,
    _padded,
    corner,
    dense_normal_equations,
    interior_rows,
)


def state(n=37, p=3, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, p))
    low = -rng.uniform(0.5, 2, n)
    below, above, z, v = (rng.uniform(0.1, 2, n) for _ in range(4))
    return Z, low, below, above, z, v


@pytest.fixture(params=["compiled", "numpy"])
def make(request, monkeypatch):
    if request.param == "numpy":
        monkeypatch.setattr(module, "kernels_if_built", lambda: None)
    elif kernels_if_built() is None:
        pytest.skip("the extension is not built")
    return interior_rows


@pytest.mark.parametrize(("n", "p"), [(37, 3), (64, 8), (5, 1), (130, 17)])
def test_a_step_is_that_of_the_equations(make, n, p):
    """Newton's direction and Mehrotra's correction, by a dense system of all unknowns."""
    Z, low, below, above, z, v = state(n, p)
    rows = make(Z, low, below, above, z, v)
    rng = np.random.default_rng(1)
    gap, b = rows.normal(0.0, 0.0)
    D = 1 / (z / below + v / above)
    r = v - z
    assert gap == pytest.approx(z @ below + v @ above, rel=1e-12)
    np.testing.assert_allclose(b, Z.T @ (D * r + low + below), rtol=1e-10, atol=1e-10)
    right = rng.normal(size=p)
    np.testing.assert_allclose(
        rows.factorise()(right), np.linalg.solve(Z.T @ (D[:, None] * Z), right), rtol=1e-8, atol=1e-12
    )
    dw = rng.normal(size=p)
    primal, dual, first, second, both = rows.predict(dw)
    du = D * (r - Z @ dw)
    dz, dv = -z - z / below * du, -v + v / above * du
    assert primal == pytest.approx(max((-du / below).max(), (du / above).max()), rel=1e-9)
    assert dual == pytest.approx(max((-dz / z).max(), (-dv / v).max()), rel=1e-9)
    # The gap is bilinear in both lengths: its derivatives at (0, 0), by its values at the corners.
    corners = [
        (z + t * dz) @ (below + s * du) + (v + t * dv) @ (above - s * du)
        for s, t in ((0, 0), (1, 0), (0, 1), (1, 1))
    ]
    assert first == pytest.approx(corners[1] - corners[0], rel=1e-8, abs=1e-8)
    assert second == pytest.approx(corners[2] - corners[0], rel=1e-8, abs=1e-8)
    assert both == pytest.approx(corners[3] - corners[2] - corners[1] + corners[0], rel=1e-7, abs=1e-7)
    mu = 0.3
    b = rows.correct(mu)
    aim_z, aim_v = (mu - du * dz) / below, (mu + du * dv) / above
    t = r - (aim_v - aim_z)
    np.testing.assert_allclose(b, Z.T @ (D * t + low + below), rtol=1e-9, atol=1e-9)
    dw = rng.normal(size=p)
    primal, dual = rows.step(dw)
    du = D * (t - Z @ dw)
    dz, dv = aim_z - z - z / below * du, aim_v - v + v / above * du
    assert primal == pytest.approx(max((-du / below).max(), (du / above).max()), rel=1e-8)
    assert dual == pytest.approx(max((-dz / z).max(), (-dv / v).max()), rel=1e-8)
    s, q = 0.4 / max(primal, 1), 0.7 / max(dual, 1)
    gap, _ = rows.normal(s, q)
    moved = below + s * du, above - s * du, z + q * dz, v + q * dv
    assert gap == pytest.approx(moved[2] @ moved[0] + moved[3] @ moved[1], rel=1e-9)
    found = rows.where()
    expected = moved[0], moved[1], moved[3] - moved[2], 1 / (moved[2] / moved[0] + moved[3] / moved[1])
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)


def test_rows_that_do_not_span_have_no_solution(make):
    Z, *others = state()
    Z[:, 2] = 0
    rows = make(Z, *others)
    rows.normal(0.0, 0.0)
    assert rows.factorise() is None


def test_dense_equations_are_numpys_and_none_where_there_are_none():
    Z, _, below, *_ = state()
    b = np.arange(3.0)
    expected = np.linalg.solve(Z.T @ (below[:, None] * Z), b)
    np.testing.assert_allclose(dense_normal_equations(Z, below)(b), expected, rtol=1e-10)
    assert dense_normal_equations(Z, -below) is None


def test_a_solver_that_is_given_gets_the_weights_and_no_kernel():
    Z, low, below, above, z, v = state()
    given = []
    rows = interior_rows(Z, low, below, above, z, v, lambda D: given.append(D))
    assert not isinstance(rows, _NativeRows)
    rows.normal(0.0, 0.0)
    assert rows.factorise() is None
    np.testing.assert_allclose(given[0], 1 / (z / below + v / above))


def test_a_corner_is_padded_without_a_copy_unless_its_rest_was_written_to():
    Z = corner(5, 3)
    Z[:] = np.arange(15).reshape(5, 3)
    whole = _padded(Z)
    assert whole is Z.base and whole.shape == (GROUP, GROUP)
    Z.base[5, 0] = 1
    copy = _padded(Z)
    assert copy is not Z.base and copy[5:].sum() == copy[:, 3:].sum() == 0
    np.testing.assert_array_equal(copy[:5, :3], Z)


@pytest.mark.parametrize("shift", [(1, 0), (0, 1)])
def test_another_part_of_an_array_is_no_corner(shift):
    whole = np.arange(float(GROUP * GROUP)).reshape(GROUP, GROUP)
    i, j = shift
    part = whole[i : i + 4, j : j + 3]
    np.testing.assert_array_equal(_padded(part)[:4, :3], part)
    assert _padded(part) is not whole
