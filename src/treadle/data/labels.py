"""Numbers classes 0 to K - 1, from labels of any integers or strings."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput

Labels: TypeAlias = NDArray[np.integer | np.str_]


def number_classes(
    y_train: Labels, y_test: Labels, class_names: tuple[str, ...] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
    """Number the classes.

    Parameters
    ----------
    y_train : ndarray of shape (N,), integers or strings
        Labels of the training rows.
    y_test : ndarray of shape (N,), integers or strings
        Labels of the test rows.
    class_names : tuple of str, optional
        If given, integer labels must already be positions in it, and strings must be among it. Otherwise the
        classes are the sorted distinct labels of ``y_train``, as scikit-learn's ``classes_`` are, and their
        text is their names.

    Returns
    -------
    y_train, y_test : ndarray of shape (N,), int64
    class_names : tuple of str

    Raises
    ------
    InvalidInput
        If the labels are of another kind, or one is outside of the classes.
    """
    parts = {"y_train": y_train, "y_test": y_test}
    for name, y in parts.items():
        alike = (y.dtype.kind == "U") == (y_train.dtype.kind == "U")
        if y.ndim != 1 or y.dtype.kind not in "iuU" or not alike:
            raise InvalidInput(
                f"{name} must be one integer or one string for each row, in both parts alike; "
                f"got {y.dtype} of shape {y.shape}"
            )
    if class_names is not None and len(set(class_names)) != len(class_names):
        raise InvalidInput(f"class_names must differ from each other; got {', '.join(class_names)}")
    if class_names is None:
        classes = np.unique(y_train)
        class_names = tuple(str(label) for label in classes)
    elif y_train.dtype.kind == "U":
        classes = np.array(class_names)
    else:
        classes = np.arange(len(class_names))
    order = np.argsort(classes)
    numbers = [_positions(name, y, classes, order, class_names) for name, y in parts.items()]
    return numbers[0], numbers[1], class_names


def _positions(
    name: str, y: Labels, classes: Labels, order: NDArray[np.intp], class_names: tuple[str, ...]
) -> NDArray[np.int64]:
    if len(classes) == 0:
        raise InvalidInput(f"{name} has no classes to be of; the training labels are empty")
    ranks = np.searchsorted(classes, y, sorter=order).clip(max=len(classes) - 1)
    found: NDArray[np.int64] = order[ranks].astype(np.int64)
    wrong = classes[found] != y
    if wrong.any():
        row = int(wrong.argmax())
        shown = ", ".join(class_names[:10]) + (", ..." if len(class_names) > 10 else "")
        raise InvalidInput(
            f"{name} holds {y[row].item()!r} in row {row}, outside of the {len(classes)} classes ({shown}); "
            "correct the label, or add the class to the training part"
        )
    return found
