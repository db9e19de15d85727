"""Loads Fashion-MNIST from files, or makes synthetic rows of its shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from treadle.data.fashion_mnist import FILES, SYSTEM_FOLDER
from treadle.data.known_files import has_known_files, read_known_files

N_PIXELS, N_CLASSES = 784, 10


def training_rows(folder: str | None, n_rows: int) -> tuple[NDArray[np.uint8], NDArray[np.int64], str]:
    """X (n_rows, 784), y (n_rows,), and a sentence on where they are from.

    Parameters
    ----------
    folder : str or None
        Of Fashion-MNIST's four files, as published; None: the system's folder if they are there, else
        synthetic rows.
    n_rows : int
        60 000 at most.
    """
    place = Path(folder) if folder is not None else SYSTEM_FOLDER
    if folder is None and not has_known_files(place, FILES):
        X, y = synthetic_rows(n_rows)
        return X, y, "synthetic rows of Fashion-MNIST's shape: its files are not here"
    arrays = read_known_files(place, FILES[:2])
    X, y = (arrays[file.name][:n_rows] for file in FILES[:2])
    return X.reshape(len(X), -1), y.astype(np.int64), "Fashion-MNIST"


def synthetic_rows(n_rows: int, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Ten random images, one a class, each row half of one and half noise; one label in ten is random.

    Returns
    -------
    ndarray of shape (n_rows, 784), uint8
    ndarray of shape (n_rows,), int64
    """
    rng = np.random.default_rng(seed)
    images = rng.integers(128, size=(N_CLASSES, N_PIXELS), dtype=np.uint8)
    y = rng.integers(N_CLASSES, size=n_rows)
    X = images[y] + rng.integers(128, size=(n_rows, N_PIXELS), dtype=np.uint8)
    return X, np.where(rng.random(n_rows) < 0.1, rng.integers(N_CLASSES, size=n_rows), y)
