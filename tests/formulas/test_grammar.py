"""What may be typed, what it computes, and how everything else is refused."""

import pytest

from treadle.errors import InvalidInput
from treadle.formulas.grammar import MOST_CHARACTERS, MOST_NESTED, read


def test_a_part_that_is_typed_twice_is_one_step():
    assert len(read("sin(x)*cos(x) + sin(x)").steps) == 5


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
