"""Hostile IDX, .npz and image files: each refused with a clear error, in bounded memory."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from treadle.data import load_data, read_idx, read_image
from treadle.errors import CorruptFile, InvalidInput

Encode = Callable[[np.ndarray[Any, Any]], bytes]
IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


@contextmanager
def at_most(megabytes: float) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
    assert peak <= megabytes


def zeros_gz(n_megabytes: int, before: bytes) -> bytes:
    """A gzip file of a header and so many megabytes of zeros; its check sum, at the end, is wrong."""
    packer = zlib.compressobj(9, wbits=31)
    start = packer.compress(before) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush nothing refers back, so that one packed megabyte can be repeated.
    megabyte = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + megabyte * n_megabytes + packer.flush()


def header(*sizes: int, code: int = 0x08) -> bytes:
    return struct.pack(f">BBBB{len(sizes)}I", 0, 0, code, len(sizes), *sizes)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\0\0\x08", "no IDX file.*got 00 00 08"),
        (b"\x89PNG\r\n\x1a\n", "no IDX file.*got 89 50 4e 47"),
        (header(3, code=0x0A) + bytes(3), "a type of 0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e; got 00 00 0a 01"),
        (b"\0\1\x08\1\0\0\0\1\0", "no IDX file"),
        (header(), "must have 1 to 8 dimensions; its header says 0"),
        (header(*[1] * 9) + b"\0", "must have 1 to 8 dimensions; its header says 9"),
        (header(2, 3)[:-1], "truncated within its header"),
        (header(0, 28, 28), "is empty: its header says 0 x 28 x 28"),
        (header(2, 3) + bytes(5), "truncated or padded: 2 x 3 uint8 are 6 bytes, but 5 follow"),
        (header(2, 3) + bytes(7), "truncated or padded: 2 x 3 uint8 are 6 bytes, but 7 follow"),
        (header(2**31, 2**31) + bytes(9), "4611686018427387904 bytes, but 9 follow"),
        (header(*[2**32 - 1] * 8, code=0x0E) + bytes(9), "truncated or padded"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_wrong_header_is_refused(data: bytes, message: str, packed: bool) -> None:
    if packed:
        data = gzip.compress(data)
        if "padded" in message or "follow" in message:
            message = "truncated: its header|padded: it goes on|decompression bomb"
    with at_most(3), pytest.raises(CorruptFile, match=message):
        read_idx(data)


def test_truncated_gzip_is_refused_wherever_it_is_cut(idx_bytes: Encode) -> None:
    whole = gzip.compress(idx_bytes(IMAGES))
    for n in range(2, len(whole)):
        with pytest.raises(CorruptFile, match=r"damaged gzip|no IDX file|truncated"):
            read_idx(whole[:n])


def test_every_flipped_byte_of_gzip_s_data_is_noticed(idx_bytes: Encode) -> None:
    whole = gzip.compress(idx_bytes(IMAGES), mtime=0)
    for n in range(10, len(whole)):  # past the ten bytes of flags, date and system, which carry no data
        broken = bytearray(whole)
        broken[n] ^= 0xFF
        with pytest.raises(CorruptFile):
            read_idx(bytes(broken))


def test_rubbish_after_gzip_is_refused(idx_bytes: Encode) -> None:
    whole = gzip.compress(idx_bytes(IMAGES))
    for rubbish in (b"\0", bytes(100), bytes(1 << 17), b"rubbish", gzip.compress(b""), whole):
        with pytest.raises(CorruptFile, match=r"is padded: it goes on after its gzip stream; get it again"):
            read_idx(whole + rubbish)


def test_values_in_two_gzip_members_are_refused(idx_bytes: Encode) -> None:
    data = idx_bytes(IMAGES)
    for n in (2, 16, 20):
        with pytest.raises(CorruptFile, match=r"is padded: it goes on after its gzip stream"):
            read_idx(gzip.compress(data[:n]) + gzip.compress(data[n:]))


def test_equal_pixels_in_the_size_of_mnist_are_read_however_small_their_file() -> None:
    packed = gzip.compress(header(60_000, 28, 28) + bytes(60_000 * 28 * 28))
    assert len(packed) < 50_000
    images = read_idx(packed)
    assert images.shape == (60_000, 28, 28) and not images.any()


def test_a_quarter_of_a_megabyte_does_not_become_a_quarter_of_a_gigabyte() -> None:
    bomb = zeros_gz(250, header(250, 1024, 1024))
    assert len(bomb) < 300_000
    with at_most(5), pytest.raises(CorruptFile, match=r"to 262144000 bytes, more than 100 times, as a decom"):
        read_idx(bomb)


def test_a_gigabyte_of_zeros_behind_ten_rows_is_not_unpacked() -> None:
    bomb = zeros_gz(1024, header(10, 28, 28))
    assert len(bomb) < 2e6
    with at_most(5), pytest.raises(CorruptFile, match=r"padded: it goes on after the 7840 bytes"):
        read_idx(bomb)


def test_a_gigabyte_of_zeros_that_the_header_admits_is_not_unpacked() -> None:
    bomb = zeros_gz(1024, header(1024, 1024, 1024))
    with at_most(5), pytest.raises(CorruptFile, match=r"would grow from .* to 1073741824 bytes.*bomb"):
        read_idx(bomb)


def test_a_promise_that_is_not_kept_takes_no_memory() -> None:
    with at_most(5), pytest.raises(CorruptFile, match=r"promises 40000000 bytes of data, it holds 100;"):
        read_idx(gzip.compress(header(40_000_000) + bytes(100)))


def test_labels_in_the_place_of_images_are_refused(tmp_path: Path, idx_bytes: Encode) -> None:
    labels = idx_bytes(np.array([0, 1], dtype=np.uint8))
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (tmp_path / name).write_bytes(labels)
    with pytest.raises(CorruptFile, match=r"array of 1 dimensions, where 3 are needed.*took the place"):
        load_data(tmp_path)


def npz(path: Path, **changes: object) -> Path:
    arrays: dict[str, Any] = {
        "X_train": np.zeros((4, 2), dtype=np.uint8),
        "y_train": np.array([0, 1, 0, 1]),
        "X_test": np.zeros((2, 2), dtype=np.uint8),
        "y_test": np.array([0, 1]),
    }
    np.savez(path, **(arrays | changes))
    return path


def test_a_pickle_in_an_npz_is_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    path = npz(tmp_path / "trap.npz", y_train=np.array([Trap()] * 4, dtype=object))
    with pytest.raises(
        CorruptFile,
        match=r"y_train is no \.npy array: it holds pickled Python objects, which are never loaded",
    ):
        load_data(path)
    assert not (tmp_path / "sprung").exists()


def npy_header(shape: tuple[int, ...], dtype: str = "|u1") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def with_member(path: Path, member: bytes, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """An .npz file whose X_train is these bytes."""
    npz(path)
    with zipfile.ZipFile(path) as archive:
        others = {name: archive.read(name) for name in archive.namelist() if name != "X_train.npy"}
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("X_train.npy", member)
        for name, data in others.items():
            archive.writestr(name, data)
    return path


def test_an_npz_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("treadle.data.expansion.FREE_BYTES", 16 << 20)
    member = npy_header((1 << 15, 1 << 10)) + bytes(32 << 20)
    path = with_member(tmp_path / "bomb.npz", member)
    del member
    with (
        at_most(5),
        pytest.raises(CorruptFile, match=r"bomb\.npz would grow from .* as a decompression bomb"),
    ):
        load_data(path)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (npy_header((1 << 40, 1 << 20)) + bytes(8), "X_train is truncated: its header promises"),
        (npy_header((4, 2)) + bytes(7), "truncated: its header promises 8 bytes of data, it holds 7"),
        (npy_header((4, 2)) + bytes(9), "X_train is padded"),
        (b"no array at all", "X_train is no .npy array"),
        (npy_header((4, 2)).replace(b"False", b"What?") + bytes(8), "X_train is no .npy array"),
        (
            b"\x93NUMPY\x03\x00" + npy_header((4, 2))[8:],
            r"X_train is no .npy array: it is of version \(3, 0\), not 1.0 or 2.0",
        ),
    ],
)
def test_a_wrong_member_of_an_npz_is_refused(tmp_path: Path, member: bytes, message: str) -> None:
    with at_most(3), pytest.raises(CorruptFile, match=message):
        load_data(with_member(tmp_path / "wrong.npz", member))


def test_a_negative_size_in_an_npy_header_is_refused(tmp_path: Path) -> None:
    member = npy_header((4, 2)).replace(b"(4, 2), ", b"(4, -2),") + bytes(8)
    with pytest.raises(CorruptFile, match=r"X_train"):
        load_data(with_member(tmp_path / "negative.npz", member))


@pytest.mark.parametrize(
    ("shape", "dtype", "data"),
    [
        ((0, 2**70), "|u1", b""),
        ((4,), "<U0", b""),
        ((1,), "<U1", b"\xff\xff\xff\xff"),
        ((1,), "<U1", b"\x00\xd8\x00\x00"),
    ],
    ids=["impossible size", "items of no size", "no code point", "half a character"],
)
def test_arrays_that_numpy_cannot_make_are_refused(
    tmp_path: Path, shape: tuple[int, ...], dtype: str, data: bytes
) -> None:
    path = with_member(tmp_path / "odd.npz", npy_header(shape, dtype) + data)
    with pytest.raises(
        CorruptFile,
        match=r"odd\.npz(: X_train is no \.npy array: its (shape must|values of)| is no whole \.npz file)",
    ):
        load_data(path)


def test_random_damage_to_an_npz_is_an_error_of_ours_or_none(tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", y_train=np.array(["a", "b"] * 2), y_test=np.array(["a", "b"]))
    whole = path.read_bytes()
    rng = np.random.default_rng(6)
    for _ in range(400):
        broken = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 4)):
            broken[place] = rng.integers(256)
        path.write_bytes(broken)
        with suppress(CorruptFile, InvalidInput):
            assert load_data(path).X_train.shape == (4, 2)


def test_compressions_that_numpy_never_writes_are_refused(tmp_path: Path) -> None:
    path = with_member(tmp_path / "lzma.npz", npy_header((4, 2)) + bytes(8), zipfile.ZIP_LZMA)
    with pytest.raises(CorruptFile, match=r"X_train is encrypted or oddly compressed"):
        load_data(path)


def test_a_flipped_byte_in_an_npz_is_noticed(tmp_path: Path) -> None:
    path = npz(tmp_path / "flipped.npz", X_train=np.full((4, 2), 77, dtype=np.uint8))
    path.write_bytes(path.read_bytes().replace(b"M" * 8, b"MMMNMMMM"))
    with pytest.raises(CorruptFile, match=r"no whole .npz file: Bad CRC-32"):
        load_data(path)


def test_a_truncated_npz_is_refused(tmp_path: Path) -> None:
    path = npz(tmp_path / "cut.npz")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(CorruptFile, match=r"no whole .npz file"):
        load_data(path)


def test_names_that_lead_out_of_the_archive_are_only_unknown_names(tmp_path: Path) -> None:
    path = npz(tmp_path / "path.npz")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../escaped.npy", b"")
    with pytest.raises(InvalidInput, match=r"must hold X_train, y_train, X_test, y_test"):
        load_data(path)
    assert not list(tmp_path.parent.glob("escaped*"))


def png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    ihdr = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("side", "message"), [(8000, "8000 x 8000 pixels; at most"), (60000, "no image")])
def test_a_png_bomb_is_not_decoded(tmp_path: Path, side: int, message: str) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png(side, side, zlib.compress(bytes(1000))))
    with at_most(5), pytest.raises(CorruptFile, match=message):
        read_image(path)


def test_a_truncated_png_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    rng = np.random.default_rng(0)
    rows = b"".join(b"\0" + rng.bytes(50) for _ in range(50))
    whole = png(50, 50, zlib.compress(rows))
    for n in (40, 100, len(whole) // 2, len(whole) - 200):
        path.write_bytes(whole[:n])
        with pytest.raises(CorruptFile, match=r"damaged image|no image"):
            read_image(path)
