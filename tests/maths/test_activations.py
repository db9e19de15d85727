import math
import subprocess
import sys

import numpy as np
import pytest
import scipy.special
import scipy.stats

from treadle.errors import InvalidInput
from treadle.maths.activations import (
    ACTIVATIONS,
    SELU_FALL,
    SELU_SCALE,
    gelu,
    gelu_derivative,
    identity,
    logistic,
    logistic_derivative,
    mish,
    mish_derivative,
    relu,
    relu_derivative,
    selu,
    selu_derivative,
    silu,
    tanh,
    tanh_derivative,
)
from treadle.maths.derivative_check import check_derivative

INF = np.inf
POINTS = np.array([-30.0, -5.5, -1.0, -1e-3, 1e-3, 0.7, 2.0, 9.0, 30.0])
each = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS.keys())
analytic = [a for a in ACTIVATIONS.values() if a.name not in ("relu", "selu")]


@each
@pytest.mark.parametrize("method", ["central", "complex"])
def test_derivatives_pass_the_check(activation, method):
    assert check_derivative(lambda z: activation.value(z).sum(), activation.derivative, POINTS, method=method)


@each
def test_values_and_derivatives_agree_with_torch(activation):
    torch = pytest.importorskip("torch")
    functions = {"identity": torch.clone, "logistic": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}
    function = functions.get(activation.name) or getattr(torch.nn.functional, activation.name)
    points = np.append(POINTS, 0.0)
    z = torch.tensor(points, requires_grad=True)
    a = function(z)
    a.sum().backward()
    np.testing.assert_allclose(activation.value(points), a.detach(), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(activation.derivative(points), z.grad, rtol=1e-13, atol=1e-15)


def test_values_agree_with_scipy_into_the_tails():
    z = np.linspace(-37, 37, 1001)
    np.testing.assert_allclose(logistic(z), scipy.special.expit(z), rtol=1e-15)
    np.testing.assert_allclose(silu(z), z * scipy.special.expit(z), rtol=1e-15)
    np.testing.assert_allclose(gelu(z), z * scipy.special.erfc(-z / math.sqrt(2)) / 2, rtol=1e-12)
    np.testing.assert_allclose(
        gelu_derivative(z), scipy.stats.norm.cdf(z) + z * scipy.stats.norm.pdf(z), rtol=1e-12
    )
    np.testing.assert_allclose(logistic_derivative(z), 0.25 / np.cosh(z / 2) ** 2, rtol=1e-14)
    np.testing.assert_allclose(mish(z), z * np.tanh(np.logaddexp(0, z)), rtol=1e-13)
    np.testing.assert_allclose(selu(z), 1.0507009873554805 * scipy_elu(z, 1.6732632423543772), rtol=1e-15)


def scipy_elu(z, alpha):
    return np.where(z > 0, z, alpha * scipy.special.expm1(np.minimum(z, 0)))


def test_selu_keeps_the_mean_0_and_the_variance_1_of_normal_numbers():
    # What its two constants were chosen for; by the trapezoidal rule.
    z, dz = np.linspace(-12, 12, 400_001, retstep=True)
    density = scipy.stats.norm.pdf(z) * dz
    assert abs((selu(z) * density).sum()) < 1e-8
    assert (selu(z) ** 2 * density).sum() == pytest.approx(1, abs=1e-8)


def test_derivative_of_selu_at_0_is_that_from_below_and_the_check_says_so():
    np.testing.assert_array_equal(selu_derivative([-0.0, 0.0]), SELU_FALL)
    assert not check_derivative(lambda z: selu(z).sum(), selu_derivative, [-1.0, 0.0])


def test_mish_is_linear_far_out_in_both_types():
    for dtype in (np.float32, np.float64):
        z = np.array([30, 41, 90, 1e30], dtype)
        np.testing.assert_array_equal(mish(z), z)
        np.testing.assert_allclose(mish_derivative(z), 1, rtol=1e-12)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinities_give_the_limits(activation, dtype):
    values, slopes = {
        "identity": ([-INF, INF], [1, 1]),
        "relu": ([0, INF], [0, 1]),
        "tanh": ([-1, 1], [0, 0]),
        "logistic": ([0, 1], [0, 0]),
        "gelu": ([0, INF], [0, 1]),
        "silu": ([0, INF], [0, 1]),
        "selu": ([dtype(-SELU_FALL), INF], [0, dtype(SELU_SCALE)]),
        "mish": ([0, INF], [0, 1]),
    }[activation.name]
    huge = np.finfo(dtype).max
    np.testing.assert_array_equal(activation.value(np.array([-INF, INF], dtype)), values)
    np.testing.assert_array_equal(activation.derivative(np.array([-INF, INF], dtype)), slopes)
    np.testing.assert_array_equal(activation.derivative(np.array([-huge, huge], dtype)), slopes)


@each
def test_nan_passes_through(activation):
    assert np.isnan(activation.value(math.nan)) and np.isnan(activation.derivative(math.nan))


def test_derivative_of_relu_at_0_is_0_and_the_check_says_so():
    np.testing.assert_array_equal(relu_derivative([-1, -0.0, 0.0, 1]), [0, 0, 0, 1])
    assert not check_derivative(lambda z: relu(z).sum(), relu_derivative, [-1.0, 0.0])


@each
@pytest.mark.parametrize(
    ("given", "kept"), [(np.float32, np.float32), (np.float64, np.float64), (np.int32, np.float64)]
)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)])
def test_shape_and_dtype_are_kept_and_the_argument_untouched(activation, given, kept, shape):
    z = np.ones(shape, given)
    for result in (activation.value(z), activation.derivative(z)):
        assert result.shape == shape and result.dtype == kept and result is not z
    np.testing.assert_array_equal(z, 1)


