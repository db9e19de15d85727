"""The classic recipe that every rival trains: numbers only, so that no rival can drift from them.

784-256-128-64-10, ReLU, cross-entropy, Adam, batches of 64 with the last partial one included, rows shuffled
each epoch, weights and biases uniform on +-1/sqrt(n_in), pixels divided by 255, float32.

A rival is a module beside this one with the same narrow face:

``NAME``
    What the table calls it.
``versions() -> dict[str, str]``
    The packages that do its work.
``prepare(X, y, seed) -> Callable[[], float]``
    X is (N, 784) uint8 and y (N,) int64. Sets everything up, and returns a function that trains one more
    epoch and returns the mean of its loss over the rows, each taken just before the update of its batch.
    Only that function is timed: what a rival does to the data once, before its first epoch, costs it nothing.
"""

from __future__ import annotations

SIZES = (784, 256, 128, 64, 10)
BATCH_SIZE = 64
LEARNING_RATE = 1e-3
