"""ONNX Runtime on the file that ``treadle export`` writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnxruntime
from numpy.typing import NDArray


def name(threads: int) -> str:
    return f"ONNX Runtime, {threads} {'thread' if threads == 1 else 'threads'}"


def versions() -> dict[str, str]:
    return {"onnxruntime": onnxruntime.__version__}


def prepare(folder: Path, X: NDArray[Any], threads: int) -> Callable[[], NDArray[Any]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    inputs = {"X": X}

    def predict() -> NDArray[Any]:
        (probabilities,) = session.run(None, inputs)
        return probabilities

    return predict
