"""The least eps that rounding allows: refused before the work, and no function without rounding is."""

import numpy as np
import pytest

import treadle
from treadle.boxes.cells.points import as_bounds
from treadle.boxes.proof.assumptions import target_of
from treadle.boxes.proof.least_eps import check_eps
from treadle.errors import InvalidInput

F = "sin(3*x) + 0.5*cos(7*x)"


@pytest.mark.parametrize(
    ("options", "least"),
    [
        ({}, 1.1e-15),
        ({"partition": "adaptive"}, 1.1e-15),
        ({"partition": "optimal"}, 1.1e-15),
        ({"order": 1, "partition": "adaptive"}, 1.3e-15),
        ({"norm": "l2"}, 9.1e-16),
        ({"activation": "relu"}, 1.1e-15),
    ],
    ids=str,
)
def test_an_eps_below_rounding_is_refused_with_the_least_that_is_allowed(options, least):
    with pytest.raises(
        InvalidInput,
        match=r"^eps=1e-18 is below what rounding allows: float64 has f, of values up to 1\.4\d+, to within "
        rf"{least} only; take an eps of at least {least}",
    ):
        treadle.approximate(F, (-2, 2), eps=1e-18, **options)
    target = target_of(
        F, as_bounds((-2, 2)),
        lipschitz=None, modulus=None, enclosure=None, second_derivative=None, needs_curvature=False,
    )  # fmt: skip
    check_eps(target, least, options.get("order", 0), options.get("norm", "sup"))


def test_a_function_that_does_not_round_has_no_least_eps():
    network = treadle.approximate("where(x < 0.3, 0, 1)", (-2, 2), eps=1e-300, partition="adaptive")
    x = np.array([-2, np.nextafter(0.3, -1), 0.3, 2])
    assert network.predict(x).tolist() == [0, 0, 1, 1] and network.error_bound_ <= 1e-300