@each
def test_out_may_be_the_argument(activation):
    z = POINTS.astype(np.float32)
    expected = activation.value(z)
    assert activation.value(z, out=z) is z
    np.testing.assert_array_equal(z, expected)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_backward_multiplies_by_the_derivative_in_place(activation, dtype):
    z = np.append(POINTS, 0.0).astype(dtype)
    a = activation.value(z)
    delta = np.linspace(-2, 3, len(z)).astype(dtype)
    # An engine that overwrites z with a passes a twice.
    expected = delta * activation.derivative(z)
    activation.backward(delta, a if activation.in_place else z, a)
    assert delta.dtype == dtype
    np.testing.assert_allclose(delta, expected, rtol=0, atol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("activation", analytic, ids=lambda a: a.name)
def test_the_derivative_is_analytic_too(activation):
    h = 1e-20
    slope = activation.derivative(POINTS + 1j * h).imag / h
    around = (activation.derivative(POINTS + 1e-5) - activation.derivative(POINTS - 1e-5)) / 2e-5
    np.testing.assert_allclose(slope, around, rtol=0, atol=1e-9)


@pytest.mark.parametrize("activation", analytic, ids=lambda a: a.name)
def test_complex_values_stay_finite_far_out(activation):
    z = np.array([-1e30, -800, 800]) + 1e-20j
    np.testing.assert_array_equal(activation.value(z).real, activation.value(z.real))
    np.testing.assert_allclose(activation.value(z).imag, 1e-20 * activation.derivative(z.real))


def test_zero_is_where_it_should_be():
    assert identity(0.0) == tanh(0.0) == relu(0.0) == gelu(0.0) == silu(0.0) == 0
    assert selu(0.0) == mish(0.0) == 0
    assert logistic(0.0) == 0.5 and tanh_derivative(0.0) == 1


@each
def test_refuses_what_is_no_number(activation):
    for function in (activation.value, activation.derivative):
        with pytest.raises(InvalidInput, match="z must hold float32"):
            function(["one"])


def test_importing_the_activations_does_not_load_scipy():
    code = "import sys, treadle.maths.activations; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
