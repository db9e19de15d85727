"""Keeps decoded arrays in memory-mappable .npy files, and checks them on opening.

The SHA-256 of every array is known beforehand, and a processor hashes Fashion-MNIST's 55 MB in about 45 ms.
So each start checks every byte, and a flipped one is found whatever the file's size and time say. A file is
written beside its place and renamed, so that processes that start at once see whole files only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from treadle.data.known_files import KnownFile
from treadle.data.npy_file import mapped
from treadle.errors import CorruptFile, DataUnavailable, InvalidInput
from treadle.files import UNFINISHED, opened, write_atomically

ABANDONED_SECONDS = 3600.0  # no write takes this long: what is older was left by a killed process


def cache_folder() -> Path:
    """Return TREADLE_CACHE's folder, else treadle's in the user's cache."""
    named = os.environ.get("TREADLE_CACHE")
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("treadle"))


def open_cached(folder: Path, files: Sequence[KnownFile]) -> dict[str, NDArray[np.uint8]]:
    """Map the arrays into memory, read-only.

    Returns
    -------
    dict of str to ndarray, uint8
        By the plain file's name.

    Raises
    ------
    FileNotFoundError
        If none was ever stored.
    DataUnavailable
        If one is missing, damaged or unreadable; it says which and why.
    """
    arrays: dict[str, NDArray[np.uint8]] = {}
    for file in files:
        path = _npy(folder, file)
        try:
            with opened(path) as stream:
                values = mapped(stream)
        except FileNotFoundError as error:
            if not arrays:
                raise
            raise DataUnavailable(f"there is no {path.name}") from error
        except OSError as error:
            raise DataUnavailable(f"{path.name} cannot be read: {error.strerror}") from error
        except (CorruptFile, InvalidInput) as error:
            raise DataUnavailable(f"{path.name} is damaged: {error}") from error
        file.check_values(values, path.name)
        arrays[file.name] = values
    return arrays


def is_stored(folder: Path, files: Sequence[KnownFile]) -> bool:
    """Say whether each array has a file, without reading it."""
    return all(_npy(folder, file).exists() for file in files)


def store(folder: Path, files: Sequence[KnownFile], arrays: dict[str, NDArray[np.uint8]]) -> None:
    """Write each array as a .npy file.

    OSError where the system raises it, as when the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    for file in files:
        npy = BytesIO()
        np.lib.format.write_array(npy, arrays[file.name], allow_pickle=False)
        write_atomically(_npy(folder, file), npy.getvalue())


def store_compressed(folder: Path, files: Sequence[KnownFile], found_in: Path) -> None:
    """Keep the compressed files too, to decode damaged arrays again without the network."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        write_atomically(folder / file.gz_name, (found_in / file.gz_name).read_bytes())


def _npy(folder: Path, file: KnownFile) -> Path:
    return folder / f"{file.name}.npy"


def _remove_abandoned(folder: Path) -> None:
    for path in folder.glob(f".*{UNFINISHED}"):
        try:
            if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                path.unlink()
        except FileNotFoundError:
            continue  # another process was faster
