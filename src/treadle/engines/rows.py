"""Rows of X, a dense array or SciPy's compressed sparse rows.

Here is what every engine has to know of either. Sparse rows are never made dense as a whole: an engine
gathers a batch of them, and makes that dense if it must.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.network import InputStage, Network

if TYPE_CHECKING:
    from scipy import sparse

DenseRows: TypeAlias = NDArray[np.uint8 | np.floating]
# Of shape (N, D). SciPy has no types.
Rows: TypeAlias = "DenseRows | sparse.csr_array | sparse.csr_matrix"

ELEMENTS = (np.uint8, np.float32, np.float64)


def is_compressed(X: Rows) -> TypeGuard[sparse.csr_array]:
    """Whether X holds compressed sparse rows."""
    return not isinstance(X, np.ndarray) and getattr(X, "format", None) == "csr"


def n_rows(X: Rows) -> int:
    """Return N; sparse rows have no ``len``."""
    return int(X.shape[0])


def dense(X: Rows) -> DenseRows:
    """Return the rows as an ndarray: for a batch, never for all rows."""
    return np.asarray(X.toarray()) if is_compressed(X) else X


def check_rows(network: Network, X: Rows) -> None:
    """Raise InvalidInput unless X is of shape (N, D) and usable type.

    D is the number of the network's inputs.
    """
    n_inputs = network.sizes[0]
    if not isinstance(X, np.ndarray) and not is_compressed(X):
        raise InvalidInput(
            f"X must be a NumPy array or SciPy's compressed sparse rows, uint8, float32 or float64 of shape "
            f"(N, {n_inputs}); got {type(X).__name__}"
        )
    if X.ndim != 2 or X.shape[1] != n_inputs or X.dtype not in ELEMENTS:
        raise InvalidInput(
            f"X must be uint8, float32 or float64 of shape (N, {n_inputs}), for the {n_inputs} inputs of the "
            f"network; got {X.dtype} of shape {X.shape}"
        )
    if network.input_stage is not None:
        _check_codes(network.input_stage, X)
    if is_compressed(X) and network.mirror_width:
        raise InvalidInput(
            f"X must be dense for a network that mirrors images, mirror_width={network.mirror_width}; "
            "got sparse rows: use X.toarray()"
        )


def _check_codes(stage: InputStage, X: Rows) -> None:
    """Raise InvalidInput unless X is dense and its codes are whole, from 0 to their counts less 1."""
    if is_compressed(X):
        raise InvalidInput(
            "X must be dense for a network with an input stage; got sparse rows: use X.toarray()"
        )
    for k, count in enumerate(stage.category_counts):
        codes = np.asarray(X)[:, stage.n_copied + k]
        fit = (codes >= 0) & (codes < count) & (codes == np.floor(codes))
        if not fit.all():
            row = int(np.argmin(fit))
            raise InvalidInput(
                f"column {stage.n_copied + k} of X must hold codes of a category, whole numbers from 0 to "
                f"{count - 1}; got {codes[row]} in row {row}: make unknown ones 0"
            )
