"""Draws an L1 fit beside least squares: lines, or residuals.

With one feature it is the data with both lines, with several the residuals of both fits. Outliers are ringed
as well as coloured, and the farthest are named by their row, from 1. Of very many rows a random part is
drawn, all outliers among it, and the title says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.estimators.lad import LADRegressor
from treadle.maths.dtypes import Floats
from treadle.report.colours import BLUE, GREY, INK, VERMILLION
from treadle.report.figures import finish_axes, new_figure, verbatim
from treadle.report.l1_comparison import L1Comparison
from treadle.report.samples import short_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

ROWS_DRAWN = 20_000
ROWS_NAMED = 5
# Of a row's name beside its point: offset in points of print, and which side of the text is there. Those
# farther off are tied to their point by a line.
PLACES = (
    (7, 0, "left", "center"),
    (-7, 0, "right", "center"),
    (0, 7, "center", "bottom"),
    (0, -7, "center", "top"),
    *(
        (x, y, "left" if x > 0 else "right", "center")
        for y in (20, -20, 36, -36, 52, -52)
        for x in (20, -20, 40, -40)
    ),
)
TIED_FROM = 8  # points of print
CLEARANCE = 16  # pixels
TITLE_WIDTH = 40  # characters of a column's name that fit


def draw_l1_fit(
    model: LADRegressor,
    X: Floats,
    y: NDArray[np.float64],
    comparison: L1Comparison,
    feature_names: list[str],
    target_name: str,
) -> Figure:
    """Draw the L1 fit and least squares.

    Parameters
    ----------
    model : LADRegressor
    X : ndarray of shape (N, D)
    y : ndarray of shape (N,)
    comparison : L1Comparison
        Of the model on these rows.
    feature_names : list of D str
    target_name : str
    """
    if X.shape != (len(y), len(feature_names)) or len(comparison.residuals) != len(y) or len(y) == 0:
        raise InvalidInput(
            "X, y and comparison must have as many rows, at least one, and X a name for each column; got "
            f"X {X.shape}, y {y.shape}, {len(comparison.residuals)} residuals and {len(feature_names)} names"
        )
    shown = _shown_rows(len(y), comparison.outliers)
    part = "" if len(shown) == len(y) else f" ({len(shown)} of {len(y)} rows drawn)"
    name = _fit_name(comparison.quantile)
    target = verbatim(short_name(target_name, TITLE_WIDTH))
    if X.shape[1] == 1:
        feature = verbatim(short_name(feature_names[0], TITLE_WIDTH))
        return _draw_line(model, X[:, 0], y, comparison, shown, f"{target}, {name}{part}", feature, target)
    figure = new_figure(10.4, 4.4)
    panels = figure.subplots(1, 2, sharey=True)
    fits = (
        (panels[0], f"{target}, {name}{part}", comparison.fitted, comparison.residuals),
        (panels[1], "least squares", comparison.least_squares_fitted, comparison.least_squares_residuals),
    )
    for axes, title, fitted, residuals in fits:
        axes.axhline(0.0, color=INK, linewidth=1.0)
        _scatter(axes, fitted, residuals, comparison.outliers, shown)
        finish_axes(axes, title, f"fitted {target}", "residual" if axes is panels[0] else "")
    if len(comparison.outliers):
        panels[1].get_legend().remove()  # the left one serves both
    _name_rows(panels[0], comparison.fitted, comparison.residuals, comparison.outliers, shown)
    return figure


def _fit_name(quantile: float) -> str:
    return "L1 regression" if quantile == 0.5 else f"quantile {quantile:g}"


def _shown_rows(n: int, outliers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows to draw, ascending."""
    if n <= ROWS_DRAWN:
        return np.arange(n)
    some = np.random.default_rng(0).choice(n, ROWS_DRAWN, replace=False)
    return np.union1d(some, outliers[:ROWS_DRAWN])


