"""Loads a folder with the four IDX files of MNIST's layout.

They are plain or .gz, with images of any size.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from treadle.data import fashion_mnist
from treadle.data.dataset import Dataset
from treadle.data.features import as_rows
from treadle.data.idx import read_idx
from treadle.data.labels import number_classes
from treadle.errors import DataUnavailable, InvalidInput
from treadle.maths.dtypes import Numbers


def load_idx_folder(folder: Path) -> Dataset:
    """Load the training and test files of MNIST's layout from a folder.

    They are ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, and the same with ``t10k`` for the
    test. Classes are the distinct training labels, named by their numbers; the clothes have their names where
    the labels are those of Fashion-MNIST.

    Raises
    ------
    InvalidInput, CorruptFile
        If a file is missing or damaged, or the four do not fit together.
    """
    X_train, y_train, X_test, y_test = (
        _read(folder, file.name, ndim) for file, ndim in zip(fashion_mnist.FILES, (3, 1, 3, 1), strict=True)
    )
    is_fashion = _is_known(y_train, 1) and _is_known(y_test, 3)
    names = fashion_mnist.CLASS_NAMES if is_fashion else None
    y_train, y_test, class_names = number_classes(y_train, y_test, names)
    rows, image_shape, scale = as_rows({"X_train": X_train, "X_test": X_test})
    return Dataset(
        name=folder.resolve().name,
        **rows,
        y_train=y_train,
        y_test=y_test,
        class_names=class_names,
        image_shape=image_shape,
        scale=scale,
        source=f"the folder {folder}",
    )


def _read(folder: Path, name: str, ndim: int) -> NDArray[Any]:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return read_idx(path, ndim=ndim)
    raise InvalidInput(
        f"the folder {folder} has neither {name} nor {name}.gz; it needs "
        f"{', '.join(file.name for file in fashion_mnist.FILES)}, plain or .gz"
    )


def _is_known(y: Numbers, index: int) -> bool:
    try:
        fashion_mnist.FILES[index].check_values(y, "the labels")
    except DataUnavailable:
        return False
    return True
