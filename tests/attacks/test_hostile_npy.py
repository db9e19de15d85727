"""Headers of .npy files: read strictly, every way that programs write them, and nothing else."""

import numpy as np
import pytest

from tests.attacks.limits import within
from treadle.errors import CorruptFile, TreadleError
from treadle.l1 import NpyRows

HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }"


def npy(header, version=b"\1\0", length=None, data=bytes(48)):
    text = header.encode("latin-1") + b"\n"
    n = 2 if version == b"\1\0" else 4
    return (
        b"\x93NUMPY" + version + (len(text) if length is None else length).to_bytes(n, "little") + text + data
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x93NUMPY\2\0\xff\xff\xff\xff", "its header is of 4294967295 bytes, more than 10000"),
        (npy(HEADER, version=b"\3\0"), r"it is of version \(3, 0\), not 1\.0 or 2\.0"),
        (npy(HEADER, version=b"\2\0", length=9999), "its header is cut short"),
        (npy(HEADER.replace("}", "")), "its header is no dictionary"),
        (npy(HEADER.replace("False", "What?")), "its header must say descr"),
        (npy(HEADER.replace("'shape'", "'descr'")), "its header must say descr"),
        (
            npy(HEADER.replace("'shape': (2, 3), ", "")),
            "its header must say descr, fortran_order and shape; it",
        ),
        (npy(HEADER.replace("(2, 3)", "[2, 3]")), "its header must say descr"),
        (npy(HEADER.replace("(2, 3)", "(2 3,)")), "its shape must be at most 32 sizes; it is '2 3,'"),
        (npy(HEADER.replace("(2, 3)", "(2, -3)")), "its header must say descr"),
        (npy(HEADER.replace("(2, 3)", f"({'1, ' * 33})")), "its shape must be at most 32 sizes"),
        (npy(HEADER.replace("(2, 3)", f"(2, {2**63})")), "cannot be"),
        (npy(HEADER.replace("(2, 3)", f"(2, {10**30})")), "its shape must be at most 32 sizes"),
        (npy(HEADER.replace("<f8", "<U0")), "cannot be"),
        (npy(HEADER.replace("<f8", "<f7")), "its type '<f7' is none of NumPy's"),
        (npy(HEADER.replace("<f8", "|O")), "pickled Python objects, which are never loaded"),
        (npy(HEADER.replace("'<f8'", "[('a', '<f8')]")), "its header must say descr, a simple type"),
        (npy(HEADER.replace("'<f8'", "(" * 4000)), "its header must say descr"),
        (npy(HEADER, data=bytes(47)), "its header promises 48 bytes of values, and 47 follow it"),
        (npy(HEADER, data=bytes(49)), "its header promises 48 bytes of values, and 49 follow it"),
        (b"", "it must begin with b'.x93NUMPY'; it begins with b''"),
    ],
    ids=range(21),
)
def test_a_npy_file_that_numpy_does_not_write_is_refused(tmp_path, data, message):
    path = tmp_path / "rows.npy"
    path.write_bytes(data)
    with (
        within(100, 10),
        pytest.raises(CorruptFile, match=rf"rows\.npy is truncated or no \.npy file: .*{message}"),
    ):
        NpyRows(path, -1)


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        HEADER.replace("'", '"'),
        "{'shape': (2L, 3L), 'fortran_order': False, 'descr': '<f8'}",
        "{'descr':'<f8','fortran_order':True,'shape':(2,3)}" + " " * 40,
        HEADER.replace("(2, 3)", "(2, 3, )"),
    ],
)
def test_headers_that_other_programs_write_are_read(tmp_path, header):
    path = tmp_path / "rows.npy"
    values = np.arange(6.0).reshape(2, 3)
    data = values.tobytes("F" if "True" in header else "C")
    for version in (b"\1\0", b"\2\0"):
        path.write_bytes(npy(header, version=version, data=data))
        (chunk,) = NpyRows(path, -1).chunks()
        np.testing.assert_array_equal(np.column_stack([chunk.X, chunk.y]), values)


def test_every_bit_of_a_npy_header_turned_is_an_error_of_ours_or_none(tmp_path):
    path = tmp_path / "rows.npy"
    np.save(path, np.random.default_rng(0).normal(size=(30, 2)))
    whole, n_read = path.read_bytes(), 0
    end = whole.index(b"}") + 4  # blanks alone are after it
    for i in range(8 * end):
        changed = bytearray(whole)
        changed[i // 8] ^= 1 << (i % 8)
        path.write_bytes(changed)
        try:
            rows = NpyRows(path, -1)
        except TreadleError:
            continue
        assert sum(len(chunk) for chunk in rows.chunks()) == rows.n_rows
        n_read += 1
    assert 0 < n_read < 4 * end
