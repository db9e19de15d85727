r"""The input stage by hand, forwards and backwards, for the NumPy engine.

A row of X holds n numbers x_j, columns that go in as they are, and the codes of m categories
(``treadle.network.input_stage``). Between it and the first layer stand (18) to (21), with c trained
combinations of F cosines for a number, and v numbers for a category (Gorishniy et al. 2022; with phases and x
itself, Holzmueller et al. 2024)::

    g_jf = cos(2 pi x_j w_jf + p_jf)          (N, n, F)   frequencies w, phases p (n, F)                 (18)
    e_jc = sum_f g_jf V_jfc + q_jc            (N, n, c)   combinations V (n, F, c), their biases q       (19)
    t_k  = E_k[code_k]                        (N, m, v)   embeddings E_k, a row for each code            (20)
    a_0  = s * (e, x and plain columns, t)    (N, n_0)    scaling s (n_0,)                               (21)

On the way back, with d_0 = dJ/da_0 = d_1 W_1^T, and d_e and d_t the parts of d_0 * s that belong to e and t::

    dJ/ds   = sum over the rows of d_0 * (e, x and plain columns, t)          from (21)                  (22)
    dJ/dE_k = for each code the sum of d_t over the rows that have it         from (20)                  (23)
    dJ/dq   = sum over the rows of d_e                                        from (19)                  (24)
    dJ/dV_j = g_j^T d_e_j                                                     from (19)                  (25)
    u       = -(d_e V^T) * sin(2 pi x w + p)     dJ by the cosines' arguments, from (19) and (18)        (26)
    dJ/dp   = sum over the rows of u                                          from (18)                  (27)
    dJ/dw   = 2 pi * sum over the rows of u x                                 from (18)                  (28)

X is not trained, so nothing goes further back.
"""

from __future__ import annotations

import math

import numpy as np

from treadle.maths.dtypes import Floats
from treadle.network import InputStage, Parameters


class StagePasses:
    """The passes of an input stage, in arrays that are reused.

    Batches have at most n_rows rows.

    Parameters
    ----------
    n_rows : int
    stage : InputStage
    parameters : Parameters
        Of a network with that stage.
    gradients : Parameters, or None
        Where the derivatives go; None: there is no ``backward``.
    """

    def __init__(
        self, n_rows: int, stage: InputStage, parameters: Parameters, gradients: Parameters | None
    ) -> None:
        self._stage = stage
        self._arrays = parameters.input_arrays
        self._gradients = {} if gradients is None else gradients.input_arrays
        dtype, n, frequencies = parameters.dtype, stage.n_numbers, stage.n_frequencies
        self._two_pi = dtype.type(2 * math.pi)
        self._first_rows = np.array(stage.first_rows, np.int64)
        # By number, then row: for each number the rows are one matrix.
        self._arguments = np.empty((n, n_rows, frequencies), dtype)
        self._cosines = np.empty_like(self._arguments)
        self._combined = np.empty((n, n_rows, stage.n_combinations), dtype)
        self._joined = np.empty((n_rows, stage.width), dtype)
        self._scaled = np.empty_like(self._joined)
        self._X = np.empty((0, stage.n_inputs), dtype)
        self._rows_of_codes = np.empty((0, len(stage.category_counts)), np.int64)

    def forward(self, X: Floats) -> Floats:
        """Compute equations (18) to (21): a_0 (N, n_0), valid until the next call.

        X (N, D) is of the dtype of the parameters, its codes are whole and within their counts, and it is
        kept for ``backward``.
        """
        stage, arrays, n_rows = self._stage, self._arrays, len(X)
        joined = self._joined[:n_rows]
        self._X = X
        if stage.n_numbers:
            arguments, cosines, combined = self._of_numbers(n_rows)
            x = X[:, : stage.n_numbers].T[:, :, np.newaxis]
            np.multiply(x, (self._two_pi * arrays["frequencies"])[:, np.newaxis], out=arguments)
            arguments += arrays["phases"][:, np.newaxis]
            np.cos(arguments, out=cosines)  # (18)
            np.matmul(cosines, arrays["combinations"], out=combined)
            combined += arrays["combination_biases"][:, np.newaxis]  # (19)
            joined[:, : stage.n_combined].reshape(n_rows, stage.n_numbers, -1)[...] = combined.swapaxes(0, 1)
        end = stage.n_combined + stage.n_copied
        joined[:, stage.n_combined : end] = X[:, : stage.n_copied]
        if stage.category_counts:
            self._rows_of_codes = X[:, stage.n_copied :].astype(np.int64) + self._first_rows
            joined[:, end:] = arrays["embeddings"][self._rows_of_codes].reshape(n_rows, -1)  # (20)
        return np.multiply(joined, arrays["input_scales"], out=self._scaled[:n_rows])  # (21)

    def backward(self, d: Floats) -> None:
        """Compute equations (22) to (28) of the rows of the last ``forward``.

        d (N, n_0), dJ/da_0, becomes the derivative by what is scaled.
        """
        stage, arrays, gradients, n_rows = self._stage, self._arrays, self._gradients, len(d)
        joined = self._joined[:n_rows]
        np.sum(np.multiply(d, joined, out=joined), axis=0, out=gradients["input_scales"])  # (22)
        d *= arrays["input_scales"]
        if stage.category_counts:
            of_codes = d[:, stage.n_combined + stage.n_copied :].reshape(-1, stage.embedding_width)
            gradients["embeddings"][...] = 0
            np.add.at(gradients["embeddings"], self._rows_of_codes.ravel(), of_codes)  # (23)
        if stage.n_numbers:
            arguments, cosines, combined = self._of_numbers(n_rows)
            combined[...] = d[:, : stage.n_combined].reshape(n_rows, stage.n_numbers, -1).swapaxes(0, 1)
            np.sum(combined, axis=1, out=gradients["combination_biases"])  # (24)
            np.matmul(cosines.swapaxes(1, 2), combined, out=gradients["combinations"])  # (25)
            u = np.matmul(combined, arrays["combinations"].swapaxes(1, 2), out=cosines)
            np.sin(arguments, out=arguments)
            u *= arguments
            np.negative(u, out=u)  # (26)
            np.sum(u, axis=1, out=gradients["phases"])  # (27)
            u *= self._X[:, : stage.n_numbers].T[:, :, np.newaxis]
            np.sum(u, axis=1, out=gradients["frequencies"])
            gradients["frequencies"] *= self._two_pi  # (28)

    def _of_numbers(self, n_rows: int) -> tuple[Floats, Floats, Floats]:
        """The arguments, cosines and combinations of the first rows."""
        return self._arguments[:, :n_rows], self._cosines[:, :n_rows], self._combined[:, :n_rows]
