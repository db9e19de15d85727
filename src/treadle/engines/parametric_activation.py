r"""Parametric activations by hand, forwards and backwards, for the NumPy engine.

Where layer l has them, equation (2) of ``treadle.engines.numpy_engine``, h = f(z), gives way to a mean of z
and f(z), with a trained slope k for each unit (Holzmueller et al. 2024)::

    h = (1 - k) z + k f(z) = z + k (f(z) - z)       (n, n_l)    slopes k (n_l,)                          (14)

On the way back, with d = dJ/dh::

    dJ/dk = sum over the rows of d * (f(z) - z)                                                          (15)
    dJ/dz = d * (1 - k + k f'(z))                   f' has this place in (6)                             (16)

With k = 1, where training begins, h is f(z); with k = 0 the layer would be linear.
"""

from __future__ import annotations

import numpy as np

from treadle.maths.activations import Activation
from treadle.maths.dtypes import Floats


class ParametricActivation:
    """The passes of one layer's parametric activation, in arrays that are reused.

    Batches have at most n_rows rows.

    Parameters
    ----------
    n_rows : int
    activation : Activation
        f.
    slopes : ndarray of shape (n_l,)
    """

    def __init__(self, n_rows: int, activation: Activation, slopes: Floats) -> None:
        self._f = activation
        self._slopes = slopes
        self._values = np.empty((n_rows, slopes.size), slopes.dtype)
        self._difference = np.empty_like(self._values)

    def forward(self, z: Floats, out: Floats) -> None:
        """Compute equation (14): h in out (n, n_l)."""
        n = len(z)
        values, difference = self._values[:n], self._difference[:n]
        self._f.value(z, out=values)
        np.subtract(values, z, out=difference)
        np.multiply(difference, self._slopes, out=out)
        out += z

    def backward(self, d: Floats, z: Floats, slope_gradient: Floats) -> None:
        """Compute equations (15) and (16): d, dJ/dh, becomes dJ/dz.

        The batch is that of the last ``forward``. dJ/dk goes into ``slope_gradient``.
        """
        n = len(z)
        values, difference = self._values[:n], self._difference[:n]
        np.multiply(d, difference, out=difference)
        np.sum(difference, axis=0, out=slope_gradient)
        curved = np.multiply(d, self._slopes, out=difference)
        d -= curved
        self._f.backward(curved, values if self._f.in_place else z, values)
        d += curved
