from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from treadle.errors import InvalidInput
from treadle.l1.proof.row_signs import SignPass
from treadle.l1.sources.rows import Chunk


def chunk_of(X, y, weight=None):
    return Chunk(np.arange(len(y)), X, y, weight)


def sign_pass(coef, intercept=0.0, **changes):
    D = len(coef)
    parts = {
        "centre": None,
        "distance": np.zeros(D),
        "intercept_distance": 0.0,
        "quantile": 0.5,
        "kept": None,
        "basis": np.empty(0, np.int64),
        "side": None,
    }
    return SignPass(np.asarray(coef, float), intercept, **(parts | changes))


def residuals(X, y, coef, intercept, centre):
    """By fractions."""
    return [
        Fraction(t)
        - Fraction(intercept)
        - sum((Fraction(x) - Fraction(m)) * Fraction(w) for x, m, w in zip(row, centre, coef, strict=True))
        for row, t in zip(X.astype(float).tolist(), y.astype(float).tolist(), strict=True)
    ]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("size", [-1040, -300, 0, 300])
def test_signs_sums_and_losses_are_those_of_exact_residuals(dtype, centred, size):
    rng = np.random.default_rng(abs(size))
    if dtype == np.float32 and size:
        pytest.skip("beyond float32")
    X = (rng.integers(-8, 9, (60, 3)) + (1e6 if centred else 0)).astype(dtype)
    centre = X[0].astype(float) if centred else np.zeros(3)
    coef, intercept = np.ldexp([1 / 3, -0.1, 0.7], size), float(np.ldexp(1 / 7, size))
    y = (X - centre) @ coef + intercept
    y[:30] += np.ldexp(rng.normal(size=30), size)
    y = y.astype(dtype)
    weight = rng.integers(0, 3, 60) * 0.3
    found = sign_pass(coef, intercept, centre=centre if centred else None, quantile=0.3)(
        chunk_of(X, y, weight)
    )
    r = residuals(X, y, coef.tolist(), intercept, centre.tolist())
    is_open = np.isin(np.arange(60), found.open_rows.indices)
    counted = weight > 0
    assert not is_open[:30].all() and not (is_open & ~counted).any()
    exact = [Fraction(w) for w in weight.tolist()]
    decided = [i for i in range(60) if counted[i] and not is_open[i]]
    signs = {i: 1 if r[i] > 0 else -1 for i in decided}
    assert all(r[i] != 0 for i in decided)
    assert found.sums.weights.fractions() == [
        sum(exact[i] for i in decided),
        sum(signs[i] * exact[i] for i in decided),
    ]
    columns = np.column_stack([X, y]).astype(float).T.tolist()
    assert found.sums.signed.fractions() == [
        sum(signs[i] * exact[i] * Fraction(v[i]) for i in decided) for v in columns
    ]
    assert found.sums.plain.fractions() == [sum(exact[i] * Fraction(v[i]) for i in decided) for v in columns]
    assert found.total_weight == sum(exact)
    tau = Fraction(0.3)
    loss = sum(2 * c * max(tau * v, (tau - 1) * v) for c, v in zip(exact, r, strict=True))
    assert Fraction(found.loss) >= loss


def test_a_sum_that_overflows_on_its_way_decides_nothing():
    """The residual is positive; the partial sums are -infinity."""
    big = 1.5e308
    X, y = np.array([[1.0, 1.0, 1.0, 1.0]]), np.array([1e307])
    found = sign_pass([big, big, -big, -1.6e308])(chunk_of(X, y))
    assert found.open_rows.indices.tolist() == [0] and found.loss == np.inf


def test_products_of_subnormal_coefficients_have_errors_too():
    """x (a + b) - x a - x b is zero; as doubles it rarely is, and gamma times a subnormal number is lost."""
    rng = np.random.default_rng(0)
    a, b = 3e-310, 1.1e-310
    x = rng.uniform(1e307, 1e308, 200)
    X = np.column_stack([x, -x, -x])
    assert (X @ np.array([a + b, a, b]) != 0).any()
    assert len(sign_pass([a + b, a, b])(chunk_of(X, np.zeros(200))).open_rows) == 200


def test_losses_that_underflow_are_bounded_from_above():
    found = sign_pass([0.0])(chunk_of(np.ones((1, 1)), np.array([1e-200]), np.array([1e-200])))
    assert Fraction(found.loss) >= Fraction(1e-200) ** 2


def test_a_vertex_that_is_some_way_off_leaves_rows_open():
    X, y = np.ones((3, 1)), np.array([0.5, 1.5, -3.0])
    found = sign_pass([0.0], distance=np.array([1.0]))(chunk_of(X, y))
    assert found.open_rows.indices.tolist() == [0]
    found = sign_pass([0.0], distance=np.array([1.0]), intercept_distance=1.0)(chunk_of(X, y))
    assert found.open_rows.indices.tolist() == [0, 1]


def test_rows_of_the_basis_have_no_sign_and_no_guess():
    X, y = np.ones((3, 1)), np.array([1.0, 2.0, -3.0])
    a_pass = sign_pass([0.0], basis=np.array([1]))
    found = a_pass(chunk_of(X, y))
    assert found.open_rows.indices.tolist() == [1] and a_pass.guesses(found).tolist() == [0]
    assert found.sums.signed.fractions() == [0, 4]


def test_sides_that_are_wrong_are_counted():
    X, y = np.ones((3, 1)), np.array([1.0, 2.0, -3.0])
    assert sign_pass([0.0], side=np.array([1, -1, -1], np.int8))(chunk_of(X, y)).wrong_side == 1
    assert sign_pass([0.0], side=np.array([1, 0, -1], np.int8))(chunk_of(X, y)).wrong_side == 0


def test_sparse_rows_give_what_dense_ones_do():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 2, (50, 3)) * rng.normal(size=(50, 3)), rng.normal(size=50)
    dense, thin = (sign_pass([0.1, 0.2, 0.3], quantile=0.2)(chunk_of(A, y)) for A in (X, sparse.csr_array(X)))
    for one, other in zip(
        (dense.sums.weights, dense.sums.signed, dense.sums.plain),
        (thin.sums.weights, thin.sums.signed, thin.sums.plain),
        strict=True,
    ):
        assert one.fractions() == other.fractions()
    assert dense.open_rows.indices.tolist() == thin.open_rows.indices.tolist()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("weight", [None, np.array([1.0, 1.0, 0.0])])
def test_data_that_are_not_finite_are_refused_by_row(bad, weight):
    X, y = np.ones((3, 2)), np.array([1.0, 2.0, -3.0])
    X[2, 1] = bad
    with pytest.raises(InvalidInput, match="row 2 of X holds a value that is not a finite number"):
        sign_pass([1.0, 0.0])(chunk_of(X, y, weight))
    y[1] = bad
    with pytest.raises(InvalidInput, match="row 1 of y holds a value that is not a finite number"):
        sign_pass([1.0, 0.0])(chunk_of(np.ones((3, 2)), y, weight))
