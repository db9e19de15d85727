"""Evaluates a superposition of boxes, from its edges and heights.

The function, by ``order`` and ``activation``:

- order 0, ``step``: h_j in the cell [e_j, e_(j+1)), the last one closed. In one dimension that is
  c_0 + sum_j D_j H(x - e_j), H(0) = 1, D_j the jumps; each box is h H(x - a) - h H(x - b).
- order 0, ``sigmoid`` or ``relu``, one dimension: the same with units that rise over a width, see
  ``treadle.boxes.network.smoothing``.
- order 1, ``relu``: linear between the values at the edges, in d dimensions between Kuhn's simplices, see
  ``treadle.boxes.network.interpolation``.

Prediction looks cells up; it does not compute units. The explicit layers, with the same values, are for
export and for seeing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.boxes.cells.partition import Grid, Partition
from treadle.boxes.cells.points import as_points
from treadle.boxes.network.boxes import Boxes
from treadle.boxes.network.counts import counts
from treadle.boxes.network.explicit_network import ExplicitNetwork
from treadle.boxes.network.forms import explicit_layers, remedy
from treadle.boxes.network.interpolation import interpolate
from treadle.boxes.network.network_file import load_boxes, save_boxes
from treadle.boxes.network.smoothing import MEAN_DEVIATION, superpose
from treadle.boxes.proof.bounds import ErrorBound, unproved
from treadle.choices import BoxActivationName, BoxBoundName, BoxNormName, BoxOutsideName
from treadle.export.layers import Layer
from treadle.maths.dtypes import FloatType


class BoxNetwork(ExplicitNetwork):
    """A network of boxes; ``treadle.approximate`` and ``treadle.BoxRegressor`` build them.

    Parameters
    ----------
    partition : Partition, or sequence of d arrays
        The cells, ghost cells included; edges along each axis make a ``Grid``.
    heights : array_like
        Of a grid of m_1 x ... x m_d cells: of that shape for order 0, of shape (m_1 + 1, ..., m_d + 1), the
        values at the nodes, for order 1. Of another partition: (n_cells,). Finite.
    order : {0, 1}
    activation : {"step", "sigmoid", "relu"}
        Of order 0, any in one dimension and ``step`` in more; of order 1 ``relu``.
    steepness : float or None
        k of s(k (x - e)), for ``sigmoid`` and ``relu`` of order 0; a ramp is 1 / k wide.
    outside : {"clamped", "zero"}
        What the network is outside of ``bounds_``: as at the nearest point of the domain, or 0, which is for
        steps only.
    n_ghost_boxes : int
        Cells beyond each end of the domain that continue f for smooth units.
    error_bound : ErrorBound
    n_boxes_lower_bound : int or None
        How many boxes any partition needs for this error, where that is known.
    error_estimate : float
        The greatest error at sampled points, or its norm of L2; nan where none was sampled.

    Attributes
    ----------
    record : Boxes
        All that the network was made of; frozen.
    edges_ : tuple of d ndarray, float64
        Along each axis, all values at which cells end, increasing.
    heights_ : ndarray, float64
        As given.
    bounds_ : ndarray of shape (d, 2)
        The domain.
    n_boxes_ : int
        Cells of the domain, ghost cells not counted.
    n_hidden_units_ : tuple of int
        Of each hidden layer of ``layers()``.
    n_parameters_ : int
        Weights other than zero, and biases, of ``layers()``.
    error_bound_, error_bound_kind_, error_bound_theorem_, norm_
        What is proved at every point of the domain that float64 can hold; nan and "none" where nothing is.
    error_estimate_ : float
    n_boxes_lower_bound_ : int or None
    smoothing_bound_ : float
        A bound of the distance, in the norm of L1, from the same boxes with steps; 0 for steps and order 1.

    Raises
    ------
    InvalidInput
        If these contradict each other; it says how.

    Examples
    --------
    >>> from treadle import BoxNetwork
    >>> network = BoxNetwork([[0.0, 1.0, 3.0]], [5.0, 7.0])
    >>> network.predict([[0.5], [1.0], [9.0]]).tolist()
    [5.0, 7.0, 7.0]
    >>> network.n_boxes_
    2
    """

    def __init__(
        self,
        partition: Partition | Sequence[ArrayLike],
        heights: ArrayLike,
        *,
        order: int = 0,
        activation: BoxActivationName = "step",
        steepness: float | None = None,
        outside: BoxOutsideName = "clamped",
        n_ghost_boxes: int = 0,
        error_bound: ErrorBound | None = None,
        error_estimate: float = math.nan,
        n_boxes_lower_bound: int | None = None,
    ) -> None:
        self.record = Boxes(
            partition if isinstance(partition, Partition) else Grid(partition),
            np.ascontiguousarray(heights, dtype=np.float64),
            order,
            activation,
            steepness,
            outside,
            n_ghost_boxes,
            error_bound or unproved(),
            error_estimate,
            n_boxes_lower_bound,
        )
        self.bounds_ = self.partition_.bounds
        self.n_features_in_ = self.partition_.n_dims
        self.n_boxes_ = self.partition_.n_cells - 2 * n_ghost_boxes
        if n_ghost_boxes:
            axis = self.edges_[0]
            self.bounds_ = np.array([[axis[n_ghost_boxes], axis[-1 - n_ghost_boxes]]])
        self.smoothing_bound_ = 0.0
        if steepness is not None:
            jumps = float(np.abs(np.diff(self.heights_)).sum())
            self.smoothing_bound_ = MEAN_DEVIATION["sigmoid" if activation == "sigmoid" else "relu"] * (
                jumps / steepness
            )

    @classmethod
    def of(cls, boxes: Boxes) -> BoxNetwork:
        """Make the network of a record."""
        return cls(**vars(boxes))

    @property
    def partition_(self) -> Partition:
        """The cells, ghost cells included."""
        return self.record.partition

    @property
    def heights_(self) -> NDArray[np.float64]:
        """The heights of the cells, or the values at the nodes."""
        return self.record.heights

    @property
    def order(self) -> int:
        """0 for boxes, 1 for functions that are linear between nodes."""
        return self.record.order

    @property
    def activation(self) -> BoxActivationName:
        """The activation of the units: step, sigmoid or relu."""
        return self.record.activation

    @property
    def steepness(self) -> float | None:
        """k of s(k (x - e)); None where units have none."""
        return self.record.steepness

    @property
    def outside(self) -> BoxOutsideName:
        """The value outside of ``bounds_``: clamped or zero."""
        return self.record.outside

    @property
    def n_ghost_boxes_(self) -> int:
        """Cells beyond each end of the domain."""
        return self.record.n_ghost_boxes

    @property
    def edges_(self) -> tuple[NDArray[np.float64], ...]:
        """Along each axis, all values at which cells end, increasing."""
        return self.record.edges

    @property
    def error_bound_(self) -> float:
        """The proved bound of the error; nan where nothing is proved."""
        return self.record.error_bound.value

    @property
    def error_bound_kind_(self) -> BoxBoundName:
        """The kind of knowledge that proves the bound."""
        return self.record.error_bound.kind

    @property
    def error_bound_theorem_(self) -> str:
        """The inequality that the bound rests on."""
        return self.record.error_bound.theorem

    @property
    def norm_(self) -> BoxNormName:
        """The norm of the bound."""
        return self.record.error_bound.norm

    @property
    def error_estimate_(self) -> float:
        """The greatest error at sampled points; nan where none was sampled."""
        return self.record.error_estimate

    @property
    def n_boxes_lower_bound_(self) -> int | None:
        """How many boxes any partition needs, where that is known."""
        return self.record.n_boxes_lower_bound

    @property
    def n_dims(self) -> int:
        """Variables of the function: d."""
        return self.partition_.n_dims

    @property
    def n_hidden_units_(self) -> tuple[int, ...]:
        """Units of each hidden layer of ``layers()``."""
        return counts(self.record).n_hidden_units

    @property
    def n_parameters_(self) -> int:
        """Weights other than zero, and biases, of ``layers()``."""
        return counts(self.record).n_parameters

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """The network's values, by looking cells up.

        Parameters
        ----------
        X : array_like of shape (n, d), or (n,) in one dimension
            Finite.

        Returns
        -------
        ndarray of shape (n,), float64

        Raises
        ------
        InvalidInput
            If X has another shape, or is not finite.
        """
        points = as_points(X, self.n_dims)
        if self.order == 1 and isinstance(self.partition_, Grid):
            return interpolate(self.partition_, self.heights_, points)
        if self.steepness is not None:
            name: Any = self.activation  # no step, which has no steepness
            return superpose(name, self.steepness, self.edges_[0], self.heights_, points[:, 0])
        values = self.partition_.values_at(points, self.heights_.ravel())
        if self.outside == "zero":
            values[~self.partition_.inside(points)] = 0.0
        return values

    def layers(self, form: str | None = None, dtype: FloatType = np.float64) -> list[Layer]:
        """The plain layers of an equal network, sparse and float64.

        Parameters
        ----------
        form : {"homework", "telescoped", "and", "index"}, optional
            homework: two units a box, f(x) = h s(x - a) - h s(x - b). telescoped: a unit for each jump. and:
            two hidden layers, edges and then a unit a box. index: edges, the number of the box, a unit for
            each number; dense weights take some 3 N numbers in any dimension. None is telescoped in one
            dimension and "and" in more.
        dtype : float64 or float32
            What the network is to compute in: it is refused where that cannot tell the edges apart.

        Returns
        -------
        list of Layer
            Steps give the bits of ``predict``; smooth units and order 1 its value but for rounding.

        Raises
        ------
        InvalidInput
            If this network has no such form, or it would not fit in memory.
        """
        return explicit_layers(self.record, form, dtype)

    def remedy(self, form: str | None) -> str:
        """Return the advice for a form that does not fit in memory."""
        return remedy(self.record, form)

    def save(self, path: str | Path) -> None:
        """Write the network as a safetensors file, whole or not at all.

        ``treadle.load`` reads it.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        OSError
            If the folder cannot be written or the disk is full.
        """
        save_boxes(path, self.record)

    @classmethod
    def load(cls, path: str | Path) -> BoxNetwork:
        """Load the network that ``save`` wrote, with its proved bound.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        OSError
            If the file cannot be opened.
        CorruptFile
            If it is not such a file, or does not fit together.
        """
        return cls.of(load_boxes(path))

    def __repr__(self) -> str:
        """Return one line: the network's size and its proved bound."""
        units = f"order {self.order}, {self.activation}"
        return (
            f"BoxNetwork({self.n_boxes_} boxes, {self.n_dims}-D, {units}, "
            f"error_bound_={self.error_bound_:.6g} ({self.norm_}, {self.error_bound_kind_}))"
        )
