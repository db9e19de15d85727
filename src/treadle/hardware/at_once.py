"""Runs independent computations at once, in a thread of Python each, and stops them all together.

The kernel and BLAS let go of the interpreter's lock while they compute, so the threads share the processors
as processes would, and nothing is copied or pickled. A computation is told how many processors are its own
(``usable_threads``), and never waits for another. It sees NumPy's handling of errors, and whatever else the
caller's context holds. What it draws and sums does not depend on who runs beside it.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from treadle.errors import FitsFailed, InvalidInput
from treadle.hardware.processors import check_n_threads, share, usable_threads

Result = TypeVar("Result")

_stop: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar("stop", default=None)

# Seconds between two looks at whether the computation that this one is a part of is to stop.
PATIENCE = 0.1
# Of those that failed, how many are named.
NAMED = 5


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
    given = check_n_threads(n_threads)
    n = usable_threads().n if given is None else given
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


def refuse_shared(what: str, parts: Sequence[Iterable[object]], remedy: str) -> None:
    """Raise InvalidInput if two computations have one object that they would both change.

    Parameters
    ----------
    what : str
        What they are called, several of them.
    parts : sequence of iterables
        Of each, the objects that it changes.
    remedy : str
    """
    held = [list(of_one) for of_one in parts]  # while they are compared no other object has their place
    owner: dict[int, int] = {}
    for i, of_one in enumerate(held):
        for part in {id(part): part for part in of_one}.values():
            first = owner.setdefault(id(part), i)
            if first != i:
                raise InvalidInput(
                    f"what runs at once cannot share what it changes; {what} {first} and {i} (from 0) have "
                    f"one {type(part).__name__}: {remedy}"
                )


def raise_failures(
    what: str, ended: str, outcomes: Sequence[Outcome[Result]], name: Callable[[int], str] | None = None
) -> None:
    """Raise FitsFailed if some failed: how many, which, and why the first of them did.

    Parameters
    ----------
    what, ended : str
        What they are called, several of them, and what is true of those that did not fail.
    outcomes : sequence of Outcome
    name : callable, or None
        From the number of one to what it is, for the message.
    """
    errors = {i: outcome.error for i, outcome in enumerate(outcomes) if outcome.error is not None}
    if not errors:
        return
    first = min(errors)
    numbers = ", ".join(map(str, list(errors)[:NAMED])) + (" ..." if len(errors) > NAMED else "")
    which = f"number {first}" if name is None else f"number {first}, {name(first)}"
    raise FitsFailed(
        f"{len(errors)} of {len(outcomes)} {what} failed, {numbers} (from 0); the others {ended}. "
        f"Of {which}: {type(errors[first]).__name__}: {errors[first]}",
        errors,
    ) from errors[first]
