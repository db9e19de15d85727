"""Draws a run's learning curves, sample predictions and confusion matrix with matplotlib.

Each is a Figure. Drawn through matplotlib's objects on an Agg canvas: no pyplot, no window, no global state.
Right and wrong differ by a sign, a hatch or a frame as well as by colour; the colours are Okabe and Ito's,
which colour-blind readers can tell apart. matplotlib is imported on the first call.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.files import write_atomically
from treadle.maths.dtypes import Floats, Numbers
from treadle.report.samples import as_grey_images, short_name, shown_classes
from treadle.report.shading import confusion_strength
from treadle.training.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

BLUE, VERMILLION = "#0072B2", "#D55E00"
INK, GREY, PALE = "#1b1e23", "#69707a", "#dcdfe4"
RIGHT_SIGN, WRONG_SIGN = "✓", "✗"
BARS_SHOWN = 10
NAME_WIDTH = 18  # characters of a class name that fit everywhere
CHARACTER_WIDTH = 0.09  # inches that one of them takes at most, beside the bars
CELL_WIDTH = 4.9  # inches that a sample takes
COUNTS_SHOWN_UP_TO = 25  # classes; beyond, the cells of a confusion matrix are too small for numbers
DPI = 150
PICTURE_ENDINGS = {"": "png", ".png": "png", ".svg": "svg", ".pdf": "pdf"}


def draw_curves(history: History) -> Figure:
    """Draw each epoch's train and test loss, and its test accuracy.

    The accuracy is drawn where there is one; the best are marked. Epochs whose value is nan are left out, and
    so is a curve that has no other.
    """
    if len(history) == 0:
        raise InvalidInput("there are no curves to draw: the history has no epoch; train at least one")
    epochs = np.array(history.column("epoch"))
    test_loss = np.array(history.column("held_out_loss"), dtype=float)
    accuracy = np.array(history.column("held_out_score"), dtype=float)
    n_panels = 1 + bool(np.isfinite(accuracy).any())
    figure = new_figure(5.2 * n_panels, 3.9)
    panels = figure.subplots(1, n_panels, squeeze=False)[0]

    loss_axes = panels[0]
    _plot_epochs(loss_axes, epochs, np.array(history.column("train_loss")), GREY, "--", "o", "train")
    if np.isfinite(test_loss).any():
        _plot_epochs(loss_axes, epochs, test_loss, BLUE, "-", "o", "test")
        best = int(np.nanargmin(test_loss))
        _mark_best(loss_axes, epochs[best], test_loss[best], f"lowest test loss {test_loss[best]:.4f}")
    _finish_epoch_axes(loss_axes, epochs, "Loss", "loss (nats)")
    if n_panels == 2:
        best = int(np.nanargmax(accuracy))
        _plot_epochs(panels[1], epochs, 100 * accuracy, BLUE, "-", "o", "test")
        _mark_best(panels[1], epochs[best], 100 * accuracy[best], f"highest {100 * accuracy[best]:.2f} %")
        _finish_epoch_axes(panels[1], epochs, "Test accuracy", "accuracy (%)")
    return figure


def draw_predictions(
    images: Numbers,
    y_true: Sequence[int] | NDArray[np.integer],
    probabilities: Floats,
    class_names: Sequence[str],
    image_shape: tuple[int, int] | None,
    scale: float,
) -> Figure:
    """Draw samples' images with true classes, beside the probabilities of classes.

    Parameters
    ----------
    images : array of shape (n, D)
        The samples as rows; see ``treadle.report.samples.as_grey_images``.
    y_true : integer array of shape (n,)
        The class that each sample belongs to.
    probabilities : array of shape (n, K)
        Of each class; at most ten are shown for a sample: the likeliest, and the true one.
    class_names : sequence of K str
        Cut to 18 characters.
    image_shape : (H, W), or None
        None for rows that are no images: then bars and true class alone.
    scale : float
        The network saw ``images * scale``, which is drawn: 0 black, 1 white.
    """
    n = len(images)
    if n == 0 or len(y_true) != n or len(probabilities) != n:
        raise InvalidInput(
            "images, y_true and probabilities must have as many rows, at least one; "
            f"got {n}, {len(y_true)} and {len(probabilities)}"
        )
    if probabilities.shape[1] != len(class_names):
        raise InvalidInput(
            f"class_names must name the {probabilities.shape[1]} columns of probabilities; "
            f"got {len(class_names)} names"
        )
    n_columns = min(n, 2 if n <= 8 else 3)
    n_rows = math.ceil(n / n_columns)
    n_bars = min(len(class_names), BARS_SHOWN)
    # Laid out by hand: a layout engine takes seconds for two dozen axes.
    width, height = CELL_WIDTH, 1.0 + 0.185 * n_bars
    figure = new_figure(width * n_columns, height * n_rows, layout=False)
    pictures = as_grey_images(images, image_shape, scale) if image_shape is not None else None
    side = 0.0 if pictures is None else min(1.8, height - 0.84)
    longest = max(len(short_name(name, NAME_WIDTH)) for name in class_names)
    bars_left = 0.12 + side + 0.15 + CHARACTER_WIDTH * longest
    cells = figure.subfigures(n_rows, n_columns, squeeze=False).flat
    for i, cell in zip(range(n), cells, strict=False):  # the last row may have cells left over

        def axes(left: float, bottom: float, right: float, top: float, cell: SubFigure = cell) -> Axes:
            """Make axes between two corners, in inches from the cell's lower left."""
            corner = (left / width, bottom / height)
            return cell.add_axes((*corner, (right - left) / width, (top - bottom) / height))

        # Any: matplotlib's options of a text.
        def text(bottom: float, text: str, cell: SubFigure = cell, **style: Any) -> None:
            cell.text(0.12 / width, bottom / height, verbatim(text), va="baseline", **style)

        predicted = int(np.argmax(probabilities[i]))
        sign, colour = (RIGHT_SIGN, BLUE) if predicted == y_true[i] else (WRONG_SIGN, VERMILLION)
        title = f"{sign} predicted: {short_name(class_names[predicted], NAME_WIDTH)}"
        text(height - 0.28, title, fontsize=10.5, fontweight="bold", color=colour)
        text(0.16, f"true: {short_name(class_names[y_true[i]], NAME_WIDTH)}", fontsize=9.5, color=INK)
        if pictures is not None:
            picture = axes(0.12, 0.42, 0.12 + side, 0.42 + side)
            picture.imshow(pictures[i], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            picture.set_axis_off()
            picture.set_anchor("SW")  # on its caption
        bars = axes(bars_left, 0.42, width - 0.08, height - 0.42)
        _draw_bars(bars, int(y_true[i]), probabilities[i], class_names)
    return figure


def draw_confusion(confusion: NDArray[np.int64], class_names: Sequence[str]) -> Figure:
    """Draw the confusion matrix (K, K) with its counts.

    A row is a true class, a column a predicted one. The diagonal is framed and blue by its share of the row;
    mistakes are vermillion by their share of the row, relative to the largest. Above 25 classes the counts
    are left out.
    """
    K = len(class_names)
    if confusion.shape != (K, K):
        raise InvalidInput(f"confusion must have shape ({K}, {K}), a row a name; got {confusion.shape}")
    from matplotlib.patches import Rectangle

    side = min(2.4 + 0.62 * K, 18.0)
    figure = new_figure(side + 0.8, side)
    axes = figure.add_subplot()
    colours = _confusion_colours(confusion)
    axes.imshow(colours, interpolation="nearest")
    for i in range(K):
        axes.add_patch(Rectangle((i - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=INK, clip_on=False))
    if K <= COUNTS_SHOWN_UP_TO:
        digits = len(str(confusion.max()))
        for row, column in np.argwhere(confusion > 0):
            dark = colours[row, column] @ (0.299, 0.587, 0.114) < 0.58
            axes.text(
                column,
                row,
                str(confusion[row, column]),
                ha="center",
                va="center",
                fontsize=9.5 if digits <= 4 else 6.5,
                fontweight="bold" if row == column else "normal",
                color="white" if dark else INK,
            )
    names = [verbatim(short_name(name, NAME_WIDTH)) for name in class_names]
    size = 9 if K <= COUNTS_SHOWN_UP_TO else max(1.0, 200 / K)
    axes.set_xticks(range(K), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=size)
    axes.set_yticks(range(K), names, fontsize=size)
    axes.tick_params(length=0, colors=INK)
    axes.spines[:].set_color(PALE)
    axes.set_xlabel("predicted class", color=INK)
    axes.set_ylabel("true class", color=INK)
    figure.suptitle("Confusion matrix (framed: right)", x=0.03, ha="left", fontsize=11, color=INK)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write the figure in the format of the path's ending, whole.

    The path holds the old file or the new one. A PNG has 150 dots an inch.

    Raises
    ------
    InvalidInput
        If the ending is none of those that ``picture_format`` allows.
    """
    file = io.BytesIO()
    figure.savefig(file, format=picture_format(path), dpi=DPI)
    write_atomically(path, file.getvalue())


def picture_format(path: Path) -> str:
    """Return the format of a path's ending; PNG without one.

    Raises
    ------
    InvalidInput
        If the ending is none of .png, .svg and .pdf.
    """
    ending = path.suffix.lower()
    if ending not in PICTURE_ENDINGS:
        raise InvalidInput(f"a picture is written as .png, .svg or .pdf; got {str(path)!r}: name it so")
    return PICTURE_ENDINGS[ending]


def new_figure(width: float, height: float, *, layout: bool = True) -> Figure:
    """Make an empty white figure of that many inches.

    With ``layout``, its axes make room for their labels.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    engine = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.05) if layout else None
    figure = Figure(figsize=(width, height), layout=engine, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def finish_axes(axes: Axes, title: str, x_label: str, y_label: str) -> None:
    """Give a plot its title, labels, pale grid and two spines.

    All plots of lines and points look like this; the legend is bare.
    """
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.set_xlabel(x_label, color=INK)
    axes.set_ylabel(y_label, color=INK)
    axes.grid(axis="y", color=PALE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(colors=INK, labelsize=9)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=9, labelcolor=INK)


def verbatim(text: str) -> str:
    """Keep matplotlib from reading dollars as the fences of mathematics."""
    return text.replace("$", r"\$")


def _plot_epochs(
    axes: Axes,
    epochs: NDArray[np.int64],
    values: NDArray[np.float64],
    colour: str,
    line: str,
    marker: str,
    label: str,
) -> None:
    shown = np.isfinite(values)
    size = 3.5 if len(epochs) <= 60 else 0.0
    axes.plot(epochs[shown], values[shown], line, color=colour, marker=marker, markersize=size, label=label)


def _mark_best(axes: Axes, epoch: int, value: float, what: str) -> None:
    label = f"{what}, epoch {epoch}"
    axes.plot([epoch], [value], "*", color=VERMILLION, markersize=12, zorder=3, label=label)


def _finish_epoch_axes(axes: Axes, epochs: NDArray[np.int64], title: str, unit: str) -> None:
    from matplotlib.ticker import MaxNLocator

    margin = max(0.5, 0.02 * (epochs[-1] - epochs[0]))
    axes.set_xlim(epochs[0] - margin, epochs[-1] + margin)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    finish_axes(axes, title, "epoch", unit)


def _draw_bars(axes: Axes, true_class: int, probabilities: Floats, class_names: Sequence[str]) -> None:
    shown = shown_classes(probabilities, true_class, BARS_SHOWN)
    predicted = int(np.argmax(probabilities))
    right = predicted == true_class
    values = probabilities[shown].astype(float)
    bars = axes.barh(range(len(shown)), values, height=0.72, color=GREY)
    for k, bar, value in zip(shown, bars, values, strict=True):
        if k == predicted:
            bar.set_facecolor(BLUE if right else VERMILLION)
            if not right:
                bar.set(hatch="////", edgecolor="white", linewidth=0)
        if value >= 0.005:
            percent = f"{100 * value:.1f} %"
            axes.text(value + 0.02, bar.get_y() + 0.36, percent, va="center", fontsize=7.5, color=INK)
    names = [verbatim(short_name(class_names[k], NAME_WIDTH)) for k in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=8)
    for k, label in zip(shown, axes.get_yticklabels(), strict=True):
        label.set(color=INK if k in (true_class, predicted) else GREY)
        label.set_fontweight("bold" if k == true_class else "normal")
    axes.invert_yaxis()
    axes.set_xlim(0, 1.4)  # room for the numbers
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.spines["left"].set_color(GREY)


def _confusion_colours(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each cell's red, green and blue, shape (K, K, 3).

    They are between white and the cell's colour.
    """
    from matplotlib.colors import to_rgb

    diagonal = np.eye(len(confusion), dtype=bool)[..., None]
    colour = np.where(diagonal, to_rgb(BLUE), to_rgb(VERMILLION))
    return np.asarray(1 - confusion_strength(confusion)[..., None] * (1 - colour))
