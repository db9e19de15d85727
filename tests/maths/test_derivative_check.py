import dataclasses
import math

import numpy as np
import pytest

from treadle.errors import InvalidInput
from treadle.maths.derivative_check import METHODS, DerivativeReport, check_derivative

X = np.random.default_rng(0).normal(size=(2, 3))
both = pytest.mark.parametrize("method", METHODS)


def cubic(x):
    return (x**3).sum()


def cubic_gradient(x):
    return 3 * x**2


def matrix_product(x):
    return x @ np.arange(12.0).reshape(3, 4)


def matrix_product_jacobian(x):
    J = np.zeros((2, 4, 2, 3))
    for i in range(2):
        J[i, :, i, :] = np.arange(12.0).reshape(3, 4).T
    return J


@both
def test_passes_the_gradient_of_a_scalar(method):
    report = check_derivative(cubic, cubic_gradient, X, method=method)
    assert report and report.passed and report.n_checked == report.n_entries == 6


@both
def test_passes_the_jacobian_of_an_array(method):
    report = check_derivative(matrix_product, matrix_product_jacobian, X, method=method)
    assert report and report.n_checked == 2 * 4 * 2 * 3


@both
def test_passes_a_function_of_one_number(method):
    report = check_derivative(np.sin, np.cos, 0.3, method=method)
    assert report and report.where == () and report.analytic == math.cos(0.3)


@both
@pytest.mark.parametrize("planted", [1e-5, -1e-5, math.nan, math.inf])
def test_finds_a_planted_error_and_where_it_is(method, planted):
    def wrong(x):
        J = matrix_product_jacobian(x)
        J[1, 3, 1, 2] += planted
        return J

    report = check_derivative(matrix_product, wrong, X, method=method)
    assert not report
    assert report.where == (1, 3, 1, 2)
    np.testing.assert_equal(report.analytic, 11 + planted)
    assert report.numeric == pytest.approx(11, rel=1e-8)


def test_a_derivative_in_another_layout_fails():
    A = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert check_derivative(lambda x: A @ x, lambda x: A, [1.0, 1.0])
    assert not check_derivative(lambda x: A @ x, lambda x: A.T, [1.0, 1.0])


@pytest.mark.parametrize("claimed", [0, 0.5, 1, -1])
@pytest.mark.parametrize(
    "kinked", [np.abs, lambda x: np.maximum(x, 0), lambda x: 1e6 + np.abs(x), lambda x: np.abs(x) - 3 * x]
)
def test_a_kink_fails_whatever_is_claimed(kinked, claimed):
    report = check_derivative(kinked, lambda x: np.full_like(x, claimed), 0.0)
    assert not report and math.isnan(report.numeric)
    assert "(f has a kink there, or is not finite)" in str(report)


def test_a_kink_within_the_step_fails_rather_than_widens_the_tolerance():
    assert not check_derivative(lambda x: np.abs(x - 1e-6), lambda x: np.full_like(x, -1.0), 0.0)
    assert check_derivative(lambda x: np.abs(x - 1e-6), lambda x: np.full_like(x, -1.0), 0.0, step=1e-7)


def test_a_kink_in_one_output_leaves_the_others_alone():
    report = check_derivative(lambda x: np.array([x**2, abs(x), x]), lambda x: np.array([0, 0, 1]), 0.0)
    assert report.where == (1,)


@pytest.mark.parametrize("at_minimum", [lambda x: x**2, lambda x: x**4, lambda x: (x - 1e-17) ** 2, np.cosh])
def test_a_smooth_minimum_is_no_kink(at_minimum):
    slope = -2e-17 if at_minimum(0.0) not in (0, 1) else 0
    assert check_derivative(at_minimum, lambda x: np.full_like(x, slope), 0.0)


def test_nan_from_the_function_fails():
    assert not check_derivative(lambda x: x * math.nan, lambda x: np.ones_like(x), 1.0)


