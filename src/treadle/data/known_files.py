"""Reads files of known content from any folder, checked by their SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from treadle.data.idx import read_idx
from treadle.errors import CorruptFile, DataUnavailable, InvalidInput
from treadle.files import opened
from treadle.maths.dtypes import Numbers


class Edition(NamedTuple):
    """One compressed edition of a file: its size and its SHA-256.

    The same values can be packed in several, as with another date in the header.
    """

    n_bytes: int
    sha256: str


@dataclass(frozen=True)
class KnownFile:
    """An IDX file of uint8 as it was published.

    Parameters
    ----------
    name : str
        Of the plain file; the compressed one has ``.gz`` after it.
    editions : tuple of Edition
        Every compressed file that may be believed; the first is its author's.
    shape, values_sha256 : tuple of int, str
        Shape, and SHA-256 of the values in C order, without the header.
    """

    name: str
    editions: tuple[Edition, ...]
    shape: tuple[int, ...]
    values_sha256: str

    @property
    def gz_name(self) -> str:
        """The compressed file's name."""
        return f"{self.name}.gz"

    def check_compressed(self, data: bytes) -> None:
        """Raise DataUnavailable unless these are all bytes of one of the editions."""
        _check_sha256(self.gz_name, data, {edition.sha256 for edition in self.editions})

    def check_values(self, values: Numbers, what: str) -> None:
        """Raise DataUnavailable unless these are the published values."""
        if values.dtype != np.uint8 or values.shape != self.shape:
            raise DataUnavailable(f"{what} holds {values.dtype} {values.shape}, not uint8 {self.shape}")
        if not values.flags.c_contiguous:
            raise DataUnavailable(f"{what} holds its values in another order than C's")
        _check_sha256(what, values.data, {self.values_sha256})


def read_known_files(folder: Path, files: Sequence[KnownFile]) -> dict[str, NDArray[np.uint8]]:
    """Read and check each file, compressed or else plain.

    The plain one is read where the compressed one is missing or wrong.

    Returns
    -------
    dict of str to ndarray, uint8
        By the plain file's name.

    Raises
    ------
    DataUnavailable
        If one is missing, cannot be read, or is not byte for byte the published one; it says which and why.
    """
    return {file.name: _read(folder, file) for file in files}


def has_known_files(folder: Path, files: Sequence[KnownFile]) -> bool:
    """Say whether each file is there, compressed or plain, without reading it."""
    return all((folder / file.gz_name).exists() or (folder / file.name).exists() for file in files)


def _read(folder: Path, file: KnownFile) -> NDArray[np.uint8]:
    failures = []
    for name, read in ((file.gz_name, _read_compressed), (file.name, _read_plain)):
        try:
            if (folder / name).is_file():
                values = read(folder, file)
                file.check_values(values, name)
                return values
        except (CorruptFile, InvalidInput, DataUnavailable) as error:
            failures.append(str(error))
        except OSError as error:
            failures.append(error.strerror or str(error))
    if not failures:
        failures.append(f"there is no {file.gz_name}" if folder.is_dir() else "there is no such folder")
    raise DataUnavailable(", and ".join(dict.fromkeys(failures)))


def _read_compressed(folder: Path, file: KnownFile) -> NDArray[Any]:
    with opened(folder / file.gz_name) as stream:  # one byte too many at most: it may be any file
        data = stream.read(max(edition.n_bytes for edition in file.editions) + 1)
    file.check_compressed(data)
    return read_idx(data, what=file.gz_name)


def _read_plain(folder: Path, file: KnownFile) -> NDArray[Any]:
    return read_idx(folder / file.name, what=file.name)


def _check_sha256(what: str, data: bytes | memoryview, allowed: set[str]) -> None:
    got = hashlib.sha256(data).hexdigest()
    if got not in allowed:
        raise DataUnavailable(
            f"{what} has SHA-256 {got[:12]}..., not {_either(digest[:12] + '...' for digest in allowed)}"
        )


def _either(allowed: Iterable[object]) -> str:
    return " or ".join(sorted(map(str, allowed)))
