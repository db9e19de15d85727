"""PyTorch with the loss and its gradient compiled: ``torch.compile``, on a GPU in CUDA graphs.

As torch_in_memory.py in all else. A batch is gathered outside of what is compiled, whose inputs are copied to
where the graph has them. Every size of batch is compiled for itself, the last partial one too.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from recipe import Recipe
from rivals.torch_in_memory import perceptron


def name(recipe: Recipe) -> str:
    how = "switched off" if os.environ.get("TORCH_COMPILE_DISABLE") == "1" else "reduce-overhead"
    return f"PyTorch, torch.compile ({how}), fused Adam, float32"


def versions() -> dict[str, str]:
    try:
        import triton
    except ImportError:
        return {"torch": torch.__version__}
    return {"torch": torch.__version__, "triton": triton.__version__}


def prepare(
    recipe: Recipe, X: NDArray[Any], y: NDArray[Any], seed: int, threads: int, device: str = "cpu"
) -> Callable[[], float]:
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    torch.compiler.reset()  # of another recipe: what is compiled of one function is limited in number
    images = torch.from_numpy(X).to(device).float().div_(255)
    labels = torch.from_numpy(y).to(device)
    model = perceptron(recipe.sizes).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate, fused=True)

    @torch.compile(mode="reduce-overhead", dynamic=False)
    def batch_loss(pixels: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(model(pixels), targets)

    def train_epoch() -> float:
        total = torch.zeros((), device=device)
        for rows in torch.randperm(len(images), device=device).split(recipe.batch_size):
            torch.compiler.cudagraph_mark_step_begin()
            loss = batch_loss(images[rows], labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(rows)
        return total.item() / len(images)

    return train_epoch
