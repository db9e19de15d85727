"""Keeps BLAS on one thread while an engine computes in any Python thread.

With more threads, BLAS's sums run in another order, and the bits of a result would depend on their number.
The limit is the process's: so the first who enters sets it, and the last who leaves lifts it.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

import threadpoolctl
from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_n_inside = 0
_before: list[int] = []


@cache
def _blas_libraries() -> list[threadpoolctl.LibController]:
    return [library for library in ThreadpoolController().lib_controllers if library.user_api == "blas"]


def _be_heard() -> None:
    """Let any thread set OpenBLAS's number of threads.

    threadpoolctl 3.8 serves only its first caller.
    """
    clear = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)


def _set_threads(numbers: Iterable[int]) -> None:
    """Set each BLAS library's number of threads; threadpoolctl's ``limit`` would first ask for versions."""
    _be_heard()
    for library, number in zip(_blas_libraries(), numbers, strict=False):
        library.set_num_threads(number)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit NumPy's BLAS to one thread; restore the number at the end.

    The last to leave restores it.
    """
    global _n_inside, _before
    with _lock:
        if _n_inside == 0:
            _before = [library.num_threads for library in _blas_libraries()]
            if set(_before) - {1}:
                _set_threads(itertools.repeat(1))
        _n_inside += 1
    try:
        yield
    finally:
        with _lock:
            _n_inside -= 1
            if _n_inside == 0 and set(_before) - {1}:
                _set_threads(_before)
                _be_heard()
