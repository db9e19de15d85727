"""JAX: a whole epoch compiled into one call, ``lax.scan`` over its batches, with optax's Adam.

Pixels stay uint8 and are converted as a batch is gathered. A scan's steps all have one shape, so the last
partial batch is one more step after it, in the same compiled call.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np
import optax
from numpy.typing import NDArray

from recipe import Recipe


def name(recipe: Recipe) -> str:
    return "JAX, lax.scan over an epoch, float32"


def versions() -> dict[str, str]:
    return {"jax": jax.__version__, "jaxlib": jaxlib.__version__, "optax": optax.__version__}


def prepare(
    recipe: Recipe, X: NDArray[Any], y: NDArray[Any], seed: int, threads: int, device: str = "cpu"
) -> Callable[[], float]:
    jax.config.update("jax_default_device", jax.devices("gpu" if device == "cuda" else device)[0])
    n_rows = len(X)
    n_full = n_rows // recipe.batch_size * recipe.batch_size
    images, labels = jnp.asarray(X), jnp.asarray(y, dtype=jnp.int32)
    optimizer = optax.adam(recipe.learning_rate)

    def batch_loss(layers: Any, a: Any, targets: Any) -> Any:
        for W, b in layers[:-1]:
            a = jax.nn.relu(a @ W + b)
        W, b = layers[-1]
        return optax.softmax_cross_entropy_with_integer_labels(a @ W + b, targets).mean()

    @partial(jax.jit, donate_argnums=0)
    def epoch(carry: Any, images: Any, labels: Any, key: Any) -> tuple[Any, Any]:
        def step(carry: Any, rows: Any) -> tuple[Any, Any]:
            layers, moments = carry
            pixels = images[rows].astype(jnp.float32) * jnp.float32(1 / 255)
            loss, gradients = jax.value_and_grad(batch_loss)(layers, pixels, labels[rows])
            updates, moments = optimizer.update(gradients, moments)
            return (optax.apply_updates(layers, updates), moments), loss * len(rows)

        order = jax.random.permutation(key, n_rows)
        carry, losses = jax.lax.scan(step, carry, order[:n_full].reshape(-1, recipe.batch_size), unroll=4)
        total = losses.sum()
        if n_full < n_rows:
            carry, loss = step(carry, order[n_full:])
            total += loss
        return carry, total / n_rows

    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in pairwise(recipe.sizes):
        bound = n_in**-0.5
        W = rng.uniform(-bound, bound, (n_in, n_out)).astype(np.float32)
        b = rng.uniform(-bound, bound, n_out).astype(np.float32)
        layers.append((jnp.asarray(W), jnp.asarray(b)))
    carry = (layers, optimizer.init(layers))
    key = jax.random.key(seed)

    def train_epoch() -> float:
        nonlocal carry, key
        key, subkey = jax.random.split(key)
        carry, loss = epoch(carry, images, labels, subkey)
        return float(loss)

    return train_epoch
