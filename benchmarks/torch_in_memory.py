"""PyTorch as an expert would write it for a CPU: the data set is one tensor, and a batch is one gather.

Fused Adam, denormal numbers flushed to zero, and the loss read once an epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from recipe import BATCH_SIZE, LEARNING_RATE, SIZES

NAME = "PyTorch, data in memory, fused Adam"


def versions() -> dict[str, str]:
    return {"torch": torch.__version__}


def prepare(X: NDArray[Any], y: NDArray[Any], seed: int) -> Callable[[], float]:
    torch.manual_seed(seed)
    torch.set_flush_denormal(True)
    images = torch.from_numpy(X).float().div_(255)
    labels = torch.from_numpy(y)
    d, h1, h2, h3, k = SIZES
    model = nn.Sequential(
        nn.Linear(d, h1),
        nn.ReLU(),
        nn.Linear(h1, h2),
        nn.ReLU(),
        nn.Linear(h2, h3),
        nn.ReLU(),
        nn.Linear(h3, k),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)

    def train_epoch() -> float:
        total = torch.zeros(())
        for rows in torch.randperm(len(images)).split(BATCH_SIZE):
            loss = F.cross_entropy(model(images[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(rows)
        return total.item() / len(images)

    return train_epoch
