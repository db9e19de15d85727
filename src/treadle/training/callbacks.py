"""The protocol of training's callbacks, and the training that they see.

A callback is called when training begins, at the end of each epoch, and when training ends, however that is::

    on_fit_begin(training)     nothing is trained yet; ``training.restore`` goes on from a checkpoint
    on_epoch_end(training)     the epoch is in the history; returning True stops the training after it
    on_fit_end(training)       also after an exception or Ctrl-C

Derive from ``Callback`` and write those that are needed; or give a function, which is called at the end of
each epoch. They are called in the order in which they are given, those that save checkpoints after all
others, and whoever says stop, the others still see that epoch. What they know beyond the history they give as
arrays (``state``), and it is in the checkpoint.

This file trains nothing, prints nothing and writes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from treadle.engines.engine import Engine, TrainingProblem
from treadle.errors import InvalidInput
from treadle.maths.dtypes import Arrays
from treadle.network import Parameters
from treadle.training.checkpoint import Checkpoint
from treadle.training.held_out import HeldOut
from treadle.training.history import EpochRecord, History
from treadle.training.loop import TrainingLoop, TrainingPlan

# The callbacks' arrays in a checkpoint have names that begin so; then come a callback's number, its class
# and the array's own name, with dots between.
STATE_PREFIX = "callback."
STOPPED = f"{STATE_PREFIX}stopped"


class Callback:
    """The base of callbacks: does nothing at any moment of training.

    Attributes
    ----------
    sees_what_others_did : bool
        Whether it is called after all others that are not so.

    Examples
    --------
    >>> from treadle import Callback, MLPClassifier
    >>> class Twice(Callback):
    ...     def on_epoch_end(self, training):
    ...         return len(training.history) == 2
    >>> MLPClassifier((4,), callbacks=Twice()).fit([[0.0], [1.0]], [0, 1]).n_iter_
    2
    """

    sees_what_others_did: ClassVar[bool] = False

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Let a class with an ``on_epoch_end`` of its own look at each epoch, unless it says when it looks.

        What it inherits as ``next_look`` speaks for the ``on_epoch_end`` that it replaces.
        """
        super().__init_subclass__(**arguments)
        at_end, look = (
            next(i for i, base in enumerate(cls.__mro__) if name in vars(base))
            for name in ("on_epoch_end", "next_look")
        )
        if at_end < look:
            cls.next_look = Callback.next_look  # type: ignore[method-assign]

    def on_fit_begin(self, training: Training) -> None:
        """Called before training begins, or a later callback restores it."""

    def next_look(self) -> float:
        """In how many epochs this looks at more than the record of an epoch, or says stop, at the earliest.

        Until then the parameters that it sees in ``on_epoch_end`` may be those of a later epoch. Short epochs
        at which no callback looks are trained in one go. A class that writes ``on_epoch_end`` anew writes
        this anew as well, or looks at each epoch.
        """
        return 1

    def on_epoch_end(self, training: Training) -> bool | None:
        """Called after an epoch entered ``training.history``; returning True stops training."""

    def on_fit_end(self, training: Training) -> None:
        """Called when training ends: by its plan, a callback or an exception."""

    def state(self) -> Arrays:
        """Return this callback's state for checkpoints, besides the history.

        Arrays are float32, float64 or int64, all finite.
        """
        return {}

    def load_state(self, state: Arrays) -> None:
        """Go on from what ``state`` returned."""


class FunctionCallback(Callback):
    """Calls a function of the training each epoch; True stops training."""

    def __init__(self, function: Callable[[Training], object]) -> None:
        self._function = function

    def on_epoch_end(self, training: Training) -> bool:
        """Call the function; stop only if it returns True.

        It may return anything else it likes.
        """
        return _is_true(self._function(training))


Hook: TypeAlias = "Callback | Callable[[Training], object]"
Callbacks: TypeAlias = "Hook | Sequence[Hook] | None"


def as_callbacks(value: object) -> tuple[Callback, ...]:
    """Turn a callback, a function, a sequence of them or None into a tuple.

    Raises
    ------
    InvalidInput
        If something is neither a callback nor a function, or a class where an instance is meant.
    """
    if value is None:
        return ()
    given: Iterable[object] = (
        value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    )
    return tuple(map(_as_callback, given))


def _as_callback(value: object) -> Callback:
    if isinstance(value, Callback):
        return value
    if isinstance(value, type):
        raise InvalidInput(f"callbacks must be instances; got the class {value.__name__}: call it")
    if hasattr(value, "on_fit_task_end"):
        raise InvalidInput(
            f"{type(value).__name__} is a callback of scikit-learn: give it to the estimator's set_callbacks"
        )
    if not callable(value):
        raise InvalidInput(
            f"callbacks must be a callback, a function of the training, or a sequence of such; got {value!r}"
        )
    return FunctionCallback(value)


def _is_true(value: object) -> bool:
    """Say whether a value is True, of Python or NumPy."""
    return isinstance(value, bool | np.bool_) and bool(value)


def _state_prefix(i: int, callback: Callback) -> str:
    return f"{STATE_PREFIX}{i}.{type(callback).__name__}."


