"""What one run of the benchmark is: how much of it, on how many threads, and what treadle can do here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contest import Contestant
from recipe import Recipe
from results import LOSS_TOLERANCE
from worker import TrainingTask

ROUNDS = 5
THREADS = 2
# Past the classic run's 60 000 rows nothing is left of Fashion-MNIST.
ALL_ROWS = 60_000


@dataclass(frozen=True)
class Settings:
    """One run of the benchmark.

    Parameters
    ----------
    rounds : int
        Timed epochs of each rival, after one to warm up.
    threads : int
    seed : int
    rows : int or None
        Training rows of each epoch; None: all.
    rivals : tuple of str or None
        Names of ``TRAINED`` to take part; None: all.
    native_kernels : str
        Which of its kernels treadle's native engine takes; empty where it is not here.
    no_bfloat16 : str or None
        Why treadle's native engine does not train in bfloat16 here; None where it does.
    """

    rounds: int
    threads: int
    seed: int
    rows: int | None
    rivals: tuple[str, ...] | None
    native_kernels: str
    no_bfloat16: str | None

    @property
    def n_rows(self) -> int:
        """Training rows of an epoch."""
        return min(self.rows or ALL_ROWS, ALL_ROWS)

    def plays(self, name: str) -> bool:
        """Whether that rival takes part: asked for, and of use on this processor."""
        if self.rivals is not None and name not in self.rivals:
            return False
        if "bfloat16" in name:
            return self.no_bfloat16 is None
        return name != "native-avx2" or self.native_kernels not in ("avx2", "portable", "neon")


@dataclass(frozen=True)
class Trained:
    """A module of ``rivals`` in one precision, with what to set around it.

    ``tolerance`` is that of its losses, see results.py.
    """

    module: str
    precision: str = "float32"
    environment: tuple[tuple[str, str], ...] = ()
    tolerance: float = LOSS_TOLERANCE

    def contestant(self, recipe: Recipe, settings: Settings, **task: Any) -> Contestant:
        """It, at that recipe in its own precision."""
        recipe = Recipe(recipe.sizes, recipe.batch_size, self.precision, recipe.learning_rate)
        values = {"threads": settings.threads, "seed": settings.seed, "rows": settings.rows, **task}
        return Contestant("worker.py", TrainingTask(self.module, recipe, **values), dict(self.environment))


TRAINED = {
    "native": Trained("treadle_native"),
    "native-avx2": Trained("treadle_native", environment=(("TREADLE_SIMD", "avx2"),)),
    "native-bfloat16": Trained("treadle_native", "bfloat16"),
    "numpy": Trained("treadle_numpy"),
    "reference": Trained("reference_script"),
    "torch": Trained("torch_in_memory"),
    "torch-bfloat16": Trained("torch_in_memory", "bfloat16"),
    # Weights of eight bits miss many of Adam's small steps: its loss ends some per cent above the others'.
    "torch-bfloat16-weights": Trained("torch_in_memory", "bfloat16 weights", tolerance=0.15),
    "sklearn": Trained("sklearn_mlp"),
    "jax": Trained("jax_scan"),
}
