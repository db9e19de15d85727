"""Runs independent computations at once, in a thread of Python each, and stops them all together.

The kernel and BLAS let go of the interpreter's lock while they compute, so the threads share the processors
as processes would, and nothing is copied or pickled. A computation is told how many processors are its own
(``usable_threads``), and never waits for another. It sees NumPy's handling of errors, and whatever else the
caller's context holds. What it draws and sums does not depend on who runs beside it.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from numbers import Integral
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from treadle.errors import InvalidInput
from treadle.hardware.processors import share, usable_threads

Result = TypeVar("Result")

_stop: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar("stop", default=None)

# Seconds between two looks at whether the computation that this one is a part of is to stop.
PATIENCE = 0.1


class Stopped(BaseException):
    """Ends a computation that is to stop: no error, and nothing to be caught by who handles errors."""


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """What a computation gave, or the error that ended it."""

    result: Result | None
    error: BaseException | None = None


def is_among_others() -> bool:
    """Whether this computation is one of several, which somebody may stop."""
    return _stop.get() is not None


def stop_if_asked() -> None:
    """End here if this computation is one of several that are to stop: for loops to call, in each round."""
    stop = _stop.get()
    if stop is not None and stop.is_set():
        raise Stopped


def run_at_once(
    computations: Sequence[Callable[[], Result]], n_threads: int | None = None
) -> list[Outcome[Result]]:
    """Run each in a thread, as many at a time as there are threads to use.

    Where they are fewer than the threads, each may use several.

    Parameters
    ----------
    computations : sequence of callable
    n_threads : int >= 1, or None
        None: as many as ``usable_threads`` says.

    Returns
    -------
    list of Outcome
        In the order of the computations. One that raises an ``Exception`` does not stop the others.

    Raises
    ------
    InvalidInput
        If n_threads is no positive integer.
    BaseException
        KeyboardInterrupt, say, here or in a computation: the others stop where they call ``stop_if_asked``,
        and have ended when it is raised.
    """
    if n_threads is not None and (
        not isinstance(n_threads, Integral) or isinstance(n_threads, bool) or n_threads < 1
    ):
        raise InvalidInput(f"n_threads must be an integer of at least 1, or None; got {n_threads!r}")
    n = usable_threads().n if n_threads is None else int(n_threads)
    stop = threading.Event()
    waiting: SimpleQueue[int] = SimpleQueue()
    ended: SimpleQueue[tuple[int, Outcome[Result]]] = SimpleQueue()
    for i in range(len(computations)):
        waiting.put(i)
    contexts = [contextvars.copy_context() for _ in computations]

    def outcome(i: int) -> Outcome[Result]:
        _stop.set(stop)
        share.set(max(1, n // len(computations)))
        try:
            return Outcome(computations[i]())
        except BaseException as error:
            return Outcome(None, error)

    def work() -> None:
        with suppress(Empty):
            while not stop.is_set():
                i = waiting.get_nowait()
                ended.put((i, contexts[i].run(outcome, i)))

    threads = [threading.Thread(target=work, name="treadle") for _ in range(min(n, len(computations)))]
    outcomes: dict[int, Outcome[Result]] = {}
    try:
        for thread in threads:
            thread.start()
        while len(outcomes) < len(computations):
            stop_if_asked()
            with suppress(Empty):
                i, found = ended.get(timeout=PATIENCE)
                if found.error is not None and not isinstance(found.error, Exception):
                    raise found.error
                outcomes[i] = found
    finally:
        stop.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
    return [outcomes[i] for i in range(len(computations))]
