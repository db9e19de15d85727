"""Random trees of cuts, their cells kept as the definition says, and points about their edges."""

import numpy as np

from treadle.boxes.cells.split_tree import SplitTree


def random_tree(rng, n_dims, n_nodes):
    """Cells cut at random places, the tree kept as its definition says."""
    bounds = np.stack([-rng.uniform(1, 2, n_dims), rng.uniform(1, 2, n_dims)], axis=1)
    cells = [(bounds[:, 0].copy(), bounds[:, 1].copy(), None)]
    axis, threshold, children = [], [], []
    for node in range(n_nodes):
        lower, upper, link = cells.pop(rng.integers(len(cells)))
        i = int(rng.integers(n_dims))
        cut = rng.uniform(lower[i], upper[i])
        if link is not None:
            children[link[0]][link[1]] = node
        axis.append(i)
        threshold.append(cut)
        children.append([None, None])
        left, right = upper.copy(), lower.copy()
        left[i] = right[i] = cut
        cells += [(lower, left, (node, 0)), (right, upper, (node, 1))]
    for number, (_, _, (node, side)) in enumerate(cells):
        children[node][side] = -1 - number
    return SplitTree(bounds, axis, threshold, children), cells


def points_about(tree, rng, n=3000):
    """Points in and around the domain, coordinates often at edges or beside them."""
    X = rng.uniform(-2.5, 2.5, (n, tree.n_dims))
    for i, axis in enumerate(tree.edges):
        near = np.concatenate([axis, np.nextafter(axis, -9), np.nextafter(axis, 9)])
        X[: n // 2, i] = rng.choice(near, n // 2)
    return X
