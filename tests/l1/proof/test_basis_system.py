from fractions import Fraction

import numpy as np
import pytest

from tests.l1.exact_oracle import solution
from treadle.l1.proof import basis_system
from treadle.l1.proof.basis_system import BasisSystem, Enclosed
from treadle.l1.proof.rational_solve import Singular
from treadle.l1.proof.scaled_integers import scaled


def matrix(kind, rng, p):
    Z = rng.normal(size=(p, p))
    if kind == "offset":
        Z = 1e15 + rng.integers(0, 9, (p, p))
        Z[:, 0] = 1
    if kind == "near to dependent":
        Z[-1] = Z[0] * 3 + 1e-9 * rng.normal(size=p)
    if kind == "sizes by row and column":
        Z = np.ldexp(Z, rng.integers(-300, 300, p)[:, None] + rng.integers(-300, 300, p))
    if kind == "entries of all sizes":
        Z = np.ldexp(Z, rng.integers(-500, 500, (p, p)))
    if kind == "subnormal":
        Z = np.ldexp(rng.integers(-9, 10, (p, p)).astype(float), -1074)
    return Z


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    "kind",
    ["plain", "offset", "near to dependent", "sizes by row and column", "entries of all sizes", "subnormal"],
)
def test_the_exact_solution_is_within_the_enclosure(kind, transposed):
    rng = np.random.default_rng(len(kind))
    n_enclosed = 0
    for _ in range(40):
        p = int(rng.integers(1, 6))
        Z, b = matrix(kind, rng, p), rng.normal(size=p) * 10.0 ** rng.integers(-9, 9, p)
        system = BasisSystem(scaled(Z))
        x = solution((Z.T if transposed else Z).tolist(), b.tolist())
        if x is None:
            assert system.enclosure(scaled(b), transposed) is None
            with pytest.raises(Singular):
                system.solution(scaled(b), transposed)
            continue
        assert system.solution(scaled(b), transposed).center == x
        found = system.enclosure(scaled(b), transposed)
        if found is not None:
            n_enclosed += 1
            assert all(abs(c - v) <= r for c, r, v in zip(found.center, found.radius, x, strict=True))
            if kind == "plain":
                assert max(found.radius) <= Fraction(2.0**-90) * max(map(abs, x))
    assert n_enclosed >= (0 if kind == "subnormal" else 10)


def test_an_enclosure_is_no_wider_than_what_is_left():
    """Of a third no number of bits is enough: the radius is positive and the center off by less."""
    Z = np.array([[3.0, 1.0], [0.0, 7.0]])
    found = BasisSystem(scaled(Z)).enclosure(scaled(np.ones(2)))
    errors = [abs(c - x) for c, x in zip(found.center, [Fraction(2, 7), Fraction(1, 7)], strict=True)]
    assert 0 < errors[0] <= found.radius[0] and 0 < errors[1] <= found.radius[1]
    assert not found.is_exact and Enclosed.exact(found.numerators, 1).is_exact


def test_no_unknowns_are_enclosed_by_nothing():
    system = BasisSystem(scaled(np.empty((0, 0))))
    assert system.enclosure(scaled(np.empty(0))) == Enclosed([], [], 1)
    assert system.solution(scaled(np.empty(0))) == Enclosed([], [], 1)


def test_a_dependent_basis_has_no_enclosure_and_no_solution(monkeypatch):
    Z = np.array([[1.0, 2.0], [2.0, 4.0]])
    system = BasisSystem(scaled(Z))
    assert system.enclosure(scaled(np.ones(2))) is None
    with pytest.raises(Singular, match="the equations are dependent"):
        system.solution(scaled(np.ones(2)))
    monkeypatch.setattr(basis_system, "most_unknowns", lambda: 1)
    assert system.solution(scaled(np.ones(2))) is None
