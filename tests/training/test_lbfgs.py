import re
import threading
from contextlib import closing

import numpy as np
import pytest
import scipy.sparse
from scipy.optimize import approx_fprime, minimize

from treadle import SGD, InvalidInput, Network, Objective, Parameters, TrainingDiverged, TrainingProblem
from treadle.engines.gradient_check import random_batch
from treadle.engines.native_engine import NativeEngine
from treadle.engines.numpy_engine import NumpyEngine
from treadle.training import lbfgs
from treadle.training.lbfgs import FullObjective, LbfgsTrainer, LineSearch
from treadle.training.loop import TrainingLoop, TrainingPlan

NETWORK = Network((3, 4, 2), "tanh", "identity", input_scale=0.5)
LIMITS = {"max_iterations": 200, "max_evaluations": 15000, "tolerance": 1e-9}


def problem(network=NETWORK, n_rows=40, weighted=True, l2=0.01, **changes):
    X, y, weights = random_batch(network, n_rows, 1)
    loss = "squared" if network.output == "identity" else "cross_entropy"
    arguments = {"X": X, "y": y, "sample_weight": weights if weighted else None} | changes
    return TrainingProblem(network, Objective(loss, l2=l2), SGD(), batch_size=n_rows, **arguments)


def start(network=NETWORK, dtype=np.float64):
    return Parameters.initialise(network, "glorot", 2, dtype)


def trainer(task, begin=None, rows=None, engine=None, **changes):
    return LbfgsTrainer(engine or NumpyEngine(), task, begin or start(), rows, **LIMITS | changes)


def run(*arguments, **changes):
    """All iterations, and where they end."""
    made = trainer(*arguments, **changes)
    with closing(made):
        while len(made.run_epoch(np.arange(40), np.array([np.nan]))):
            pass
        return made.minimum()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("block", [7, 8192])
def test_the_objective_of_all_rows_and_its_gradient_are_those_of_one_batch(monkeypatch, weighted, block):
    monkeypatch.setattr(lbfgs, "ROWS_AT_A_TIME", block)
    task, at = problem(weighted=weighted), start()
    objective = FullObjective(NumpyEngine(), task, at, None)
    loss, gradient = objective(at.flat)
    expected, by_engine = NumpyEngine().loss_and_gradients(
        at, task.X, task.y, task.sample_weight, objective=task.objective
    )
    assert loss == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(gradient, by_engine.flat, rtol=1e-10, atol=1e-14)
    by_differences = approx_fprime(at.flat, lambda flat: objective(flat)[0], 1e-6)
    np.testing.assert_allclose(gradient, by_differences, atol=1e-5)


@pytest.mark.parametrize("sparse", [False, True])
def test_only_the_rows_named_are_summed_over(sparse):
    task, rows = problem(), np.array([3, 4, 9, 30])
    kept = problem(X=task.X[rows], y=task.y[rows], sample_weight=task.sample_weight[rows])
    X = scipy.sparse.csr_array(task.X) if sparse else task.X
    found = run(problem(X=X), rows=rows, max_iterations=5)
    assert found.loss == pytest.approx(run(kept, max_iterations=5).loss, rel=1e-9)


def test_a_convex_problem_is_solved():
    network = Network((3, 2), output="identity")
    task = problem(network, weighted=False, l2=0.1)
    found = run(task, start(network))
    X = task.X * np.array(1.0)
    centred, targets = X - X.mean(0), task.y - task.y.mean(0)
    W = np.linalg.solve(centred.T @ centred / len(X) + 0.1 * np.eye(3), centred.T @ targets / len(X))
    np.testing.assert_allclose(found.parameters.weights[0], W, atol=1e-5)
    assert found.converged and found.status.startswith("status=0")


def test_the_search_is_scipys_to_the_bit():
    task, at = problem(), start()
    by_scipy = minimize(
        FullObjective(NumpyEngine(), task, at, None),
        at.flat,
        jac=True,
        method="L-BFGS-B",
        options={"gtol": 1e-9},
    )
    found = run(task, at)
    np.testing.assert_array_equal(found.parameters.flat, by_scipy.x)
    assert (found.loss, found.n_iterations) == (by_scipy.fun, by_scipy.nit)


