import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from treadle.engines.engine import TrainingProblem, diverged
from treadle.engines.gradient_check import random_batch
from treadle.engines.numpy_engine import NumpyEngine, NumpyTrainer
from treadle.engines.objective import Objective
from treadle.errors import InvalidInput, TrainingDiverged
from treadle.maths.losses import cross_entropy
from treadle.network import Network, Parameters
from treadle.optimizers import SGD, Adam, Adaptive, Constant, OneCycle
from treadle.training import loop as module
from treadle.training.batches import epoch_order
from treadle.training.checkpoint import Checkpoint
from treadle.training.held_out import accuracy, plain_loss
from treadle.training.loop import TrainingLoop, TrainingPlan

NETWORK = Network((4, 6, 3), "tanh", dropout=0.2)
PLAN = TrainingPlan(3, 0.05, Constant(), 7)
N_ROWS, BATCH = 22, 8
ROWS_IN_STEP = [8, 8, 6]


def problem(network=NETWORK, n_rows=N_ROWS, **changes):
    X, y, sample_weight = random_batch(network, n_rows, 9)
    arguments = {
        "network": network,
        "objective": Objective("cross_entropy" if network.output == "softmax" else "squared", l2=0.01),
        "optimizer": Adam(),
        "X": X,
        "y": y,
        "sample_weight": sample_weight,
        "batch_size": BATCH,
        "noise_seed": 6,
    }
    return TrainingProblem(**(arguments | changes))


def make_loop(task=None, plan=PLAN, engine=None, test_set=None, dtype=np.float64, watched=None):
    task = task or problem()
    parameters = Parameters.initialise(task.network, random_state=4, dtype=dtype)
    return TrainingLoop(engine or NumpyEngine(), task, plan, parameters, test_set, watched)


class Observed(NumpyEngine):
    """Notes what each epoch was asked for; then does as ``event`` says."""

    def __init__(self, event=lambda losses: losses):
        self.epochs = []
        self.event = event

    def trainer(self, problem, parameters):
        engine = self

        class Trainer(NumpyTrainer):
            def run_epoch(self, order, learning_rates):
                losses = super().run_epoch(order, learning_rates)
                engine.epochs.append((order, learning_rates, losses))
                return engine.event(losses)

        return Trainer(problem, parameters)


def test_each_epoch_has_its_order_and_its_rates():
    plan = TrainingPlan(3, 0.05, OneCycle(), 7)
    engine = Observed()
    records = list(make_loop(plan=plan, engine=engine).epochs())
    assert [record.epoch for record in records] == [1, 2, 3]
    for epoch, (order, rates, _) in enumerate(engine.epochs, 1):
        np.testing.assert_array_equal(order, epoch_order(7, epoch, N_ROWS))
        expected = OneCycle().learning_rates(
            0.05, epoch=epoch - 1, n_epochs=3, n_steps=3, n_rows=N_ROWS, losses=[]
        )
        np.testing.assert_array_equal(rates, expected)
        assert records[epoch - 1].learning_rate == rates[-1]


def test_the_schedule_goes_by_the_train_losses_or_by_the_figures_to_be_watched():
    plan = TrainingPlan(4, 0.05, Adaptive(tol=100.0, n_iter_no_change=1), 7)
    by_losses = [record.learning_rate for record in make_loop(plan=plan).epochs()]
    assert by_losses == [0.05, 0.05, 0.05, 0.05 / 5]
    figures = []
    by_figures = []
    for record in make_loop(plan=plan, watched=lambda: figures).epochs():
        by_figures.append(record.learning_rate)
        figures.append(-1000.0 * record.epoch)
    assert by_figures == [0.05] * 4


def test_another_number_of_figures_than_of_epochs_is_refused():
    epochs = make_loop(watched=list).epochs()
    next(epochs)
    with pytest.raises(
        InvalidInput,
        match=r"epoch 2: watched\(\) must give one figure for each of the 1 epochs .* gave 0: add",
    ):
        next(epochs)


def test_the_train_loss_is_the_mean_over_rows_of_the_steps_losses():
    engine = Observed()
    for record in make_loop(engine=engine).epochs():
        losses = engine.epochs[-1][2]
        rowwise = np.repeat(losses, ROWS_IN_STEP)
        assert len(rowwise) == N_ROWS
        assert record.train_loss == pytest.approx(rowwise.mean(), rel=1e-14)
        assert abs(record.train_loss - losses.mean()) > 1e-6


def test_with_one_batch_the_train_loss_is_the_objective_before_the_update():
    network = replace(NETWORK, dropout=0.0)
    task = problem(network, batch_size=100)
    made = make_loop(task)
    expected, _ = NumpyEngine().loss_and_gradients(
        made.parameters(), task.X, task.y, task.sample_weight, objective=task.objective
    )
    assert next(made.epochs()).train_loss == pytest.approx(expected, rel=1e-12)


