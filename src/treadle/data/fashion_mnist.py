"""Loads Fashion-MNIST (Xiao, Rasul and Vollgraf 2017) from the nearest place.

The paper is arXiv:1708.07747. In this order: a folder that the caller names; the cache; the system's folder;
the official mirrors; Debian's package. Every file is checked against its published SHA-256, whatever the
place. What had to be decoded or fetched is kept in the cache; where that cannot be written, the arrays stay
in memory and a line says so.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from treadle.data.cache import cache_folder, is_stored, open_cached, store, store_compressed
from treadle.data.dataset import Dataset
from treadle.data.known_files import Edition, KnownFile, has_known_files, read_known_files
from treadle.data.progress import Progress
from treadle.errors import DataUnavailable

NAME = "fashion-mnist"
CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
# X_train, y_train, X_test, y_test. The first edition is Zalando's, on the mirrors; the second is Debian's,
# which has the same values, but another gzip header, without a file name.
FILES = (
    KnownFile(
        "train-images-idx3-ubyte",
        (
            Edition(26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            Edition(26421856, "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7"),
        ),
        (60000, 28, 28),
        "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
    ),
    KnownFile(
        "train-labels-idx1-ubyte",
        (
            Edition(29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            Edition(29491, "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056"),
        ),
        (60000,),
        "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
    ),
    KnownFile(
        "t10k-images-idx3-ubyte",
        (
            Edition(4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            Edition(4422079, "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa"),
        ),
        (10000, 28, 28),
        "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
    ),
    KnownFile(
        "t10k-labels-idx1-ubyte",
        (
            Edition(5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
            Edition(5125, "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05"),
        ),
        (10000,),
        "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
    ),
)
SYSTEM_FOLDER = Path("/usr/share/datasets/fashion-mnist")
MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
)
DEBIAN_PACKAGE = "dataset-fashion-mnist"

Arrays = dict[str, NDArray[np.uint8]]


def load_fashion_mnist(folder: Path | None = None, progress: Progress | None = None) -> Dataset:
    """Load Fashion-MNIST: 60000 training and 10000 test images in 10 classes.

    They are of 28 x 28 grey pixels.

    Parameters
    ----------
    folder : Path, optional
        Tried first: one with the four IDX files, ``train-images-idx3-ubyte`` and so on, plain or ``.gz``.
    progress : Progress, optional
        Says what takes time or was repaired.

    Raises
    ------
    DataUnavailable
        If no place could deliver it: each one tried and why it failed, and what to do.
    """
    progress = progress or Progress()
    cache = cache_folder() / NAME
    failures: list[str] = []
    if folder is not None:
        try:
            arrays = _keep(cache, read_known_files(folder, FILES), None, progress)
            return _dataset(arrays, f"the folder {folder}")
        except DataUnavailable as error:
            failures.append(f"the folder {folder}: {error}")
            progress.note(f"not from {failures[-1]}; trying elsewhere")
    try:
        return _dataset(open_cached(cache, FILES), f"the cache {cache}")
    except FileNotFoundError:
        pass  # a first start: nothing to report
    except DataUnavailable as error:
        failures.append(f"the cache {cache}: {error}")
        progress.note(f"{failures[-1]}; renewing it")

    places: list[tuple[str, AbstractContextManager[Path]]] = [
        (f"the cache {cache}", nullcontext(cache)),
        (f"the system's folder {SYSTEM_FOLDER}", nullcontext(SYSTEM_FOLDER)),
    ]
    if not offline():
        places.append(("the mirrors", _mirrored_files(progress)))
        places.append((f"Debian's package {DEBIAN_PACKAGE}", _packaged_files(progress)))
    for name, place in places:
        try:
            with place as found_in:
                arrays = read_known_files(found_in, FILES)
                fetched = found_in not in (cache, SYSTEM_FOLDER)
                arrays = _keep(cache, arrays, found_in if fetched else None, progress)
            return _dataset(arrays, name)
        except OSError as error:
            failures.append(f"{name}: {error}")
    remedy = "connect to the network"
    if offline():
        failures.append("the mirrors and Debian's package: not asked, since TREADLE_OFFLINE is set")
        remedy = "unset TREADLE_OFFLINE"
    names = ", ".join(file.gz_name for file in FILES)
    raise DataUnavailable(
        f"Fashion-MNIST could not be had: {'; '.join(failures)}; to go on, {remedy} and try again, "
        f"or put {names} into {cache}"
    )


def nearest_place() -> str | None:
    """Return the nearest local place with all files, unchecked, or None."""
    cache = cache_folder() / NAME
    with suppress(PermissionError):
        if is_stored(cache, FILES) or has_known_files(cache, FILES):
            return f"the cache {cache}"
    if has_known_files(SYSTEM_FOLDER, FILES):
        return f"the system's folder {SYSTEM_FOLDER}"
    return None


def offline() -> bool:
    """Say whether the environment's TREADLE_OFFLINE forbids the network.

    Any value does but 0 and nothing.
    """
    return os.environ.get("TREADLE_OFFLINE", "") not in ("", "0")


@contextmanager
def _mirrored_files(progress: Progress) -> Iterator[Path]:
    from treadle.data.mirrors import download

    with tempfile.TemporaryDirectory(prefix="treadle-", ignore_cleanup_errors=True) as work:
        download(MIRRORS, FILES, Path(work), progress)
        yield Path(work)


@contextmanager
def _packaged_files(progress: Progress) -> Iterator[Path]:
    from treadle.data.debian_package import fetch_package

    with tempfile.TemporaryDirectory(prefix="treadle-", ignore_cleanup_errors=True) as work:
        yield fetch_package(DEBIAN_PACKAGE, Path(work), progress) / "usr/share/datasets/fashion-mnist"


def _keep(cache: Path, arrays: Arrays, compressed: Path | None, progress: Progress) -> Arrays:
    """Store the arrays in the cache, and map them from there.

    The compressed files are stored too, where they were fetched.
    """
    try:
        if compressed is not None:
            store_compressed(cache, FILES, compressed)
        store(cache, FILES, arrays)
        return open_cached(cache, FILES)
    except OSError as error:
        progress.note(
            f"the cache {cache} cannot be used: {error}; going on in memory, "
            "and every start will take as long as this one; free some space, or set TREADLE_CACHE"
        )
        return arrays


def _dataset(arrays: Arrays, source: str) -> Dataset:
    X_train, y_train, X_test, y_test = (arrays[file.name] for file in FILES)
    height, width = X_train.shape[1:]
    return Dataset(
        name=NAME,
        X_train=X_train.reshape(len(X_train), -1),
        y_train=y_train.astype(np.int64),
        X_test=X_test.reshape(len(X_test), -1),
        y_test=y_test.astype(np.int64),
        class_names=CLASS_NAMES,
        image_shape=(height, width),
        scale=1 / 255,
        source=source,
    )
