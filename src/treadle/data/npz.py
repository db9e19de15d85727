"""Loads a data set from a .npz file, without unpickling.

Its arrays are X_train, y_train, X_test, y_test, and perhaps class_names. Each member's header is read, and
its size checked, before memory is taken for its values.
"""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from treadle.data.dataset import Dataset
from treadle.data.expansion import check_expansion, read_exactly
from treadle.data.features import as_rows
from treadle.data.labels import number_classes
from treadle.data.npy_file import read_header
from treadle.errors import CorruptFile, InvalidInput, TreadleError
from treadle.files import opened
from treadle.maths.dtypes import Arrays
from treadle.messages import shortened

REQUIRED = ("X_train", "y_train", "X_test", "y_test")
OPTIONAL = ("class_names",)
DAMAGE = (  # what zipfile raises for bytes that make no sense, and the codec of text
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(ArithmeticError, EOFError, LookupError, RuntimeError, ValueError),
)
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what NumPy writes


def load_npz(path: Path) -> Dataset:
    """Load what ``np.savez`` or ``np.savez_compressed`` wrote.

    X is of shape (N, D), or (N, H, W) for grey images; y holds integers or strings, one a row. See
    ``as_rows`` for what becomes of dtypes and ``number_classes`` for what becomes of labels.

    Raises
    ------
    CorruptFile
        If the file is damaged, a decompression bomb, or holds pickled objects.
    InvalidInput
        If an array is missing, unknown or unusable, or the arrays do not fit together.
    """
    arrays = read_npz(path)
    names = arrays.get("class_names")
    if names is not None and (names.ndim != 1 or names.dtype.kind != "U"):
        raise InvalidInput(f"{path}: class_names must be a row of strings; got {names.dtype} {names.shape}")
    try:
        y_train, y_test, class_names = number_classes(
            arrays["y_train"], arrays["y_test"], None if names is None else tuple(names.tolist())
        )
        rows, image_shape, scale = as_rows({name: arrays[name] for name in ("X_train", "X_test")})
        return Dataset(
            name=path.stem,
            **rows,
            y_train=y_train,
            y_test=y_test,
            class_names=class_names,
            image_shape=image_shape,
            scale=scale,
            source=f"the file {path}",
        )
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error}") from error


def read_npz(path: Path) -> Arrays:
    """Read the arrays by name, as they are stored; raise as ``load_npz`` does."""
    try:
        with opened(path) as file, zipfile.ZipFile(file) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            missing = [name for name in REQUIRED if name not in members]
            unknown = [name for name in members if name not in REQUIRED + OPTIONAL]
            if missing or unknown or len(members) != len(archive.infolist()):
                raise InvalidInput(
                    f"{path} must hold {', '.join(REQUIRED)}, each once, and perhaps {', '.join(OPTIONAL)}; "
                    f"it holds {shortened(', '.join(members), 200) or 'nothing'}"
                )
            check_expansion(
                str(path), sum(info.file_size for info in members.values()), os.fstat(file.fileno()).st_size
            )
            return {name: _read_member(archive, info, f"{path}: {name}") for name, info in members.items()}
    except TreadleError:
        raise
    except DAMAGE as error:
        raise CorruptFile(
            f"{path} is no whole .npz file: {shortened(str(error), 200)}; write it again with np.savez"
        ) from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}; check the path") from error


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, what: str) -> NDArray[np.generic]:
    if info.compress_type not in COMPRESSIONS or info.flag_bits & 0x1:
        raise CorruptFile(f"{what} is encrypted or oddly compressed; write the file again with np.savez")
    with archive.open(info) as stream:
        try:
            header = read_header(stream)
        except CorruptFile as error:
            raise CorruptFile(f"{what} is no .npy array: {error}; write it again with np.savez") from error
        n_bytes, dtype = header.n_bytes, header.dtype
        if n_bytes > info.file_size:
            raise CorruptFile(
                f"{what} is truncated: its header promises {n_bytes} bytes of data, it has {info.file_size}; "
                "write the file again with np.savez"
            )
        values = np.frombuffer(read_exactly(stream, n_bytes, what), dtype=dtype)
    if dtype.kind == "U":
        # NumPy believes any 32 bits to be a character; the codec does not, and raises ValueError.
        values.tobytes().decode("utf-32-be" if dtype.str[0] == ">" else "utf-32-le")
    return values.reshape(header.shape, order="F" if header.fortran_order else "C")
