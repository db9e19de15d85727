"""Runs a part of the check in a process, and ends it in time.

``python processes.py MODULE TASK``, with the module's name and its task as JSON, answers with what
``gpu.MODULE.play(task, requests)`` yields; ``requests`` are the lines of standard input. An error becomes an
answer ``failed``, with its traceback on standard error.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).parents[1]
# Around every process. One thread on the CPU: what is computed there is small, or is the reference. Products
# of float32 are float32: JAX by itself, and PyTorch in some containers, would take TensorFloat-32.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NVIDIA_TF32_OVERRIDE": "0",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "0",
    "JAX_DEFAULT_MATMUL_PRECISION": "highest",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}


class Ended(Exception):
    """A process failed, or was ended because the time was over; the message says which."""


class Process:
    """A module of ``gpu`` at work on a task.

    Parameters
    ----------
    module : str
    task : dict
        Plain enough for JSON.
    environment : mapping, optional
        Set around it, besides ``ENVIRONMENT``.
    """

    def __init__(
        self, module: str, task: dict[str, Any], environment: Mapping[str, str] | None = None
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), module, json.dumps(task)],
            env={**os.environ, **ENVIRONMENT, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def ask(self, request: dict[str, Any]) -> None:
        """Send a request; ``answer`` has what becomes of it."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: ``answer`` says how
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()

    def answer(self, until: float) -> dict[str, Any] | None:
        """The next answer, waited for until then by ``time.monotonic``; None after the last.

        Raises
        ------
        Ended
            If the process failed, or there is no answer in time.
        """
        try:
            line = self._lines.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            self.end()
            raise Ended("out of time") from None
        if not line:
            code = self._process.wait()
            if code:
                raise Ended(f"its process ended with code {code}")
            return None
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            self.end()
            raise Ended(answer["failed"])
        return answer

    def end(self) -> None:
        """End the process if it has not ended."""
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):  # one that waits for a device's driver may linger
            self._process.wait(timeout=5)
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._reader.join(timeout=5)
        self._process.stdout.close()


def main(module: str, task: dict[str, Any]) -> None:
    """Play the module's part of the check."""
    # Whatever a library prints is no answer: it goes to standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        from gpu.bare_package import import_treadle_from_here

        notes = import_treadle_from_here()
        for answer in import_module(f"gpu.{module}").play({**task, "notes": notes}, _requests()):
            say(answer)
    except Exception as error:  # whatever it is, it is this part's alone
        traceback.print_exception(error)
        say({"failed": f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"})


def _requests() -> Iterator[dict[str, Any]]:
    for line in sys.stdin:
        yield json.loads(line)


if __name__ == "__main__":
    sys.path[0] = str(BENCHMARKS)
    main(sys.argv[1], json.loads(sys.argv[2]))
