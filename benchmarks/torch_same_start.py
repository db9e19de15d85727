"""PyTorch from treadle's initial parameters, in treadle's order of the rows: the classic recipe, scored.

``python torch_same_start.py SEED PRECISION EPOCHS THREADS`` prints what ``treadle train --json`` does of its
own run, as far as accuracy.py reads it. The model, its optimizer and its loop are those of
rivals/torch_in_memory.py.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch
from torch.nn import functional as F

from recipe import Recipe
from rivals.torch_in_memory import copy_parameters, perceptron, train_in_order
from treadle.data import load_data
from treadle.network import Network, Parameters
from treadle.training.batches import epoch_order


def main(seed: int, precision: str, epochs: int, threads: int) -> None:
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    recipe = Recipe(precision=precision)
    dataset = load_data("fashion-mnist")
    images, test_images = (
        torch.from_numpy(np.array(X)).float().div_(255) for X in (dataset.X_train, dataset.X_test)
    )
    labels, test_labels = (torch.from_numpy(np.array(y)) for y in (dataset.y_train, dataset.y_test))
    model = perceptron(recipe.sizes)
    copy_parameters(model, Parameters.initialise(Network(recipe.sizes), "torch", seed))
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate, fused=True)
    start = time.perf_counter()
    for epoch in range(1, epochs + 1):
        order = torch.from_numpy(epoch_order(seed, epoch, len(images)))
        train_in_order(model, optimizer, recipe, images, labels, order)
    seconds = time.perf_counter() - start
    with torch.inference_mode():
        logits = model(test_images)
    accuracy = (logits.argmax(1) == test_labels).double().mean().item()
    test = {"accuracy": accuracy, "loss": F.cross_entropy(logits.double(), test_labels).item()}
    print(json.dumps({"test": test, "seconds": {"training": seconds}}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