def test_the_test_set_is_judged_after_the_epoch_by_the_plain_loss_and_without_dropout():
    X, y, _ = random_batch(NETWORK, 30, 1)
    task = problem(objective=Objective(label_smoothing=0.2, l2=0.1))
    made = make_loop(task, test_set=(X, y))
    for record in made.epochs():
        (W1, W2), (b1, b2) = made.parameters().weights, made.parameters().biases
        logits = np.tanh(X @ W1 + b1) @ W2 + b2
        assert record.held_out_loss == pytest.approx(cross_entropy(logits, y), rel=1e-12)
        assert record.held_out_score == np.mean(
            [row.argmax() == label for row, label in zip(logits, y, strict=True)]
        )
    assert 0 < record.held_out_score < 1


def test_the_test_set_changes_nothing_of_the_training():
    with_one, without = make_loop(test_set=random_batch(NETWORK, 30, 1)[:2]), make_loop()
    judged, unjudged = list(with_one.epochs()), list(without.epochs())
    np.testing.assert_array_equal(with_one.parameters().flat, without.parameters().flat)
    assert [record.train_loss for record in judged] == [record.train_loss for record in unjudged]
    assert all(math.isnan(record.held_out_loss) and math.isnan(record.held_out_score) for record in unjudged)


def test_accuracy_is_the_share_of_rows_whose_largest_logit_is_the_label():
    logits = np.array([[1, 2, 0], [5, 1, 1], [0, 0, 1], [3, 4, 2.0]])
    assert accuracy(NETWORK, logits, np.array([1, 0, 1, 1])) == 0.75
    assert math.isnan(accuracy(NETWORK, logits, np.eye(3)[[1, 0, 1, 1]]))
    assert math.isnan(accuracy(Network((4, 3), output="identity"), logits, np.array([1, 0, 1, 1])))


def test_the_plain_loss_has_neither_smoothing_nor_penalty():
    logits, y = np.array([[1, 2, 0], [5, 1, 1.0]]), np.array([1, 2])
    smoothed = Objective(label_smoothing=0.3, l2=5)
    assert plain_loss(smoothed, logits, y) == cross_entropy(logits, y) != smoothed.data_loss(logits, y)
    # The residuals 2 and -0.25 beyond and within delta = 0.5.
    huber = plain_loss(
        Objective("huber", huber_delta=0.5, l2=5), np.array([[2.0], [0.75]]), np.array([[0.0], [1]])
    )
    assert huber == pytest.approx((0.5 * (2 - 0.25) + 0.25**2 / 2) / 2, rel=1e-15)


def test_a_regression_has_a_test_loss_and_no_accuracy():
    network = Network((4, 6, 2), output="identity")
    made = make_loop(problem(network), test_set=random_batch(network, 30, 1)[:2])
    record = next(made.epochs())
    assert record.held_out_loss > 0 and math.isnan(record.held_out_score)


def test_epochs_are_trained_as_they_are_asked_for():
    engine = Observed()
    made = make_loop(engine=engine)
    epochs = made.epochs()
    assert engine.epochs == [] and len(made.history) == 0
    first = next(epochs)
    assert len(engine.epochs) == 1 and list(made.history) == [first]
    assert [record.epoch for record in epochs] == [2, 3]
    assert len(made.history) == 3 and list(made.epochs()) == []


def test_seconds_are_those_of_training_without_the_evaluation(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: clock.now))

    def three_seconds(losses):
        clock.now += 3
        return losses

    class Slow(Observed):
        def logits(self, *arguments):
            clock.now += 100
            return super().logits(*arguments)

    made = make_loop(engine=Slow(three_seconds), test_set=random_batch(NETWORK, 30, 1)[:2])
    assert [record.seconds for record in made.epochs()] == [3, 3, 3]


def test_the_initial_parameters_are_copied():
    task = problem()
    parameters = Parameters.initialise(NETWORK, random_state=4)
    made = TrainingLoop(NumpyEngine(), task, PLAN, parameters)
    list(made.epochs())
    np.testing.assert_array_equal(parameters.flat, Parameters.initialise(NETWORK, random_state=4).flat)
    assert np.any(made.parameters().flat != parameters.flat)


def test_an_empty_training_set_is_refused():
    empty = problem(X=np.zeros((0, 4)), y=np.zeros(0, int), sample_weight=None)
    with pytest.raises(InvalidInput, match="the training set is empty: training needs at least one row"):
        make_loop(empty)


@pytest.mark.parametrize("n_epochs", [0, -3])
def test_a_plan_has_an_epoch(n_epochs):
    with pytest.raises(InvalidInput, match=f"epochs must be at least 1; got {n_epochs}"):
        TrainingPlan(n_epochs, 0.1, Constant(), 0)


