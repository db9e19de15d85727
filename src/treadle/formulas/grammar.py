"""Reads a typed formula into a list of steps, without ``eval``.

Python's ``ast`` parses the text; a grammar of treadle's own says what may be in it.

The grammar::

    formula   = number | pi | e | variable | - formula | + formula | formula (+ - * / **) formula
              | function(formula) | min(formula, formula, ...) | max(formula, formula, ...)
              | where(condition, formula, formula) | condition
    variable  = x | y | z | x1 | x2 | ... | x20
    condition = formula (< <= > >= == !=) formula [...] | condition (and or) condition | not condition

A condition among numbers counts as 1 or 0. Numbers, pi and e are the nearest float64.

Whatever else Python knows, attributes, indices, lambdas, strings, keywords, is refused with its place. A
formula is at most ``MOST_CHARACTERS`` long and ``MOST_NESTED`` deep, and an exponent that is constant at most
``LARGEST_EXPONENT``, so that nothing typed can take long.
"""

from __future__ import annotations

import ast
import math
import re
import string
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from treadle.errors import InvalidInput
from treadle.formulas.functions import FUNCTIONS, SYNONYMS

MOST_CHARACTERS = 2000
MOST_NESTED = 100  # a sum of as many terms is nested as deep
MOST_VARIABLES = 20
LARGEST_EXPONENT = 100.0

CONSTANTS = {"pi": math.pi, "e": math.e}
NAMED_VARIABLES = {"x": 0, "y": 1, "z": 2}

_CHARACTERS = frozenset(string.ascii_letters + string.digits + "_.+-*/(),<>=! ")
_NUMBERED = re.compile(r"x([1-9][0-9]?)")
_OPERATORS = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power"}
_COMPARISONS = {
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}
_INSTEAD = {
    "^": "a power is written **",
    "%": "a remainder can be written with floor: a - b*floor(a/b)",
    "[": "the variables of several dimensions are x, y, z or x1, x2, ...",
    "&": "conditions are joined with 'and'",
    "|": "conditions are joined with 'or', and |a| is written abs(a)",
}
_ALLOWED = (
    "allowed are numbers, x, y, z or x1 to x20, pi, e, + - * / **, comparisons with and, or, not, "
    "where(condition, a, b), min, max and " + ", ".join(FUNCTIONS)
)


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on the results of earlier steps.

    Attributes
    ----------
    operation : str
        ``number``, ``variable``, ``add``, ``subtract``, ``multiply``, ``divide``, ``negative``, ``power``
        (to a constant), ``power_of`` (to a formula), ``minimum``, ``maximum``, ``where``, a comparison,
        ``and``, ``or``, ``not``, ``indicator`` (of a condition), or a name in ``FUNCTIONS``.
    operands : tuple of int
        Indices of steps.
    constant : float
        The number, the index of the variable, or the exponent.
    place : (int, int)
        Where in the text it stands: first character, and the one past the last.
    """

    operation: str
    operands: tuple[int, ...]
    constant: float
    place: tuple[int, int]

    @property
    def is_condition(self) -> bool:
        """Whether the result is true or false."""
        return self.operation in _CONDITIONS


_CONDITIONS = frozenset((*_COMPARISONS.values(), "and", "or", "not"))


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed formula: text, steps, and the index of the resulting step.

    Places refer to the text. Variables have their numbers by name as typed: x and x1 are one step, two names.
    """

    text: str
    steps: tuple[Step, ...]
    result: int
    variables: Mapping[str, int]

    def shown(self, place: tuple[int, int]) -> str:
        """Quote the text around a place, with the place marked."""
        start, end = place
        before, after = self.text[max(0, start - 30) : start], self.text[end : end + 30]
        part = self.text[start:end]
        part = part if len(part) <= 40 else f"{part[:37]}..."
        return f'"{before}>>{part}<<{after}", at character {start + 1}'


def read(text: str) -> Formula:
    """Read a formula. The same part, typed twice, is one step.

    Raises
    ------
    InvalidInput
        If the text is no formula of this grammar, or is longer, deeper or has a larger exponent than allowed.
    """
    if not isinstance(text, str):
        raise InvalidInput(f'a formula is text, such as "sin(3*x) + 0.5*cos(7*x)"; got {text!r:.80}')
    text = " ".join(text.split())
    if not text:
        raise InvalidInput(f"the formula is empty; {_ALLOWED}")
    if len(text) > MOST_CHARACTERS:
        raise InvalidInput(
            f"a formula has at most {MOST_CHARACTERS} characters; got {len(text)}; give a function instead"
        )
    reader = _Reader(text)
    for i, character in enumerate(text):
        if character not in _CHARACTERS:
            instead = _INSTEAD.get(character, _ALLOWED)
            reader.refuse((i, i + 1), f"the character {character!a} is not part of a formula", instead)
    result = reader.value(reader.parse(), 0)
    return Formula(text, tuple(reader.steps), result, reader.variables)


