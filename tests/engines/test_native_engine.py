"""What the native engine promises besides its numbers: bits, threads, signals, errors."""

import contextlib
import gc
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.at_once import in_threads
from tests.engines.native_kernels import KERNELS, native, random_problem
from treadle.engines import native_engine
from treadle.engines.engine import TrainingProblem
from treadle.engines.native_engine import NativeEngine
from treadle.engines.objective import Objective
from treadle.errors import EngineUnavailable, InvalidInput, TrainingDiverged
from treadle.hardware.native import extension
from treadle.hardware.native.extension import SIMD
from treadle.hardware.processors import ThreadCount
from treadle.network import Network, Parameters
from treadle.optimizers import SGD, Adam

NETWORK = Network((20, 33, 17, 10), dropout=0.2, batch_norm=(True, False))


def problem(n_rows=150, network=NETWORK, X=None, **changes):
    rng = np.random.default_rng(0)
    if X is None:
        X = rng.normal(size=(n_rows, network.sizes[0])).astype(np.float32)
    arguments = {
        "network": network,
        "objective": Objective(),
        "optimizer": Adam(),
        "X": X,
        "y": rng.integers(network.sizes[-1], size=n_rows),
        "batch_size": 32,
        "noise_seed": 3,
    }
    return TrainingProblem(**(arguments | changes))


def trainer(changed=None, engine=None, start=0, dtype=np.float32):
    taken = changed or problem()
    start = Parameters.initialise(taken.network, "torch", start, dtype)
    return (engine or native(KERNELS[0])).trainer(taken, start)


def run(some_trainer, n_epochs=1, rate=1e-3):
    problem = some_trainer._problem
    n = len(problem.X)
    orders = [np.random.default_rng(epoch).permutation(n) for epoch in range(n_epochs)]
    return np.concatenate([some_trainer.run_epoch(o, np.full(problem.n_steps(n), rate)) for o in orders])


def assert_same_bits(found, expected):
    assert found.keys() == expected.keys()
    for name, array in found.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(100, 112))
def test_no_bit_depends_on_the_number_of_threads(kernels, dtype, seed):
    taken = random_problem(seed)
    results = []
    for n_threads in (1, 2, 3, 5):
        engine = native(kernels, n_threads)
        one = trainer(taken, engine, dtype=dtype)
        losses = run(one, 2)
        logits = engine.logits(one.parameters(), taken.X)
        results.append({**one.state(), "losses": losses, "logits": logits})
    for result in results[1:]:
        assert_same_bits(result, results[0])


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_state_goes_on_to_the_same_bits_on_other_threads(kernels, dtype):
    whole = trainer(engine=native(kernels, 1), dtype=dtype)
    halves = trainer(engine=native(kernels, 2), dtype=dtype)
    run(halves)
    state = halves.state()
    del halves
    resumed = trainer(engine=native(kernels, 3), start=99, dtype=dtype)
    resumed.load_state(state)
    order, rates = np.random.default_rng(7).permutation(150), np.full(5, 1e-3)
    run(whole)
    np.testing.assert_array_equal(resumed.run_epoch(order, rates), whole.run_epoch(order, rates))
    assert_same_bits(resumed.state(), whole.state())


def test_each_kernel_is_the_one_named():
    assert {native(kernels).details()["kernels"] for kernels in KERNELS} == set(KERNELS)


@pytest.mark.skipif(len(KERNELS) < 2, reason="this processor runs one table of kernels")
@pytest.mark.parametrize("seed", range(200, 224))
def test_all_kernels_give_the_same_bits(seed):
    taken = random_problem(seed)
    results = []
    for n_threads, kernels in enumerate(KERNELS, 1):
        engine = native(kernels, n_threads)
        one = trainer(taken, engine)
        losses = run(one, 2)
        logits = engine.logits(one.parameters(), taken.X)
        results.append({**one.state(), "losses": losses, "logits": logits})
    for result in results[1:]:
        assert_same_bits(result, results[0])


def test_the_trainer_keeps_what_it_reads_alive_and_starts_from_a_copy():
    taken = problem()
    parameters = Parameters.initialise(NETWORK)
    expected = run(NativeEngine(1).trainer(taken, parameters))
    held = NativeEngine(1).trainer(problem(), parameters)
    before = parameters.flat.copy()
    order, rates = np.random.default_rng(0).permutation(150), np.full(5, 1e-3)
    del taken
    gc.collect()
    np.testing.assert_array_equal(held.run_epoch(order, rates), expected)
    np.testing.assert_array_equal(parameters.flat, before)


