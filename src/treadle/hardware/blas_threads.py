"""Keeps BLAS on one thread while an engine computes in any Python thread.

With more threads, BLAS's sums run in another order, and the bits of a result would depend on their number.
The limit is the process's: so the first who enters sets it, and the last who leaves lifts it. Of a forked
child's threads there is one, whose entries alone count there.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

import threadpoolctl
from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_n_inside = 0
_before: list[int] = []


class _Own(threading.local):
    """How often this thread is inside."""

    n_inside = 0


_own = _Own()


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
        _own.n_inside += 1
    try:
        yield
    finally:
        with _lock:
            _n_inside -= 1
            _own.n_inside -= 1
            _lift_if_none_is_inside()


def _lift_if_none_is_inside() -> None:
    if _n_inside == 0 and set(_before) - {1}:
        _set_threads(_before)
        _be_heard()


def _begin_as_a_forked_child() -> None:
    """Forget the threads that the parent has and the child has not; the lock was taken before the fork."""
    global _n_inside
    others_were_inside = _n_inside > _own.n_inside
    _n_inside = _own.n_inside
    try:
        if others_were_inside:
            _lift_if_none_is_inside()
    finally:
        _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_begin_as_a_forked_child
    )
