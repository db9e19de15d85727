"""Batch normalisation in the NumPy engine: the formulas in the open, finite differences, statistics."""

import numpy as np
import pytest

from treadle.engines.batch_norm import BATCH_NORM_MOMENTUM
from treadle.engines.engine import TrainingProblem
from treadle.engines.gradient_check import check_gradients, random_batch
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.network import BATCH_NORM_EPSILON, Network, Parameters
from treadle.optimizers import SGD, Adam

ENGINE = NumpyEngine()
SQUARED = Objective("squared")


def start(network, dtype=np.float64):
    """Parameters whose scales and biases are not at their start."""
    parameters = Parameters.initialise(network, random_state=1, dtype=dtype)
    rest = parameters.flat[parameters.n_weights :]
    rest += np.random.default_rng(2).normal(0, 0.4, rest.shape).astype(dtype)
    return parameters


def normalised(u):
    return (u - u.mean(axis=0)) / np.sqrt(u.var(axis=0) + 1e-5)


def test_the_constants_are_pytorch_s():
    from torch import nn

    assert nn.BatchNorm1d(3).eps == BATCH_NORM_EPSILON and nn.BatchNorm1d(3).momentum == BATCH_NORM_MOMENTUM


def test_sums_are_normalised_over_the_batch_then_scaled_and_shifted_and_the_last_layer_s_are_not():
    network = Network((4, 6, 5, 3), "tanh", "identity", batch_norm=True)
    p = start(network)
    X, y, _ = random_batch(network, 9, 0)
    (W1, W2, W3), (b1, b2, b3), (g1, g2, none) = p.weights, p.biases, p.scales
    assert none is None
    a1 = np.tanh(g1 * normalised(X @ W1) + b1)
    a2 = np.tanh(g2 * normalised(a1 @ W2) + b2)
    expected = 0.5 * ((a2 @ W3 + b3 - y) ** 2).sum() / 9
    loss, _ = ENGINE.loss_and_gradients(p, X, y, objective=SQUARED)
    assert loss == pytest.approx(expected, rel=1e-13)


def test_one_layer_may_have_it_and_another_not():
    network = Network((4, 6, 5, 3), "tanh", "identity", batch_norm=(False, True))
    p = start(network)
    X, y, _ = random_batch(network, 9, 0)
    a1 = np.tanh(X @ p.weights[0] + p.biases[0])
    a2 = np.tanh(p.scales[1] * normalised(a1 @ p.weights[1]) + p.biases[1])
    expected = 0.5 * ((a2 @ p.weights[2] + p.biases[2] - y) ** 2).sum() / 9
    assert ENGINE.loss_and_gradients(p, X, y, objective=SQUARED)[0] == pytest.approx(expected, rel=1e-13)


def case(**options):
    network = Network((3, 4, 3, 2), "tanh", batch_norm=True, input_offset=0.3, **options)
    X, y, weights = random_batch(network, 6, 3)
    return start(network), X, y, weights


@pytest.mark.parametrize("activation", ["tanh", "gelu", "relu"])
def test_gradients_agree_with_finite_differences(activation):
    network = Network((3, 4, 3, 2), activation, batch_norm=True, dropout=0.2, input_offset=0.3)
    X, y, weights = random_batch(network, 6, 3)
    reports = check_gradients(
        ENGINE, start(network), X, y, weights, objective=Objective(l2=0.1), noise_key=(4, 2)
    )
    assert [report.name for report in reports][:4] == ["weights.0", "biases.0", "scales.0", "weights.1"]
    assert len(reports) == 8 and all(report.passed for report in reports)


def test_a_row_s_part_in_the_mean_and_the_variance_left_out_is_found():
    """Without the two means of (13) the gradients below a normalised layer are wrong, those above are not."""
    parameters, X, y, weights = case()

    def without_means(norm, d):
        norm._scale_gradient[:] = (d * norm.sums[: len(d)]).sum(axis=0)
        d *= norm._scale / norm._deviation

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("treadle.engines.batch_norm.BatchNorm.backward", without_means)
        _, planted = ENGINE.loss_and_gradients(parameters, X, y, weights, objective=Objective())
    reports = check_gradients(ENGINE, parameters, X, y, weights, objective=Objective(), gradients=planted)
    assert {report.name for report in reports if not report.passed} == {
        "weights.0", "biases.0", "scales.0", "weights.1",
    }  # fmt: skip


