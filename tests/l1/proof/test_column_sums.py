from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from treadle.l1.proof.column_sums import exact_products, exact_sums, exact_weighted_sums


def summed(values, weight=None):
    """By fractions."""
    weight = np.ones(len(values)) if weight is None else weight
    exact = [Fraction(w) for w in weight.tolist()]
    return [
        sum((w * Fraction(v) for w, v in zip(exact, column, strict=True)), Fraction(0))
        for column in values.T.astype(float).tolist()
    ]


def columns(kind, rng, n):
    values = rng.normal(size=(n, 4))
    if kind == "cancelling":
        values[: n // 2] = -values[n - n // 2 :]
        values *= 10.0 ** rng.integers(-20, 20, 4)
        values[:1] += 1e-30
    if kind == "all sizes":
        values = np.ldexp(values, rng.integers(-1070, 960, values.shape))
    if kind == "subnormal":
        values = np.ldexp(rng.integers(-9, 9, values.shape).astype(float), -1074)
    if kind == "next to overflow":
        values = np.sign(values) * np.finfo(float).max * rng.choice([1, 0.5], values.shape)
    return values


KINDS = ["plain", "cancelling", "all sizes", "subnormal", "next to overflow"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [0, 1, 2, 1000])
def test_sums_are_exact(kind, n):
    values = columns(kind, np.random.default_rng(n), n)
    before = values.copy()
    assert exact_sums(values).fractions() == summed(values)
    assert (values == before).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weights", ["signs", "any", "all sizes"])
def test_weighted_sums_are_exact_dense_and_sparse(kind, weights):
    rng = np.random.default_rng(len(kind))
    values = columns(kind, rng, 200)
    values[rng.random(values.shape) < 0.5] = 0
    weight = rng.choice([-1.0, 0.0, 1.0], 200)
    if weights != "signs":
        weight = rng.normal(size=200)
    if weights == "all sizes":
        weight = np.ldexp(weight, rng.integers(-1070, 1020, 200))
    thin = sparse.csr_array(values)
    assert exact_weighted_sums(weight, values).fractions() == summed(values, weight)
    assert exact_weighted_sums(weight, thin).fractions() == summed(values, weight)
    assert exact_weighted_sums(None, thin).fractions() == exact_weighted_sums(None, values).fractions()


def test_floats_are_summed_as_they_are():
    values = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    assert exact_weighted_sums(None, values).fractions() == summed(values)


def test_products_whose_error_might_be_lost_are_not_split():
    weight, values = np.array([[3.0], [1e-130]]), np.array([[1.0], [1.0]]) / 3
    assert exact_products(weight, values) is None and exact_products(values, weight * 1e260) is None
    product, error = exact_products(weight[:1], values[:1])
    assert Fraction(product[0, 0]) + Fraction(error[0, 0]) == 3 * Fraction(values[0, 0]) and error.any()
