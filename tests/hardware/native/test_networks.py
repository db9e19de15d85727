"""The kernel's predictor and trainer behind their door: logits and steps of gradient descent by hand."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import log_softmax, softmax

from treadle.errors import InvalidInput
from treadle.hardware.native import extension, networks

pytestmark = pytest.mark.skipif(not extension.is_built(), reason="treadle._native is not built")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((11, 3)).astype(np.float32)
FLAT = RNG.standard_normal(3 * 4 + 4 * 2 + 4 + 2).astype(np.float32)


def network():
    return networks.Network(
        [networks.Layer(3, 4, "tanh", False, 0.0), networks.Layer(4, 2, "identity", False, 0.0)]
    )


def parts(flat):
    """Weights first, then biases, as ``Parameters.flat`` has them."""
    return flat[:12].reshape(3, 4), flat[12:20].reshape(4, 2), flat[20:24], flat[24:]


def logits(rows):
    W, V, b, c = (part.astype(float) for part in parts(FLAT))
    return np.tanh(rows @ W + b) @ V + c


def inputs(rows=X, scale=1.0, offset=0.0):
    if isinstance(rows, np.ndarray):
        return networks.Inputs(network(), rows, None, None, scale, offset)
    starts = rows.indptr.astype(np.int64)
    return networks.Inputs(network(), rows.data, starts, rows.indices.astype(np.int32), scale, offset)


def predict(given, **options):
    chosen = {"softmax": False, "threads": 1, "kernels": "portable"} | options
    return networks.predict(network(), FLAT, given, **chosen)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("rows", [X, np.asfortranarray(X), X.astype(float), sparse.csr_array(X)])
def test_logits_are_those_of_the_formulas_from_rows_of_every_kind(rows, threads):
    np.testing.assert_allclose(predict(inputs(rows), threads=threads), logits(X), rtol=1e-4, atol=1e-5)


def test_bytes_are_scaled_and_moved_and_a_softmax_is_of_the_logits():
    rows = RNG.integers(0, 256, (5, 3)).astype(np.uint8)
    found = predict(inputs(rows, 1 / 255, -0.5), softmax=True)
    np.testing.assert_allclose(found, softmax(logits(rows / 255 - 0.5), axis=1), rtol=1e-4)


def test_parameters_and_statistics_are_counted():
    made = networks.Network(
        [networks.Layer(3, 4, "relu", True, 0.0), networks.Layer(4, 2, "identity", False, 0.0)]
    )
    assert (made.n_parameters, made.n_statistics) == (3 * 4 + 4 + 4 + 4 * 2 + 2, 8)
    assert (made.n_inputs, made.n_outputs) == (3, 2)


def trainer(rows=X):
    made = networks.Trainer(
        network(),
        inputs(rows),
        networks.Targets("cross_entropy", 0.0, 1.0, 0.0, np.arange(11) % 2, None, None),
        networks.NO_AUGMENTATION,
        networks.Optimizer("plain"),
        batch_size=4,
        noise_seed=0,
        threads=1,
        kernels="portable",
        dtype=np.dtype(np.float32),
    )
    made.write(FLAT, None, None, np.zeros(0, np.float32), 0)
    return made


def state(made):
    values = np.empty_like(FLAT)
    made.read(values, None, None, None)
    return values


def test_what_is_written_is_read():
    assert state(trainer()).tolist() == FLAT.tolist()


def test_losses_are_those_of_the_batches_and_a_rate_of_zero_moves_nothing():
    made, order = trainer(), np.array([3, 1, 4, 0, 5, 9, 2, 6, 8, 7, 10])
    losses, n = made.run_epochs(order[None], np.zeros((1, 3)))
    rows = -log_softmax(logits(X), axis=1)[np.arange(11), np.arange(11) % 2]
    np.testing.assert_allclose(losses[0], [rows[order[s : s + 4]].mean() for s in (0, 4, 8)], rtol=1e-5)
    assert n == made.step == 3
    assert state(made).tolist() == FLAT.tolist()


def test_a_step_is_the_rate_times_the_gradient_by_differences():
    made = trainer()
    made.run_epochs(np.arange(4)[None], np.array([[0.5]]))

    def loss(flat):
        W, V, b, c = parts(flat)
        z = np.tanh(X[:4].astype(float) @ W + b) @ V + c
        return -log_softmax(z, axis=1)[np.arange(4), np.arange(4) % 2].mean()

    start = FLAT.astype(float)
    slopes = [(loss(start + d) - loss(start - d)) / 2e-5 for d in 1e-5 * np.eye(len(start))]
    np.testing.assert_allclose(state(made), start - 0.5 * np.array(slopes), atol=2e-5)


def test_an_epoch_ends_before_a_step_whose_loss_is_no_number():
    made = trainer(np.where(np.arange(11)[:, None] == 9, np.float32(np.nan), X))
    losses, n = made.run_epochs(np.tile(np.arange(11), (2, 1)), np.full((2, 3), 0.01))
    assert n == made.step == 2
    assert np.isfinite(losses[0, :2]).all() and not np.isfinite(losses[0, 2])


def test_epochs_in_one_go_are_those_of_one_by_one():
    together, apart = trainer(), trainer()
    orders, rates = (
        np.array([np.arange(11), np.arange(11)[::-1]]),
        np.array([[0.1, 0.2, 0.3], [0.3, 0.1, 0.2]]),
    )
    losses, n = together.run_epochs(orders, rates)
    one_by_one = [apart.run_epochs(orders[e : e + 1], rates[e : e + 1])[0] for e in (0, 1)]
    assert n == together.step == apart.step == 6
    np.testing.assert_array_equal(losses, np.concatenate(one_by_one))
    assert state(together).tobytes() == state(apart).tobytes()


@pytest.mark.parametrize("numbers", [(-1, 1, 1, 1), (2**63, 1, 1, 1), (0, 2**63, 1, 1), (0, 1, 1, 2**32 + 1)])
def test_orders_of_numbers_out_of_range_are_refused(numbers):
    with pytest.raises(InvalidInput, match="orders take a seed and an epoch from 0 to 2\\*\\*63 - 1"):
        networks.draw_orders(*numbers)
