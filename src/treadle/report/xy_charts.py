"""Computes charts of numbers against numbers: lines, clouds of dots, bars with a spread.

As ``treadle.report.charts``, for axes that are no epochs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.report.charts import BOTTOM, LEFT, RIGHT, TOP, Chart, Dot, Line, Tick, ticks

MOST_POINTS = 400  # of a line or a cloud; more would not be seen


@dataclass(frozen=True)
class Points:
    """Some points, drawn as a line or as dots.

    Parameters
    ----------
    key : str
        Of its style.
    x, y : ndarray of shape (N,), float64
        Finite.
    as_line : bool
    """

    key: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    as_line: bool = True


def xy_chart(
    series: Sequence[Points],
    x_label: str,
    y_label: str,
    *,
    within: tuple[float, float] | None = None,
) -> Chart:
    """Make a chart of lines and clouds.

    Parameters
    ----------
    series : sequence of Points
    x_label, y_label : str
        With the units.
    within : (low, high), optional
        The ends of both axes; None: those of the numbers.

    Raises
    ------
    InvalidInput
        If there is no point, or one that is not finite.
    """
    xs = np.concatenate([one.x for one in series]) if series else np.zeros(0)
    ys = np.concatenate([one.y for one in series]) if series else np.zeros(0)
    if not xs.size or not (np.isfinite(xs).all() and np.isfinite(ys).all()):
        raise InvalidInput("a chart needs points, and all of them finite")
    x_low, x_high = within or _ends(xs)
    y_low, y_high = within or _ends(ys)

    def x_at(value: float) -> float:
        return LEFT + (value - x_low) / (x_high - x_low) * (RIGHT - LEFT)

    def y_at(value: float) -> float:
        return BOTTOM - (value - y_low) / (y_high - y_low) * (BOTTOM - TOP)

    lines, dots = [], []
    for one in series:
        shown = _shown(len(one.x))
        places = [
            (x_at(x), y_at(y)) for x, y in zip(one.x[shown].tolist(), one.y[shown].tolist(), strict=True)
        ]
        if one.as_line:
            lines.append(Line(one.key, [places]))
        else:
            dots += [Dot(one.key, x, y) for x, y in places]
    x_ticks = [Tick(x_at(float(t)), f"{float(t):g}") for t in ticks(x_low, x_high)]
    y_ticks = [Tick(y_at(float(t)), f"{float(t):g}") for t in ticks(y_low, y_high)]
    return Chart(x_ticks, y_ticks, x_label, y_label, [], lines, dots, None, [])


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    pad = 0.04 * (high - low) or max(0.05 * abs(high), 1e-3)
    return low - pad, high + pad


def _shown(n: int) -> NDArray[np.int64]:
    """Return at most MOST_POINTS of n places, evenly spread, the ends among them."""
    return np.unique(np.linspace(0, n - 1, min(n, MOST_POINTS)).astype(np.int64))
