"""PyTorch in inference mode, denormal numbers flushed to zero, pixels already divided by 255."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from rivals.torch_in_memory import copy_parameters, perceptron
from treadle.export.model_file import load_model


def name(threads: int) -> str:
    return f"PyTorch, {threads} {'thread' if threads == 1 else 'threads'}"


def versions() -> dict[str, str]:
    return {"torch": torch.__version__}


def prepare(folder: Path, X: NDArray[Any], threads: int) -> Callable[[], NDArray[Any]]:
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    parameters = load_model(folder / "model.safetensors").parameters
    model = perceptron(parameters.network.sizes).eval()
    copy_parameters(model, parameters)
    images = torch.tensor(X) * parameters.network.input_scale

    def predict() -> NDArray[Any]:
        with torch.inference_mode():
            return F.softmax(model(images), 1).numpy()

    return predict
