"""Hostile tables: mutated files of every format, bombs and endless files, in bounded memory and time.

Each mutated file is read whole and made a matrix, and must give values or an error of ours in one line; where
a checksum guards them, no other values. TREADLE_FUZZ_CASES says how many are tried.
"""

from __future__ import annotations

import gzip
import io
import os
import random
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather
from pyarrow import parquet as pq

from treadle.errors import CorruptFile, InvalidInput, TreadleError
from treadle.tables import build_design, read_table

N_CASES = int(os.environ.get("TREADLE_FUZZ_CASES", "2000"))
N_ROWS = 40
COLUMNS = {
    "y": np.linspace(0, 9, N_ROWS),
    "n": np.arange(N_ROWS),
    "b": np.arange(N_ROWS) % 2 == 0,
    "s": ["Köln", 'a "b", c', "x;y", "靴"] * (N_ROWS // 4),
    "d": np.arange("2021-01-01", "2021-02-10", dtype="datetime64[D]"),
    "w": [f"{i},{i:03d}.5" for i in range(1, N_ROWS + 1)],
}


def parquet_bytes(**options: object) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(COLUMNS), file, **options)
    return file.getvalue()


def feather_bytes(compression: str) -> bytes:
    file = io.BytesIO()
    codes = pa.array(COLUMNS["s"]).dictionary_encode()
    views = pa.array(COLUMNS["s"]).cast(pa.string_view())
    feather.write_feather(
        pa.table({**COLUMNS, "c": codes, "v": views, "l": [[1], None] * (N_ROWS // 2)}),
        file,
        compression=compression,
    )
    return file.getvalue()


def text_bytes(kind: str) -> bytes:
    frame = pa.table(COLUMNS).to_pandas()
    if kind == "jsonl":
        return frame.to_json(orient="records", lines=True, date_format="iso").encode()
    return frame.to_csv(index=False, sep=kind).encode()


SEEDS: dict[str, Callable[[], bytes]] = {
    "csv": lambda: text_bytes(","),
    "csv, semicolons": lambda: text_bytes(";"),
    "csv, UTF-16": lambda: text_bytes("\t").decode().encode("utf-16"),
    "csv, gzip": lambda: gzip.compress(text_bytes(","), mtime=0),
    "jsonl": lambda: text_bytes("jsonl"),
    "parquet": lambda: parquet_bytes(compression="none"),
    "parquet, checksums": lambda: parquet_bytes(write_page_checksum=True),
    "parquet, plain": lambda: parquet_bytes(
        use_dictionary=False, compression="snappy", data_page_version="2.0"
    ),
    "feather": lambda: feather_bytes("uncompressed"),
    "feather, lz4": lambda: feather_bytes("lz4"),
}
TOKENS = (
    b'"',
    b",",
    b";",
    b"\n",
    b"\r",
    b"\t",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"{",
    b"}",
    b"[",
    b"1e400",
    b"\x80",
    b"9" * 400,
    b"sep=;\n",
)


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One to three changes: a bit, a byte, a run, a cut, a repeated part, a token, an extreme number."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(changed) or 1)
        match rng.randrange(8):
            case 0 if changed:
                changed[at] ^= 1 << rng.randrange(8)
            case 1 if changed:
                changed[at] = rng.randrange(256)
            case 2:
                del changed[at : at + rng.choice((1, 2, 4, 16, 200))]
            case 3:
                del changed[at:]
            case 4:
                changed[at:at] = changed[at : at + rng.choice((1, 8, 100))] * rng.choice((1, 2, 50))
            case 5:
                changed[at:at] = rng.choice(TOKENS)
            case 6:
                changed[at : at + 4] = rng.choice(
                    (b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80")
                )
            case _:
                changed[at : at + 8] = rng.randbytes(8)
    return bytes(changed)


def check(path: Path) -> str:
    """Read the file and make a matrix of it; what came of it."""
    try:
        build_design(read_table(path), "y")
    except (InvalidInput, CorruptFile) as error:
        told = str(error)
        assert len(told) < 2500, told[:300]
        return "refused"
    return "read"


@pytest.mark.parametrize("kind", SEEDS)
def test_a_mutated_file_is_read_or_refused(tmp_path: Path, kind: str) -> None:
    whole = SEEDS[kind]()
    path = tmp_path / "t"
    path.write_bytes(whole)
    assert check(path) == "read"
    rng = random.Random(kind)
    found = {"read": 0, "refused": 0}
    for _ in range(max(20, N_CASES // len(SEEDS))):
        path.write_bytes(mutated(whole, rng))
        found[check(path)] += 1
    assert found["refused"] > 0


def test_each_byte_of_a_parquet_footer_may_be_wrong(tmp_path: Path) -> None:
    """pyarrow aborts where the metadata of a single column are asked for and damaged; so nobody asks."""
    whole = parquet_bytes(compression="none")
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
    whole = parquet_bytes(write_page_checksum=True, compression="none", write_statistics=False)
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


MEASURED = """
import resource, sys
from treadle.errors import TreadleError
from treadle.tables import read_table
import pyarrow.csv, pyarrow.json, pyarrow.parquet
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_table(sys.argv[1])
    print("read")
except TreadleError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def measured(path: Path) -> tuple[str, int]:
    """What reading in a process of its own says, and the megabytes that it took beyond the imports."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    *told, megabytes = done.stdout.splitlines()
    return "\n".join(told), int(megabytes)


@pytest.mark.parametrize("unit", [b"1,1\n", b"a,b\n", b'"', b",,,,,,,,,", b"{", b"\n"])
def test_a_decompression_bomb_takes_little(tmp_path: Path, unit: bytes) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(bomb(unit, 60))
    told, megabytes = measured(path)
    assert "as a decompression bomb does" in told or "is no CSV" in told or "columns" in told
    assert megabytes <= 400, told


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"a,b\n" + b'1,"' + b"x" * (20 << 20),
            "in row 1 a quotation mark is opened|is longer than|ends within",
        ),
        (b"," * (20 << 20), "columns, at most 200000 are read|does not end within|is empty"),
        (b"a" * (80 << 20), "its first line does not end within 64 MiB|no row"),
        (b'{"a":' * (4 << 20), "is no whole JSON object|nested more than"),
    ],
    ids=["an open quote", "commas", "no end of line", "braces"],
)
def test_a_long_file_of_one_sort_is_refused_in_bounded_memory(
    tmp_path: Path, content: bytes, message: str
) -> None:
    import re

    path = tmp_path / "t"
    path.write_bytes(content)
    told, megabytes = measured(path)
    assert re.search(message, told), told[:500]
    assert megabytes <= 60 * len(content) / 1e6


def test_names_that_no_terminal_can_print_are_errors_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("y,\x1b[2J\x1b[31mred\n1,2\n2,\n")
    with pytest.raises(TreadleError) as told:
        build_design(read_table(path), "y")
    assert "\x1b" not in str(told.value)
