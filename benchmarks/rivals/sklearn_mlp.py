"""scikit-learn's MLPClassifier in float32, an epoch a call of ``partial_fit``, which keeps Adam's moments.

Its L2 penalty, on by default, is off. Its own initialisation is Glorot's; here it starts as the others do, so
that their losses can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from recipe import Recipe


def name(recipe: Recipe) -> str:
    return "scikit-learn, MLPClassifier, float32"


def versions() -> dict[str, str]:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {"scikit-learn": sklearn.__version__, "numpy": np.__version__, blas["name"]: blas["version"]}


class Classifier(MLPClassifier):
    """MLPClassifier with weights and biases uniform on +-1/sqrt(n_in) at the start."""

    def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        bound = fan_in**-0.5
        W = self._random_state.uniform(-bound, bound, (fan_in, fan_out)).astype(dtype)
        b = self._random_state.uniform(-bound, bound, fan_out).astype(dtype)
        return W, b


def prepare(recipe: Recipe, X: NDArray[Any], y: NDArray[Any], seed: int, threads: int) -> Callable[[], float]:
    pixels = X.astype(np.float32) / np.float32(255)
    classes = np.arange(recipe.sizes[-1])
    classifier = Classifier(
        recipe.sizes[1:-1],
        activation="relu",
        solver="adam",
        alpha=0.0,
        batch_size=recipe.batch_size,
        learning_rate_init=recipe.learning_rate,
        shuffle=True,
        # A generator, not a seed: a seed would give every call of partial_fit the same order of rows.
        random_state=np.random.RandomState(seed),
    )

    def train_epoch() -> float:
        classifier.partial_fit(pixels, y, classes=classes)
        return float(classifier.loss_)

    return train_epoch
