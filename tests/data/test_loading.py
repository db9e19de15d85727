from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from treadle.data import digits, load_data
from treadle.errors import InvalidInput

Encode = Callable[[np.ndarray[Any, Any]], bytes]


def save(path: Path, **changes: Any) -> Path:
    rng = np.random.default_rng(2)
    arrays: dict[str, Any] = {
        "X_train": rng.normal(size=(6, 3)),
        "y_train": np.array(["yes", "no", "no", "yes", "no", "yes"]),
        "X_test": rng.normal(size=(2, 3)),
        "y_test": np.array(["no", "yes"]),
    }
    np.savez_compressed(path, **(arrays | changes))
    return path


def test_digits_are_scikit_learn_s_split_by_class() -> None:
    data = load_data("digits")
    bunch = load_digits()
    assert data.scale == 1 / 16
    assert data.image_shape == (8, 8)
    together = np.concatenate([data.X_train, data.X_test]).tolist()
    assert sorted(together) == sorted(bunch.data.astype(int).tolist())
    counts = np.bincount(bunch.target)
    np.testing.assert_array_equal(np.bincount(data.y_test), counts // 5)
    # Rows keep their labels.
    label_of = {tuple(x): y for x, y in zip(bunch.data.astype(int).tolist(), bunch.target, strict=True)}
    assert all(label_of[tuple(x)] == y for x, y in zip(data.X_test.tolist(), data.y_test, strict=True))


def test_the_digits_are_the_same_where_their_file_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert digits.digits_file() is not None
    read = load_data("digits").checksum
    monkeypatch.setattr(digits, "digits_file", lambda: None)
    assert load_data("digits").checksum == read


def test_npz_with_strings_and_float64(tmp_path: Path) -> None:
    path = save(tmp_path / "survey.npz")
    data = load_data(path)
    assert (data.name, data.class_names, data.scale) == ("survey", ("no", "yes"), 1.0)
    assert data.X_train.dtype == np.float32
    assert data.y_train.tolist() == [1, 0, 0, 1, 0, 1]
    assert data.image_shape is None
    assert data.source == f"the file {path}"
    with np.load(path) as saved:
        np.testing.assert_array_equal(data.X_train, saved["X_train"].astype(np.float32))


def test_npz_with_images_in_fortran_order_and_named_classes(tmp_path: Path) -> None:
    images = np.arange(6 * 2 * 4, dtype=np.uint8).reshape(6, 2, 4)
    path = save(
        tmp_path / "images.npz",
        X_train=np.asfortranarray(images),
        y_train=np.array([0, 1, 2, 0, 1, 2]),
        X_test=images[:2],
        y_test=np.array([2, 1]),
        class_names=np.array(["c", "a", "b"]),
    )
    data = load_data(str(path))
    assert data.image_shape == (2, 4)
    assert data.class_names == ("c", "a", "b")
    np.testing.assert_array_equal(data.X_train, images.reshape(6, 8))


def nan_at(row: int) -> np.ndarray[Any, Any]:
    X = np.zeros((6, 3))
    X[row, 1] = np.nan
    return X


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X_train": nan_at(4)}, r"bad\.npz: X_train holds nan in row 4, column 1"),
        ({"X_train": np.full((6, 3), 1e300)}, r"X_train holds inf in row 0, column 0; .* finite float32"),
        (
            {"X_train": np.zeros((0, 3)), "y_train": np.zeros(0, "<U2")},
            r"bad\.npz: .*training labels are empty",
        ),
        ({"X_test": np.zeros((0, 3)), "y_test": np.zeros(0, "<U2")}, r"X_test is empty"),
        ({"y_test": np.array(["no", "perhaps"])}, r"bad\.npz: y_test holds 'perhaps' in row 1, outside"),
        ({"y_train": np.array(["no", "yes"])}, r"y_train must be int64 of shape \(6,\)"),
        ({"class_names": np.array([1, 2])}, r"class_names must be a row of strings; got int64 \(2,\)"),
        ({"weights": np.zeros(3)}, r"must hold X_train, .* it holds .*weights"),
    ],
)
def test_npz_that_cannot_be_used_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        load_data(save(tmp_path / "bad.npz", **changes))


def test_npz_without_an_array_says_which_it_needs(tmp_path: Path) -> None:
    np.savez(tmp_path / "half.npz", X_train=np.zeros((2, 2)), y_train=np.zeros(2))
    with pytest.raises(InvalidInput, match=r"X_test, y_test, each once.*it holds X_train, y_train"):
        load_data(tmp_path / "half.npz")


def test_npz_that_the_system_will_not_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "locked.npz")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("zipfile.ZipFile", refuse)
    with pytest.raises(InvalidInput, match=r"locked\.npz cannot be read: Permission denied; check the path"):
        load_data(path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_folder_with_idx_files_of_any_size(
    tmp_path: Path, idx_bytes: Encode, pack: Callable[[bytes], bytes]
) -> None:
    rng = np.random.default_rng(3)
    X_train, X_test = (rng.integers(0, 256, (n, 5, 7), dtype=np.uint8) for n in (9, 4))
    y_train = np.array([1, 2, 3] * 3, dtype=np.uint8)
    suffix = "" if pack is bytes else ".gz"
    for name, array in {
        "train-images-idx3-ubyte": X_train,
        "train-labels-idx1-ubyte": y_train,
        "t10k-images-idx3-ubyte": X_test,
        "t10k-labels-idx1-ubyte": y_train[:4],
    }.items():
        (tmp_path / f"{name}{suffix}").write_bytes(pack(idx_bytes(array)))
    data = load_data(tmp_path)
    assert data.name == tmp_path.name
    assert data.class_names == ("1", "2", "3")
    assert data.image_shape == (5, 7)
    np.testing.assert_array_equal(data.X_test, X_test.reshape(4, 35))
    assert data.y_test.tolist() == [0, 1, 2, 0]
    assert data.source == f"the folder {tmp_path}"


def test_folder_without_a_file_says_which(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"has neither train-images-idx3-ubyte nor .*\.gz; it needs"):
        load_data(tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "fashion-mnits",
            r"no data set, folder or file 'fashion-mnits'; did you mean fashion-mnist\?; allowed are",
        ),
        ("Digits", r"did you mean digits\?"),
        (
            "qqq/zz.npz",
            r"no data set, folder or file 'qqq/zz.npz'; allowed are fashion-mnist, digits, a folder",
        ),
    ],
)
def test_an_unknown_name_gets_the_nearest(name: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        load_data(name)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("1,2\n")
    with pytest.raises(InvalidInput, match=r"table\.csv' is a file of another kind; allowed are"):
        load_data(path)


def test_folder_is_for_fashion_mnist_alone(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"folder goes with .* fashion-mnist alone; got data 'digits'"):
        load_data("digits", folder=tmp_path)


def test_importing_treadle_data_loads_nothing_heavy() -> None:
    heavy = "sklearn scipy PIL requests pooch rich platformdirs torch matplotlib"
    code = f"import sys, treadle.data; print([m for m in '{heavy}'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
