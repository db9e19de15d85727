r"""Initial parameters that suit the training data, layer by layer.

Layer l sees the outputs a of the layers before it, as they begin, for the rows of X, without dropout. Its
weights are normal, then each unit's are divided by the deviation of its sums; its biases put the kink of the
unit into the data ("he+5": Steinwart 2019, arXiv:1903.11482)::

    z_ij = sum_k a_ik G_kj,   G_kj ~ N(0, 1)                                                       (1)
    W_kj = G_kj / s_j         s_j the standard deviation of z_ij over the rows i                   (2)
    b_j  = -sum_r c_r z_(i_r, j) / s_j        five rows i_r drawn for each unit, c exponential
                                              and divided by their sum                             (3)

So every unit begins with sums of deviation 1 before the bias, and the bias is minus a sum within their range.
A unit whose sums do not vary keeps G. Slopes are 1, and the input stage's arrays as ``InputStage.initial``
draws them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from treadle.engines.input_stage import StagePasses
from treadle.engines.rows import Rows, check_rows, dense, n_rows
from treadle.errors import InvalidInput
from treadle.hardware.blas_threads import one_blas_thread
from treadle.maths.activations import ACTIVATIONS
from treadle.network import Network, Parameters

# Of more rows, as many are drawn: deviations are then known to half a per cent.
ROWS_SEEN = 32_768
ROWS_IN_A_BIAS = 5


def start_from_data(
    network: Network,
    X: Rows,
    random_state: int | np.random.SeedSequence = 0,
    dtype: DTypeLike = np.float32,
) -> Parameters:
    """Draw initial parameters by equations (1) to (3).

    Parameters
    ----------
    network : Network
        Without batch normalisation, which would undo the scaling.
    X : ndarray or csr_array of shape (N, D)
        The rows that are trained on; of more than 32 768, as many are drawn.
    random_state : int or SeedSequence
    dtype : float32 or float64
        Computed in float64 and rounded, so that both start at the same point.

    Raises
    ------
    InvalidInput
        If X has no rows or does not fit, or the network has batch normalisation.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import Network, start_from_data
    >>> X = np.random.default_rng(0).normal(5, 3, (100, 4))
    >>> start = start_from_data(Network((4, 50, 2)), X)
    >>> bool(np.allclose((X @ start.weights[0]).std(axis=0), 1, rtol=1e-5))
    True
    """
    if network.n_statistics:
        raise InvalidInput(
            "a start from data scales each layer's sums, which batch normalisation does too: take a network "
            "without it, or Parameters.initialise"
        )
    check_rows(network, X)
    if n_rows(X) == 0:
        raise InvalidInput("a start from data needs at least one row of X; got none")
    rng = np.random.default_rng(random_state)
    parameters = Parameters.initialise(network, random_state=rng, dtype=np.float64)
    if n_rows(X) > ROWS_SEEN:
        X = X[np.sort(rng.choice(n_rows(X), ROWS_SEEN, replace=False))]
    a = dense(X) * network.input_scale + network.input_offset
    if network.input_stage is not None:
        a = StagePasses(len(a), network.input_stage, parameters, None).forward(a)
    with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
        for i, layer in enumerate(network.layers):
            W = parameters.weights[i]
            W[...] = rng.standard_normal(W.shape)
            z = a @ W  # (1)
            deviation = z.std(axis=0)
            deviation[deviation == 0] = 1
            W /= deviation  # (2)
            z /= deviation
            rows = rng.integers(len(z), size=(ROWS_IN_A_BIAS, layer.n_out))
            shares = rng.exponential(size=rows.shape)
            shares /= shares.sum(axis=0)
            parameters.biases[i][:] = -(shares * z[rows, np.arange(layer.n_out)]).sum(axis=0)  # (3)
            z += parameters.biases[i]
            a = np.asarray(ACTIVATIONS[layer.activation].value(z), np.float64)  # slopes are 1
    return Parameters(network, parameters.flat.astype(dtype))
