"""Writes decision trees, and sums of them, as one network.

It has threshold units and leaf units.

A node that tests x_f >= e is a step unit. A leaf is a box: a lower edge for some features, an upper edge for
some, and with the steps of those edges::

    leaf = ReLU( sum of lower steps - sum of upper steps - (number of lower steps - 1) )

is 1 inside of the box and 0 outside. The output is the sum of the leaves' values, each times its leaf. Nodes
with the same test share a unit; where no tree has more than one test, a leaf is a step itself, 1[x >= e] or
1[x < e], and one hidden layer does. Reading models of scikit-learn:
``treadle.boxes.trees.from_scikit_learn``.

Dimensions: N rows, D features, K outputs, T trees.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.boxes.cells.points import as_points
from treadle.boxes.network.explicit_network import ExplicitNetwork, squeezed
from treadle.boxes.trees.tree_file import load_trees, save_trees
from treadle.boxes.trees.tree_walk import add_leaves_by_numpy, add_leaves_natively, splits_of
from treadle.boxes.trees.trees import LEAF, Trees, TreeSum, is_stumps
from treadle.errors import InvalidInput
from treadle.export.layers import STEP, Layer
from treadle.hardware.native.boxes import Splits
from treadle.hardware.native.extension import kernels_if_built
from treadle.maths.dtypes import FloatType


@dataclass(frozen=True, eq=False)
class TreeNetwork(TreeSum, ExplicitNetwork):
    """A sum of decision trees, equal to a network; made by ``treadle.from_tree``.

    Parameters
    ----------
    trees : Trees
    bias : ndarray of float64, shape (K,)
        Added to the sum of the trees.
    n_features_in_ : int
    gives : str
        What the outputs are, in words: "prediction", "probabilities", "decision function" or "logarithm of
        the prediction".
    classes_ : ndarray or None
        Of a classifier, in the order of the outputs.

    Attributes
    ----------
    n_hidden_units_ : tuple of int
        Of each hidden layer.
    n_parameters_ : int
        Weights other than zero, and biases.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from treadle import from_tree
    >>> network = from_tree(DecisionTreeRegressor().fit([[0.0], [1.0]], [5.0, 6.0]))
    >>> network.predict([[0.25], [0.75]]).tolist(), network.gives
    ([5.0, 6.0], 'prediction')
    """

    FORMS: ClassVar[tuple[str, ...]] = ("leaves",)

    @classmethod
    def of(cls, summed: TreeSum) -> TreeNetwork:
        """Make the network of a sum of trees."""
        return cls(**vars(summed))

    @property
    def n_hidden_units_(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        return tuple(layer.n_out for layer in self._layers[:-1])

    @property
    def n_parameters_(self) -> int:
        """Weights other than zero, and biases."""
        return sum(layer.n_parameters for layer in self._layers)

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """The outputs, by walking down the trees: the same bits as ``forward``.

        Parameters
        ----------
        X : array_like of shape (N, D)
            Finite.

        Returns
        -------
        ndarray of shape (N,), or (N, K) for K > 1 outputs
            What they are is in ``gives``.

        Raises
        ------
        InvalidInput
            If X is of another shape, or holds NaN or infinities.
        """
        rows = as_points(X, self.n_features_in_)
        if kernels_if_built() is None:
            return squeezed(add_leaves_by_numpy(self.trees, rows, self.bias))
        return squeezed(add_leaves_natively(self.trees, self._splits, rows, self.bias))

    @cached_property
    def _splits(self) -> list[Splits]:
        return splits_of(self.trees, self.n_features_in_)

    def layers(self, form: str | None = None, dtype: FloatType = np.float64) -> list[Layer]:
        """The plain layers, sparse and float64: steps, leaves, values.

        Parameters
        ----------
        form : "leaves", optional
            There is one form.
        dtype : float64 or float32
            The layers serve both.

        Raises
        ------
        InvalidInput
            If there is no such form.
        """
        if form not in (None, *self.FORMS):
            raise InvalidInput(f"the form of trees must be {', '.join(self.FORMS)}, or None; got {form!r}")
        return list(self._layers)

    def remedy(self, form: str | None) -> str:
        """Return the advice for dense weights that do not fit."""
        return "take the sparse layers(), predict, which walks the trees, or a model of fewer leaves"

    def save(self, path: str | Path) -> None:
        """Write the network as a safetensors file, whole or not at all.

        ``treadle.load`` reads it.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        InvalidInput
            If the classes are neither numbers nor truth values nor texts.
        OSError
            If the folder cannot be written or the disk is full.
        """
        save_trees(path, self)

    @classmethod
    def load(cls, path: str | Path) -> TreeNetwork:
        """The network that ``save`` wrote, with predictions equal to the bit.

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
        return cls.of(load_trees(path))

    @cached_property
    def _layers(self) -> list[Layer]:
        from scipy import sparse

        if not len(self.trees.roots):
            return [Layer(sparse.csr_array((self.n_features_in_, len(self.bias))), self.bias)]
        if is_stumps(self.trees):
            return self._stump_layers()
        tests = np.flatnonzero(self.trees.features != LEAF)
        pairs = np.rec.fromarrays([self.trees.features[tests], self.trees.edges[tests]])
        units, unit_of_test = np.unique(pairs, return_inverse=True)
        unit_of_node = np.full(len(self.trees.features), -1)
        unit_of_node[tests] = unit_of_test
        features, edges = units["f0"], units["f1"]
        numbers = np.arange(len(features))
        steps = sparse.csr_array(
            (np.ones(len(features)), (features, numbers)), shape=(self.n_features_in_, len(features))
        )
        leaves, rows, columns, signs = _leaf_conditions(self.trees, unit_of_node)
        shape = (len(features), len(leaves))
        boxes = sparse.csr_array((signs, (rows, columns)), shape=shape)
        n_lower = np.bincount(columns[signs > 0], minlength=len(leaves))
        return [
            Layer(steps, -edges, STEP),
            Layer(boxes, 1.0 - n_lower, "relu"),
            Layer(sparse.csr_array(self.trees.values[leaves]), self.bias),
        ]

    def _stump_layers(self) -> list[Layer]:
        """Write stumps as one hidden layer, with two steps a stump.

        One rises at the edge, the other falls just below it.
        """
        from scipy import sparse

        roots = self.trees.roots
        edges, features = self.trees.edges[roots], np.repeat(self.trees.features[roots], 2)
        units = np.arange(len(features))
        steps = sparse.csr_array(
            (np.tile([-1.0, 1.0], len(roots)), (features, units)),
            shape=(self.n_features_in_, len(features)),
        )
        biases = np.column_stack([np.nextafter(edges, -np.inf), -edges]).ravel()
        leaves = np.column_stack([self.trees.left[roots], self.trees.right[roots]]).ravel()
        return [
            Layer(steps, biases, STEP),
            Layer(sparse.csr_array(self.trees.values[leaves]), self.bias),
        ]


