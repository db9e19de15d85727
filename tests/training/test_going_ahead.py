"""Epochs that nobody looks at, trained in one go, have the bits, stops and errors of one by one."""

import math

import numpy as np
import pytest

from tests.training.training_cases import SCHEDULE_CASES, result
from treadle import MLPClassifier, MLPRegressor
from treadle.engines.engine import TrainingProblem
from treadle.engines.native_engine import NativeEngine
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.errors import InvalidInput, TrainingDiverged
from treadle.estimators.mlp.stopping import StoppingRule
from treadle.network import Network, Parameters
from treadle.optimizers import SGD, Adam
from treadle.training import loop as module
from treadle.training.callbacks import Callback, Training
from treadle.training.early_stopping import EarlyStopping
from treadle.training.loop import TrainingLoop, TrainingPlan

NETWORK = Network((4, 6, 3), "tanh", dropout=0.2)
ADAM = Adam()
LINEAR = Network((4, 6, 4), "identity", output="identity")
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(22, 4)), RNG.integers(0, 3, 22)


def make_loop(engine=None, schedule=SCHEDULE_CASES[0], n_epochs=25, rate=0.02, optimizer=ADAM, **options):
    network = options.pop("network", NETWORK)
    objective = Objective() if network is NETWORK else Objective("squared")
    problem = TrainingProblem(
        network, objective, optimizer, X, Y if network is NETWORK else X, 8, noise_seed=3
    )
    start = Parameters.initialise(network, random_state=1)
    plan = TrainingPlan(n_epochs, rate, schedule, seed=2, **options.pop("plan", {}))
    return TrainingLoop(engine or NumpyEngine(), problem, plan, start, **options)


@pytest.fixture
def blocks(monkeypatch):
    """How many epochs each go had, of those of more than one."""
    seen = []
    run_ahead = TrainingLoop._run_ahead

    def spy(loop, epochs):
        seen.append(len(epochs))
        return run_ahead(loop, epochs)

    monkeypatch.setattr(TrainingLoop, "_run_ahead", spy)
    return seen


class Look(Callback):
    """Looks every n epochs, and notes the parameters then."""

    def __init__(self, n):
        self.n = n
        self.seen = []

    def next_look(self):
        return self.n

    def on_epoch_end(self, training):
        self.seen.append((training.record.epoch, training.record.train_loss))
        if training.record.epoch % self.n == 0:
            self.seen.append(training.parameters().flat.tobytes())


@pytest.mark.parametrize("engine", [NativeEngine(1), NumpyEngine()], ids=["native", "numpy"])
@pytest.mark.parametrize("schedule", SCHEDULE_CASES, ids=lambda schedule: type(schedule).__name__)
def test_bits_and_records_are_those_of_one_by_one(engine, schedule, blocks):
    one_by_one = make_loop(engine, schedule)
    records = list(one_by_one.epochs())
    assert not blocks
    for ahead in (4, 7, math.inf):
        loop = make_loop(engine, schedule)
        assert [r.train_loss for r in loop.epochs(lambda ahead=ahead: ahead)] == [
            r.train_loss for r in records
        ]
        assert result(loop) == result(one_by_one)
    # Where the rates depend on the losses, each epoch waits for the one before.
    assert blocks == ([] if schedule.goes_by_losses else [4] * 6 + [7] * 3 + [4] + [25])


def test_who_looks_now_and_then_sees_what_who_looks_always_sees(blocks):
    now_and_then, always = Look(5), Look(5)
    Training(make_loop(), now_and_then).run()
    Training(make_loop(), [always, lambda training: None]).run()
    assert now_and_then.seen == always.seen and blocks == [5] * 5


@pytest.mark.parametrize(
    "options",
    [{"test_set": (X, Y)}, {"plan": {"averaged_epochs": 2}}, {"rate": 0.01}],
    ids=["test set", "average", "nobody asked"],
)
def test_each_epoch_is_looked_at_where_it_must_be(options, blocks):
    loop = make_loop(**options)
    list(loop.epochs(None if "rate" in options else lambda: 10))
    assert not blocks and len(loop.history) == 25


