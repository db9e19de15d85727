"""Reads JSON lines into an Arrow table, by pyarrow, after checking each line.

A line must be one flat enough object. pyarrow overruns its stack where values are nested some thousand deep,
and has a cell for each row and each name that any row has: a megabyte of rows that share no name would take
tens of gigabytes. Both are refused first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pyarrow import json

from treadle.errors import CorruptFile, InvalidInput, TreadleError
from treadle.tables.arrow_files import raw_of_arrow
from treadle.tables.memory_need import refuse_too_large
from treadle.tables.names import shown
from treadle.tables.raw_table import RawTable
from treadle.tables.text_stream import CHUNK, TextStream

LONGEST_LINE = 1 << 26
DEEPEST = 64
# Cells that rows and names may span: at least the first, or the second times the number of bytes.
FREE_CELLS, CELLS_PER_BYTE = 1 << 25, 4
STRING = re.compile(rb'"(?:[^"\\\n]|\\.)*"')
NAME = re.compile(rb'"((?:[^"\\\n]|\\.)*)"\s*:')
CHANGED = re.compile(
    r"Column\(/?(?P<name>.*)\) changed from (?P<old>\w+) to (?P<new>\w+) in row (?P<row>\d+)", re.S
)
TWICE = re.compile(r"Column\(/(?P<name>.*)\) was specified twice in row (?P<row>\d+)", re.S)
IN_ROW = re.compile(r" in row (\d+)")
DEPTHS = np.zeros(256, np.int64)
DEPTHS[list(b"{[")], DEPTHS[list(b"}]")] = 1, -1


def read_json_lines(stream: TextStream, what: str, columns: Sequence[str] | None = None) -> RawTable:
    """Read JSON lines, an object a row; absent names are missing cells.

    Arguments and errors are ``read_csv``'s; CorruptFile also if a line is no object, or a name stands for
    several kinds of values, InvalidInput if rows and names span far more cells than there are values.
    """
    refuse_too_large(stream.n_file_bytes, what)
    checked = _CheckedLines(stream, what)
    try:
        table = json.read_json(
            pa.PythonFile(checked, mode="r"),
            read_options=json.ReadOptions(use_threads=False, block_size=LONGEST_LINE),
            parse_options=json.ParseOptions(newlines_in_values=False),
        )
        table.validate(full=True)
    except pa.ArrowInvalid as error:
        if "Empty JSON" in str(error):
            raise InvalidInput(f"{what} is empty; each of its lines must be a JSON object") from error
        raise _explained(str(error), what) from error
    raw = raw_of_arrow(table, what, columns, "JSON lines")
    raw.how["encoding"] = stream.encoding.upper()
    return raw


class _CheckedLines:
    """A binary file of a stream's lines, each checked to be one object."""

    closed = False

    def __init__(self, stream: TextStream, what: str) -> None:
        self._stream, self._what = stream, what
        self._names: set[bytes] = set()
        self._rest = self._ready = b""
        self._n_rows = self._n_bytes = 0

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True

    def read(self, n: int = -1, /) -> bytes:
        """Return n bytes, or all; fewer only at the end."""
        parts, size = [self._ready], len(self._ready)
        while (n < 0 or size < n) and (lines := self._next_lines()):
            parts.append(lines)
            size += len(lines)
        data = b"".join(parts)
        data, self._ready = (data, b"") if n < 0 else (data[:n], data[n:])
        return data

    def _next_lines(self) -> bytes:
        """Return whole lines, at least one; none at the end."""
        block = self._rest
        while True:
            more = self._stream.read(CHUNK)
            block += more
            if not more or b"\n" in more:
                break
            if len(block) > LONGEST_LINE:
                raise CorruptFile(
                    f"{self._what}: row {self._n_rows + 1} is longer than {LONGEST_LINE >> 20} MiB"
                )
        end = block.rfind(b"\n") + 1 if more else len(block)
        block, self._rest = block[:end], block[end:]
        if block:
            self._check(block if block.endswith(b"\n") else block + b"\n")
        return block

    def _check(self, lines: bytes) -> None:
        bare = np.frombuffer(STRING.sub(b"", lines), np.uint8)
        depth = np.cumsum(DEPTHS[bare])
        ends = np.flatnonzero(bare == ord("\n"))
        uneven = np.flatnonzero(depth[ends] != 0)
        deepest = int(depth.max(initial=0))
        if len(uneven) or deepest > DEEPEST or depth.min(initial=0) < 0:
            at = ends[uneven[0]] if len(uneven) else int(np.argmax(depth > DEEPEST))
            row = self._n_rows + int(np.searchsorted(ends, at)) + 1
            fault = "is no whole JSON object" if len(uneven) else f"is nested more than {DEEPEST} deep"
            raise CorruptFile(f"{self._what}: line {row} {fault}; each line must be one, of plain values")
        self._n_rows += len(ends)
        self._n_bytes += len(lines)
        self._names.update(NAME.findall(lines))
        n_cells = self._n_rows * len(self._names)
        if n_cells > max(FREE_CELLS, CELLS_PER_BYTE * self._n_bytes):
            raise InvalidInput(
                f"{self._what}: its first {self._n_rows} rows have {len(self._names)} different names, far "
                "more than a row has; give each row the same names"
            )


def _explained(message: str, what: str) -> TreadleError:
    """Rewrite pyarrow's message, its rows counted from 1."""
    if found := CHANGED.search(message):
        if not found["name"]:
            return CorruptFile(
                f"{what}: row {int(found['row']) + 1} is of the kind {found['new']}, no object"
            )
        return CorruptFile(
            f"{what}: row {int(found['row']) + 1}, column {shown(found['name'])} is of the kind "
            f"{found['new']}, where rows before are of the kind {found['old']}; give a name one kind of value"
        )
    if found := TWICE.search(message):
        return CorruptFile(
            f"{what}: row {int(found['row']) + 1} has two values named {shown(found['name'])}; give each "
            "a name"
        )
    reason = IN_ROW.sub(lambda match: f" in row {int(match[1]) + 1}", " ".join(message.split()))
    reason = reason.removeprefix("JSON parse error: ")[:200]
    return CorruptFile(f"{what} is no JSON lines: {reason}; each line must be an object")
