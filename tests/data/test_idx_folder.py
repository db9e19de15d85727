"""A folder of four IDX files: their arrays and classes, plain or packed; a missing one is named."""

import gzip

import numpy as np
import pytest

from treadle.data.idx_folder import load_idx_folder
from treadle.errors import InvalidInput

NAMES = [f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (n, 5, 4), dtype=np.uint8) for n in (9, 6)]
    labels = [np.array([3, 8, 3, 8, 3, 8, 3, 8, 3], np.uint8), np.array([8, 3, 8, 3, 8, 3], np.uint8)]
    return dict(zip(NAMES, (images[0], labels[0], images[1], labels[1]), strict=True))


@pytest.mark.parametrize("packed", [(), NAMES, NAMES[:1]])
def test_the_arrays_are_those_of_the_files(tmp_path, arrays, idx_bytes, packed):
    for name, values in arrays.items():
        data = idx_bytes(values)
        path = tmp_path / (f"{name}.gz" if name in packed else name)
        path.write_bytes(gzip.compress(data) if name in packed else data)
    found = load_idx_folder(tmp_path)
    np.testing.assert_array_equal(found.X_train, arrays[NAMES[0]].reshape(9, 20))
    np.testing.assert_array_equal(found.X_test, arrays[NAMES[2]].reshape(6, 20))
    assert found.class_names == ("3", "8")
    assert found.y_train.tolist() == [0, 1] * 4 + [0] and found.y_test.tolist() == [1, 0] * 3
    assert (found.image_shape, found.scale, found.name) == ((5, 4), 1 / 255, tmp_path.name)


def test_a_missing_file_is_named_with_all_that_are_needed(tmp_path, arrays, idx_bytes):
    for name, values in arrays.items():
        (tmp_path / name).write_bytes(idx_bytes(values))
    (tmp_path / NAMES[3]).unlink()
    with pytest.raises(
        InvalidInput, match=f"has neither {NAMES[3]} nor {NAMES[3]}.gz; it needs {NAMES[0]}, "
    ):
        load_idx_folder(tmp_path)


def test_clothes_have_their_names_where_the_labels_are_theirs(small_fashion, tmp_path):
    found = load_idx_folder(small_fashion.put(tmp_path / "clothes"))
    assert found.class_names[0] == "T-shirt/top" and len(found.class_names) == 10
