"""The strict reader of .npy files against NumPy's own reader and writer."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from treadle.data import npy_file
from treadle.data.npy_file import Header, mapped, read_header
from treadle.errors import CorruptFile

few = settings(max_examples=60, deadline=None, derandomize=True)
TYPES = [
    "<f8",
    ">f8",
    "<f4",
    "<f2",
    "<i8",
    ">i4",
    "|u1",
    "|i1",
    "|b1",
    "<c16",
    "<U3",
    "|S5",
    "<M8[ns]",
    "<m8[D]",
]


def saved(array, version=None):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=version)
    stream.seek(0)
    return stream


@few
@given(
    array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
    st.sampled_from(TYPES),
    st.sampled_from(["C", "F"]),
    st.sampled_from([None, (1, 0), (2, 0)]),
)
def test_headers_that_numpy_writes_say_what_numpy_reads(shape, dtype, order, version):
    array = np.zeros(shape, dtype, order)
    stream = saved(array, version)
    header = read_header(stream)
    position = stream.tell()
    assert (header.shape, header.dtype, header.n_bytes) == (array.shape, array.dtype, array.nbytes)
    stream.seek(0)
    np.lib.format.read_magic(stream)
    reader = np.lib.format.read_array_header_2_0 if version == (2, 0) else np.lib.format.read_array_header_1_0
    assert reader(stream) == (header.shape, header.fortran_order, header.dtype)
    assert stream.tell() == position  # the first byte of the values


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 0), (2, 3), (2, 3, 4)], ids=str)
def test_a_file_is_mapped_to_what_numpy_loads(tmp_path, dtype, shape):
    path = tmp_path / "a.npy"
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    array = np.random.default_rng(0).integers(0, 2, size, np.uint8).view(dtype).reshape(shape)
    for kept in (array, np.asfortranarray(array)):
        np.save(path, kept)
        with path.open("rb") as file:
            found = mapped(file)
        expected = np.load(path)
        assert found.dtype == expected.dtype and found.shape == expected.shape
        assert found.tobytes() == expected.tobytes()
        assert found.flags.f_contiguous == expected.flags.f_contiguous
        if found.size:
            assert not found.flags.writeable


def test_a_header_that_another_order_is_read_for_is_seen(tmp_path, monkeypatch):
    path = tmp_path / "a.npy"
    np.save(path, np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    whole = npy_file.read_header
    monkeypatch.setattr(
        npy_file, "read_header", lambda file: Header((header := whole(file)).shape, False, header.dtype)
    )
    with path.open("rb") as file:
        assert mapped(file).tobytes() != np.load(path).tobytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[1:], "it must begin with"),
        (lambda data: data[:7], r"it is of version \(1,\)"),
        (lambda data: data[:8] + b"\xff\xff" + data[10:], "its header is of 65535 bytes, more than 10000"),
        (lambda data: data[:60], "its header is cut short"),
        (lambda data: data[:-1], "promises 48 bytes of values, and 47 follow it"),
    ],
    ids=range(5),
)
def test_a_file_that_was_cut_is_refused(tmp_path, change, message):
    """What else is refused of headers is in tests/attacks/test_hostile_npy.py."""
    path = tmp_path / "a.npy"
    path.write_bytes(change(saved(np.arange(6.0).reshape(2, 3)).getvalue()))
    with path.open("rb") as file, pytest.raises(CorruptFile, match=message):
        mapped(file)


def test_objects_are_refused_without_unpickling(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.array([{}, print], dtype=object), allow_pickle=True)
    with path.open("rb") as file, pytest.raises(CorruptFile, match="pickled Python objects"):
        mapped(file)
