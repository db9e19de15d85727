import numpy as np
import pytest
from scipy import sparse

from treadle import InvalidInput
from treadle.export import layers
from treadle.export.layers import Layer, check_dense_size, forward

RNG = np.random.default_rng(0)


def two_layers(convert):
    return [
        Layer(convert(RNG.normal(size=(3, 5))), RNG.normal(size=5), "step"),
        Layer(convert(RNG.normal(size=(5, 2))), RNG.normal(size=2), "clamp"),
    ]


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_forward_is_the_formula(convert, monkeypatch):
    network = two_layers(convert)
    X = RNG.normal(size=(50, 3))
    hidden = (X @ network[0].dense(float) + network[0].biases >= 0).astype(float)
    expected = np.clip(hidden @ network[1].dense(float) + network[1].biases, 0, 1)
    monkeypatch.setattr(layers, "NUMBERS_PER_BLOCK", 35)
    np.testing.assert_allclose(forward(network, X), expected, rtol=1e-14)
    assert 0 < expected.mean() < 1


def test_a_step_is_one_at_zero():
    assert Layer(np.eye(1), np.zeros(1), "step").activate(np.array([-1e-320, -0.0, 0.0])).tolist() == [
        0,
        1,
        1,
    ]


def test_parameters_are_those_that_are_kept():
    weights = np.array([[1.0, 0.0], [0.0, 2.0]])
    assert Layer(weights, np.zeros(2)).n_parameters == 6
    assert Layer(sparse.csr_array(weights), np.zeros(2)).n_parameters == 4


def test_shapes_and_names_are_checked():
    with pytest.raises(InvalidInput, match=r"weights \(n_in, n_out\) and biases \(n_out,\); got .*\(2, 2\)"):
        Layer(np.eye(2), np.zeros(3))
    with pytest.raises(
        InvalidInput, match=r"activation must be one of identity, relu.*, step, clamp; got 'x'"
    ):
        Layer(np.eye(2), np.zeros(2), "x")


def test_a_network_too_large_is_refused_with_its_size():
    wide = [Layer(sparse.csr_array((1000, 1_000_000)), np.zeros(1_000_000))]
    with pytest.raises(InvalidInput, match=r"layers take 8.01 GB; at most 1 GB may be used: fold it"):
        check_dense_size(wide, np.float64, 10**9, "fold it")
    check_dense_size(wide, np.float32, 5 * 10**9, "fold it")
