"""Refuses tables that do not fit in memory, before or while they are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from treadle.errors import InvalidInput
from treadle.hardware.memory import in_words, usable_memory

REMEDY = (
    "name fewer columns (--features), or fit from the file without reading it whole: Parquet, through "
    "treadle.l1.ParquetRows"
)


def refuse_too_large(n_bytes: int, what: str) -> None:
    """Refuse a table whose requested columns do not fit in memory.

    Raises
    ------
    InvalidInput
        If ``n_bytes`` exceeds the memory that there is.
    """
    if n_bytes > (memory := usable_memory()):
        raise InvalidInput(
            f"{what}: the columns take {in_words(n_bytes)} of memory, there are {in_words(memory)}; {REMEDY}"
        )


@contextmanager
def memory_errors_explained(what: str) -> Iterator[None]:
    """Turn a lack of memory into InvalidInput with a remedy.

    pyarrow's own error of that kind is one of damage besides.
    """
    try:
        yield
    except MemoryError as error:
        raise InvalidInput(
            f"{what} does not fit in memory, of which there are {in_words(usable_memory())}; {REMEDY}"
        ) from error
