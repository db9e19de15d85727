"""Several trainings at once: the bits of one after the other, for every engine."""

import pytest

from tests.engines.native_kernels import numbers_of_threads
from tests.training.training_cases import NETWORK, result
from treadle.engines.engine import TrainingProblem
from treadle.engines.gradient_check import random_batch
from treadle.engines.native_engine import NativeEngine
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.engines.torch_engine import TorchEngine
from treadle.errors import FitsFailed, InvalidInput, TrainingDiverged
from treadle.network import Parameters
from treadle.optimizers import Adam, Constant
from treadle.training.callbacks import Training
from treadle.training.early_stopping import EarlyStopping
from treadle.training.loop import TrainingLoop, TrainingPlan
from treadle.training.many import train_many

X, Y, WEIGHTS = random_batch(NETWORK, 50, 9)
PROBLEM = TrainingProblem(NETWORK, Objective(l2=0.01), Adam(), X, Y, 8, WEIGHTS, noise_seed=5)
ENGINES = {"native": NativeEngine(3), "numpy": NumpyEngine(), "torch": TorchEngine("cpu")}


def loops(engine, together, rates=(0.02, 0.01, 0.03)):
    starts = [Parameters.initialise(NETWORK, random_state=seed) for seed in range(len(rates))]
    trainers = engine.trainers([(PROBLEM, s) for s in starts]) if together else [None] * len(starts)
    return [
        TrainingLoop(
            engine, PROBLEM, TrainingPlan(3, rate, Constant(), seed=1), start, (X, Y), trainer=trainer
        )
        for rate, start, trainer in zip(rates, starts, trainers, strict=True)
    ]


@pytest.mark.parametrize("n_threads", [None, 1, 3])
@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_each_has_the_bits_that_it_has_by_itself(engine, n_threads):
    alone, together = loops(engine, False), loops(engine, True)
    for loop in alone:
        Training(loop).run()
    train_many([Training(loop) for loop in together], n_threads)
    assert [result(loop) for loop in together] == [result(loop) for loop in alone]


def test_trainers_of_the_native_engine_take_one_thread_each(monkeypatch):
    seen = numbers_of_threads(monkeypatch, "Trainer")
    engine, start = NativeEngine(3), Parameters.initialise(NETWORK)
    assert len(engine.trainers([(PROBLEM, start), (PROBLEM, start)])) == 2 and engine.trainers([]) == []
    engine.trainer(PROBLEM, start)
    assert seen == [1, 1, 3] and engine.n_threads == 3


def test_one_that_diverges_lets_the_others_end():
    some = loops(ENGINES["numpy"], True, (0.02, 1e30, 0.01))
    with pytest.raises(
        FitsFailed,
        match=r"1 of 3 trainings failed, 1 \(from 0\); the others have ended. Of number 1: TrainingDiverged: "
        "epoch 1: the loss became",
    ) as caught:
        train_many([Training(loop) for loop in some])
    assert [len(loop.history) for loop in some] == [3, 0, 3]
    assert caught.value.errors.keys() == {1} and isinstance(caught.value.errors[1], TrainingDiverged)


def test_all_that_fail_are_named():
    some = loops(ENGINES["numpy"], True, (1e30, 0.02, 1e30))
    with pytest.raises(FitsFailed, match=r"2 of 3 trainings failed, 0, 2 \(from 0\); the others have ended"):
        train_many([Training(loop) for loop in some])


def test_trainings_share_nothing_that_they_change():
    one, other, third = loops(ENGINES["numpy"], True)
    training, stopping = Training(one), EarlyStopping("train_loss")
    of_the_same_trainer = TrainingLoop(
        one.engine, one.problem, one.plan, one.parameters(), trainer=other._trainer
    )
    for given, name in (
        ([training, Training(third), training], "Training"),
        ([training, Training(third), Training(one)], "TrainingLoop"),
        ([Training(other), training, Training(of_the_same_trainer)], "NumpyTrainer"),
        ([Training(one, stopping), Training(other), Training(third, [stopping])], "EarlyStopping"),
    ):
        with pytest.raises(
            InvalidInput,
            match=rf"trainings 0 and 2 \(from 0\) have one {name}: give each a loop, a trainer and callbacks",
        ):
            train_many(given)

    def each_epoch(training):
        seen.append(training.record.epoch)

    seen = []
    train_many([Training(one, each_epoch), Training(other, each_epoch)])  # a function has no state to spoil
    assert sorted(seen) == [1, 1, 2, 2, 3, 3]


def test_threads_are_a_positive_integer():
    with pytest.raises(InvalidInput, match="n_threads must be an integer of at least 1, or None; got 0"):
        train_many([], n_threads=0)


def test_an_epoch_of_the_native_engine_in_pieces_has_the_same_bits(monkeypatch):
    monkeypatch.setattr("treadle.engines.native_engine.PRODUCTS_AT_ONCE", 2 * 8 * 69)
    alone, together = loops(ENGINES["native"], False), loops(ENGINES["native"], True)
    for loop in alone:
        Training(loop).run()
    assert together[0]._trainer._steps_at_once == 2
    train_many([Training(loop) for loop in together])
    assert [result(loop) for loop in together] == [result(loop) for loop in alone]


def test_divergence_in_pieces_names_the_step_of_the_epoch(monkeypatch):
    monkeypatch.setattr("treadle.engines.native_engine.PRODUCTS_AT_ONCE", 1)
    alone, (together,) = loops(ENGINES["native"], False, (1e20,))[0], loops(ENGINES["native"], True, (1e20,))
    with pytest.raises(TrainingDiverged) as first:
        Training(alone).run()
    with pytest.raises(FitsFailed) as second:
        train_many([Training(together)])
    assert str(first.value) == str(second.value.errors[0]) and "step 1 " not in str(first.value)
