"""Compares the torch engine's steps with NumPy's, case by case."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.cases import Case, classic_case, option_cases
from gpu.data import training_rows
from gpu.torch_device import description
from treadle.engines.agreement import STEP_TOLERANCES
from treadle.engines.engine import Trainer
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.torch_engine import TorchEngine
from treadle.network import Parameters

# Of what a step leaves behind (parameters, moments, running statistics) and of logits, by their norms: some
# tens of roundings. No element has such a bound: Adam makes a whole step of a gradient that is all rounding.
# PyTorch's derivative of mish is wrong by up to 1e-6 in float32, five times as much as the specification's.
STATE_TOLERANCES = {np.dtype(np.float32): 4e-6, np.dtype(np.float64): 1e-12}
# Losses below are held to the tolerance of this one: their rounding is that of logits, which are about one.
SMALL_LOSS = 1.0
ROWS_OF_LOGITS = 64


def play(task: dict[str, Any], _requests: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The device and the versions, and then an answer for each case in each type."""
    X, y, source = training_rows(task["data"], task["steps"] * 64)
    yield {**description(task["device"]), "data": source, "notes": task["notes"]}
    engine = TorchEngine(task["device"])
    beside = None if task["device"] == "cpu" else TorchEngine("cpu")
    cases = [classic_case(X, y, task["steps"]), *option_cases()]
    yield {"cases": len(cases)}
    for case in cases:
        for dtype in (np.float64, np.float32):
            start = time.perf_counter()
            found = compare(case, engine, beside, np.dtype(dtype), task["steps"])
            yield {**found, "seconds": time.perf_counter() - start}


def compare(
    case: Case, engine: TorchEngine, beside: TorchEngine | None, dtype: np.dtype[Any], n_steps: int
) -> dict[str, Any]:
    """Largest relative differences of the engine from NumPy's, and from the same engine on the CPU.

    Parameters
    ----------
    case : Case
    engine, beside : TorchEngine
        On the device, and on the CPU if that is another; else None.
    dtype : float32 or float64
    n_steps : int

    Returns
    -------
    dict
        ``loss`` and ``state`` are of one step from equal states, the largest over the steps; ``own_way`` of
        the loss where the engine starts as NumPy does and then goes on by itself; ``logits`` of predictions
        at the end; ``cpu_loss`` and ``cpu_state`` as the first two, from the engine on the CPU. ``beyond``
        names those that exceed their tolerance.
    """
    problem, reference_engine = case.problem, NumpyEngine()
    start = Parameters.initialise(problem.network, random_state=0, dtype=dtype)
    reference, own, stepped = (e.trainer(problem, start) for e in (reference_engine, engine, engine))
    on_cpu = beside.trainer(problem, start) if beside else None
    worst = dict.fromkeys(["loss", "state", "own_way", *(["cpu_loss", "cpu_state"] if beside else [])], 0.0)

    def note(name: str, difference: float) -> None:
        if not difference <= worst[name]:  # so that not a number stays
            worst[name] = difference

    means: list[float] = []
    for epoch, order in case.epochs(n_steps):
        rates, losses = case.rates(epoch, n_steps, means), []
        for s in range(problem.n_steps(len(order))):
            rows, rate = order[s * problem.batch_size : (s + 1) * problem.batch_size], rates[s : s + 1]
            before = reference.state()
            expected = step(reference, rows, rate)
            note("own_way", loss_difference(own.run_epoch(rows, rate), expected["loss"]))
            found = from_state(stepped, before, rows, rate)
            note("loss", loss_difference(found["loss"], expected["loss"]))
            note("state", state_difference(found, expected))
            if on_cpu:
                of_cpu = from_state(on_cpu, before, rows, rate)
                note("cpu_loss", loss_difference(found["loss"], of_cpu["loss"]))
                note("cpu_state", state_difference(found, of_cpu))
            losses.append(float(expected["loss"][0]))
        means.append(float(np.mean(losses)))
    parameters, X = reference.parameters(), problem.X[:ROWS_OF_LOGITS]
    worst["logits"] = difference(engine.logits(parameters, X), reference_engine.logits(parameters, X))
    return {
        "case": case.name,
        "dtype": dtype.name,
        "steps": n_steps,
        **worst,
        "beyond": [name for name, limit in tolerances(dtype).items() if not worst.get(name, 0.0) <= limit],
    }


def tolerances(dtype: np.dtype[Any]) -> dict[str, float]:
    """What each difference may be; what is not judged is not in it.

    One's own way is not judged in float32: there ReLU's kinks part two runs for good.
    """
    loss, state = STEP_TOLERANCES[dtype], STATE_TOLERANCES[dtype]
    judged = {"loss": loss, "state": state, "logits": state, "cpu_loss": loss, "cpu_state": state}
    return {**judged, "own_way": loss} if dtype == np.float64 else judged


def step(trainer: Trainer, rows: NDArray[Any], rate: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """One step: its loss, and the state after it."""
    return {"loss": trainer.run_epoch(rows, rate), **trainer.state()}


def from_state(
    trainer: Trainer, state: dict[str, NDArray[Any]], rows: NDArray[Any], rate: NDArray[Any]
) -> dict[str, NDArray[Any]]:
    """One step from another trainer's state."""
    trainer.load_state(state)
    return step(trainer, rows, rate)


def loss_difference(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """The difference of two losses, relative to the expected one if that is not small."""
    return float(abs(found[0] - expected[0]) / max(abs(expected[0]), SMALL_LOSS))


def difference(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """The norm of the difference, relative to that of what is expected; 0 where both are all 0."""
    apart = np.linalg.norm(found.astype(np.float64).ravel() - expected.ravel())
    return float(apart / max(np.linalg.norm(expected.astype(np.float64).ravel()), np.finfo(np.float32).tiny))


def state_difference(found: dict[str, NDArray[Any]], expected: dict[str, NDArray[Any]]) -> float:
    """The largest difference of any array of the two states."""
    differences = [difference(found[name], expected[name]) for name in expected if name != "loss"]
    return float(np.max(differences))
