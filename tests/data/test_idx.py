from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from treadle.data import Dataset, read_idx
from treadle.errors import CorruptFile, InvalidInput

Encode = Callable[[np.ndarray[Any, Any]], bytes]
DTYPES = ["uint8", "int8", "int16", "int32", "float32", "float64"]


@given(data=st.data(), dtype=st.sampled_from(DTYPES), compressed=st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_type_and_shape_comes_back(idx_bytes: Encode, data: Any, dtype: str, compressed: bool) -> None:
    shapes = hnp.array_shapes(min_dims=1, max_dims=8, max_side=3)
    array = data.draw(hnp.arrays(dtype, shapes))
    file = idx_bytes(array)
    back = read_idx(gzip.compress(file, 1) if compressed else file)
    assert back.dtype == array.dtype
    assert back.dtype.isnative
    np.testing.assert_array_equal(back, array)


def test_gzip_is_told_by_content_not_by_name(tmp_path: Path, idx_bytes: Encode) -> None:
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    (tmp_path / "plain.gz").write_bytes(idx_bytes(array))
    (tmp_path / "packed").write_bytes(gzip.compress(idx_bytes(array)))
    np.testing.assert_array_equal(read_idx(tmp_path / "plain.gz"), array)
    np.testing.assert_array_equal(read_idx(str(tmp_path / "packed")), array)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nothing-here cannot be read: No such file .* check the path"):
        read_idx(tmp_path / "nothing-here")


def test_an_error_in_the_bytes_of_memory_says_so() -> None:
    with pytest.raises(CorruptFile, match=r"the IDX data is no IDX file.*got nothing"):
        read_idx(b"")


def test_real_fashion_mnist_is_as_published(fashion_mnist: Dataset) -> None:
    assert fashion_mnist.X_train.shape == (60000, 784)
    assert fashion_mnist.X_test.shape == (10000, 784)
    assert np.bincount(fashion_mnist.y_train).tolist() == [6000] * 10
    assert np.bincount(fashion_mnist.y_test).tolist() == [1000] * 10
    # Mean and standard deviation of the training pixels as torchvision's users normalise by them.
    counts = sum(np.bincount(rows.ravel(), minlength=256) for rows in np.split(fashion_mnist.X_train, 60))
    levels = np.arange(256) / 255
    mean = np.average(levels, weights=counts)
    assert abs(mean - 0.2860) <= 5e-5
    assert abs(np.sqrt(np.average((levels - mean) ** 2, weights=counts)) - 0.3530) <= 5e-5
    assert fashion_mnist.class_names[fashion_mnist.y_train[0]] == "Ankle boot"