@dataclass(slots=True)
class _Reader:
    text: str
    steps: list[Step] = field(default_factory=list)
    known: dict[tuple[str, tuple[int, ...], float], int] = field(default_factory=dict)
    constants: list[float | None] = field(default_factory=list)  # of each step; None where it varies
    variables: dict[str, int] = field(default_factory=dict)

    def refuse(self, place: tuple[int, int], what: str, allowed: str) -> NoReturn:
        """Raise InvalidInput, with the place marked in the text."""
        shown = Formula(self.text, (), 0, {}).shown(place)
        raise InvalidInput(f"the formula cannot be read: {what}: {shown}; {allowed}")

    def parse(self) -> ast.expr:
        """Python's syntax tree of the text."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "0or 1" and the like
                return ast.parse(self.text, mode="eval").body
        except SyntaxError as error:
            start = min(max((error.offset or 1) - 1, 0), len(self.text) - 1)
            where = (start, start + 1)
            self.refuse(where, f"{error.msg}", "write 3*x for three times x, and close every parenthesis")
        except (RecursionError, MemoryError, ValueError):
            self.refuse((0, len(self.text)), "it is nested too deep", f"at most {MOST_NESTED} levels")

    def add(self, operation: str, operands: tuple[int, ...], node: ast.expr, constant: float = 0.0) -> int:
        """Return a step's index; add the step where it is new."""
        key = (operation, operands, constant)
        if key not in self.known:
            self.known[key] = len(self.steps)
            self.steps.append(Step(operation, operands, constant, _place(node)))
            self.constants.append(_constant(operation, [self.constants[i] for i in operands], constant))
        return self.known[key]

    def visit(self, node: ast.expr, depth: int) -> int:
        """Add the steps that compute a part; return the last one's index."""
        if depth > MOST_NESTED:
            self.refuse(_place(node), "it is nested too deep", f"at most {MOST_NESTED} levels are read")
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return self.constant(node, value)
            case ast.Name(id=name):
                return self.name(node, name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.add("negative", (self.value(operand, depth),), node)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.value(operand, depth)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.add("not", (self.condition(operand, depth),), node)
            case ast.BinOp(op=ast.Pow(), left=base, right=exponent):
                return self.power(node, base, exponent, depth)
            case ast.BinOp(op=op, left=left, right=right) if type(op) in _OPERATORS:
                operands = (self.value(left, depth), self.value(right, depth))
                return self.add(_OPERATORS[type(op)], operands, node)
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                return self.comparison(node, [left, *comparators], ops, depth)
            case ast.BoolOp(op=op, values=values):
                parts = [self.condition(value, depth) for value in values]
                return self.joined("and" if isinstance(op, ast.And) else "or", parts, node)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
                if keywords:
                    self.refuse(_place(node), "arguments have no names here", f"write {name:.40}(a)")
                return self.call(node, name, arguments, depth)
            case ast.IfExp():
                self.refuse(_place(node), "'if' is not part of a formula", "write where(condition, a, b)")
            case ast.BinOp(op=ast.FloorDiv()):
                self.refuse(_place(node), "// is not part of a formula", "write floor(a/b)")
            case _:
                self.refuse(_place(node), "this is not part of a formula", _ALLOWED)

    def value(self, node: ast.expr, depth: int) -> int:
        """Visit a part that is a number; a condition counts as 1 or 0."""
        index = self.visit(node, depth + 1)
        return self.add("indicator", (index,), node) if self.steps[index].is_condition else index

    def condition(self, node: ast.expr, depth: int) -> int:
        """Visit a part that is true or false."""
        index = self.visit(node, depth + 1)
        if not self.steps[index].is_condition:
            self.refuse(_place(node), "this is a number where a condition must be", "write x > 0, say")
        return index

    def constant(self, node: ast.expr, value: int | float) -> int:
        """Add a number, as float64."""
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isinf(number):
            self.refuse(_place(node), "this number is too large", "numbers go up to 1.7e308")
        return self.add("number", (), node, number)

    def name(self, node: ast.expr, name: str) -> int:
        """Add a named constant or a variable."""
        if name in CONSTANTS:
            return self.add("number", (), node, CONSTANTS[name])
        index = variable_index(name)
        if index is None:
            known = name in FUNCTIONS or name in SYNONYMS or name == "where"
            self.refuse(
                _place(node),
                f"{name:.40} is no variable",
                f"a function has its argument in parentheses: {name}(x)" if known else _ALLOWED,
            )
        self.variables[name] = index
        return self.add("variable", (), node, float(index))

    def power(self, node: ast.expr, base: ast.expr, exponent: ast.expr, depth: int) -> int:
        """Add a power, with an exponent that is constant or varies.

        A constant one is bounded.
        """
        left, right = self.value(base, depth), self.value(exponent, depth)
        constant = self.constants[right]
        if constant is None:
            return self.add("power_of", (left, right), node)
        if not abs(constant) <= LARGEST_EXPONENT:
            self.refuse(
                _place(exponent),
                f"the exponent is {constant:g}",
                f"exponents go from {-LARGEST_EXPONENT:g} to {LARGEST_EXPONENT:g}",
            )
        return self.add("power", (left,), node, constant)

    def comparison(self, node: ast.expr, parts: list[ast.expr], ops: list[ast.cmpop], depth: int) -> int:
        """Add a chain a < b < c: "and" of the comparisons of neighbours."""
        values = [self.value(part, depth) for part in parts]
        results = []
        for i, op in enumerate(ops):
            if type(op) not in _COMPARISONS:
                self.refuse(_place(node), "this is not part of a formula", "comparisons are < <= > >= == !=")
            results.append(self.add(_COMPARISONS[type(op)], (values[i], values[i + 1]), node))
        return self.joined("and", results, node)

    def joined(self, operation: str, parts: list[int], node: ast.expr) -> int:
        """Chain several operands by an operation of two."""
        result = parts[0]
        for part in parts[1:]:
            result = self.add(operation, (result, part), node)
        return result

    def call(self, node: ast.Call, name: str, arguments: list[ast.expr], depth: int) -> int:
        """Add a function of its arguments."""
        name = SYNONYMS.get(name, name)
        n = len(arguments)
        if name == "where":
            if n != 3:
                self.refuse(_place(node), f"where has {n} arguments", "write where(condition, a, b)")
            condition = self.condition(arguments[0], depth)
            a, b = self.value(arguments[1], depth), self.value(arguments[2], depth)
            return self.add("where", (condition, a, b), node)
        if name in ("minimum", "maximum"):
            if n < 2:
                self.refuse(_place(node), f"{name} has {n} argument(s)", "it takes two or more")
            return self.joined(name, [self.value(argument, depth) for argument in arguments], node)
        if name not in FUNCTIONS:
            where = _place(node.func)
            if variable_index(name) is not None or name in CONSTANTS:
                self.refuse(where, f"{name} is no function", f"write {name}*(...) for a product")
            self.refuse(where, f"there is no function {name:.40}", _ALLOWED)
        if n != 1:
            self.refuse(_place(node), f"{name} has {n} arguments", "it takes one")
        return self.add(name, (self.value(arguments[0], depth),), node)


def variable_index(name: str) -> int | None:
    """Return a variable's number from its name, from 0; None for other names."""
    if name in NAMED_VARIABLES:
        return NAMED_VARIABLES[name]
    numbered = _NUMBERED.fullmatch(name)
    if numbered and int(numbered[1]) <= MOST_VARIABLES:
        return int(numbered[1]) - 1
    return None


def _constant(operation: str, operands: list[float | None], constant: float) -> float | None:
    """Compute a step of constants in float64; None if an operand varies.

    It is NaN where the value is no real number.
    """
    numbers = [operand for operand in operands if operand is not None]
    if len(numbers) < len(operands):
        return None
    # Any: a name, then float64.
    operation_on: list[Any] = [operation, *map(np.float64, numbers)]
    with np.errstate(all="ignore"):
        match operation_on:
            case ["number"]:
                return constant
            case ["negative", a]:
                value = -a
            case ["add", a, b]:
                value = a + b
            case ["subtract", a, b]:
                value = a - b
            case ["multiply", a, b]:
                value = a * b
            case ["divide", a, b]:
                value = a / b
            case ["power", a]:
                value = np.power(a, constant)
            case [name, a] if name in FUNCTIONS:
                value = FUNCTIONS[name].value(a)
            case _:
                return None
    return float(value)


def _place(node: ast.expr) -> tuple[int, int]:
    """Return a part's first character and the one past its last.

    The text is ASCII, and one line.
    """
    return node.col_offset, node.end_col_offset or node.col_offset + 1