def test_labels_changed_after_the_check_change_nothing():
    taken = problem()
    changed = trainer(taken)
    expected = run(trainer(problem()))
    taken.y[:] = 10**12
    np.testing.assert_array_equal(run(changed), expected)


def test_an_epoch_of_no_rows_and_a_prediction_of_none():
    one = trainer()
    before = one.state()
    assert one.run_epoch(np.arange(0), np.empty(0)).shape == (0,)
    assert_same_bits(one.state(), before)
    assert NativeEngine(1).predict(one.parameters(), problem().X[:0]).shape == (0, 10)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_divergence_names_the_step_and_leaves_the_state_of_the_step_before(n_threads):
    taken = problem(network=Network((20, 33, 10), dropout=0.2, batch_norm=True))
    taken.X[40] = np.nan
    one, other = (trainer(taken, NativeEngine(n_threads)) for _ in range(2))
    with pytest.raises(TrainingDiverged, match=r"the loss became nan at step 2 of the epoch; try a smaller"):
        one.run_epoch(np.arange(150), np.full(5, 1e-3))
    other.run_epoch(np.arange(32), np.full(1, 1e-3))
    assert_same_bits(one.state(), other.state())


def test_a_rate_that_is_far_too_large_diverges():
    one = trainer(problem(optimizer=SGD(), network=Network((20, 30, 10))))
    with pytest.raises(TrainingDiverged, match="the loss became"):
        run(one, 5, rate=1e30)


def test_a_loss_that_is_not_finite_has_gradients_of_nan():
    taken = problem()
    taken.X[3] = np.nan
    loss, gradients = NativeEngine(1).loss_and_gradients(
        Parameters.initialise(NETWORK), taken.X, taken.y, objective=Objective()
    )
    assert np.isnan(loss)
    assert np.isnan(gradients.flat).all()


