"""Back-propagation one equation at a time, every result kept, for those who want to look at it.

The equations are (1) to (8) of ``treadle.engines.numpy_engine``, a method each, so that one can be replaced
and be seen to be wrong. The engine computes the same in memory that it uses again, and is what trains. Layers
with batch normalisation and dropout are refused: their equations are others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from treadle.engines.objective import Objective
from treadle.engines.rows import DenseRows, check_rows
from treadle.errors import InvalidInput
from treadle.maths.activations import ACTIVATIONS
from treadle.maths.dtypes import Floats, Numbers
from treadle.network import Parameters


@dataclass(frozen=True)
class Steps:
    """The results of all equations, for a batch of N rows and L layers.

    Attributes
    ----------
    inputs : ndarray of shape (N, D)
        a_0, scaled and shifted.
    z, h : tuples of L ndarrays, (N, n_l)
        Of (1) and (2); a is h, as there is no dropout. The last h are the logits.
    loss : float
        J of (4), with the penalty.
    d : tuple of L ndarrays, (N, n_l)
        dJ/dz of (5) and (6).
    gradients : Parameters
        Of (7) and (8).
    """

    inputs: Floats
    z: tuple[Floats, ...]
    h: tuple[Floats, ...]
    loss: float
    d: tuple[Floats, ...]
    gradients: Parameters


class Equations:
    """Equations (1) to (8) of the NumPy engine, one method each."""

    def sums(self, a: Floats, W: Floats, b: Floats) -> Floats:
        """(1): z_l = a_(l-1) W_l + b_l."""
        return a @ W + b

    def outputs(self, activation: str, z: Floats) -> Floats:
        """(2): h_l = f_l(z_l)."""
        return cast(Floats, ACTIVATIONS[activation].value(z))  # real, since z is

    def loss(self, objective: Objective, logits: Floats, y: Numbers, parameters: Parameters) -> float:
        """(4): the mean loss of the rows, and the penalty."""
        squares = sum(float(np.sum(W * W)) for W in parameters.weights)
        return objective.data_loss(logits, y) + objective.l2 / 2 * squares

    def last_derivative(self, objective: Objective, logits: Floats, y: Numbers) -> Floats:
        """(5): d_L = dJ/dh_L."""
        return objective.data_gradient(logits, y)

    def derivative(self, d_above: Floats, W_above: Floats, activation: str, z: Floats) -> Floats:
        """(6): d_l = (d_(l+1) W_(l+1)^T) * f_l'(z_l)."""
        slope = cast(Floats, ACTIVATIONS[activation].derivative(z))
        return np.asarray((d_above @ W_above.T) * slope)

    def weight_gradient(self, a: Floats, d: Floats, W: Floats, l2: float) -> Floats:
        """(7): dJ/dW_l = a_(l-1)^T d_l + l2 W_l."""
        return a.T @ d + l2 * W

    def bias_gradient(self, d: Floats) -> Floats:
        """(8): dJ/db_l = sum over the rows of d_l."""
        return np.asarray(d.sum(axis=0))

    def steps(self, parameters: Parameters, X: DenseRows, y: Numbers, *, objective: Objective) -> Steps:
        """Compute them all, first to last.

        Parameters
        ----------
        parameters : Parameters
            Of a network without batch normalisation and without dropout.
        X, y, objective
            As in ``Engine.loss_and_gradients``; all rows count alike.

        Raises
        ------
        InvalidInput
            If the network has either, or the rows or the loss do not fit it.
        """
        network = parameters.network
        if any(layer.batch_norm or layer.dropout for layer in network.layers):
            raise InvalidInput(
                "equations (1) to (8) are of networks without batch normalisation and dropout; got "
                f"batch_norm={network.batch_norm} and dropout={network.dropout}"
            )
        objective.check_fits(network)
        check_rows(network, X)
        inputs = np.asarray(X * network.input_scale + network.input_offset, parameters.dtype)
        z: list[Floats] = []
        a = [inputs]
        for layer, W, b in zip(network.layers, parameters.weights, parameters.biases, strict=True):
            z.append(self.sums(a[-1], W, b))
            a.append(self.outputs(layer.activation, z[-1]))
        loss = self.loss(objective, a[-1], y, parameters)
        gradients = Parameters.zeros(network, parameters.dtype)
        d = [self.last_derivative(objective, a[-1], y)]
        for k in reversed(range(len(z))):
            gradients.weights[k][:] = self.weight_gradient(a[k], d[0], parameters.weights[k], objective.l2)
            gradients.biases[k][:] = self.bias_gradient(d[0])
            if k > 0:
                below = network.layers[k - 1].activation
                d.insert(0, self.derivative(d[0], parameters.weights[k], below, z[k - 1]))
        return Steps(inputs, tuple(z), tuple(a[1:]), loss, tuple(d), gradients)
