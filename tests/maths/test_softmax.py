import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from treadle.errors import InvalidInput
from treadle.maths.derivative_check import check_derivative
from treadle.maths.softmax import log_softmax, softmax, softmax_jacobian, softmax_jvp, softmax_vjp

INF, NAN = np.inf, np.nan
EPS = np.finfo(np.float64).eps

rows = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6),
    elements=st.floats(-700, 700, width=64),
)
property_test = settings(deadline=None, max_examples=60, derandomize=True)


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(scale=3, size=(4, 5, 3))


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_agrees_with_scipy_along_any_axis(logits, axis):
    np.testing.assert_allclose(softmax(logits, axis), scipy.special.softmax(logits, axis), rtol=4 * EPS)
    np.testing.assert_allclose(
        log_softmax(logits, axis), scipy.special.log_softmax(logits, axis), rtol=8 * EPS
    )


@property_test
@given(rows)
def test_probabilities_lie_in_0_1_and_sum_to_1(z):
    y = softmax(z)
    assert ((y >= 0) & (y <= 1)).all()
    np.testing.assert_allclose(y.sum(axis=-1), 1, rtol=z.shape[-1] * EPS)


@property_test
@given(rows, st.integers(-1000, 1000))
def test_adding_a_constant_changes_nothing_but_rounding(z, shift):
    np.testing.assert_allclose(softmax(z + shift), softmax(z), rtol=1e-11, atol=1e-300)


@property_test
@given(rows)
def test_log_softmax_is_the_logarithm_where_there_is_one(z):
    y = softmax(z)
    normal = y > np.finfo(np.float64).tiny
    np.testing.assert_allclose(log_softmax(z)[normal], np.log(y[normal]), rtol=1e-12, atol=4 * EPS)


def test_log_softmax_holds_where_the_probability_underflows():
    np.testing.assert_array_equal(log_softmax([0.0, -2000.0]), [0, -2000])


@property_test
@given(rows)
def test_jacobian_is_symmetric_semidefinite_and_its_rows_sum_to_0(z):
    J = softmax_jacobian(z)
    assert J.shape == (*z.shape, z.shape[-1])
    np.testing.assert_array_equal(J, np.swapaxes(J, -1, -2))
    assert np.abs(J.sum(axis=-1)).max() <= z.shape[-1] * EPS
    assert np.linalg.eigvalsh(J).min() >= -8 * EPS


@property_test
@given(rows, st.randoms(use_true_random=False))
def test_products_equal_those_with_the_jacobian(z, random):
    v = np.random.default_rng(random.randrange(2**32)).normal(size=z.shape)
    J = softmax_jacobian(z)
    np.testing.assert_allclose(softmax_jvp(z, v), np.einsum("...ij,...j->...i", J, v), atol=1e-14)
    np.testing.assert_allclose(softmax_vjp(z, v), np.einsum("...ij,...i->...j", J, v), atol=1e-14)


def test_jacobian_equals_its_formula(logits):
    y = softmax(logits)
    expected = y[..., :, None] * (np.eye(3) - y[..., None, :])
    np.testing.assert_allclose(softmax_jacobian(logits), expected, atol=2 * EPS)


def test_jacobian_keeps_its_digits_where_a_probability_is_close_to_1():
    J = softmax_jacobian([0.0, -50.0])
    np.testing.assert_allclose(J, np.exp(-50) * np.array([[1, -1], [-1, 1]]), rtol=4 * EPS)


@pytest.mark.parametrize("method", ["central", "complex"])
def test_jacobian_passes_the_derivative_check(logits, method):
    assert check_derivative(softmax, softmax_jacobian, logits[0, 0], method=method)


def test_jacobian_agrees_with_torch(logits):
    torch = pytest.importorskip("torch")
    z = torch.tensor(logits[0, 0])
    expected = torch.autograd.functional.jacobian(lambda z: torch.softmax(z, -1), z)
    np.testing.assert_allclose(softmax_jacobian(logits[0, 0]), expected, rtol=1e-13)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_products_work_along_any_axis(logits, axis):
    v = np.random.default_rng(1).normal(size=logits.shape)
    last = np.moveaxis(softmax_vjp(np.moveaxis(logits, axis, -1), np.moveaxis(v, axis, -1)), -1, axis)
    np.testing.assert_allclose(softmax_vjp(logits, v, axis), last, atol=4 * EPS)
    np.testing.assert_allclose(softmax_jvp(logits, v, axis), last, atol=4 * EPS)


@pytest.mark.parametrize(
    ("z", "y", "log_y"),
    [
        ([1e308, -1e308, 0], [1, 0, 0], [0, -INF, -1e308]),
        ([-1e308, -1e308], [0.5, 0.5], [-np.log(2), -np.log(2)]),
        ([INF, 1, 2], [1, 0, 0], [0, -INF, -INF]),
        ([INF, -INF], [1, 0], [0, -INF]),
        ([-INF, 0, 0], [0, 0.5, 0.5], [-INF, -np.log(2), -np.log(2)]),
        ([INF, INF, 0], [NAN] * 3, [NAN] * 3),
        ([-INF, -INF], [NAN] * 2, [NAN] * 2),
        ([NAN, 0], [NAN] * 2, [NAN] * 2),
        ([NAN, INF], [NAN] * 2, [NAN] * 2),
        ([5], [1], [0]),
    ],
)
def test_extremes_give_the_limit_or_nan(z, y, log_y):
    np.testing.assert_array_equal(softmax(z), y)
    np.testing.assert_array_equal(log_softmax(z), log_y)


def test_a_slice_without_a_limit_leaves_the_others_alone():
    y = softmax([[INF, INF], [0, 0], [INF, 0]])
    np.testing.assert_array_equal(y, [[NAN, NAN], [0.5, 0.5], [1, 0]])


@pytest.mark.parametrize("function", [softmax, log_softmax, softmax_jacobian])
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.int64, np.float64),
        (np.complex64, np.complex64),
    ],
)
def test_dtype_is_kept_and_the_argument_untouched(function, given, kept):
    z = np.array([[1, 2, 3]], dtype=given)
    before = z.copy()
    assert function(z).dtype == kept
    np.testing.assert_array_equal(z, before)


def test_products_keep_float32():
    z = np.ones((2, 3), np.float32)
    assert softmax_jvp(z, z).dtype == softmax_vjp(z, z).dtype == np.float32


def test_no_samples_are_no_error():
    assert softmax(np.empty((0, 3))).shape == (0, 3)
    assert softmax_jacobian(np.empty((0, 3))).shape == (0, 3, 3)


@pytest.mark.parametrize("function", [softmax, log_softmax, softmax_jacobian])
def test_refuses_no_classes(function):
    with pytest.raises(InvalidInput, match=r"at least one class along axis -1; got shape \(2, 0\)"):
        function(np.empty((2, 0)))


@pytest.mark.parametrize(("z", "axis"), [(1.0, -1), ([1.0], 1), ([1.0], -2)])
def test_refuses_an_axis_that_is_not_there(z, axis):
    with pytest.raises(InvalidInput, match=rf"have no axis {axis}"):
        softmax(z, axis)


def test_refuses_vectors_of_another_shape():
    with pytest.raises(InvalidInput, match=r"tangent must have the shape of the logits, \(3,\); got \(2,\)"):
        softmax_jvp(np.ones(3), np.ones(2))
    with pytest.raises(InvalidInput, match="cotangent must have the shape of the logits"):
        softmax_vjp(np.ones((2, 3)), np.ones(3))
