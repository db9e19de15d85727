"""Networks, rules, rows and weights in the kernel's terms."""

import numpy as np
import pytest
from scipy import sparse

from treadle import SGD, Adam, AdamW, InputStage, Network
from treadle.engines.kernel_terms import input_terms, network_terms, relative_weights, rule_terms


def test_a_network_is_described_once_with_all_its_parameters():
    stage = InputStage(1, 1, (9,))
    network = Network((3, 44, 4, 2), "mish", input_stage=stage, parametric=True, batch_norm=(True, False))
    terms = network_terms(network)
    assert terms is network_terms(network)
    assert terms.n_parameters == network.n_parameters
    assert (terms.n_inputs, terms.n_outputs, terms.n_statistics) == (3, 2, 2 * 44)


@pytest.mark.parametrize(
    ("optimizer", "update", "weight_decay"),
    [
        (Adam(), "adam", 0.0),
        (AdamW(weight_decay=0.02), "adam", 0.02),
        (SGD(momentum=0.0), "plain", 0.0),
        (SGD(momentum=0.9, nesterov=False), "momentum", 0.0),
        (SGD(momentum=0.9, nesterov=True), "nesterov", 0.0),
    ],
)
def test_a_rule_has_the_kernels_name(optimizer, update, weight_decay):
    terms = rule_terms(optimizer)
    assert (terms.update, terms.weight_decay) == (update, weight_decay)


def test_weights_are_scaled_by_a_power_of_two():
    weights = np.array([3e200, 6e200, 1e199])
    scaled = relative_weights(weights, np.dtype(np.float32))
    assert scaled.dtype == np.float32
    assert 0.5 <= scaled.max() <= 1
    np.testing.assert_array_equal(scaled, (weights / 2.0 ** np.frexp(6e200)[1]).astype(np.float32))


def test_damaged_sparse_rows_never_reach_the_kernel():
    network = Network((3, 2))
    X = sparse.csr_array(np.eye(3, dtype=np.float32))
    input_terms(network, network_terms(network), X)
    X.indices[1] = 7
    with pytest.raises(ValueError, match="indices"):
        input_terms(network, network_terms(network), X)
