"""Hostile tables: bombs and endless files in bounded memory and time; damage that a checksum guards."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather
from pyarrow import parquet as pq

from tests.attacks.files_to_spoil import COLUMNS, N_ROWS
from tests.attacks.limits import within
from treadle.errors import CorruptFile, InvalidInput, TreadleError
from treadle.tables import build_design, read_table


def parquet_bytes(names: str, **options: object) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({name: COLUMNS[name] for name in names}), file, **options)
    return file.getvalue()


def check(path: Path) -> str:
    """Read the file and make a matrix of it; what came of it."""
    try:
        build_design(read_table(path), "y")
    except (InvalidInput, CorruptFile) as error:
        told = str(error)
        assert len(told) < 2500, told[:300]
        return "refused"
    return "read"


def test_each_byte_of_a_parquet_footer_may_be_wrong(tmp_path: Path) -> None:
    """pyarrow aborts where the metadata of a single column are asked for and damaged; so nobody asks."""
    whole = parquet_bytes("ys", compression="none", store_schema=False)
    path = tmp_path / "t"
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    found = {"read": 0, "refused": 0}
    for at in range(len(whole) - footer, len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << (at % 8)
        path.write_bytes(bytes(damaged))
        found[check(path)] += 1
    assert min(found.values()) > 0


def test_no_content_that_a_checksum_guards_is_believed_when_changed(tmp_path: Path) -> None:
    path = tmp_path / "t"
    whole = parquet_bytes("yn", write_page_checksum=True, compression="none", write_statistics=False)
    path.write_bytes(whole)
    first = build_design(read_table(path), "y").X
    values = COLUMNS["y"].tobytes()[80:160]
    at = whole.index(values)
    for i in range(80):
        damaged = bytearray(whole)
        damaged[at + i] ^= 1 << (i % 8)
        path.write_bytes(bytes(damaged))
        with pytest.raises(CorruptFile, match="page integrity"):
            read_table(path)
    assert first.shape[0] == N_ROWS


def bomb(unit: bytes, megabytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    start = packer.compress(b"a,b\n") + packer.flush(zlib.Z_FULL_FLUSH)
    one = packer.compress((unit * (1 << 20))[: 1 << 20]) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + one * megabytes + packer.flush()


@pytest.mark.parametrize("unit", [b"1,1\n", b'"', b",,,,,,,,,", b"{"])
def test_a_decompression_bomb_takes_little(tmp_path: Path, unit: bytes) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(bomb(unit, 60))
    with (
        within(400, 60),
        pytest.raises(TreadleError, match=r"as a decompression bomb does|is no CSV|columns"),
    ):
        read_table(path)


@pytest.mark.parametrize(
    ("file_format", "kind"),
    [
        ("parquet", "text"),
        *((packing, kind) for packing in ("lz4", "zstd") for kind in ("text", "codes", "view", "list")),
    ],
)
def test_a_cell_that_unpacks_into_forty_megabytes_is_not_unpacked(
    tmp_path: Path, file_format: str, kind: str, long_text: pa.Array
) -> None:
    """Compressed a thousand times, or thirty thousand times: the size is told, and nothing is unpacked."""
    path = tmp_path / "t"
    column = {
        "text": lambda: long_text,
        "codes": long_text.dictionary_encode,
        "view": lambda: long_text.cast(pa.string_view()),
        "list": lambda: pa.ListArray.from_arrays([0, 1], long_text),
    }[kind]()
    table = pa.table({"y": [1.0], "long": column})
    if file_format == "parquet":
        pq.write_table(table, path, compression="zstd")
    else:
        feather.write_feather(table, path, compression=file_format)
    del table, column
    with within(25, 20), pytest.raises(CorruptFile, match=r"to 419\d+ bytes.*as a decompression bomb does"):
        read_table(path)
    if file_format != "parquet" and kind != "codes":  # a column that is not asked for may be what it likes
        with within(25, 20):
            assert len(read_table(path, ["y"])) == 1


@pytest.fixture(scope="module")
def long_text() -> pa.Array:
    return pa.array(["x" * (40 << 20)])


LZ4_FRAME = b"\x04\x22\x4d\x18"


@pytest.mark.parametrize("told", [1 << 27, 1 << 50, -2, -(1 << 63)])
def test_a_buffer_that_says_a_size_of_its_own_is_refused(tmp_path: Path, told: int) -> None:
    path = tmp_path / "t"
    column = np.random.default_rng(0).integers(0, 2, 4096) * 1.0
    feather.write_feather(pa.table({"y": column}), path, compression="lz4")
    data = path.read_bytes()
    at = [
        i for i in range(0, len(data), 8) if data[i : i + 12] == (8 * 4096).to_bytes(8, "little") + LZ4_FRAME
    ]
    assert len(at) == 1
    path.write_bytes(data[: at[0]] + told.to_bytes(8, "little", signed=True) + data[at[0] + 8 :])
    with (
        within(25, 20),
        pytest.raises(CorruptFile, match=r"as a decompression bomb does|its metadata point out of it"),
    ):
        read_table(path)


def test_rows_that_compress_well_are_no_bomb(tmp_path: Path) -> None:
    table = pa.table({"y": np.zeros(3_000_000), "n": np.zeros(3_000_000, np.int64)})
    feather.write_feather(table, tmp_path / "t.feather", compression="zstd")
    pq.write_table(table, tmp_path / "t.parquet", compression="zstd", use_dictionary=False)
    for path in sorted(tmp_path.iterdir()):
        assert path.stat().st_size * 100 < 48_000_000
        assert len(read_table(path)) == 3_000_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n" + b'1,"' + b"x" * (4 << 20), "a quotation mark is opened|is longer than|ends within"),
        (b"," * (8 << 20), "columns, at most 200000 are read"),
        (b"a" * (68 << 20), "its first line does not end within 64 MiB"),
        (b'{"a":' * (1 << 20), "is no whole JSON object|nested more than"),
    ],
    ids=["an open quote", "commas", "no end of line", "braces"],
)
def test_a_long_file_of_one_sort_is_refused_in_bounded_memory(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "t"
    path.write_bytes(content)
    with within(60 * len(content) / 1e6, 60), pytest.raises(TreadleError, match=message):
        read_table(path)


def test_names_that_no_terminal_can_print_are_errors_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("y,\x1b[2J\x1b[31mred\n1,2\n2,\n")
    with pytest.raises(TreadleError) as told:
        build_design(read_table(path), "y")
    assert "\x1b" not in str(told.value)