def test_an_epoch_is_an_iteration_and_can_be_the_last():
    made, losses = trainer(problem()), []
    with closing(made):
        for _ in range(4):
            losses += made.run_epoch(np.arange(40), np.array([np.nan])).tolist()
        state, parameters, found = made.state(), made.parameters(), made.minimum()
        assert made.run_epoch(np.arange(40), np.array([np.nan])).shape == (0,)
    assert losses == sorted(losses, reverse=True) and len(set(losses)) == 4
    assert found.n_iterations == int(state["step"]) == 4 and found.converged
    assert found.loss == losses[-1]
    np.testing.assert_array_equal(parameters.flat, found.parameters.flat)
    np.testing.assert_array_equal(state["parameters"], parameters.flat)


def test_a_loop_trains_by_it_until_it_has_ended():
    task = problem()
    plan = TrainingPlan(200, 1.0, LineSearch(), 0, shuffled=False)
    made = trainer(task)
    loop = TrainingLoop(NumpyEngine(), task, plan, start(), (task.X, task.y), trainer=made)
    with closing(made):
        records = list(loop.epochs())
        found = made.minimum()
    assert len(records) == found.n_iterations < 200
    assert records[-1].train_loss == found.loss and np.isnan(records[-1].learning_rate)
    assert records[-1].held_out_loss < records[0].held_out_loss
    np.testing.assert_array_equal(loop.parameters().flat, found.parameters.flat)


def test_a_start_that_is_a_minimum_has_no_iteration():
    made = trainer(problem(), tolerance=1e9)
    with closing(made):
        assert made.run_epoch(np.arange(40), np.array([np.nan])).shape == (0,)
        found = made.minimum()
    assert found.n_iterations == 0 and found.converged
    np.testing.assert_array_equal(found.parameters.flat, start().flat)


def test_its_thread_ends_with_it_wherever_it_is():
    before = threading.active_count()
    made = trainer(problem())
    made.close()  # not begun
    with closing(trainer(problem())) as begun:
        begun.run_epoch(np.arange(40), np.array([np.nan]))
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_what_the_engine_raises_comes_out_of_the_epoch():
    class Broken(NumpyEngine):
        def batch_gradients(self, problem):
            def gradients(parameters, rows):
                raise MemoryError("no room")

            return gradients

    with closing(trainer(problem(), engine=Broken())) as made, pytest.raises(MemoryError, match="no room"):
        made.run_epoch(np.arange(40), np.array([np.nan]))


def test_it_goes_on_from_no_checkpoint():
    made = trainer(problem())
    with pytest.raises(
        InvalidInput, match=r"L-BFGS cannot go on from a checkpoint; got one of step 0: what it knows of"
    ):
        made.load_state(made.state())


@pytest.mark.parametrize("limit", [{"max_iterations": 3}, {"max_evaluations": 3}])
def test_a_limit_that_comes_first_is_told(limit):
    found = run(problem(), **limit)
    assert not found.converged and "status=1" in found.status and found.n_iterations <= 3


def test_float32_goes_through_the_native_engine():
    network = Network((3, 4, 3), "relu")
    single = run(problem(network, 300), start(network, np.float32), engine=NativeEngine(), max_iterations=15)
    double = run(problem(network, 300), start(network), max_iterations=15)
    assert single.parameters.dtype == np.float32
    assert single.loss == pytest.approx(double.loss, rel=1e-3)


@pytest.mark.parametrize("option", [{"dropout": 0.5}, {"batch_norm": True}])
def test_what_changes_from_step_to_step_is_refused(option):
    network = Network((3, 4, 2), "tanh", "identity", **option)
    with pytest.raises(
        InvalidInput, match=re.escape("dropout and batch normalisation change from step to step")
    ):
        run(problem(network), start(network))


def test_an_end_that_is_not_finite_is_an_error():
    network = Network((3, 2), output="identity")
    task = problem(network)
    with (
        pytest.raises(TrainingDiverged, match=r"L-BFGS ended at a loss of (inf|nan)"),
        np.errstate(all="ignore"),
    ):
        run(problem(network, X=task.X * 1e200, y=task.y * 1e200), start(network))
