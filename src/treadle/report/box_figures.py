"""Draws a box network: superposition, units, errors, towers, and the curse.

The curse is that of dimension. In the style of ``treadle.report.figures``; ``draw_box_network`` puts all on
one sheet, for one and for two dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from treadle.boxes.approximate import approximate
from treadle.boxes.network.box_network import BoxNetwork
from treadle.choices import BoxPartitionName
from treadle.errors import InvalidInput
from treadle.formulas.expressions import Expression
from treadle.report.box_studies import (
    ErrorStudy,
    SteepnessStudy,
    error_against_boxes,
    error_against_steepness,
    parameters_against_dimension,
    parameters_that_fit,
)
from treadle.report.colours import BLUE, GREY, INK, PALE, VERMILLION
from treadle.report.figures import finish_axes, new_figure, verbatim

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

BOXES_SHOWN = 48  # more are narrower than the line that draws them
TOWERS_SHOWN = 400
COUNTS = (16, 32, 64, 128, 256, 512, 1024)
COUNTS_OF_TOWERS = (16, 64, 256, 1024, 4096)
STEEPNESS_BOXES = 128
TITLE_WIDTH = 60  # characters of a formula that fit above a panel

Bounds = Sequence[tuple[float, float]]


def draw_box_network(f: Expression, network: BoxNetwork) -> Figure:
    """Draw all pictures of a network for a typed function on one sheet.

    Parameters
    ----------
    f : Expression
        Of one or two variables.
    network : BoxNetwork
        Of as many.

    Raises
    ------
    InvalidInput
        If there are more than two variables.
    """
    bounds = [(float(low), float(high)) for low, high in network.bounds_]
    match f.n_dims:
        case 1:
            return _draw_line(f, network, bounds)
        case 2:
            return _draw_plane(f, network, bounds)
        case d:
            raise InvalidInput(
                f"pictures are of functions of one or two variables; this one has {d}: leave --plot out"
            )


def _draw_line(f: Expression, network: BoxNetwork, bounds: Bounds) -> Figure:
    figure = new_figure(13.2, 7.6)
    grid = figure.add_gridspec(2, 6)
    shown = network if network.n_boxes_ <= BOXES_SHOWN else _of_boxes(f, network, bounds, BOXES_SHOWN // 2)
    draw_superposition(figure.add_subplot(grid[0, :4]), f, shown, network.n_boxes_)
    draw_one_box(figure.add_subplot(grid[0, 4:]), f, shown)
    studies = {order: error_against_boxes(f, bounds, COUNTS, order=order) for order in (0, 1)}
    draw_errors(figure.add_subplot(grid[1, :2]), studies, network)
    steepness = error_against_steepness(f, bounds[0], n_boxes=STEEPNESS_BOXES)
    draw_steepness(figure.add_subplot(grid[1, 2:4]), steepness)
    draw_dimensions(figure.add_subplot(grid[1, 4:]), network)
    return figure


def _draw_plane(f: Expression, network: BoxNetwork, bounds: Bounds) -> Figure:
    figure = new_figure(13.2, 8.2)
    grid = figure.add_gridspec(2, 6, height_ratios=(1.25, 1))
    towers = network
    if network.order == 1 or network.n_boxes_ > TOWERS_SHOWN:
        towers = _of_boxes(f, network, bounds, TOWERS_SHOWN // 2)
    draw_surface(figure.add_subplot(grid[0, :3], projection="3d"), f, bounds)
    draw_towers(figure.add_subplot(grid[0, 3:], projection="3d"), towers, network.n_boxes_)
    draw_cells(figure.add_subplot(grid[1, :2]), f, network)
    studies = {order: error_against_boxes(f, bounds, COUNTS_OF_TOWERS, order=order) for order in (0, 1)}
    draw_errors(figure.add_subplot(grid[1, 2:4]), studies, network)
    draw_dimensions(figure.add_subplot(grid[1, 4:]), network)
    return figure


def _of_boxes(f: Expression, network: BoxNetwork, bounds: Bounds, n_boxes: int) -> BoxNetwork:
    """Build a network of few steps that the eye can follow.

    It is adaptive where the large one is. Nothing is proved of it, which takes most of the time.
    """
    adaptive = len({*np.round(np.diff(network.edges_[0]) / np.ptp(network.edges_[0]), 12)}) > 1
    partition: BoxPartitionName = "adaptive" if adaptive else "uniform"
    return approximate(f.__call__, bounds, n_boxes=n_boxes, partition=partition)


def draw_superposition(axes: Axes, f: Expression, network: BoxNetwork, n_boxes: int) -> None:
    """Draw the function and the superposition, in one dimension."""
    a, b = network.bounds_[0]
    x = np.linspace(a, b, 1601)
    axes.plot(x, f(x), color=INK, linewidth=1.4, label=_title(f.text))
    if network.order == 0 and network.activation == "step":
        axes.stairs(network.heights_, network.edges_[0], color=BLUE, fill=True, alpha=0.16)
        axes.stairs(network.heights_, network.edges_[0], baseline=None, color=BLUE, linewidth=1.4)
        axes.plot([], [], color=BLUE, label=f"{network.n_boxes_} boxes")
    else:
        axes.plot(x, network.predict(x), color=BLUE, linewidth=1.4, label=f"{network.n_boxes_} boxes")
    title = "Function and superposition"
    if n_boxes != network.n_boxes_:
        title += f" ({network.n_boxes_} boxes shown; the network has {n_boxes})"
    finish_axes(axes, title, "x", "")
    axes.set_xlim(a, b)


def draw_one_box(axes: Axes, f: Expression, network: BoxNetwork) -> None:
    """Draw the highest box, lit, with the two steps that it sums."""
    edges = network.edges_[0]
    lower, upper = edges[:-1], edges[1:]
    heights = f(0.5 * (lower + upper))
    j = int(np.argmax(heights if heights.max() > 0 else -heights))
    a, b, h = float(lower[j]), float(upper[j]), float(heights[j])
    left, right = a - 1.5 * (b - a), b + 1.5 * (b - a)
    axes.plot([left, a, a, right], [0, 0, h, h], color=BLUE, linestyle="--", label=_unit(h, a))
    axes.plot(
        [left, b, b, right],
        [0, 0, -h, -h],
        color=GREY,
        linestyle=":",
        linewidth=1.8,
        label=_unit(-h, b),
    )
    axes.fill_between([a, b], [0, 0], [h, h], color=VERMILLION, alpha=0.3, linewidth=0)
    axes.plot([left, a, a, b, b, right], [0, 0, h, h, 0, 0], color=VERMILLION, linewidth=2, label="their sum")
    finish_axes(axes, "One box: the sum of two units", "x", "")
    axes.set_xlim(left, right)
    axes.set_ylim(-1.75 * abs(h) if h else -1, 1.15 * abs(h) if h else 1)
    axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="lower left")


def _unit(height: float, edge: float) -> str:
    """Write a step in words, such as -1.5 H(x + 0.5)."""
    return f"{height:.3g} H(x {'-' if edge >= 0 else '+'} {abs(edge):.3g})"


def draw_errors(axes: Axes, studies: dict[int, ErrorStudy], network: BoxNetwork) -> None:
    """Draw the error against the number of boxes, on logarithmic axes.

    The proved line and this network are in it.
    """
    for order, study in studies.items():
        colour, marker = ((BLUE, "o"), (GREY, "s"))[order]
        what = ("boxes", "piecewise linear")[order]
        slope = study.slope()
        known = study.sampled > 0
        name = what if math.isnan(slope) else f"{what}, slope {slope:.2f}"
        axes.plot(
            study.n_boxes[known], study.sampled[known], marker, color=colour, markersize=4.5, label=name
        )
        proved = np.isfinite(study.proved) & (study.proved > 0)
        if proved.any():
            axes.plot(study.n_boxes[proved], study.proved[proved], color=colour, linewidth=1, label="proved")
    if network.error_estimate_ > 0:
        axes.plot(
            [network.n_boxes_],
            [network.error_estimate_],
            "*",
            color=VERMILLION,
            markersize=12,
            zorder=3,
            label="this network",
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    finish_axes(axes, "Error against the number of boxes", "boxes", "greatest error")
    axes.legend(frameon=False, fontsize=8, labelcolor=INK, loc="lower left")


def draw_steepness(axes: Axes, study: SteepnessStudy) -> None:
    """Draw the error of sigmoids by steepness: steeper is not better."""
    axes.plot(study.products, study.sampled, "-o", color=BLUE, markersize=3.5, label="sigmoids")
    axes.axhline(study.steps, color=GREY, linestyle="--", linewidth=1.2, label="steps")
    if np.isfinite(study.proved).any():
        axes.plot(study.products, study.proved, color=BLUE, linewidth=1, alpha=0.6, label="proved")
    best = int(np.nanargmin(study.sampled))
    axes.plot(
        study.products[best],
        study.sampled[best],
        "*",
        color=VERMILLION,
        markersize=12,
        zorder=3,
        label=f"least, {study.sampled[best]:.2g}, at {study.products[best]:.2g}",
    )
    axes.set_xscale("log")
    axes.set_yscale("log")
    finish_axes(
        axes, f"Steeper is not better ({study.n_boxes} boxes)", "steepness times width", "greatest error"
    )


def draw_dimensions(axes: Axes, network: BoxNetwork) -> None:
    """Draw the parameters against the dimension, and where memory ends.

    There are as many boxes an axis as here, and ten.
    """
    dimensions = np.arange(1, 11)
    here = network.n_boxes_ ** (1 / network.n_dims)
    for per_axis, colour, marker in ((here, BLUE, "o"), (10.0, GREY, "s")):
        axes.plot(
            dimensions,
            parameters_against_dimension(per_axis, dimensions.tolist()),
            "-",
            color=colour,
            marker=marker,
            markersize=4,
            label=f"{per_axis:.0f} boxes an axis",
        )
    axes.axhline(parameters_that_fit(), color=VERMILLION, linewidth=1.4, label="16 GB of memory end here")
    axes.set_yscale("log")
    axes.set_xticks(dimensions)
    finish_axes(axes, "The curse of dimension", "dimensions", "parameters")
    axes.legend(frameon=False, fontsize=8, labelcolor=INK, loc="upper left")


# Any, here and below: axes in space, to which matplotlib gives no types.
def draw_surface(axes: Any, f: Expression, bounds: Bounds) -> None:
    """Draw the function of two variables as a surface."""
    x, y, z = _sampled(f, bounds, 61)
    axes.plot_surface(x, y, z, cmap=_colours(), linewidth=0, rcount=60, ccount=60)
    axes.set_title("Function", loc="left", fontsize=11, color=INK)
    _finish_space(axes)


def draw_towers(axes: Any, network: BoxNetwork, n_boxes: int) -> None:
    """Draw the superposition in two dimensions as towers.

    The lowest value is their floor.
    """
    from matplotlib.colors import Normalize

    lower, upper = network.partition_.corners()
    heights = np.ravel(network.heights_)
    floor = min(0.0, float(heights.min()))
    shade = Normalize(float(heights.min()), float(heights.max()) or 1.0)
    axes.bar3d(
        lower[:, 0],
        lower[:, 1],
        np.full(len(lower), floor),
        *(upper - lower).T,
        heights - floor,
        color=_colours()(shade(heights)),
        edgecolor="white",
        linewidth=0.2,
        shade=True,
    )
    title = f"{network.n_boxes_} towers"
    if n_boxes != network.n_boxes_:
        title += f" (the network has {n_boxes})"
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    _finish_space(axes)


def draw_cells(axes: Axes, f: Expression, network: BoxNetwork) -> None:
    """Draw the error over the plane, with the cells if few enough.

    They are drawn where they can be seen.
    """
    bounds = [(float(low), float(high)) for low, high in network.bounds_]
    x, y, z = _sampled(f, bounds, 301)
    error = np.abs(z - network.predict(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(x.shape))
    picture = axes.imshow(
        error,
        origin="lower",
        extent=(*bounds[0], *bounds[1]),
        aspect="auto",
        cmap="Greys",
        vmin=0,
        interpolation="nearest",
    )
    if network.n_boxes_ <= 4 * TOWERS_SHOWN:
        from matplotlib.collections import PatchCollection
        from matplotlib.patches import Rectangle

        lower, upper = network.partition_.corners()
        cells = [Rectangle((a[0], a[1]), *(b - a)) for a, b in zip(lower, upper, strict=True)]
        axes.add_collection(PatchCollection(cells, facecolor="none", edgecolor=BLUE, linewidth=0.4))
    bar = axes.figure.colorbar(picture, ax=axes, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=INK, labelsize=8)
    finish_axes(axes, "Error over the plane, and the boxes", "x", "y")
    axes.grid(visible=False)


def _sampled(
    f: Expression, bounds: Bounds, n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Sample the function on a grid of n by n points."""
    x, y = np.meshgrid(*(np.linspace(*pair, n) for pair in bounds))
    return x, y, f(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(x.shape)


def _colours() -> LinearSegmentedColormap:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("towers", ["#e9eff5", BLUE, "#003553"])


def _title(text: str) -> str:
    """Cut a formula to what fits, without reading it as mathematics."""
    return verbatim(text if len(text) <= TITLE_WIDTH else f"{text[: TITLE_WIDTH - 1]}…")


def _finish_space(axes: Any) -> None:
    axes.view_init(elev=32, azim=-125)
    axes.set_box_aspect(None, zoom=1.12)
    axes.set_xlabel("x", color=INK)
    axes.set_ylabel("y", color=INK)
    axes.tick_params(colors=INK, labelsize=8)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_pane_color((1, 1, 1, 0))
        axis._axinfo["grid"].update(color=PALE, linewidth=0.6)
