"""Prediction by one network, with what is the same in every call done once.

A predictor reads the parameters where they lie and keeps no copy that could grow old: what is written into
their arrays shows in the next call. It computes nothing itself; each engine has one of its own.

Dimensions: N samples, D inputs, K outputs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.engines.augmentation import mirrored
from treadle.engines.rows import Rows, check_rows
from treadle.maths.activations import logistic
from treadle.maths.dtypes import Floats
from treadle.maths.softmax import softmax
from treadle.network import Parameters

# Rows whose mirror images are made at a time, so that X is never copied as a whole.
MIRRORED_ROWS = 8192


class Predictor(ABC):
    """Predicts with one network, any number of times, from any number of threads at once.

    Parameters
    ----------
    parameters : Parameters
        With their network. Kept, not copied.

    Attributes
    ----------
    network : Network
    plain : Parameters
        Those of the network without batch normalisation that predicts the same: the parameters themselves
        where there is none to fold.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import Network, Parameters, select_engine
    >>> parameters = Parameters.zeros(Network((3, 2)))
    >>> predictor = select_engine("numpy").engine.predictor(parameters)
    >>> predictor.predict(np.ones((1, 3))).tolist()
    [[0.5, 0.5]]
    >>> parameters.biases[0][:] = [0, np.log(3)]
    >>> predictor.predict(np.ones((1, 3))).round(6).tolist()
    [[0.25, 0.75]]
    """

    def __init__(self, parameters: Parameters) -> None:
        self.network = parameters.network
        self.plain = parameters.folded()
        self._parameters = parameters
        self._folded_of = parameters.copy() if self.plain is not parameters else None

    def logits(self, X: Rows) -> Floats:
        """Last layer's sums for each row, without dropout, batch normalisation by the running statistics.

        Where the network has a ``mirror_width``, the mean of the sums for the image and for its mirror image.

        Parameters
        ----------
        X : ndarray or csr_array of shape (N, D), uint8, float32 or float64

        Returns
        -------
        ndarray of shape (N, K) in the dtype of the parameters

        Raises
        ------
        InvalidInput
            If X is of another shape or type.
        """
        self._see(X)
        logits = self._plain_logits(X)
        width = self.network.mirror_width
        if width:
            for start in range(0, len(X), MIRRORED_ROWS):
                rows = slice(start, start + MIRRORED_ROWS)
                logits[rows] += self._plain_logits(mirrored(X[rows], width))
            logits *= 0.5
        return logits

    def predict(self, X: Rows) -> Floats:
        """The network's output for each row, (N, K): see ``Network.output``."""
        return output_of(self.network.output, self.logits(X))

    @abstractmethod
    def _plain_logits(self, X: Rows) -> Floats:
        """What ``logits`` says, by ``plain``, of X as it is: no mirror image.

        X has been checked. The result (N, K) is the caller's to change.
        """

    def _see(self, X: Rows) -> None:
        """Check X, and fold anew what was written into the parameters since they were folded."""
        check_rows(self.network, X)
        known, now = self._folded_of, self._parameters
        if known is None or (_same(known.flat, now.flat) and _same(known.statistics, now.statistics)):
            return
        known = now.copy()
        self.plain.flat[:] = known.folded().flat
        self._folded_of = known  # last: until then, other threads fold the same


def _same(a: Floats, b: Floats) -> bool:
    """Whether two arrays of one shape and dtype have the same bits."""
    bits = f"i{a.itemsize}"
    return bool((a.view(bits) == b.view(bits)).all())


def output_of(output: str, logits: NDArray[Any]) -> NDArray[Any]:
    """What a network of that output gives where the last layer's sums are these; may be the array given."""
    match output:
        case "softmax":
            return softmax(logits)
        case "logistic":
            return logistic(logits)
        case "exp":
            with np.errstate(over="ignore"):  # shows in the result
                return np.asarray(np.exp(logits))
        case _:
            return logits
