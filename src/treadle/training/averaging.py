"""Averages a network's parameters over the last epochs of its training.

The plain mean of points that a training run passes through near its end lies nearer to the middle of the
valley than any of them (Izmailov et al. 2018, "Averaging weights leads to wider optima"). The running
statistics of batch normalisation are averaged with the parameters, not measured anew.
"""

from __future__ import annotations

import numpy as np

from treadle.maths.dtypes import ArrayMapping, Arrays
from treadle.network import Parameters


class ParameterAverage:
    """Sums parameters and running statistics in float64, and counts the epochs.

    Parameters
    ----------
    like : Parameters
        Of the network and dtype that will be added; not added itself.
    """

    def __init__(self, like: Parameters) -> None:
        self._network = like.network
        self._dtype = like.dtype
        self._parameters = np.zeros(like.flat.size)
        self._statistics = np.zeros(like.statistics.size)
        self.n_epochs = 0

    def add(self, parameters: Parameters) -> None:
        """Add the parameters at the end of one more epoch."""
        self._parameters += parameters.flat
        self._statistics += parameters.statistics
        self.n_epochs += 1

    def mean(self) -> Parameters:
        """Return the mean so far, rounded to the dtype once.

        At least one epoch has been added.
        """
        return Parameters(
            self._network,
            (self._parameters / self.n_epochs).astype(self._dtype),
            (self._statistics / self.n_epochs).astype(self._dtype),
        )

    def state(self) -> Arrays:
        """Copy the two sums and the number of epochs, by name.

        The sums are float64, and the names are their own.
        """
        return {
            "averaged_parameters": self._parameters.copy(),
            "averaged_statistics": self._statistics.copy(),
            "averaged_epochs": np.array(self.n_epochs),
        }

    def load_state(self, state: ArrayMapping) -> None:
        """Go on from what ``state`` returned; other entries are ignored."""
        self._parameters[:] = state["averaged_parameters"]
        self._statistics[:] = state["averaged_statistics"]
        self.n_epochs = int(state["averaged_epochs"])