def problem(network, n_rows=22, batch_size=8, **changes):
    X, y, weights = random_batch(network, n_rows, 9)
    return TrainingProblem(network, Objective(), Adam(), X, y, batch_size, weights, **changes)


def test_running_statistics_follow_the_batches_with_the_unbiased_variance():
    network = Network((4, 6, 3), batch_norm=True)
    task = problem(network)
    p = start(network)
    # A rate of 0 keeps the parameters, so that the sums of every batch are known.
    trainer = ENGINE.trainer(task, p)
    trainer.run_epoch(np.arange(22), np.zeros(3))
    mean, variance = np.zeros(6), np.ones(6)
    for rows in (slice(0, 8), slice(8, 16), slice(16, 22)):
        u = task.X[rows] @ p.weights[0]
        mean = 0.9 * mean + 0.1 * u.mean(axis=0)
        variance = 0.9 * variance + 0.1 * u.var(axis=0, ddof=1)
    found = trainer.parameters()
    np.testing.assert_allclose(found.running_means[0], mean, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found.running_variances[0], variance, rtol=1e-12)
    np.testing.assert_array_equal(trainer.state()["statistics"], found.statistics)
    np.testing.assert_array_equal(p.statistics, [0] * 6 + [1] * 6)


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_a_batch_of_one_row_is_all_bias_moves_no_statistics_and_no_weights_below(engine):
    from treadle.engines.selection import select_engine

    chosen = select_engine(engine).engine
    network = Network((4, 6, 3), "tanh", batch_norm=True)
    p = start(network)
    X, y, _ = random_batch(network, 1, 0)
    (loss, gradients), (other, _) = (
        chosen.loss_and_gradients(p, rows, y, objective=Objective()) for rows in (X, 7 * X)
    )
    logits = np.tanh(p.biases[0]) @ p.weights[1] + p.biases[1]
    assert loss == other == pytest.approx(np.log(np.exp(logits).sum()) - logits[y[0]], rel=1e-13)
    assert not gradients.weights[0].any() and not gradients.scales[0].any() and gradients.biases[0].all()
    task = TrainingProblem(network, Objective(), SGD(0.0), X, y, 8)
    trainer = chosen.trainer(task, p)
    trainer.run_epoch(np.array([0]), np.array([0.1]))
    after = trainer.parameters()
    np.testing.assert_array_equal(after.statistics, p.statistics)
    np.testing.assert_array_equal(after.weights[0], p.weights[0])
    assert (after.biases[0] != p.biases[0]).all()


def test_a_last_batch_of_one_row_leaves_what_the_batches_before_it_made():
    network = Network((4, 6, 3), batch_norm=True)
    task = problem(network, n_rows=9)
    whole, without = (ENGINE.trainer(task, start(network)) for _ in range(2))
    whole.run_epoch(np.arange(9), np.full(2, 0.01))
    without.run_epoch(np.arange(8), np.full(1, 0.01))
    np.testing.assert_array_equal(whole.state()["statistics"], without.state()["statistics"])


def test_a_unit_that_never_varies_is_its_bias():
    network = Network((4, 6, 3), "tanh", batch_norm=True)
    p = start(network)
    p.weights[0][:, 2] = 0
    X, y, _ = random_batch(network, 9, 0)
    loss, gradients = ENGINE.loss_and_gradients(p, X, y, objective=Objective())
    assert np.isfinite(loss) and np.isfinite(gradients.flat).all()
    assert gradients.scales[0][2] == 0 and gradients.biases[0][2] != 0


def test_checks_leave_the_running_statistics_and_do_not_see_them():
    parameters, X, y, _ = case()
    other = parameters.copy()
    other.statistics[:] = 7
    losses = [ENGINE.loss_and_gradients(p, X, y, objective=Objective())[0] for p in (parameters, other)]
    assert losses[0] == losses[1]
    assert (other.statistics == 7).all()


def test_running_statistics_are_part_of_the_state():
    network = Network((4, 6, 3), batch_norm=True)
    task = problem(network)
    trainer, other = (ENGINE.trainer(task, start(network)) for _ in range(2))
    trainer.run_epoch(np.arange(22), np.full(3, 0.01))
    other.load_state(trainer.state())
    for one in (trainer, other):
        one.run_epoch(np.arange(22), np.full(3, 0.01))
    np.testing.assert_array_equal(other.parameters().statistics, trainer.parameters().statistics)
    assert trainer.parameters().statistics.any()
