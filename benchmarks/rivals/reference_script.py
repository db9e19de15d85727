"""The script that most people write: a DataLoader over a data set that converts one image at a time.

The data set does what torchvision's ``FashionMNIST`` with the transform ``ToTensor`` does: a PIL image from
the stored bytes, an array from the image, channels first, float, divided by 255. It is written out here
because torchvision's wheels are tied to one build of torch; it leaves out torchvision's own checks and so
is, if anything, a little faster.

``python reference_script.py THREADS [EPOCHS]`` is the whole script: 20 epochs with the loss and accuracy on
the test set after each, printed; no pictures. The folder ``benchmarks`` must be on PYTHONPATH.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from recipe import Recipe


def name(recipe: Recipe) -> str:
    return "PyTorch, reference script, float32"


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


class Script:
    """The network, its optimizer, and the loops over the training and the test set."""

    def __init__(self, recipe: Recipe, X: NDArray[Any], y: NDArray[Any]) -> None:
        self.loader = DataLoader(ImageDataset(X, y), batch_size=recipe.batch_size, shuffle=True)
        d, h1, h2, h3, k = recipe.sizes
        self.model = nn.Sequential(
            nn.Flatten(),
            nn.Linear(d, h1),
            nn.ReLU(),
            nn.Linear(h1, h2),
            nn.ReLU(),
            nn.Linear(h2, h3),
            nn.ReLU(),
            nn.Linear(h3, k),
        )
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=recipe.learning_rate)

    def train_epoch(self) -> float:
        """Mean loss over the rows."""
        self.model.train()
        total = 0.0
        for images, labels in self.loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(images), labels)
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(labels)
        return total / len(self.loader.dataset)  # type: ignore[arg-type]

    def test(self, loader: DataLoader[Any]) -> tuple[float, float]:
        """Mean loss and accuracy."""
        self.model.eval()
        total, right, n_rows = 0.0, 0, len(loader.dataset)  # type: ignore[arg-type]
        with torch.no_grad():
            for images, labels in loader:
                logits = self.model(images)
                total += self.criterion(logits, labels).item() * len(labels)
                right += int((logits.argmax(1) == labels).sum())
        return total / n_rows, right / n_rows


def prepare(recipe: Recipe, X: NDArray[Any], y: NDArray[Any], seed: int, threads: int) -> Callable[[], float]:
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    return Script(recipe, X, y).train_epoch


def main(threads: int, epochs: int = 20) -> None:
    from treadle.data import load_data

    torch.set_num_threads(threads)
    dataset = load_data("fashion-mnist")
    script = Script(Recipe(), np.array(dataset.X_train), np.array(dataset.y_train))
    test_set = ImageDataset(np.array(dataset.X_test), np.array(dataset.y_test))
    loader = DataLoader(test_set, batch_size=Recipe().batch_size)
    for epoch in range(epochs):
        train_loss = script.train_epoch()
        test_loss, accuracy = script.test(loader)
        print(f"{epoch + 1:2d}  {train_loss:.4f}  {test_loss:.4f}  {accuracy:.4f}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
