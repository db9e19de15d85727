"""What a typed function computes and says of itself: values, bounds of boxes, and where it may fail."""

import numpy as np
import pytest

from treadle.errors import InvalidInput
from treadle.formulas import expressions
from treadle.formulas.enclosure import Enclosure
from treadle.formulas.expressions import read_expression

NAMES = {
    **{name: getattr(np, name) for name in ("sin", "cos", "exp", "log", "sqrt", "tanh", "arctan", "floor")},
    "abs": np.abs,
    "where": np.where,
    "min": np.minimum,
    "max": np.maximum,
    "pi": np.pi,
    "e": np.e,
}


@pytest.mark.parametrize(
    "text",
    [
        "sin(3*x) + 0.5*cos(7*x)",
        "-x**2 + 2*-x - +x",
        "2**-1*x/3/4*5",
        "exp(-x**2/2)/sqrt(2*pi)",
        "where(x < 0, -x, x**3)",
        "min(x, 0.5) + max(0, -x)",
        "e**x - 1.5e-3 + 1_000 + 0x10",
        "abs(x)*tanh(x) - floor(3*x)",
        "2**3**0.5*x",
        "7",
    ],
)
def test_values_are_those_of_python_and_numpy(text):
    x = np.linspace(-2, 2, 41)
    expected = np.broadcast_to(eval(text, {"__builtins__": {}}, {**NAMES, "x": x}), x.shape)
    np.testing.assert_allclose(read_expression(text)(x), expected, rtol=1e-15, atol=1e-300)


def test_conditions():
    x = np.array([-2.0, -0.5, 0.0, 0.5, 2.0])
    for text, expected in [
        ("(x > 0)*x", np.where(x > 0, x, 0)),
        ("x >= 0", x >= 0),
        ("where(-1 < x < 1, 1, 0)", np.abs(x) < 1),
        ("where(x < -1 or x > 1, 1, 0)", np.abs(x) > 1),
        ("where(not (x == 0) and x != 2, 1, 0)", (x != 0) & (x != 2)),
    ]:
        assert read_expression(text)(x).tolist() == expected.tolist()


def test_synonyms_and_many_arguments():
    x = np.array([0.2, 0.7])
    for a, b in [("asin(x)", "arcsin(x)"), ("ln(x)", "log(x)"), ("max(x, 0.5, 0.6)", "maximum(x, 0.6)")]:
        assert read_expression(a)(x).tolist() == read_expression(b)(x).tolist()


def test_dimensions_are_those_of_the_last_variable_or_more():
    assert read_expression("x").variables == ("x",)
    assert read_expression("y**2").variables == ("x", "y")
    assert read_expression("x*z").variables == ("x", "y", "z")
    assert read_expression("x4").variables == ("x1", "x2", "x3", "x4")
    assert read_expression("x1", n_dims=2).variables == ("x1", "x2")
    assert read_expression("x + y", n_dims=3).n_dims == 3
    assert read_expression("3", n_dims=5).n_dims == 5
    f = read_expression("x1 + 10*x2")
    assert f(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist() == [21.0, 43.0]
    assert repr(f) == "Expression('x1 + 10*x2', variables=x1, x2)"


def test_points_of_another_shape_are_refused():
    assert read_expression("x")(np.ones((3, 1))).shape == (3,)
    with pytest.raises(InvalidInput, match=r"must have shape \(n, 2\); got \(3,\)"):
        read_expression("x*y")(np.ones(3))
    with pytest.raises(InvalidInput, match=r"must have shape \(n,\); got \(3, 2\)"):
        read_expression("x")(np.ones((3, 2)))


def test_variables_and_dimensions_that_do_not_fit_are_refused():
    with pytest.raises(
        InvalidInput, match=r'either x, y, z or x1, x2, ... as variables; "y \+ x1" has y and x1'
    ):
        read_expression("y + x1")
    for text in ("x1 + x", "x + x1", "sin(x)*cos(x1)"):  # one variable under two names
        with pytest.raises(InvalidInput, match=r"either x, y, z or x1, x2, \.\.\. .* has x and x1"):
            read_expression(text)
    with pytest.raises(InvalidInput, match='"x \\+ y" has the variable y, and so 2 dimensions; 1 were given'):
        read_expression("x + y", n_dims=1)
    with pytest.raises(InvalidInput, match="in 4 they are x1 to x4"):
        read_expression("x + y", n_dims=4)
    with pytest.raises(InvalidInput, match="1 to 20 variables; got n_dims=0"):
        read_expression("1", n_dims=0)


def test_a_long_formula_is_quick():
    """The longest formula that is allowed takes no time that is noticed."""
    f = read_expression("min(" + ", ".join(["sin(x)*x**2"] * 140) + ")")
    assert f([1.0]) == np.sin(1.0)
    low, high = f.range([[0.0]], [[1.0]])
    assert low <= np.sin(1.0) <= high


def test_an_expression_keeps_the_protocol_of_enclosures():
    assert isinstance(read_expression("sin(3*x)"), Enclosure)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1/x", "the divisor must not reach 0, which may fail at x in"),
        ("log(x)", "the argument must be positive"),
        ("2 + sqrt(x)", '"2 \\+ >>sqrt\\(x\\)<<", at character 5: the argument must not be negative'),
        ("arcsin(2*x)", "between -1 and 1"),
        ("tan(2*x)", "odd multiple of pi/2"),
        ("x**-2", "the base must not reach 0"),
        ("x**0.5", "the base must not be negative"),
        ("x**-0.5", "the base must be positive"),
        ("x**x", "the base of a varying exponent must be positive"),
        ("exp(1000*x)", "its value grows beyond all bounds"),
        ("sin(1/x)", "the divisor must not reach 0"),
    ],
)
def test_a_pole_is_told_and_its_range_is_infinite(text, words):
    f = read_expression(text)
    low, high = f.range([[-1.0]], [[1.0]])
    assert low == -np.inf or high == np.inf
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(f.trouble([-1.0], [1.0]))