@both
def test_derivatives_that_are_zero_pass(method):
    assert check_derivative(lambda x: 0 * x.sum(), lambda x: np.zeros_like(x), X, method=method)
    # An exact zero among others: the numbers there are rounding noise.
    assert check_derivative(np.cos, lambda x: -np.sin(x), 0.0, method=method)


@pytest.mark.parametrize("scale", [1e-100, 1e-6, 1.0, 1e6, 1e100])
@both
def test_the_size_of_the_function_does_not_matter(method, scale):
    def f(x):
        return scale * np.exp(x).sum()

    assert check_derivative(f, lambda x: scale * np.exp(x), X, method=method)
    assert not check_derivative(f, lambda x: scale * np.exp(x) * (1 + 1e-6), X, method=method)


@both
def test_the_size_of_the_argument_does_not_matter(method):
    x = np.array([1e-8, 1.0, 1e8])
    assert check_derivative(cubic, cubic_gradient, x / 1e8, method=method)
    assert check_derivative(lambda x: (x**2).sum(), lambda x: 2 * x, x, method=method)


def test_the_complex_step_finds_errors_that_central_differences_cannot():
    def slightly_wrong(x):
        return cubic_gradient(x) * (1 + 1e-11)

    assert check_derivative(cubic, slightly_wrong, X, method="central")
    assert not check_derivative(cubic, slightly_wrong, X, method="complex")


def test_a_given_step_sets_the_tolerance():
    default = check_derivative(cubic, cubic_gradient, X)
    coarse = check_derivative(cubic, cubic_gradient, X, step=1e-3)
    assert default.step == pytest.approx(np.finfo(float).eps ** (1 / 3))
    assert coarse.step == 1e-3 and coarse.tolerance > 1000 * default.tolerance
    assert coarse and coarse.largest_relative_error > default.tolerance


def test_a_given_tolerance_decides():
    report = check_derivative(cubic, cubic_gradient, X, tolerance=1e-16)
    assert not report and report.tolerance == 1e-16 and report.tolerance_reason == "as asked for"


def test_float32_arguments_are_checked_in_float64():
    seen = []

    def f(x):
        seen.append(x.dtype)
        return cubic(x)

    assert check_derivative(f, cubic_gradient, X.astype(np.float32)).tolerance < 1e-8
    assert set(seen) == {np.dtype(np.float64)}


@both
def test_float32_results_get_the_tolerance_of_float32(method):
    kind = {"f": np.float32, "c": np.complex64}

    def single(x):
        return np.asarray(cubic(x)).astype(kind[x.dtype.kind])

    assert check_derivative(single, cubic_gradient, X, method=method).tolerance > 1e-5
    assert check_derivative(cubic, lambda x: cubic_gradient(x).astype(np.float32), X, method=method)


def test_functions_may_spoil_their_argument():
    def f(x):
        x **= 3
        return x.sum()

    def df(x):
        x *= 3 * x
        return x

    before = X.copy()
    assert check_derivative(f, df, X)
    np.testing.assert_array_equal(X, before)


def test_a_function_may_return_its_argument():
    assert check_derivative(lambda x: x, lambda x: np.eye(3), np.ones(3))


@both
def test_checks_a_subset_of_the_coordinates(method):
    calls = []

    def f(x):
        calls.append(1)
        return cubic(x)

    x = np.linspace(1, 2, 1000)
    report = check_derivative(f, cubic_gradient, x, method=method, n_coordinates=10, random_state=3)
    assert report and report.n_checked == 10 and report.n_entries == 1000 and len(calls) <= 21
    wrong = [
        check_derivative(cubic, np.zeros_like, x, n_coordinates=10, random_state=seed).where
        for seed in (3, 3, 4)
    ]
    assert wrong[0] == wrong[1] != wrong[2]
    assert check_derivative(cubic, cubic_gradient, X, n_coordinates=100).n_checked == 6


