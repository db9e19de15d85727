"""Converts a data set's test rows to the units of a model.

They are taken as they are, converted, or refused. Two data sets of the same images may have bytes of 0 to 255
here and floats of -1 to 1 there. Nothing is converted where the units of either side are not known.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from treadle.data.dataset import Dataset
from treadle.data.pixel_units import units_of
from treadle.errors import RunError
from treadle.export.model_file import Model

ALIKE = 2.0  # by how much the spread of rows in the same unknown units may differ


def rows_in_units(model: Model, dataset: Dataset) -> tuple[NDArray[np.uint8 | np.float32], str | None]:
    """Return the test rows in the model's units, and a notice.

    The notice is what people should know of it, or None.

    1. Of data like those of training (equal range and scale) nothing is changed.
    2. Of a model that does not say what range it was trained on, rows are brought from the data set's scale
       to the model's, as files of such models always were.
    3. Numbers that are no images stay as they are, unless one side has bytes and the other floats: those may
       be images row by row, and are taken for such.
    4. Images are converted where the units of both sides are known, stay where those of neither are and the
       ranges are alike, or where they lie within the known units of the model, and are refused otherwise.

    Returns
    -------
    rows : ndarray of shape (N, D), uint8 or float32
    notice : str or None

    Raises
    ------
    RunError
        If the units differ, or may, and those of one side are not known.
    """
    X = dataset.X_test
    same_scale = dataset.scale == model.data_scale
    if model.data_range is None:
        return _from_scale_to_scale(model, dataset)
    if dataset.data_range == model.data_range and same_scale:
        return X, None
    low = min(dataset.data_range[0], float(X.min()))
    high = max(dataset.data_range[1], float(X.max()))
    source, target = units_of(low, high, dataset.scale), model.pixel_units
    found = f"{dataset.name} has values of {low:g} to {high:g}"
    trained = f"{model.data_range[0]:g} to {model.data_range[1]:g}"
    if same_scale and not (model.image_shape or dataset.image_shape):
        differ = None not in (source, target) and source != target
        notice = f"{found}, and the model was trained on {trained}: they are taken as they are"
        return X, notice if differ else None
    if source == target and source is not None:
        return X, None
    if source is not None and target is not None:
        notice = f"{found} ({source}): brought to the model's units ({target})"
        return target.convert(X, source), notice
    if source is None and target is None:
        spread, trained_spread = high - low, model.data_range[1] - model.data_range[0]
        if trained_spread / ALIKE <= spread <= trained_spread * ALIKE:
            return X, None
    elif target is not None and target.black <= low and high <= target.white:
        return X, None
    unknown = "the model's" if target is None else "the data set's"
    raise RunError(
        f"{found}, and the model was trained on {trained}; which of {unknown} values are black and white is "
        "not known, so that nothing can be converted: bring the data to the units of training first"
    )


def _from_scale_to_scale(model: Model, dataset: Dataset) -> tuple[NDArray[np.uint8 | np.float32], str | None]:
    X = dataset.X_test
    if dataset.scale != model.data_scale:
        X = X.astype(np.float32) * np.float32(dataset.scale / model.data_scale)
    if model.image_shape is None:
        return X, None
    return X, (
        "the model does not say which values its training images had, as those of earlier versions: taken "
        f"are {model.pixel_units} for it, and black 0, white {1 / dataset.scale:g} for {dataset.name}"
    )
