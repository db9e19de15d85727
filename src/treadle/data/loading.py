"""Loads a data set by name or path."""

from __future__ import annotations

import difflib
from pathlib import Path

from treadle.data.dataset import Dataset
from treadle.data.digits import NAME as DIGITS
from treadle.data.digits import load_digits
from treadle.data.fashion_mnist import NAME as FASHION_MNIST
from treadle.data.fashion_mnist import load_fashion_mnist
from treadle.data.idx_folder import load_idx_folder
from treadle.data.npz import load_npz
from treadle.data.progress import Progress
from treadle.errors import InvalidInput
from treadle.files import checked_path
from treadle.messages import quoted

NAMES = (FASHION_MNIST, DIGITS)


def load_data(data: str | Path, *, folder: str | Path | None = None, progress: bool = True) -> Dataset:
    """Load a data set.

    Parameters
    ----------
    data : str or Path
        ``"fashion-mnist"`` or ``"digits"``; or a folder with the four IDX files of MNIST's layout, plain or
        ``.gz``; or a ``.npz`` file with X_train, y_train, X_test, y_test and perhaps class_names. A folder
        that is called like a data set is meant by ``./digits`` or by a Path.
    folder : str or Path, optional
        For ``"fashion-mnist"`` alone: a folder with its files, tried before all other places.
    progress : bool
        Whether to say on standard error what takes time or was repaired, with a bar if it is a terminal.

    Returns
    -------
    Dataset

    Raises
    ------
    InvalidInput
        If there is no such data set, or its arrays cannot be used.
    CorruptFile
        If a file is not what its format says.
    DataUnavailable
        If Fashion-MNIST could not be had from any place.

    Examples
    --------
    >>> from treadle.data import load_data
    >>> digits = load_data("digits")
    >>> digits.X_train.shape, digits.X_test.shape
    ((1442, 64), (355, 64))
    """
    if data == FASHION_MNIST:
        return load_fashion_mnist(None if folder is None else Path(folder), Progress(progress))
    if folder is not None:
        raise InvalidInput(
            f"folder goes with the data set {FASHION_MNIST} alone; got data {quoted(str(data))}"
        )
    if data == DIGITS:
        return load_digits()
    path = checked_path(data)
    if path.is_dir():
        return load_idx_folder(path)
    if path.exists() and path.suffix.lower() == ".npz":
        return load_npz(path)
    raise InvalidInput(_unknown(data, path))


def _unknown(data: str | Path, path: Path) -> str:
    allowed = f"allowed are {', '.join(NAMES)}, a folder with four IDX files, or a .npz file"
    if path.exists():
        return f"{quoted(str(data))} is a file of another kind; {allowed}"
    near = difflib.get_close_matches(str(data).lower(), NAMES, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"there is no data set, folder or file {quoted(str(data))}{hint}; {allowed}"