@pytest.mark.parametrize("rate", [0, -0.1, math.nan, math.inf])
def test_a_learning_rate_is_positive_and_finite(rate):
    with pytest.raises(InvalidInput, match="learning_rate must be positive and finite; got"):
        TrainingPlan(1, rate, Constant(), 0)


def test_a_seed_is_not_negative():
    with pytest.raises(InvalidInput, match="seed must be at least 0; got -1"):
        TrainingPlan(1, 0.1, Constant(), -1)


@pytest.mark.parametrize("spoiled_row", [0, 5, 21])
def test_a_diverging_loss_names_epoch_and_step(spoiled_row):
    task = problem()
    task.X[spoiled_row] = math.nan
    step = int(np.flatnonzero(epoch_order(7, 1, N_ROWS) == spoiled_row)[0]) // BATCH + 1
    with pytest.raises(
        TrainingDiverged, match=f"^epoch 1: the loss became nan at step {step} of the epoch; try a"
    ):
        list(make_loop(task).epochs())


def test_the_epochs_before_a_diverging_one_are_kept():
    def second_epoch_diverges(losses):
        if len(engine.epochs) == 2:
            raise diverged(3, math.inf)
        return losses

    engine = Observed(second_epoch_diverges)
    made = make_loop(engine=engine)
    with pytest.raises(
        TrainingDiverged, match=r"^epoch 2: the loss became inf at step 3 of the epoch; try a smaller"
    ):
        list(made.epochs())
    assert made.history.column("epoch") == [1]


@pytest.mark.parametrize("optimizer", [SGD(0.0), Adam()], ids=["parameters", "moments"])
def test_an_epoch_whose_last_update_overflows_is_no_epoch(optimizer):
    network = Network((4, 1), output="identity")
    # In float32 the square of the residual, 1e38, is finite; that of the gradient, 1e44, is not.
    X, y = np.full((N_ROWS, 4), 1e3), np.full((N_ROWS, 1), 1e19)
    task = problem(network, X=X, y=y, batch_size=100, optimizer=optimizer)
    plan = TrainingPlan(1, 1e30, Constant(), 0)
    made = make_loop(task, plan, dtype=np.float32)
    with pytest.raises(
        TrainingDiverged,
        match=r"^epoch 1: parameters or the optimizer's moments are not finite at its end; try a smaller",
    ):
        list(made.epochs())
    assert len(made.history) == 0


def test_a_test_loss_that_overflows_is_recorded_and_warns_of_nothing():
    network = Network((4, 3), output="identity")
    X = random_batch(network, 30, 1)[0]
    made = make_loop(problem(network), test_set=(X * 1e300, 1e300 * np.ones((30, 3))))
    assert next(made.epochs()).held_out_loss == math.inf


@pytest.mark.parametrize(
    "other",
    [
        {"task": problem(Network((4, 5, 3)))},
        {"task": problem(optimizer=SGD())},
        {"task": problem(optimizer=SGD(0.0))},
        {"dtype": np.float32},
    ],
    ids=["network", "moments", "no moments", "dtype"],
)
def test_a_checkpoint_of_another_training_is_refused(other):
    made = make_loop()
    before = made.parameters().flat
    with pytest.raises(
        InvalidInput,
        match=r"the checkpoint does not fit this training: it holds \{.*'step': 'int64 \(\)'.*\}, and \{",
    ):
        made.restore(make_loop(**other).checkpoint())
    np.testing.assert_array_equal(made.parameters().flat, before)


def test_a_state_of_one_number_is_not_stretched_to_fit():
    made = make_loop()
    state = made.checkpoint().state | {"parameters": np.zeros(1)}
    with pytest.raises(InvalidInput, match=r"'parameters': 'float64 \(1,\)'"):
        made.restore(Checkpoint(state, made.history))


@pytest.mark.parametrize(("n_rows", "batch", "visited"), [(22, 8, 16), (24, 8, 24), (7, 8, 7), (9, 8, 8)])
def test_a_remainder_can_be_dropped(n_rows, batch, visited):
    observed = Observed()
    plan = replace(PLAN, drops_remainder=True)
    made = make_loop(problem(n_rows=n_rows, batch_size=batch), plan, observed)
    records = list(made.epochs())
    assert made.n_rows == visited
    orders = [order for order, _rates, _losses in observed.epochs]
    for epoch, order in enumerate(orders, 1):
        np.testing.assert_array_equal(order, epoch_order(7, epoch, n_rows)[:visited])
        np.testing.assert_array_equal(order, made.order(epoch))
    sizes = {len(rates) for _order, rates, _losses in observed.epochs}
    assert sizes == {-(-visited // batch)} and all(math.isfinite(record.train_loss) for record in records)
