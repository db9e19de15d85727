"""SciPy's L-BFGS-B, an iteration at a time.

SciPy's ``minimize`` returns when the search is over, and calls back after each iteration. Here it runs in a
thread of its own, which waits in that call until the next iteration is requested: at any time one of the two
threads works and the other waits.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from treadle.hardware.at_once import stop_if_asked
from treadle.hardware.blas_threads import one_blas_thread

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult


@dataclass(frozen=True)
class Iterate:
    """The parameters at the end of an iteration, and the loss there."""

    x: NDArray[np.float64]
    loss: float


@dataclass(frozen=True)
class _End:
    """SciPy's result, or the exception that ended the search."""

    result: OptimizeResult
    error: BaseException | None = None


class _ClosedError(Exception):
    """Ends SciPy's search between two evaluations."""


class Search:
    """A search in progress.

    Parameters
    ----------
    objective : callable
        From x (P,) to the loss and its gradient (P,), in float64.
    x : ndarray of shape (P,), float64
        Where to start.
    options : dict
        Of SciPy's method "L-BFGS-B".
    """

    def __init__(
        self,
        objective: Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]],
        x: NDArray[np.float64],
        options: dict[str, float],
    ) -> None:
        self._objective = objective
        self._x = x
        self._options = options
        self._reports: SimpleQueue[Iterate | _End] = SimpleQueue()
        self._answers: SimpleQueue[bool] = SimpleQueue()  # whether to stop
        self._thread: threading.Thread | None = None
        self._end: _End | None = None
        self._closed = False

    def advance(self, *, stop: bool = False) -> Iterate | None:
        """Return the next iterate; None where the search has ended.

        It may end here by ``stop``.

        Raises
        ------
        BaseException
            What the objective raised.
        """
        if self._end is None:
            if self._thread is None:
                # NumPy's handling of floating-point errors is the context's.
                context = contextvars.copy_context()
                self._thread = threading.Thread(target=context.run, args=(self._run,), daemon=True)
                self._thread.start()
            else:
                self._answers.put(stop)
            report = self._reports.get()
            if isinstance(report, Iterate):
                return report
            self._end = report
        if self._end.error is not None:
            raise self._end.error
        return None

    def result(self, *, stop: bool) -> OptimizeResult:
        """Return SciPy's result, after all iterations left, or with ``stop`` at once."""
        while self.advance(stop=stop) is not None:
            pass
        assert self._end is not None
        return self._end.result

    def close(self) -> None:
        """End the search, and wait until it has ended.

        That takes an evaluation at most.
        """
        self._closed = True
        if self._thread is not None:
            self._answers.put(True)
            self._thread.join()

    def _run(self) -> None:
        from scipy.optimize import minimize

        try:
            # SciPy's part of an iteration is small products, for which threads only wait for each other.
            with one_blas_thread():
                result = minimize(
                    self._evaluate,
                    self._x,
                    method="L-BFGS-B",
                    jac=True,
                    options=self._options,
                    callback=self._on_iteration,
                )
        except BaseException as error:
            self._reports.put(_End(None, error))
        else:
            self._reports.put(_End(result))

    def _evaluate(self, x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        if self._closed:
            raise _ClosedError
        stop_if_asked()
        return self._objective(x)

    def _on_iteration(self, intermediate_result: OptimizeResult) -> None:
        # SciPy goes on writing into its x.
        self._reports.put(Iterate(intermediate_result.x.copy(), float(intermediate_result.fun)))
        if self._answers.get():
            raise StopIteration
