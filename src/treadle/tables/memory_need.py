"""Whether a table fits: said before it is read, and where memory ends all the same."""

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
    """Refuse a table of which the columns asked for do not fit in memory.

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
    """Raise InvalidInput with a remedy where memory ends; pyarrow's own error is one of damage besides."""
    try:
        yield
    except MemoryError as error:
        raise InvalidInput(
            f"{what} does not fit in memory, of which there are {in_words(usable_memory())}; {REMEDY}"
        ) from error