class Training:
    """A training loop with its callbacks, as they see it.

    Parameters
    ----------
    loop : TrainingLoop
    callbacks : a callback or function, a sequence of them, or None
    estimator : object, optional
        Whose fit this is.

    Attributes
    ----------
    callbacks : tuple of Callback
    estimator : object or None
    stopped_by : Callback or None
        The first that said stop.

    Examples
    --------
    >>> from treadle import MLPClassifier
    >>> def stop_at_three(training):
    ...     return training.record.epoch == 3
    >>> MLPClassifier((4,), callbacks=stop_at_three).fit([[0.0], [1.0]], [0, 1]).n_iter_
    3
    """

    def __init__(self, loop: TrainingLoop, callbacks: object = None, *, estimator: object = None) -> None:
        self._loop = loop
        self.callbacks = tuple(sorted(as_callbacks(callbacks), key=lambda c: c.sees_what_others_did))
        self.estimator = estimator
        self.stopped_by: Callback | None = None

    @property
    def engine(self) -> Engine:
        """The engine that trains."""
        return self._loop.engine

    @property
    def problem(self) -> TrainingProblem:
        """The problem that is trained: network, objective, data."""
        return self._loop.problem

    @property
    def held_out(self) -> HeldOut | None:
        """The rows that each epoch is evaluated on, or None."""
        return self._loop.held_out

    @property
    def plan(self) -> TrainingPlan:
        """The plan: epochs, learning rates, order of rows."""
        return self._loop.plan

    @property
    def history(self) -> History:
        """The epochs so far."""
        return self._loop.history

    @property
    def is_between_epochs(self) -> bool:
        """Whether the state is that of the history's last epoch.

        It is not after an exception within an epoch, nor between epochs that were trained in one go.
        """
        return self._loop.is_between_epochs

    @property
    def record(self) -> EpochRecord:
        """The last epoch; InvalidInput before the first."""
        if len(self.history) == 0:
            raise InvalidInput("there is no record before the end of the first epoch")
        return self.history[-1]

    def parameters(self) -> Parameters:
        """Copy the parameters that training would end with now."""
        return self._loop.parameters()

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the numbers of the rows in an epoch's order.

        The rows are those of ``problem.X``; epochs count from 1.
        """
        return self._loop.order(epoch)

    def keep(self, parameters: Parameters) -> None:
        """Let training end with these parameters, such as the best epoch's."""
        self._loop.keep(parameters)

    def checkpoint(self) -> Checkpoint:
        """Return all that is needed to resume here to the same bits.

        It has the callbacks' state in it. Raises as ``TrainingLoop.checkpoint``.
        """
        checkpoint = self._loop.checkpoint()
        states = {
            _state_prefix(i, callback) + name: array
            for i, callback in enumerate(self.callbacks)
            for name, array in callback.state().items()
        }
        if self.stopped_by is not None:
            states[STOPPED] = np.array(self.callbacks.index(self.stopped_by))
        return Checkpoint({**checkpoint.state, **states}, checkpoint.history)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Resume from a checkpoint of a training with the same callbacks.

        They are of the same kinds, in the same order. Training that a callback had stopped there stays
        stopped.

        Raises
        ------
        InvalidInput
            If the checkpoint is of another training; see ``TrainingLoop.restore``.
        """
        own: Arrays = {}
        others: Arrays = {}
        for name, array in checkpoint.state.items():
            (others if name.startswith(STATE_PREFIX) else own)[name] = array
        self._loop.restore(Checkpoint(own, checkpoint.history))
        for i, callback in enumerate(self.callbacks):
            prefix = _state_prefix(i, callback)
            names = [name for name in others if name.startswith(prefix)]
            if names:
                callback.load_state({name.removeprefix(prefix): others.pop(name) for name in names})
        stopped = others.pop(STOPPED, None)
        if stopped is not None and stopped.shape == () and 0 <= stopped < len(self.callbacks):
            self.stopped_by = self.callbacks[int(stopped)]
        if others:
            raise InvalidInput(
                f"the checkpoint was made with {len(others)} arrays of callbacks that are not here, "
                f"{sorted(others)[0]!r} among them: give the callbacks that it was made with, in their order"
            )

    def changing_parts(self) -> list[object]:
        """Return what ``run`` changes, which no two trainings at once may share."""
        return [self, *self._loop.changing_parts(), *self.callbacks]

    def _next_look(self) -> float:
        return min((callback.next_look() for callback in self.callbacks), default=math.inf)

    def run(self) -> None:
        """Train to the plan's end, or until a callback stops it.

        After ``on_fit_begin`` each callback has its ``on_fit_end`` called, in the opposite order, after any
        exception too.

        Raises
        ------
        TrainingDiverged
            As ``TrainingLoop.epochs``.
        InvalidInput
            If a callback says stop earlier than its ``next_look`` allows: later epochs are trained by then.
        """
        with ExitStack() as stack:
            stack.enter_context(self.engine.session())
            for callback in self.callbacks:
                stack.callback(callback.on_fit_end, self)
                callback.on_fit_begin(self)
            epochs = self._loop.epochs(self._next_look)
            while self.stopped_by is None and next(epochs, None) is not None:
                for callback in self.callbacks:
                    if _is_true(callback.on_epoch_end(self)) and self.stopped_by is None:
                        self.stopped_by = callback
                if self.stopped_by is not None and not self.is_between_epochs:
                    raise InvalidInput(
                        f"{type(self.stopped_by).__name__} stopped training after epoch {self.record.epoch}, "
                        "and later ones are trained already, as its next_look said that it would not: let "
                        "next_look return 1, or how many epochs there are until it may stop"
                    )