def test_long_epochs_are_not_trained_in_one_go(monkeypatch, blocks):
    monkeypatch.setattr(module, "PRODUCTS_AT_ONCE", 3 * 22 * (4 * 6 + 6 * 3))
    list(make_loop().epochs(lambda: 10))
    assert blocks == [3] * 8


@pytest.mark.parametrize("rate", [3.0, 10.0, 1e3, 1e10])
@pytest.mark.parametrize("engine", [NativeEngine(1), NumpyEngine()], ids=["native", "numpy"])
def test_divergence_is_found_in_the_epoch_and_the_step_where_it_is(rate, engine):
    def end(next_look):
        loop = make_loop(engine, rate=rate, optimizer=SGD(), network=LINEAR)
        with pytest.raises(TrainingDiverged) as caught:
            list(loop.epochs(next_look))
        return str(caught.value), len(loop.history), loop.history.column("train_loss"), loop.is_between_epochs

    assert end(None) == end(lambda: 10)


def test_parameters_that_are_not_finite_at_an_epoch_s_end_are_found_there():
    """A last step whose update overflows, its loss being finite: the next epoch's loss comes too late."""

    class Spoiled(NumpyEngine):
        def trainer(self, problem, parameters):
            trainer = super().trainer(problem, parameters)
            run_epoch = trainer.run_epoch

            def spoil(order, rates):
                losses = run_epoch(order, rates)
                if trainer._step >= 4 * 3:
                    trainer._moments["v"][0] = np.inf  # whose step is 0: losses stay finite
                return losses

            trainer.run_epoch = spoil
            return trainer

    for next_look in (None, lambda: 10):
        loop = make_loop(Spoiled())
        with pytest.raises(
            TrainingDiverged, match="epoch 4: parameters or the optimizer's moments are not finite"
        ):
            list(loop.epochs(next_look))
        assert len(loop.history) == 3


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("tol", [1e-4, 1e-2, 0.3])
@pytest.mark.parametrize("n_iter_no_change", [1, 2, 5, 10, math.inf])
def test_fits_stop_where_they_stop_when_every_epoch_is_looked_at(tol, n_iter_no_change, blocks):
    X32 = X.astype(np.float32)
    options = {
        "hidden_layer_sizes": 8, "random_state": 0, "max_iter": 60, "tol": tol,
        "n_iter_no_change": n_iter_no_change, "learning_rate_init": 0.05,
    }  # fmt: skip
    fits = []
    for callbacks in (None, lambda training: None):
        blocks.clear()
        fits.append(MLPClassifier(**options, callbacks=callbacks).fit(X32, Y))
        assert bool(blocks) == (callbacks is None)
    one, other = fits
    assert one.n_iter_ == other.n_iter_ and one.loss_curve_ == other.loss_curve_
    assert one.coefs_[0].tobytes() == other.coefs_[0].tobytes()
    assert one.stopped_early_ == other.stopped_early_
    assert vars(one._earlier.stall) == vars(other._earlier.stall)
    one, other = (fit.set_params(warm_start=True, callbacks=None).fit(X32, Y) for fit in fits)
    assert one.coefs_[0].tobytes() == other.coefs_[0].tobytes()


def test_stopping_rules_look_when_they_can_stop():
    start = Parameters.initialise(NETWORK)

    def rule(**changes):
        options = {"by_score": False, "ends": True, "adaptive": False, "tol": 0.0, "n_iter_no_change": 10}
        return StoppingRule(**(options | {"verbose": False, "start": start} | changes))

    assert rule().next_look() == 11 and rule(n_iter_no_change=math.inf).next_look() == math.inf
    assert rule(verbose=True).next_look() == rule(by_score=True).next_look() == 1
    some = rule()
    for figure in (1.0, 2.0, 2.0):
        some._add(figure)
    assert some.next_look() == 9
    assert EarlyStopping(lambda training: 0.0, restore_best=False).next_look() == 1
    assert EarlyStopping("train_loss").next_look() == 1 and Callback().next_look() == 1
    assert EarlyStopping("train_loss", restore_best=False, n_iter_no_change=3).next_look() == 4