def _leaf_conditions(
    trees: Trees, unit_of_node: NDArray[np.int64]
) -> tuple[list[int], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """List the leaves, and the conditions of each: unit, leaf, sign.

    The leaves are in the order of the trees; a condition is the unit's number, the leaf's number and 1 or -1.
    Units are in the order of feature and edge, so that of several lower edges of one feature that of the
    greatest unit counts, and of several upper edges that of the least.
    """
    leaves: list[int] = []
    units: list[int] = []
    columns: list[int] = []
    signs: list[float] = []
    left, right, features = trees.left.tolist(), trees.right.tolist(), trees.features.tolist()
    unit_of = unit_of_node.tolist()
    for root in trees.roots.tolist():
        waiting: list[tuple[int, dict[int, int], dict[int, int]]] = [(root, {}, {})]
        while waiting:
            node, lower, upper = waiting.pop()
            feature, unit = features[node], unit_of[node]
            if feature != LEAF:
                above = {**lower, feature: max(unit, lower.get(feature, unit))}
                below = {**upper, feature: min(unit, upper.get(feature, unit))}
                waiting += [(right[node], above, upper), (left[node], lower, below)]
                continue
            units += [*lower.values(), *upper.values()]
            columns += [len(leaves)] * (len(lower) + len(upper))
            signs += [1.0] * len(lower) + [-1.0] * len(upper)
            leaves.append(node)
    return leaves, np.array(units, np.int64), np.array(columns, np.int64), np.array(signs)
