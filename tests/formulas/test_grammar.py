"""What may be typed, what it computes, and how everything else is refused."""

import numpy as np
import pytest

from treadle.errors import InvalidInput
from treadle.formulas.expressions import read_expression
from treadle.formulas.grammar import MOST_CHARACTERS, MOST_NESTED, read

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


def test_a_part_that_is_typed_twice_is_one_step():
    assert len(read("sin(x)*cos(x) + sin(x)").steps) == 5


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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the formula is empty"),
        ("   ", "the formula is empty"),
        ("9**9**9", 'the exponent is 3.8742e\\+08: "9\\*\\*>>9\\*\\*9<<", at character 4'),
        ("x**1000", "exponents go from -100 to 100"),
        ("x**(1/0)", "the exponent is inf"),
        ("x**log(-1)", "the exponent is nan"),
        ("1e999", "this number is too large"),
        ("1" * 400, "this number is too large"),
        ("x.real", "this is not part of a formula"),
        ("(1).__class__", "this is not part of a formula"),
        ("().__class__", "this is not part of a formula"),
        ("lambda x: x", "the character ':' is not part"),
        ("x[0]", "the variables of several dimensions are"),
        ("[x for x in y]", r"the character '\[' is not part"),
        ("__import__('os')", 'the character "\'" is not part'),
        ("__import__", "__import__ is no variable"),
        ("eval(x)", "there is no function eval"),
        ("open(x)", "there is no function open"),
        ("sin.__call__(x)", "this is not part of a formula"),
        ("(sin)(x)(x)", "this is not part of a formula"),
        ("sin(x=1)", r"arguments have no names here.* write sin\(a\)"),
        ("sin(*x)", "this is not part of a formula"),
        ("sin(x, 2)", "sin has 2 arguments"),
        ("sin()", "sin has 0 arguments"),
        ("min(x)", "minimum has 1 argument"),
        ("where(x < 0, 1)", "where has 2 arguments"),
        ("where(x, 1, 2)", "this is a number where a condition must be"),
        ("not x", "this is a number where a condition must be"),
        ("sin", r"sin is no variable.* sin\(x\)"),
        ("foo(x)", 'there is no function foo: ">>foo<<\\(x\\)", at character 1; allowed are'),
        ("x + t", 't is no variable: "x \\+ >>t<<", at character 5'),
        ("x0", "x0 is no variable"),
        ("x21", "x21 is no variable"),
        ("x(2)", "x is no function"),
        ("2(x)", "this is not part of a formula"),
        ("x^2", r"a power is written \*\*"),
        ("x % 2", "with floor"),
        ("x // 2", r"write floor\(a/b\)"),
        ("x if x > 0 else 1", r"write where\(condition, a, b\)"),
        ("x < 0 & y", "joined with 'and'"),
        ("|x|", r"\|a\| is written abs\(a\)"),
        ("True", "this is not part of a formula"),
        ("None", "this is not part of a formula"),
        ("...", "this is not part of a formula"),
        ("1j", "this is not part of a formula"),
        ("x, y", "this is not part of a formula"),
        ("x in y", "comparisons are"),
        ("x is y", "comparisons are"),
        ("(yield)", "this is not part of a formula"),
        ("3x", "write 3\\*x"),
        ("sin(x", "close every parenthesis"),
        ("x +", "the formula cannot be read"),
        ("x = 3", "the formula cannot be read"),
        ("ſin(x)", "the character '\\\\u017f' is not part"),
        ("ｓｉｎ(x)", "the character"),
        ("x\u200b + 1", "the character '\\\\u200b'"),
        ("x\0", "the character '\\\\x00'"),
        ("x # y", "the character '#'"),
        ("(" * 900 + "x" + ")" * 900, "too many nested parentheses"),
        ("-" * 1900 + "x", "it is nested too deep"),
        ("+".join(["x"] * 300), "it is nested too deep"),
        ("sin(" * 180 + "x" + ")" * 180, "it is nested too deep"),
        ("x" * (MOST_CHARACTERS + 1), "a formula has at most 2000 characters; got 2001"),
    ],
)
def test_what_is_no_formula_is_refused_in_words(text, words):
    with pytest.raises(InvalidInput, match=words):
        read(text)


def test_parentheses_alone_are_no_levels():
    assert read("(" * 150 + "x" + ")" * 150).result == 0


def test_as_many_levels_as_are_allowed_are_read():
    assert len(read("+".join(["x"] * MOST_NESTED)).steps) == MOST_NESTED
    with pytest.raises(InvalidInput, match=f"at most {MOST_NESTED} levels"):
        read("+".join(["x"] * (MOST_NESTED + 2)))


def test_what_is_no_text_is_refused():
    with pytest.raises(InvalidInput, match="a formula is text, such as"):
        read(3.5)


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
