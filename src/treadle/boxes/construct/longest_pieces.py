"""Cuts one dimension into the fewest pieces, by taking the longest repeatedly.

**Boxes, the supremum norm.** A piece fits if f's range over it is at most 2 eps. Taking from the left the
longest that fits uses the fewest (any other partition's j-th edge lies no further right, by induction); by
Kahane they are at most ceil(Var f / (2 eps)) (DeVore 1998, section 3.2). Here the pieces are runs of a
mesh, each of whose cells has a proved range small against eps: what the mesh costs is seen by the same
count over single values, which no partition can go below.

**Linear pieces.** The longest chord from each kink whose error at the mesh's nodes, and by M h^2 / 8 between
them, is at most eps; found by doubling and bisection. No other claim of fewest is made.

**The L2 norm.** The cells with the least sum of squared errors have edges as dense as |f'|^(2/3) (boxes) or
|f''|^(2/5) (linear pieces), as their number grows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from treadle.boxes.proof.known_function import Array

# Cells of a run that are looked at one by one, before whole windows are: a call of NumPy takes as long as 64.
ONE_BY_ONE = 64


def longest_runs(least: Array, greatest: Array, span: float, most: int | None = None) -> NDArray[np.int64]:
    """Return where the longest runs start whose range is at most ``span``.

    Parameters
    ----------
    least, greatest : ndarray of shape (M,)
        The range of each cell of a mesh.
    span : float
        2 eps. A cell whose own range is wider is a run of its own.
    most : int, optional
        Stop once there are more runs than that.

    Returns
    -------
    ndarray of shape (number of runs,), int64
        Beginning with 0.
    """
    # Floats of Python, for the cells that are looked at one by one.
    lows_of, highs_of = least.tolist(), greatest.tolist()
    starts: list[int] = []
    start, n = 0, least.size
    while start < n and (most is None or len(starts) <= most):
        starts.append(start)
        low, high = lows_of[start], highs_of[start]
        end, stop = start + 1, min(n, start + ONE_BY_ONE)
        while end < stop:
            if lows_of[end] < low:
                low = lows_of[end]
            if highs_of[end] > high:
                high = highs_of[end]
            if not high - low <= span:
                break
            end += 1
        if end < stop:
            start = end
            continue
        # A longer run: the range up to each cell of a window, which is twice as long each time.
        window = ONE_BY_ONE
        while end < n:
            stop = min(n, end + window)
            lows = np.minimum(np.minimum.accumulate(least[end:stop]), low)
            highs = np.maximum(np.maximum.accumulate(greatest[end:stop]), high)
            # NaN is beyond.
            beyond = ~(highs - lows <= span)
            first = int(np.argmax(beyond))
            if beyond[first]:
                end += first
                break
            low, high, end, window = lows[-1], highs[-1], stop, 2 * window
        start = end
    return np.array(starts, np.int64)


def longest_chords(nodes: Array, values: Array, slack: Array, eps: float) -> NDArray[np.int64]:
    """Return the indices of the nodes between which the longest chords lie.

    The first and the last node are among them.

    Parameters
    ----------
    nodes, values : ndarray of shape (M + 1,)
        A mesh and f at it.
    slack : ndarray of shape (M,)
        How far f may be from linear between two nodes.
    eps : float
    """

    def fits(start: int, end: int) -> bool:
        # f is interpolated from one node to the next: the caller has bounded what it is off by there.
        if end == start + 1:
            return True
        inner = slice(start + 1, end)
        slope = (values[end] - values[start]) / (nodes[end] - nodes[start])
        chord = values[start] + slope * (nodes[inner] - nodes[start])
        return bool(np.abs(chord - values[inner]).max() + slack[start:end].max() <= eps)

    last = nodes.size - 1
    kinks, length = [0], 1
    while kinks[-1] < last:
        start = kinks[-1]
        good, bad = 1, last - start + 1
        # From half of the last chord's length on: double it while it fits, then bisect.
        length = max(1, length // 2)
        while length < bad and fits(start, start + length):
            good, length = length, 2 * length
        bad = min(bad, length)
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if fits(start, start + middle) else (good, middle)
        kinks.append(start + good)
        length = good
    return np.array(kinks, np.int64)


def edges_by_density(mesh: Array, density: Array, n: int) -> Array:
    """Place edges (n + 1,) with equal shares of the density between neighbours.

    Parameters
    ----------
    mesh : ndarray of shape (M + 1,)
    density : ndarray of shape (M,)
        Of edges, in each cell of the mesh, at least 0.
    n : int
    """
    # A part of an even density keeps edges where f is flat: it may not stay so.
    even = density.mean() if density.mean() > 0 else 1.0
    mass = np.concatenate([[0.0], np.cumsum((density + 0.01 * even) * np.diff(mesh))])
    # The quantiles of the mass, linear within a cell of the mesh.
    edges = np.interp(np.linspace(0.0, mass[-1], n + 1), mass, mesh)
    edges[0], edges[-1] = mesh[0], mesh[-1]
    return np.unique(edges)
