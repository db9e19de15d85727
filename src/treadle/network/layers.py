"""The parts of a network: a layer, and a block of parameters that are trained alike."""

from __future__ import annotations

from dataclasses import dataclass

# Added to a variance before its root is taken, so that no unit is divided by 0: PyTorch's value.
BATCH_NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class Layer:
    """One layer with weights W (n_in, n_out) and biases b (n_out,).

    ``a_out = dropout(activation(a_in W + b))`` or, with batch normalisation,
    ``a_out = dropout(activation(scale * normalised(a_in W) + b))``. Where it is parametric, the activation
    is ``(1 - slope) z + slope activation(z)``, with slopes (n_out,).
    """

    n_in: int
    n_out: int
    activation: str
    dropout: float
    batch_norm: bool
    parametric: bool


@dataclass(frozen=True)
class Block:
    """Consecutive elements of ``Parameters.flat``, one array, that are trained alike.

    Parameters
    ----------
    name : str
        As in ``Parameters.trainable``.
    where : slice
        Of ``Parameters.flat``.
    shape : tuple of int
    rate : float >= 0
        What the learning rate is multiplied by.
    decay : float >= 0
        What weight decay and the L2 penalty are multiplied by: 0 for what does not decay.
    epsilon : float > 0
        What Adam's epsilon is multiplied by. An array that is k times what is trained has rate k, and decay
        and epsilon 1 / k: its gradient is 1 / k times the other's.
    """

    name: str
    where: slice
    shape: tuple[int, ...]
    rate: float = 1.0
    decay: float = 0.0
    epsilon: float = 1.0
