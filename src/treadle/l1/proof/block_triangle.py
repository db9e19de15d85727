"""Orders a sparse square matrix's equations so that blocks follow one another.

With a column for each row, which a matching gives, row i needs the unknowns of all columns in which it has an
entry, and so the rows matched to them. Rows that need one another, the strong components of that graph, are a
block; a block needs others that are solved before it, and the equations of a basis of dummies fall into
blocks of a row each almost wholly (Duff and Reid 1978).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components, maximum_bipartite_matching

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Level:
    """Blocks that need none of each other, but of levels before only.

    Parameters
    ----------
    rows, columns : ndarrays of shape (k,)
        First those of the blocks of a single row, then the others, block by block.
    n_single : int
    sizes : tuple of int
        Of the other blocks.
    """

    rows: Places
    columns: Places
    n_single: int
    sizes: tuple[int, ...]

    def blocks(self) -> list[slice]:
        """Return where the blocks of several rows are."""
        ends = np.cumsum([self.n_single, *self.sizes]).tolist()
        return [slice(start, stop) for start, stop in pairwise(ends)]

    def transposed(self) -> Level:
        """Return the level of the transposed matrix."""
        return Level(self.columns, self.rows, self.n_single, self.sizes)


def block_triangle(Z: sparse.csr_array) -> list[Level] | None:
    """Return the levels of a matrix (p, p), the first to be solved first.

    In reverse they are those of the transposed matrix. None where no column for each row is found: then the
    matrix is singular, whatever its numbers are.
    """
    p = Z.shape[0]
    column_of = maximum_bipartite_matching(Z, perm_type="column").astype(np.int64)
    if p and column_of.min() < 0:
        return None
    row_of = np.empty(p, np.int64)
    row_of[column_of] = np.arange(p)
    needs = sparse.csr_array((np.ones(Z.nnz, np.int8), row_of[Z.indices], Z.indptr), shape=Z.shape)
    n_blocks, block = connected_components(needs, directed=True, connection="strong")
    depth = _depths(n_blocks, np.repeat(block, np.diff(Z.indptr)), block[row_of[Z.indices]])
    size = np.bincount(block, minlength=n_blocks)
    # By level; in each, blocks of one row before others, which stay together.
    order = np.lexsort((block, size[block] > 1, depth[block]))
    starts = np.searchsorted(depth[block[order]], np.arange(depth.max(initial=-1) + 2))
    levels = []
    for start, stop in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        rows = order[start:stop]
        others = block[rows[size[block[rows]] > 1]]
        sizes = size[others[np.flatnonzero(np.diff(others, prepend=-1))]]
        levels.append(Level(rows, column_of[rows], len(rows) - len(others), tuple(int(k) for k in sizes)))
    return levels


def _depths(n_blocks: int, needing: Places, needed: Places) -> Places:
    """Return how many blocks must be solved before each, one after the other."""
    other = needing != needed
    pairs = np.unique(np.column_stack([needed[other], needing[other]]), axis=0)
    waits = np.bincount(pairs[:, 1], minlength=n_blocks)
    starts = np.searchsorted(pairs[:, 0], np.arange(n_blocks + 1))
    depth = np.zeros(n_blocks, np.int64)
    ready, level = np.flatnonzero(waits == 0), 0
    while len(ready):
        depth[ready] = level
        lengths = starts[ready + 1] - starts[ready]
        # The places of all pairs that begin with a block that is ready.
        places = np.repeat(starts[ready] - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        following = pairs[places, 1]
        np.subtract.at(waits, following, 1)
        ready, level = np.unique(following[waits[following] == 0]), level + 1
    return depth
