"""Every engine takes the steps that pytabkit's RealMLP-TD took, from its initial arrays.

``tests/fixtures/make_realmlp_steps.py`` recorded them: twenty steps in float64 on two tables.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from treadle import AdamW, Fading, InputStage, LogCosine, Network, Objective, Parameters, TrainingProblem
from treadle.engines.input_stage import StagePasses
from treadle.engines.native_engine import NativeEngine
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.torch_engine import TorchEngine
from treadle.maths.activations import ACTIVATIONS

FOLDER = Path(__file__).parents[1] / "fixtures" / "realmlp"
N_STEPS, BATCH_SIZE = 20, 32
STAGE = InputStage(3, 5, (12, 15))  # of eleven and fourteen categories, and 0 for what is unknown
NETWORKS = {
    "classes": Network((10, 12, 10, 8, 3), "selu", input_stage=STAGE, parametric=True, scaled_rates=True),
    "numbers": Network(
        (10, 12, 10, 8, 1), "mish", "identity", input_stage=STAGE, parametric=True, scaled_rates=True
    ),
}
PEAKS = {"classes": 0.04, "numbers": 0.2}


@dataclass(frozen=True)
class RecordedFading(Fading):
    """Decays of pytabkit's steps, which it takes at the steps' beginnings and not in their middles."""

    recorded: tuple[float, ...] = ()

    def factors(self, step, n_steps):
        return np.array(self.recorded)[step : step + n_steps]


@pytest.fixture(scope="module", params=NETWORKS)
def recorded(request):
    with np.load(FOLDER / f"{request.param}.npz") as arrays:
        return request.param, dict(arrays)


def parameters_of(name, arrays, when):
    parameters = Parameters.zeros(NETWORKS[name], np.float64)
    for array_name, array in parameters.trainable():
        array[:] = arrays[f"{when}.{array_name}"]
    return parameters


def problem_of(name, arrays):
    X, y = (arrays[key].reshape(N_STEPS * BATCH_SIZE, -1) for key in "Xy")
    objective = Objective("squared")
    if name == "classes":
        objective, smooth, y = Objective(label_smoothing=0.1), y, y.argmax(axis=1)
        np.testing.assert_allclose(smooth, 0.9 * np.eye(3)[y] + 0.1 / 3, rtol=0, atol=1e-15)
    # Half of pytabkit's loss has half of its gradient, and Adam the same steps with half of its epsilon.
    epsilon = 1e-8 if name == "classes" else 5e-9
    fading = RecordedFading(N_STEPS, tuple(arrays["decays"] / 0.02))
    optimizer = AdamW(0.9, 0.95, epsilon, 0.02)
    return TrainingProblem(NETWORKS[name], objective, optimizer, X, y, BATCH_SIZE, fading=fading)


def steps_by(engine, name, arrays, problem=None):
    """Losses of the steps, and where they end."""
    start = parameters_of(name, arrays, "initial")
    trainer = engine.trainer(problem or problem_of(name, arrays), start)
    losses = trainer.run_epoch(np.arange(N_STEPS * BATCH_SIZE), arrays["rates"])
    return losses * (2 if name == "numbers" else 1), trainer.parameters()


ENGINES = [NumpyEngine(), TorchEngine("cpu"), NativeEngine(1)]


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_losses_and_final_arrays_are_pytabkits(engine, recorded):
    name, arrays = recorded
    losses, parameters = steps_by(engine, name, arrays)
    np.testing.assert_allclose(losses, arrays["losses"], rtol=1e-12)
    for array_name, array in parameters.trainable():
        moved = np.abs(array - arrays[f"initial.{array_name}"]).max()
        error = np.abs(array - arrays[f"final.{array_name}"]).max()
        assert error <= 1e-12 < 1e-4 < moved, (array_name, error, moved)


@pytest.mark.parametrize("engine", [NumpyEngine(), NativeEngine(1)], ids=lambda engine: engine.name)
def test_in_float32_losses_are_pytabkits_within_1e_5(engine, recorded):
    name, arrays = recorded
    start = parameters_of(name, arrays, "initial")
    start = Parameters(start.network, start.flat.astype(np.float32))
    trainer = engine.trainer(problem_of(name, arrays), start)
    losses = trainer.run_epoch(np.arange(N_STEPS * BATCH_SIZE), arrays["rates"])
    np.testing.assert_allclose(losses * (2 if name == "numbers" else 1), arrays["losses"], rtol=1e-5)


@pytest.mark.parametrize("part", ["weights.0", "biases.1", "slopes.2", "frequencies", "embeddings"])
@pytest.mark.parametrize("factor", ["rate", "decay"])
def test_each_factor_of_a_block_is_needed(part, factor, recorded):
    name, arrays = recorded
    problem = problem_of(name, arrays)
    network = Network(**{f: getattr(problem.network, f) for f in problem.network.__dataclass_fields__})
    blocks = [
        block
        if block.name != part
        else type(block)(
            **{
                **{f: getattr(block, f) for f in block.__dataclass_fields__},
                factor: 1.01 * getattr(block, factor) + 0.001,
            }
        )
        for block in network.blocks
    ]
    network.__dict__["blocks"] = tuple(blocks)
    start = parameters_of(name, arrays, "initial")
    trainer = NumpyEngine().trainer(problem, Parameters(network, start.flat))
    trainer.run_epoch(np.arange(N_STEPS * BATCH_SIZE), arrays["rates"])
    array = dict(trainer.parameters().trainable())[part]
    assert np.abs(array - arrays[f"final.{part}"]).max() > 1e-7


def test_initial_sums_have_deviation_1_and_biases_lie_within_them(recorded):
    # What ``start_from_data`` promises is what pytabkit drew: over the 160 rows, which are the first 5 steps.
    name, arrays = recorded
    start, X = parameters_of(name, arrays, "initial"), arrays["X"][:5].reshape(160, -1)
    a = StagePasses(len(X), STAGE, start, None).forward(X)
    for layer, W, b in zip(start.network.layers, start.weights, start.biases, strict=True):
        z = a @ W
        np.testing.assert_allclose(z.std(axis=0), 1, rtol=2e-6)  # it drew in float32
        assert (-b >= z.min(axis=0)).all() and (-b <= z.max(axis=0)).all()
        a = ACTIVATIONS[layer.activation].value(z + b)
    for name_, array in start.trainable():
        if name_.startswith(("slopes", "input_scales")):
            np.testing.assert_array_equal(array, 1)
    assert start.input_arrays["frequencies"].std() == pytest.approx(0.1, rel=0.25)
    assert np.abs(start.input_arrays["phases"]).max() <= np.pi + 1e-6
    for part in ("combinations", "combination_biases"):
        assert 0.15 < np.abs(start.input_arrays[part]).max() <= 0.25 + 1e-7
    assert start.input_arrays["embeddings"].std() == pytest.approx(1, rel=0.15)


def test_schedules_are_pytabkits_half_a_step_later(recorded):
    # Of 40 steps, every other one begins where one of 20 does.
    name, arrays = recorded
    middles = LogCosine().learning_rates(PEAKS[name], epoch=0, n_epochs=1, n_steps=40, n_rows=1, losses=[])
    time = np.arange(20) / 20
    expected = PEAKS[name] * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * time))) / 2
    np.testing.assert_allclose(arrays["rates"], expected, rtol=0, atol=1e-15)
    between = np.log2(1 + 15 * (time + 1 / 80))
    np.testing.assert_allclose(middles[::2], PEAKS[name] * (1 - np.cos(2 * np.pi * between)) / 2, atol=1e-15)
    np.testing.assert_allclose(
        arrays["decays"], 0.02 * (1 + np.cos(np.pi * (np.maximum(1, 2 * time) - 1))) / 2, atol=1e-15
    )
