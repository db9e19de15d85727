"""Rounds of contestants, each in a process of its own, interleaved.

Each plays one round, then each the next: a machine that slows down or is shared for a while does so for all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from machine import THREAD_VARIABLES

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Contestant:
    """A script beside this file that ``worker.serve`` runs, with its task and what to set around it."""

    script: str
    task: Any
    environment: Mapping[str, str] = field(default_factory=dict)


class ContestantEnded(Exception):
    """A contestant ended before its last round; its own message is on standard error."""


class _Process:
    def __init__(self, contestant: Contestant) -> None:
        threads = str(contestant.task.threads)
        self.script = contestant.script
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / contestant.script), json.dumps(asdict(contestant.task))],
            env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, threads), **contestant.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def answer(self) -> dict[str, Any]:
        """The next line of the process, waited for."""
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            raise ContestantEnded(
                f"{self.script} ended early, with code {self.process.wait()}; its own message is above"
            )
        answer: dict[str, Any] = json.loads(line)
        return answer

    def play(self) -> dict[str, Any]:
        """One more round."""
        self.process.stdin.write("\n")  # type: ignore[union-attr]
        self.process.stdin.flush()  # type: ignore[union-attr]
        return self.answer()


def play(contestants: Sequence[Contestant], rounds: int) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """For each contestant what it said of itself, and its answers: the warm-up's first, then ``rounds``."""
    processes: list[_Process] = []
    played: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    try:
        # One after the other, so that nobody's preparation runs beside another's.
        for contestant in contestants:
            processes.append(_Process(contestant))
            played.append((processes[-1].answer(), []))
        for i in range(rounds + 1):
            label = f"round {i}" if i else "warm-up"
            for process, (ready, answers) in zip(processes, played, strict=True):
                answers.append(process.play())
                told = "  ".join(f"{k} {v:.4g}" for k, v in answers[-1].items() if isinstance(v, float))
                print(f"{label:8} {ready['name']:52} {told}", file=sys.stderr, flush=True)
    finally:
        for process in processes:
            process.process.communicate()
    return played
