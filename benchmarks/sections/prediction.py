"""Prediction with the classic network, of all test images and of one."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contest import Contestant, play
from prediction_worker import PredictionTask
from recipe import Recipe
from results import table
from sections import Foul
from settings import Settings
from treadle.data import load_data
from treadle.engines.engine import TrainingProblem
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.export.model_file import Model, save_model
from treadle.export.onnx import save_onnx
from treadle.network import Network, Parameters
from treadle.optimizers import Adam
from treadle.training.batches import epoch_order

# Images, and calls a round: a round is a fraction of a second, and one call of the smallest is microseconds.
CASES = ((10_000, 10), (1, 2_000))
# Between probabilities, of any program and treadle's NumPy engine.
TOLERANCE = 1e-5


def measure(settings: Settings) -> dict[str, Any]:
    """A contest of predictions for each number of images, with the outputs compared before it counts."""
    with tempfile.TemporaryDirectory() as folder:
        expected = _write_models(Path(folder), settings)
        return {"cases": [_contest(folder, expected[:n], calls, settings) for n, calls in CASES]}


def _write_models(folder: Path, settings: Settings) -> NDArray[Any]:
    """Train the classic network for an epoch and save it; its probabilities of all test images."""
    dataset = load_data("fashion-mnist")
    X, y = dataset.X_train[: settings.rows], dataset.y_train[: settings.rows]
    recipe, engine = Recipe(), NumpyEngine()
    network = Network(recipe.sizes, input_scale=1 / 255)
    problem = TrainingProblem(network, Objective(), Adam(), X, y, batch_size=recipe.batch_size)
    trainer = engine.trainer(problem, Parameters.initialise(network, "torch", settings.seed))
    rates = np.full(problem.n_steps(len(X)), recipe.learning_rate)
    trainer.run_epoch(epoch_order(settings.seed, 1, len(X)), rates)
    model = Model(trainer.parameters(), dataset.class_names, dataset.image_shape)
    save_model(folder / "model.safetensors", model)
    save_onnx(folder / "model.onnx", model)
    return engine.predict(model.parameters, np.array(dataset.X_test))


def _contest(folder: str, expected: NDArray[Any], calls: int, settings: Settings) -> dict[str, Any]:
    native = ("treadle_native", "treadle_native_uint8") if settings.plays("native") else ()
    entries = [(name, settings.threads) for name in (*native, "treadle_numpy")]
    # One image is little work to share: the rivals may also do it on one thread.
    choices = sorted({settings.threads, 1}, reverse=True) if len(expected) == 1 else [settings.threads]
    entries += [(name, threads) for name in ("onnx_runtime", "torch_inference") for threads in choices]
    tasks = [PredictionTask(name, folder, threads, len(expected), calls) for name, threads in entries]
    played = play([Contestant("prediction_worker.py", task) for task in tasks], settings.rounds)
    records = []
    for task, (ready, rounds) in zip(tasks, played, strict=True):
        difference = largest_difference(np.load(task.output), expected)
        if not difference <= TOLERANCE:
            raise Foul(f"{ready['name']} predicts otherwise: its probabilities are off by {difference}")
        seconds = [s for answer in rounds[1:] for s in answer["seconds"]]
        quartiles = np.percentile(seconds, (25, 50, 75)).tolist()
        records.append({**ready, "difference": difference, "quartiles": quartiles})
    return {"images": len(expected), "rounds": settings.rounds, "calls": calls, "predictors": records}


def largest_difference(output: NDArray[Any], expected: NDArray[Any]) -> float:
    """The largest between two arrays of one shape; NaN where one holds NaN, infinite for another shape."""
    if output.shape != expected.shape:
        return float("inf")
    return float(np.abs(output.astype(np.float64) - expected).max())


def page(record: dict[str, Any]) -> str:
    """A table for each number of images."""
    return f"""## Prediction, microseconds a call

The classic network after one epoch. Pixels are in memory as float32 unless a line says otherwise, and
PyTorch's are already divided by 255. No probability differs from the NumPy engine's by more than
{TOLERANCE:g}.

{chr(10).join(map(_case_page, record["cases"]))}"""


def _case_page(case: dict[str, Any]) -> str:
    quartiles = [np.multiply(p["quartiles"], 1e6) for p in case["predictors"]]
    unit = quartiles[0][1]
    rows = [
        [
            p["name"],
            f"{q[1]:.1f}",
            f"{q[0]:.1f} to {q[2]:.1f}",
            f"{q[1] / unit:.2f}",
            f"{p['difference']:.1g}",
        ]
        for p, q in zip(case["predictors"], quartiles, strict=True)
    ]
    headings = ["", "median", "quartiles", f"times {case['predictors'][0]['name']}", "largest difference"]
    images = "image" if case["images"] == 1 else "images"
    title = f"{case['images']} {images}, {case['rounds']} times {case['calls']} calls"
    return f"{title}:\n\n{table(headings, rows)}"
