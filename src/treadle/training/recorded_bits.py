"""Bits of what training takes from NumPy and from treadle's own arithmetic, against those that were recorded.

The kernel's own are in ``treadle.hardware.native.bits``. NumPy promises no stream of random numbers from one
version to another: initial weights and orders are recorded with the version that drew them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.maths.dtypes import Floats
from treadle.network import Network, Parameters
from treadle.optimizers import SCHEDULES
from treadle.optimizers.decay import decayed
from treadle.training.batches import epoch_order

RECORDED_NUMPY = "2.4.6"


@dataclass(frozen=True)
class Bits:
    """A hash of some numbers, and the one recorded.

    Parameters
    ----------
    what : str
    here, recorded : str
        SHA-256, the first 16 digits.
    """

    what: str
    here: str
    recorded: str

    @property
    def agree(self) -> bool:
        """Whether they are the recorded ones."""
        return self.here == self.recorded


RECORDED = {
    "learning rates": "776accbcb065e44e",
    "corrections of Adam": "0ea182846ae56d20",
    "initial weights, torch and glorot": "36ff4af75e7a57d9",
    "initial weights, he": "4bc887da9ee5364e",
    "orders of rows": "5e8974ba70f921e2",
}


def bits_of_training() -> list[Bits]:
    """All that training takes besides the kernel, drawn or computed anew."""
    found: dict[str, Iterator[NDArray[Any]]] = {
        "learning rates": _learning_rates(),
        "corrections of Adam": _corrections(),
        "initial weights, torch and glorot": _weights("torch", "glorot"),
        "initial weights, he": _weights("he"),
        "orders of rows": (epoch_order(seed, epoch, 10_000) for seed in range(3) for epoch in range(1, 4)),
    }
    return [Bits(what, _hash(arrays), RECORDED[what]) for what, arrays in found.items()]


def _learning_rates() -> Iterator[NDArray[np.float64]]:
    losses = [1.0] * 40
    for schedule in SCHEDULES.values():
        for epoch in range(40):
            yield schedule().learning_rates(
                0.003, epoch=epoch, n_epochs=40, n_steps=97, n_rows=1234, losses=losses[:epoch]
            )


def _corrections() -> Iterator[NDArray[np.float64]]:
    for beta in (0.5, 0.9, 0.95, 0.999, 0.9999999):
        yield np.array([decayed(beta, step) for step in (*range(1, 300), 1000, 18_760, 10**6)])


def _weights(*schemes: str) -> Iterator[Floats]:
    for scheme in schemes:
        for seed in range(3):
            yield Parameters.initialise(Network((100, 64, 10)), scheme, seed, np.float64).flat


def _hash(arrays: Iterator[NDArray[Any]]) -> str:
    """Of numbers of 64 bits, the least significant byte first."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()[:16]