def _draw_line(
    model: LADRegressor,
    x: Floats,
    y: NDArray[np.float64],
    comparison: L1Comparison,
    shown: NDArray[np.int64],
    title: str,
    feature: str,
    target: str,
) -> Figure:
    figure = new_figure(6.4, 4.6)
    axes = figure.add_subplot()
    _scatter(axes, x, y, comparison.outliers, shown)
    ends = np.array([x.min(), x.max()], np.float64)
    slope, intercept = comparison.least_squares
    from_centre = ends - model.certificate_.centre[0]
    axes.plot(ends, slope * from_centre + intercept, "--", color=GREY, linewidth=1.8, label="least squares")
    l1 = "L1" if comparison.quantile == 0.5 else f"quantile {comparison.quantile:g}"
    axes.plot(ends, model.predict(ends[:, None]), "-", color=BLUE, linewidth=2.2, label=l1)
    finish_axes(axes, title, feature, target)
    _name_rows(axes, x, y, comparison.outliers, shown)
    return figure


def _scatter(
    axes: Axes, x: Floats, y: NDArray[np.float64], outliers: NDArray[np.int64], shown: NDArray[np.int64]
) -> None:
    """Draw points, paler the more there are, with outliers ringed."""
    alpha = float(np.clip(40 / np.sqrt(len(shown)), 0.15, 0.7))
    axes.plot(x[shown], y[shown], ".", color=INK, markersize=5, alpha=alpha, markeredgewidth=0)
    if len(outliers):
        axes.plot(
            x[outliers],
            y[outliers],
            "o",
            color=VERMILLION,
            markerfacecolor="none",
            markersize=8,
            label="outliers",
        )


def _name_rows(
    axes: Axes, x: Floats, y: NDArray[np.float64], outliers: NDArray[np.int64], shown: NDArray[np.int64]
) -> None:
    """Write the farthest outliers' row numbers beside them.

    Each is written so that no other outlier is nearer to it. A place serves where nothing is written and the
    text is inside; of those that do, the one on the fewest points is taken, an adjoining one before one that
    a line ties. A row without such a place is not named.
    """
    axes.figure.canvas.draw()
    legend = axes.get_legend()
    written = [axes.title.get_window_extent(), *([legend.get_window_extent()] if legend else [])]
    inside = axes.get_window_extent()
    points = axes.transData.transform(np.column_stack([x[shown], y[shown]]))
    rings = axes.transData.transform(np.column_stack([x[outliers], y[outliers]]))
    for i, own in zip(outliers[:ROWS_NAMED], rings, strict=False):
        best: tuple[tuple[bool, int], Annotation] | None = None
        for place in PLACES:
            text = _row_name(axes, i + 1, (x[i], y[i]), place)
            box = _extent(text)
            tied = _is_tied(place)
            fits = inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1
            away = _distances(box, rings)
            # No other ring is nearer; the text that a line ties keeps its distance from all of them.
            clear = away.min() >= (CLEARANCE if tied else _distances(box, own[None])[0])
            n_hidden = int(((points >= box.min) & (points <= box.max)).all(axis=1).sum())
            rank = (tied, n_hidden)
            if (
                not fits
                or not clear
                or any(map(box.overlaps, written))
                or (best is not None and best[0] <= rank)
            ):
                text.remove()
                continue
            if best is not None:
                best[1].remove()
            best = rank, text
        if best is not None:
            written.append(_extent(best[1]))


def _extent(text: Annotation) -> Bbox:
    """Return the box of the letters alone, in pixels.

    An annotation's own has its line in it.
    """
    from matplotlib.text import Text

    text.get_window_extent()  # which places them
    return Text.get_window_extent(text)


def _distances(box: Bbox, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the distances of points (n, 2) from a box, in pixels.

    They are 0 within it.
    """
    beside = np.maximum(np.maximum(box.min - points, points - box.max), 0.0)
    return np.asarray(np.hypot(*beside.T))


def _is_tied(place: tuple[int, int, str, str]) -> bool:
    return max(abs(place[0]), abs(place[1])) >= TIED_FROM


def _row_name(axes: Axes, row: int, at: tuple[float, float], place: tuple[int, int, str, str]) -> Annotation:
    dx, dy, ha, va = place
    line = (
        {"arrowstyle": "-", "color": VERMILLION, "linewidth": 0.7, "shrinkB": 4} if _is_tied(place) else None
    )
    return axes.annotate(
        f"row {row}",
        at,
        (dx, dy),
        textcoords="offset points",
        ha=ha,
        va=va,
        fontsize=8,
        color=VERMILLION,
        arrowprops=line,
    )