def test_a_domain_that_ends_at_the_corner_is_defined():
    """1 - x**2 is exactly 0 at the ends: error-free transformations keep the bound where it is."""
    f = read_expression("sqrt(1 - x**2)")
    edges = np.linspace(-1, 1, 101)[:, None]
    low, high = f.range(edges[:-1], edges[1:])
    assert np.all(low >= 0) and np.all(high <= 1.0000001)
    assert f.trouble([-1.0], [1.0]) is None


def test_an_unused_branch_need_not_be_defined():
    f = read_expression("where(x > 0, log(x), 0)")
    low, high = f.range([[-2.0], [1.0], [-1.0]], [[-1.0], [2.0], [1.0]])
    assert (low[0], high[0]) == (0, 0)
    assert low[1] <= 0 and high[1] >= np.log(2)
    assert high[2] == np.inf


def test_the_range_of_small_boxes_is_tight():
    """The excess over the true range shrinks with the square of the width."""
    f = read_expression("x*(1 - x) + sin(x)*cos(x)")
    excess = []
    for h in (1e-2, 1e-3):
        low, high = f.range([[0.7]], [[0.7 + h]])
        x = np.linspace(0.7, 0.7 + h, 1001)
        excess.append(float(high[0] - low[0] - np.ptp(f(x))))
    assert 0 <= excess[1] <= excess[0] / 50


def test_corners_are_checked():
    f = read_expression("x*y")
    with pytest.raises(ValueError, match=r"two arrays of shape \(N, 2\)"):
        f.range([[0.0]], [[1.0]])
    with pytest.raises(ValueError, match=r"box 0 has 1\.0 and 0\.0 in dimension 1"):
        f.range([[0.0, 1.0]], [[1.0, 0.0]])
    with pytest.raises(ValueError, match="finite corners"):
        f.range([[0.0, np.nan]], [[1.0, 0.0]])
    assert f.range(np.empty((0, 2)), np.empty((0, 2)))[0].shape == (0,)


def test_constants_are_found_once_and_are_the_callers_own():
    f = read_expression("sin(3*x)*y")
    first = f.lipschitz([0, 0], [1, 2])
    first[:] = -1.0
    again, other = f.lipschitz([0, 0], [1, 2]), f.lipschitz([0, 0], [1, 1])
    assert again[0] == pytest.approx(6.0, rel=1e-3) and other[0] == pytest.approx(3.0, rel=1e-3)
    assert f.second_derivatives([0, 0], [1, 2])[0, 0] == pytest.approx(18.0, rel=2e-2)


def test_slopes_of_abs_at_zero_alone_are_between_both():
    least, greatest = read_expression("abs(x) + 3*x").gradient_range([[0.0]], [[0.0]])
    assert least[0, 0] <= 2.0 and greatest[0, 0] >= 4.0


def test_blocks_of_boxes_do_not_show(monkeypatch):
    f = read_expression("sin(x*y) + x**3/(1 + y**2)")
    low = np.random.default_rng(0).uniform(-1, 1, (40, 2))
    high = low + 0.1
    ways = (f.range, f.gradient_range, lambda *a: (f.second_derivative_bound(*a), f.rounding(*a)))
    whole = [way(low, high) for way in ways]
    monkeypatch.setattr(expressions, "BOXES_AT_A_TIME", 7)
    for way, expected in zip(ways, whole, strict=True):
        for found, part in zip(way(low, high), expected, strict=True):
            np.testing.assert_array_equal(found, part)


def test_the_mean_value_form_is_what_makes_small_boxes_tight(monkeypatch):
    """Plain intervals take both x for independent, and so are loose by the width of the box."""
    f, low, high = read_expression("x*x - x"), np.array([[1.0]]), np.array([[1.01]])
    mean_value = np.ptp(f.range(low, high))
    monkeypatch.setattr(
        expressions, "_mean_value_form", lambda at_middle, *_: expressions.iv.everything(at_middle)
    )
    plain = np.ptp(f.range(low, high))
    exact = 1.01 * 0.01
    assert exact <= mean_value <= 1.05 * exact and plain > 2.5 * exact


def test_the_mean_value_form_holds_computed_values_too():
    """At 3 the sum is rounded to 1e16 + 4; exactly, f is x, which the form alone would say."""
    f = read_expression("(x + 1e16) - 1e16")
    low, high = f.range([[1.0]], [[3.0]])
    assert f([3.0]) == 4.0
    assert low <= 1.0 and high >= 4.0
