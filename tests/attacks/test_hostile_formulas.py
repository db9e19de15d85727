"""Formulas and bounds beyond what float64 holds or memory builds: refused at once; nothing proved of NaN."""

import numpy as np
import pytest

import treadle
from tests.attacks.limits import within
from treadle.errors import InvalidInput


@pytest.mark.parametrize("activation", [None, "sigmoid"])
@pytest.mark.parametrize("partition", ["uniform", "adaptive", "optimal"])
def test_an_eps_that_float64_cannot_divide_is_refused(partition, activation):
    for eps in (10**400, 10**5000, 5e-324, 1e-310, 1.5e300):
        with pytest.raises(
            InvalidInput, match=r"eps must be a positive finite number, from 1e-300 to 1e\+300; got"
        ):
            treadle.approximate("floor(x)", (0, 2), eps=eps, partition=partition, activation=activation)


@pytest.mark.parametrize("norm", ["sup", "l2"])
@pytest.mark.parametrize("order", [0, 1])
def test_an_eps_of_more_boxes_than_are_built_is_refused_at_once(norm, order):
    for f in ("1e10*x", "floor(x)", "1e10*x*x"):
        with within(500, 20), pytest.raises(InvalidInput, match=r"eps=1e-300|cells|f jumps at"):
            treadle.approximate(f, (0, 2), eps=1e-300, partition="optimal", norm=norm, order=order)


@pytest.mark.parametrize(("norm", "order"), [("sup", 0), ("l2", 0), ("sup", 1), ("l2", 1)])
@pytest.mark.parametrize("partition", ["uniform", "adaptive", "optimal"])
def test_more_boxes_than_are_built_are_refused_at_once(partition, norm, order):
    for n_boxes in (10**9, 10**400, 10**5000):
        with within(50, 10), pytest.raises(InvalidInput, match="at most 1e08 are built") as raised:
            treadle.approximate("x", (-1, 1), n_boxes=n_boxes, partition=partition, norm=norm, order=order)
        assert len(str(raised.value)) < 400


def test_more_boxes_than_are_placed_one_by_one_are_refused_at_once():
    with (
        within(50, 10),
        pytest.raises(InvalidInput, match=r"n_boxes=131073 is more than the 131072 boxes that"),
    ):
        treadle.approximate("x", (-1, 1), n_boxes=131073, partition="optimal")


@pytest.mark.parametrize(
    "formula",
    [
        *("cos(1e308*x)", "sin(-1e308*x)", "tanh(1e308*x - 1e308*x*2)", "max(0, x - 3)*(1e308*x)"),
        *("0*(1e308*x)", "arctan((1e308*x)/(1e308*x + 1))", "min(1, 1e308*x + (-1e308)*x*3)"),
    ],
)
def test_nothing_is_proved_of_what_may_overflow_into_nan(formula):
    expression = treadle.read_expression(formula)
    with np.errstate(all="ignore"):
        assert np.isnan(expression(np.array([2.0])))[0], "the test itself is wrong"
    low, high = expression.range(np.array([[0.0]]), np.array([[2.0]]))
    assert not (np.isfinite(low) & np.isfinite(high)).any()
    with pytest.raises(InvalidInput, match="f must be defined and finite over the bounds"):
        treadle.approximate(formula, (0, 2), n_boxes=4)


def test_what_overflows_and_has_a_value_all_the_same_is_proved():
    for formula, low in (("1/(1 + exp(1000*x))", 0.0), ("tanh(1e308*x)", -1.0), ("exp(-1e308*(x*x))", 0.0)):
        bounds = treadle.read_expression(formula).range(np.array([[-2.0]]), np.array([[2.0]]))
        assert low - 1e-9 <= bounds[0][0] <= bounds[1][0] <= 1 + 1e-9
