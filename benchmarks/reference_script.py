"""The loop that most people write: a DataLoader over a data set that converts one image at a time.

The data set does what torchvision's ``FashionMNIST`` with the transform ``ToTensor`` does: a PIL image from
the stored bytes, an array from the image, channels first, float, divided by 255. It is written out here
because torchvision's wheels are tied to one build of torch; it leaves out torchvision's own checks and so
is, if anything, a little faster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from recipe import BATCH_SIZE, LEARNING_RATE, SIZES

NAME = "PyTorch, reference script"


def versions() -> dict[str, str]:
    return {"torch": torch.__version__, "pillow": PIL.__version__, "numpy": np.__version__}


class ImageDataset(Dataset[tuple[Tensor, int]]):
    """Images of 28 x 28 bytes and their classes, an item at a time."""

    def __init__(self, X: NDArray[Any], y: NDArray[Any]) -> None:
        self.images = torch.from_numpy(X.reshape(-1, 28, 28))
        self.labels = torch.from_numpy(y)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.fromarray(self.images[index].numpy())
        pixels = torch.from_numpy(np.array(image, np.uint8, copy=True))
        pixels = pixels.view(image.size[1], image.size[0], 1).permute(2, 0, 1).contiguous()
        return pixels.to(torch.get_default_dtype()).div(255), int(self.labels[index])


def prepare(X: NDArray[Any], y: NDArray[Any], seed: int) -> Callable[[], float]:
    torch.manual_seed(seed)
    loader = DataLoader(ImageDataset(X, y), batch_size=BATCH_SIZE, shuffle=True)
    d, h1, h2, h3, k = SIZES
    model = nn.Sequential(
        nn.Flatten(),
        nn.Linear(d, h1),
        nn.ReLU(),
        nn.Linear(h1, h2),
        nn.ReLU(),
        nn.Linear(h2, h3),
        nn.ReLU(),
        nn.Linear(h3, k),
    )
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)

    def train_epoch() -> float:
        model.train()
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        return total / len(X)

    return train_epoch
