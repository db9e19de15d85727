"""What one run of gpu_check.py is: on which device, on which rows, how much of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """One run of the check.

    Parameters
    ----------
    device : {"cuda", "cpu"}
    data : str or None
        Folder of Fashion-MNIST's files; None: see ``gpu.data.training_rows``.
    steps : int
        Of each case of the agreement.
    rows, rounds : int
        Training rows of a timed epoch, and timed epochs of each rival.
    rivals : tuple of str
        Names of ``gpu.epochs.RIVALS``.
    dry : bool
        Whether nothing is to be compiled, which takes minutes.
    """

    device: str
    data: str | None
    steps: int
    rows: int
    rounds: int
    rivals: tuple[str, ...]
    dry: bool