def test_a_subset_reports_the_index_in_the_whole():
    report = check_derivative(
        matrix_product, lambda x: matrix_product_jacobian(x) * 2, X, n_coordinates=1, random_state=0
    )
    assert report.numeric == pytest.approx(matrix_product_jacobian(X)[report.where])
    assert report.analytic == 2 * matrix_product_jacobian(X)[report.where]


def test_a_report_prints_what_a_reader_needs():
    planted = np.array([[0, 0, 0], [0, 0.5, 0]])
    text = str(check_derivative(cubic, lambda x: cubic_gradient(x) + planted, X))
    lines = text.splitlines()
    assert lines[0] == "derivative check FAILED"
    assert "at df(x)[1, 1]" in lines[1]
    assert "50 (eps / step + step^2 + eps of df)" in lines[2]
    assert lines[-1] == "  entries compared        6 of 6"
    assert max(map(len, lines)) <= 120
    passed = str(check_derivative(np.sin, np.cos, 1.0, method="complex"))
    assert passed.startswith("derivative check passed") and "1000 eps" in passed and "complex step" in passed


def test_a_nan_error_does_not_pass():
    report = check_derivative(cubic, cubic_gradient, X)
    assert isinstance(report, DerivativeReport)
    assert not dataclasses.replace(report, largest_relative_error=math.nan).passed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "forward"}, "method must be one of central, complex; got 'forward'"),
        ({"step": 0.0}, r"step must be positive and finite; got 0\.0"),
        ({"step": math.nan}, "step must be positive and finite; got nan"),
        ({"tolerance": -1.0}, r"tolerance must be positive and finite; got -1\.0"),
        ({"tolerance": math.inf}, "tolerance must be positive and finite; got inf"),
        ({"n_coordinates": 0}, "n_coordinates must be an integer of at least 1; got 0"),
        ({"n_coordinates": 2.5}, r"n_coordinates must be an integer of at least 1; got 2\.5"),
        ({"step": 0.5}, r"a step of 0\.5 would need a tolerance of .* try 6e-06"),
        ({"step": 1e-16}, r"a step of 1e-16 would need a tolerance of"),
    ],
)
def test_refuses_options(options, message):
    with pytest.raises(InvalidInput, match=message):
        check_derivative(cubic, cubic_gradient, X, **options)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([], "x must be real, finite and not empty; got float64 of shape"),
        ([1.0, math.inf], r"x must be real, finite and not empty.* 1 of them not finite"),
        ([1j], "x must be real, finite and not empty; got complex128"),
        (["a"], "x must hold float32"),
    ],
)
def test_refuses_a_point(x, message):
    with pytest.raises(InvalidInput, match=message):
        check_derivative(cubic, cubic_gradient, x)


def test_refuses_a_derivative_of_another_shape():
    with pytest.raises(InvalidInput, match=r"df\(x\) must have shape \(2, 3, 2, 3\).*got \(2, 3\)"):
        check_derivative(np.sin, np.cos, X)


def test_refuses_a_function_without_entries():
    with pytest.raises(InvalidInput, match=r"f\(x\) must have an entry to differentiate; got shape \(0,\)"):
        check_derivative(lambda x: x.ravel()[:0], cubic_gradient, X)


def test_refuses_complex_results_for_real_arguments():
    with pytest.raises(InvalidInput, match=r"f\(x\) must be real"):
        check_derivative(lambda x: 1j * x.sum(), cubic_gradient, X)
    with pytest.raises(InvalidInput, match=r"df\(x\) must be real"):
        check_derivative(cubic, lambda x: 1j * x, X)


def test_the_complex_step_refuses_a_function_that_drops_the_imaginary_part():
    with pytest.raises(
        InvalidInput, match="f must return complex numbers for complex ones; got dtype float64"
    ):
        check_derivative(lambda x: np.abs(x).sum(), np.sign, X, method="complex")
