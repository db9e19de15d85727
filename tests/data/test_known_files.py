"""Files believed by their SHA-256 alone: packed or plain, whichever is right."""

import gzip
import hashlib

import numpy as np
import pytest

from treadle.data.known_files import Edition, KnownFile, has_known_files, read_known_files
from treadle.errors import DataUnavailable

VALUES = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.fixture
def known(idx_bytes):
    packed = [gzip.compress(idx_bytes(VALUES), mtime=t) for t in (0, 1)]
    editions = tuple(Edition(len(data), hashlib.sha256(data).hexdigest()) for data in packed)
    return KnownFile("a", editions, (3, 4), hashlib.sha256(VALUES.tobytes()).hexdigest()), packed


def test_every_edition_and_the_plain_file_are_believed(tmp_path, known, idx_bytes):
    file, packed = known
    assert not has_known_files(tmp_path, [file])
    for data in packed:
        file.check_compressed(data)
        (tmp_path / "a.gz").write_bytes(data)
        np.testing.assert_array_equal(read_known_files(tmp_path, [file])["a"], VALUES)
    (tmp_path / "a.gz").unlink()
    (tmp_path / "a").write_bytes(idx_bytes(VALUES))
    assert has_known_files(tmp_path, [file])
    np.testing.assert_array_equal(read_known_files(tmp_path, [file])["a"], VALUES)


def test_a_wrong_packed_file_leaves_the_plain_one(tmp_path, known, idx_bytes):
    file, _ = known
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx_bytes(VALUES), mtime=2))
    (tmp_path / "a").write_bytes(idx_bytes(VALUES))
    np.testing.assert_array_equal(read_known_files(tmp_path, [file])["a"], VALUES)


def test_what_is_wrong_with_each_is_told(tmp_path, known, idx_bytes):
    file, _ = known
    with pytest.raises(DataUnavailable, match=r"there is no a\.gz"):
        read_known_files(tmp_path, [file])
    with pytest.raises(DataUnavailable, match="there is no such folder"):
        read_known_files(tmp_path / "none", [file])
    (tmp_path / "a.gz").write_bytes(b"x" * 10_000)
    (tmp_path / "a").write_bytes(idx_bytes(VALUES + np.uint8(1)))
    with pytest.raises(DataUnavailable, match=r"a\.gz has SHA-256 .* or .*, and a has SHA-256 .*, not "):
        read_known_files(tmp_path, [file])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (VALUES.astype(np.int8), r"b holds int8 \(3, 4\), not uint8 \(3, 4\)"),
        (VALUES.ravel(), r"b holds uint8 \(12,\), not uint8 \(3, 4\)"),
        (np.asfortranarray(VALUES), "b holds its values in another order than C's"),
        (VALUES + np.uint8(1), "b has SHA-256"),
    ],
)
def test_other_values_are_refused(known, values, message):
    with pytest.raises(DataUnavailable, match=message):
        known[0].check_values(values, "b")


def test_of_a_file_of_any_size_little_is_read(tmp_path, known):
    """A sparse file of a gigabyte, of which one byte too many is read."""
    with (tmp_path / "a.gz").open("wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(DataUnavailable, match=r"a\.gz has SHA-256"):
        read_known_files(tmp_path, [known[0]])