class OfTheLoss(EarlyStopping):
    """Looks when the training loss can have stalled: in 11 epochs at the earliest."""

    def __init__(self):
        super().__init__("train_loss", restore_best=False, tol=0.0)
        self.seen = []


class EndsAnew:
    """Stops at epoch 5, and notes the parameters before; a callback only beside one."""

    def on_epoch_end(self, training):
        self.seen.append(training.parameters().flat.tobytes())
        return training.record.epoch == 5


def test_a_subclass_that_ends_epochs_in_its_own_way_sees_each_of_them(blocks):
    class Own(OfTheLoss):
        on_epoch_end = EndsAnew.on_epoch_end

    class OfOwn(Own):
        pass

    class Mixed(EndsAnew, OfTheLoss):
        pass

    for kind in (Own, OfOwn, Mixed):
        stopping, loop = kind(), make_loop()
        Training(loop, stopping).run()
        assert len(loop.history) == 5 and len(set(stopping.seen)) == 5
        assert stopping.seen[-1] == loop.parameters().flat.tobytes()
    assert not blocks


def test_a_subclass_that_does_not_or_says_when_it_looks_is_believed():
    class Same(OfTheLoss):
        pass

    class Says(OfTheLoss):
        on_epoch_end = EndsAnew.on_epoch_end

        def next_look(self):
            return 7

    assert [kind().next_look() for kind in (OfTheLoss, Same, Says)] == [11, 11, 7]


def test_a_stop_earlier_than_next_look_allowed_is_refused():
    class Early(Look):
        next_look = Look.next_look

        def on_epoch_end(self, training):
            return training.record.epoch == self.epoch

    looks = Early(4)
    for looks.epoch in (1, 2, 7):
        with pytest.raises(
            InvalidInput,
            match=f"Early stopped training after epoch {looks.epoch}, and later ones are trained already.*"
            "let next_look return 1, or how many",
        ):
            Training(make_loop(), looks).run()
    looks.epoch, loop = 8, make_loop()
    Training(loop, looks).run()
    assert len(loop.history) == 8


def test_a_checkpoint_is_of_the_last_epoch_that_was_trained_or_refused():
    def saved_after(epoch, n):
        class Saves(Look):
            next_look = Look.next_look

            def on_epoch_end(self, training):
                if training.record.epoch == epoch:
                    self.seen.append(training.checkpoint())

        saves = Saves(n)
        Training(make_loop(), saves).run()
        return {name: array.tobytes() for name, array in saves.seen[0].state.items()}

    assert saved_after(4, n=4) == saved_after(4, n=1)
    with pytest.raises(
        InvalidInput, match="no checkpoint after epoch 3: training is within a later one, or beyond it; take"
    ):
        saved_after(3, n=4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_interrupt_after_epochs_in_one_go_leaves_a_fit_that_goes_on():
    class Interrupts(Callback):
        def next_look(self):
            return math.inf

        def on_epoch_end(self, training):
            if training.record.epoch == 3:
                raise KeyboardInterrupt

    options = {"hidden_layer_sizes": 4, "random_state": 0, "max_iter": 15, "n_iter_no_change": 20}
    with pytest.warns(UserWarning, match="interrupted by user"):
        fitted = MLPClassifier(**options, callbacks=Interrupts()).fit(X, Y)
    assert fitted.n_iter_ == 3
    assert np.isfinite(fitted.set_params(callbacks=None, warm_start=True).fit(X, Y).loss_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_seconds_are_of_each_epoch():
    fitted = MLPRegressor(hidden_layer_sizes=4, random_state=0, max_iter=15).fit(X, X[:, 0])
    assert len(fitted.history_["seconds"]) == 15 and min(fitted.history_["seconds"]) > 0
    assert fitted.history_["epoch"] == list(range(1, 16))
