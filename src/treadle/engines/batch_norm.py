r"""Batch normalisation by hand, forwards and backwards, for the NumPy engine.

Where layer l has it, equation (1) of ``treadle.engines.numpy_engine``, z = a W + b, gives way to three (Ioffe
and Szegedy 2015, algorithm 1), all sums and means running over the n rows of the batch::

    u = a W                                    (n, n_l)                                                 (9)
    s = (u - m) / sqrt(v + eps)                m = mean of u, v = mean of (u - m)^2, both (n_l,)       (10)
    z = g * s + b                              g scales (n_l,), b biases (n_l,)                        (11)

On the way back, with d = dJ/dz::

    dJ/dg = sum over the rows of d * s                                from (11); dJ/db is (8)          (12)
    dJ/du = g / sqrt(v + eps) * (d - mean of d - s * mean of (d * s))                                  (13)

(13): u_i moves s_i directly, and every s_j through m and through v; with c = d * g = dJ/ds the chain rule
gives dJ/du_i = (c_i - mean of c - s_i * mean of (c * s)) / sqrt(v + eps). Then dJ/dW = a^T dJ/du takes the
place of (7), and dJ/du W^T goes on to (6).

After each step of training the running statistics move a tenth of the way to the batch's: the mean to m, the
variance to n v / (n - 1), which is unbiased. A batch of one row has u = m: s is 0, z is b, no gradient passes
below z, and the running statistics stay, since one row tells nothing of a variance.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from treadle.maths.dtypes import Floats
from treadle.network import BATCH_NORM_EPSILON, Parameters

# The share of the way that a step moves the running statistics: PyTorch's value.
BATCH_NORM_MOMENTUM = 0.1


class BatchNorm:
    """The passes of one layer's normalisation, in arrays that are reused.

    Batches have at most n_rows rows.

    Parameters
    ----------
    n_rows : int
    layer : int
        Index of a layer that has batch normalisation.
    parameters : Parameters
        Whose scales and biases of that layer are used, and whose running statistics are moved.
    gradients : Parameters
        Where dJ/dg goes.

    Attributes
    ----------
    sums : ndarray of shape (n_rows, n_l)
        The caller puts u here before ``forward``, which leaves s.
    """

    def __init__(self, n_rows: int, layer: int, parameters: Parameters, gradients: Parameters) -> None:
        self._bias = parameters.biases[layer]
        self._scale = cast(Floats, parameters.scales[layer])
        self._scale_gradient = cast(Floats, gradients.scales[layer])
        self._running_mean = cast(Floats, parameters.running_means[layer])
        self._running_variance = cast(Floats, parameters.running_variances[layer])
        self.sums = np.empty((n_rows, self._bias.size), dtype=parameters.dtype)
        self._scratch = np.empty_like(self.sums)
        self._mean = np.zeros_like(self._bias)
        self._variance = np.zeros_like(self._bias)
        self._deviation = np.zeros_like(self._bias)
        self._n = 0

    def forward(self, out: Floats) -> None:
        """Compute equations (10) and (11): z in out (n, n_l).

        u is in ``sums``.
        """
        n = self._n = len(out)
        s, scratch = self.sums[:n], self._scratch[:n]
        np.mean(s, axis=0, out=self._mean)
        s -= self._mean
        np.multiply(s, s, out=scratch)
        np.mean(scratch, axis=0, out=self._variance)
        np.add(self._variance, BATCH_NORM_EPSILON, out=self._deviation)
        np.sqrt(self._deviation, out=self._deviation)
        s /= self._deviation
        np.multiply(s, self._scale, out=out)
        out += self._bias

    def backward(self, d: Floats) -> None:
        """Compute equations (12) and (13): d, dJ/dz, becomes dJ/du.

        The batch is that of the last ``forward``.
        """
        n = self._n
        s, scratch = self.sums[:n], self._scratch[:n]
        np.multiply(d, s, out=scratch)
        np.sum(scratch, axis=0, out=self._scale_gradient)
        np.multiply(s, self._scale_gradient / n, out=scratch)
        d -= np.mean(d, axis=0)
        d -= scratch
        d *= self._scale / self._deviation

    def update_statistics(self) -> None:
        """Move the running mean and variance towards those of the last batch.

        That is the batch of the last ``forward``.
        """
        n = self._n
        if n > 1:
            self._running_mean += BATCH_NORM_MOMENTUM * (self._mean - self._running_mean)
            unbiased = self._variance * (n / (n - 1))
            self._running_variance += BATCH_NORM_MOMENTUM * (unbiased - self._running_variance)
