"""The binary logarithm against the C library's, and where it is exact."""

import numpy as np
import pytest

from treadle.optimizers.logarithm import binary_logarithm


@pytest.mark.parametrize("largest", [2.0, 16.0, 1e300])
def test_it_is_that_of_the_c_library_to_a_few_roundings(largest):
    x = np.exp(np.linspace(-np.log(largest), np.log(largest), 100_001))
    expected = np.log2(x)
    error = np.abs(binary_logarithm(x) - expected) / np.maximum(1, np.abs(expected))
    assert error.max() <= 4 * np.finfo(np.float64).eps


def test_powers_of_two_are_exact():
    exponents = np.arange(-1000, 1000)
    np.testing.assert_array_equal(binary_logarithm(np.ldexp(1.0, exponents)), exponents)
