import numpy as np
import pytest
from safetensors.numpy import save_file

from treadle.errors import CorruptFile
from treadle.export.safetensors_file import read_safetensors


def test_all_arrays_and_the_json_come_back(tmp_path):
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.array(7, np.int64),
        "c": np.zeros((0, 4)),
    }
    save_file(arrays, tmp_path / "file", {"treadle": '{"x": [1, null]}', "other": "ignored"})
    found, metadata = read_safetensors(tmp_path / "file", needs_sum=False)
    assert metadata == {"x": [1, None]}
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)


def test_no_arrays_are_no_error_here(tmp_path):
    save_file({}, tmp_path / "file", {"treadle": "{}"})
    assert read_safetensors(tmp_path / "file", needs_sum=False) == ({}, {})
    with pytest.raises(CorruptFile, match=r"file is damaged: it has no sha256, by which what was written is"):
        read_safetensors(tmp_path / "file")


@pytest.mark.parametrize(
    "metadata", [None, {}, {"other": "{}"}, {"treadle": "null"}, {"treadle": "[]"}, {"treadle": "1"}]
)
def test_a_file_without_treadle_s_object_is_refused(tmp_path, metadata):
    save_file({"a": np.zeros(3)}, tmp_path / "file", metadata)
    with pytest.raises(
        CorruptFile,
        match=r"file is not a file that treadle wrote: .* has no JSON object named treadle; restore",
    ):
        read_safetensors(tmp_path / "file")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_that_are_not_finite_are_refused_by_name(tmp_path, dtype, value):
    array = np.zeros((3, 2), dtype)
    array[2, 1] = value
    save_file({"good": np.zeros(3), "bad": array}, tmp_path / "file", {"treadle": "{}"})
    with pytest.raises(
        CorruptFile,
        match=r"file holds NaN or infinite numbers in 'bad': it is damaged; restore it from a copy, or train",
    ):
        read_safetensors(tmp_path / "file")


@pytest.mark.parametrize("dtype", [np.float16, np.int32, np.uint8, np.bool_, np.complex64])
def test_arrays_of_a_type_that_treadle_does_not_write_are_refused_by_name(tmp_path, dtype):
    save_file({"good": np.zeros(3), "bad": np.zeros(3, dtype)}, tmp_path / "file", {"treadle": "{}"})
    with pytest.raises(
        CorruptFile, match=r"the array 'bad' is of type \w+, where treadle writes F32, F64, I64; restore it"
    ):
        read_safetensors(tmp_path / "file")


def test_a_path_may_be_a_str(tmp_path):
    save_file({}, tmp_path / "file", {"treadle": "{}"})
    assert read_safetensors(str(tmp_path / "file"), needs_sum=False) == ({}, {})