def long_epoch(n_threads):
    """A trainer, an order and rates: seconds of steps that take a millisecond or less."""
    n_rows, network = 100_000, Network((300, 256, 128, 10))
    taken = problem(n_rows, network, np.ones((n_rows, 300), np.uint8))
    return trainer(taken, NativeEngine(n_threads)), np.arange(n_rows), np.full(n_rows // 32, 1e-4)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_control_c_ends_an_epoch_within_a_fifth_of_a_second_after_a_whole_step(n_threads):
    waited = []
    for _ in range(3):  # the best of three: other work on this machine may hold us up
        interrupted, order, rates = long_epoch(n_threads)
        sent = []

        def send(sent=sent):
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(0.15, send)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            interrupted.run_epoch(order, rates)
        waited.append(time.perf_counter() - sent[0])
        timer.join()
        if waited[-1] <= 0.2:
            break
    assert min(waited) <= 0.2
    n_taken = int(interrupted.state()["step"])
    assert 0 < n_taken < len(rates)
    again, _, _ = long_epoch(n_threads)
    again.run_epoch(order[: 32 * n_taken], rates[:n_taken])
    assert_same_bits(interrupted.state(), again.state())


def test_other_python_threads_go_on_during_an_epoch_and_a_prediction():
    counted = [0, 0]
    one, order, rates = long_epoch(1)
    parameters = one.parameters()
    for i, work in enumerate(
        (
            lambda: one.run_epoch(order[:16_000], rates[:500]),
            lambda: NativeEngine(1).predict(parameters, one._problem.X[:20_000]),
        )
    ):
        ended = threading.Event()

        def count(i=i, ended=ended):
            while not ended.is_set():
                counted[i] += 1
                time.sleep(0.0005)

        counter = threading.Thread(target=count)
        counter.start()
        begun_with = counted[i]
        work()
        counted[i] -= begun_with
        ended.set()
        counter.join()
    assert min(counted) >= 10


def test_several_python_threads_train_at_once_each_to_its_own_bits():
    expected = run(trainer(), 3)
    for losses in in_threads(4, lambda: run(trainer(engine=NativeEngine(2)), 3)):
        np.testing.assert_array_equal(losses, expected)


def kernel_threads():
    """Numbers of the kernel's own threads of this process, which carry its name."""
    found = set()
    for path in Path("/proc/self/task").glob("*/comm"):
        with contextlib.suppress(OSError):  # others come and go
            if path.read_text() == "treadle\n":
                found.add(int(path.parent.name))
    return found


linux_only = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")


@linux_only
def test_threads_are_kept_from_call_to_call():
    one = trainer(engine=NativeEngine(4))
    run(one)
    kept = kernel_threads()
    assert len(kept) >= 3
    run(one, 20)
    run(trainer(engine=NativeEngine(3)))
    NativeEngine(2).predict(one.parameters(), problem(400).X)
    assert kernel_threads() == kept


@linux_only
def test_the_threads_run_where_their_caller_may():
    allowed = os.sched_getaffinity(0)
    one = trainer(engine=NativeEngine(2))
    here = {max(allowed)}
    try:
        os.sched_setaffinity(0, here)
        run(one)
        bound = [os.sched_getaffinity(thread) for thread in kernel_threads()]
    finally:
        os.sched_setaffinity(0, allowed)
    assert here in bound
    run(one)
    assert all(os.sched_getaffinity(thread) == allowed for thread in kernel_threads())


@linux_only
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_trains_on_threads_of_its_own_to_the_same_bits():
    one = trainer(engine=NativeEngine(3))
    run(one)
    state = one.state()
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:  # what it has inherited of the test run ends with it
        with contextlib.suppress(BaseException), os.fdopen(sending, "wb") as pipe:
            losses = run(one)
            pipe.write(bytes([len(kernel_threads())]) + losses.tobytes())
        os._exit(0)
    os.close(sending)
    with os.fdopen(receiving, "rb") as pipe:
        n_threads, *_ = sent = pipe.read()
    os.waitpid(child, 0)
    expected = trainer(engine=NativeEngine(1))
    expected.load_state(state)
    assert n_threads == 2
    np.testing.assert_array_equal(np.frombuffer(sent[1:]), run(expected))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_rows", [1, 150])
def test_the_callers_thread_goes_on_with_subnormal_numbers(dtype, n_rows):
    one = trainer(dtype=dtype)
    run(one)
    NativeEngine(2).predict(one.parameters(), problem().X[:n_rows])
    assert np.finfo(dtype).tiny * dtype(0.5) > 0


def test_gradients_of_both_types_come_of_one_function():
    gradients = NativeEngine().batch_gradients(problem())
    for dtype in (np.float32, np.float64):
        _, found = gradients(Parameters.initialise(NETWORK, dtype=dtype), slice(0, 32))
        assert found.dtype == dtype
    assert np.isfinite(found.flat).all() and found.flat.any()


def test_float64_parameters_are_not_trained_in_bfloat16():
    with pytest.raises(
        EngineUnavailable, match=r"trains float32 parameters in bfloat16, not float64: take precision float32"
    ):
        trainer(problem(precision="bfloat16"), dtype=np.float64)


def test_a_rule_of_ones_own_is_refused():
    class Signed(SGD):
        """Steps by the sign of the gradient."""

    with pytest.raises(EngineUnavailable, match=r"adam, adamw and sgd; got Signed: take the numpy engine"):
        trainer(problem(optimizer=Signed()))


def test_bfloat16_without_kernels_for_it_is_refused():
    with pytest.raises(EngineUnavailable, match="the native engine has no bfloat16 kernel here: it takes"):
        trainer(problem(precision="bfloat16"))


def test_small_batches_take_no_more_threads_than_they_keep_busy(monkeypatch):
    monkeypatch.setattr(native_engine, "usable_threads", lambda: ThreadCount(8, "a test"))
    engine = NativeEngine()
    assert engine.threads_for(problem(network=Network((20, 33, 10)), batch_size=64)) == 1
    assert engine.threads_for(problem(network=Network((20, 1000, 10)), batch_size=32)) == 7
    assert engine.threads_for(problem(network=Network((20, 1000, 10)), batch_size=640)) == 8
    assert NativeEngine(3).threads_for(problem(network=Network((20, 33, 10)), batch_size=1)) == 3


@pytest.mark.parametrize("n_threads", [0, -1, 2.0, True, "2"])
def test_a_number_of_threads_is_a_positive_integer(n_threads):
    with pytest.raises(InvalidInput, match="n_threads must be an integer of at least 1, or None; got"):
        NativeEngine(n_threads)


def test_a_kernel_that_is_not_here_is_refused_with_those_that_are(monkeypatch):
    monkeypatch.setenv(SIMD, "mmx")
    with pytest.raises(
        InvalidInput, match=rf"TREADLE_SIMD must be one of {', '.join(KERNELS)}.* here; got 'mmx'"
    ):
        NativeEngine()


@pytest.mark.parametrize(
    "order", [np.array([0, 150]), np.array([-1]), np.arange(151) % 150, np.array([2**64 - 1], np.uint64)]
)
def test_an_order_that_is_not_of_rows_is_refused_before_any_memory_is_read(order):
    with pytest.raises(InvalidInput, match=r"order must hold row numbers of X, each from 0 to 149"):
        trainer().run_epoch(order, np.full(5, 1e-3))


@pytest.mark.parametrize(
    ("order", "came"),
    [
        (np.zeros((1, 1), np.int64), r"int64 of shape \(1, 1\)"),
        (np.zeros((0, 2), np.int64), r"int64 of shape \(0, 2\)"),
        (np.array(3), r"int64 of shape \(\)"),
        (np.array([0.7, 1.2]), r"float64 of shape \(2,\)"),
        (np.array([True, False]), r"bool of shape \(2,\)"),
    ],
)
def test_an_order_is_of_integers_in_one_dimension(order, came):
    with pytest.raises(InvalidInput, match=rf"order must hold row numbers of X, integers in .*; got {came}"):
        trainer().run_epoch(order, np.full(1, 1e-3))


def test_an_epoch_without_rows_has_no_step():
    one = trainer()
    before = one.state()
    assert one.run_epoch(np.arange(0), np.zeros(0)).shape == (0,)
    assert_same_bits(one.state(), before)


def test_learning_rates_are_one_a_step():
    with pytest.raises(InvalidInput, match=r"an entry for each of the 5 steps; got shape \(4,\)"):
        trainer().run_epoch(np.arange(150), np.full(4, 1e-3))


@pytest.mark.parametrize("name", ["parameters", "statistics", "m"])
def test_a_state_of_another_size_is_refused(name):
    one = trainer()
    with pytest.raises(InvalidInput, match=rf"{name} must be of shape \(\d+,\); got \(1,\)"):
        one.load_state({**one.state(), name: np.zeros(1, np.float32)})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": np.full(150, 10)}, "10"),
        ({"y": np.full(150, -1)}, "-1"),
        ({"y": np.full((150, 10), 0.3)}, "sum"),
        ({"sample_weight": np.full(150, -1.0)}, "weight"),
        ({"sample_weight": np.full(150, np.nan)}, "weight"),
    ],
)
def test_targets_and_weights_are_checked_before_training(changes, message):
    with pytest.raises(InvalidInput, match=message):
        trainer(problem(**changes))


def test_python_threads_that_share_a_trainer_take_turns():
    taken = problem(6000)
    alone, shared = trainer(taken), trainer(taken)
    losses = run(alone), run(alone)
    with ThreadPoolExecutor(2) as pool:
        found = [future.result() for future in [pool.submit(run, shared) for _ in losses]]
    np.testing.assert_array_equal(sorted(map(list, found)), sorted(map(list, losses)))
    assert_same_bits(shared.state(), alone.state())


def test_without_the_extension_it_says_why_and_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(extension, "missing", ImportError("No module named 'treadle._native'"))
    monkeypatch.setattr(extension, "resources", SimpleNamespace(files=lambda package: tmp_path))
    with pytest.raises(EngineUnavailable, match=r"not built \(.*_native.*\): install a C\+\+20 compiler"):
        NativeEngine()
    (tmp_path / "_native_missing.txt").write_text("there was no C++ compiler when treadle was installed")
    with pytest.raises(EngineUnavailable, match=r"not built \(there was no C\+\+ compiler when"):
        extension.available_kernels()


def test_the_extension_is_here_and_no_reason_against_it():
    assert not resources.files("treadle").joinpath("_native_missing.txt").is_file()
    assert KERNELS[-1] == "portable"
