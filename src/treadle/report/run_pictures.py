"""The pictures of a run: learning curves, confusion matrix, sample predictions; each a ``Picture``.

Right and wrong differ by a sign, a hatch or a frame as well as by colour. The curves are the charts of the
page. Dimensions: K classes, D features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.messages import quoted
from treadle.report import charts
from treadle.report.colours import BLUE, GREY, INK, PALE, VERMILLION
from treadle.report.curves import Panel, curves
from treadle.report.picture import Circle, Line, Picture, Pixels, Rectangle, Text, text_width
from treadle.report.samples import as_grey_images, short_name, shown_classes
from treadle.report.shading import confusion_strength
from treadle.training.history import History

BARS_SHOWN = 10
NAME_WIDTH = 18  # characters of a class name that fit everywhere
COUNTS_SHOWN_UP_TO = 25  # classes; beyond, the cells of a confusion matrix are too small for numbers

# In inches, as all lengths here; sizes of letters are in points.
PANEL_WIDTH, PANEL_HEIGHT, PANEL_HEAD = 5.2, 3.6, 0.55
UNIT = (PANEL_WIDTH - 0.2) / charts.WIDTH  # of a chart's own
CELL, LARGEST_MATRIX = 0.62, 15.6
SAMPLE_WIDTH, BAR_PITCH, LONGEST_NAME = 4.9, 0.185, 1.6
STYLES = {"train": (GREY, (5 * UNIT, 4 * UNIT)), "test": (BLUE, None)}


def draw_curves(history: History) -> Picture:
    """Train and test loss of each epoch and, where there is one, the test accuracy; the best are marked.

    Epochs whose value is nan are left out, and so is a curve that has no other.
    """
    if len(history) == 0:
        raise InvalidInput("there are no curves to draw: the history has no epoch; train at least one")
    panels = curves(history)
    picture = Picture(PANEL_WIDTH * len(panels), PANEL_HEIGHT)
    for i, panel in enumerate(panels):
        _draw_legend(picture, panel, PANEL_WIDTH * i + 0.1)
        _draw_chart(picture, panel.chart, PANEL_WIDTH * i + 0.1)
    return picture


def _draw_legend(picture: Picture, panel: Panel, x: float) -> None:
    """The title and, to its right, what each line and the mark are."""
    base = 0.34
    picture.add(Text(x, base, panel.title, 11, INK, bold=True))
    x += text_width(panel.title, 11, bold=True) + 0.25
    for key, label in panel.legend:
        colour, dash = STYLES[key]
        picture.add(
            Line([(x, base - 0.05), (x + 0.28, base - 0.05)], colour, 1.5, dash),
            Text(x + 0.34, base, label, 9, GREY),
        )
        x += 0.34 + text_width(label, 9) + 0.22
    if panel.chart.best:
        picture.add(
            Circle(x + 0.06, base - 0.05, 0.05, VERMILLION, 1.5), Text(x + 0.18, base, panel.summary, 9, GREY)
        )


def _draw_chart(picture: Picture, chart: charts.Chart, left: float) -> None:
    size = 12 * UNIT * 72

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x * UNIT, PANEL_HEAD + y * UNIT

    for tick in chart.y_ticks:
        picture.add(
            Line([at(charts.LEFT, tick.at), at(charts.RIGHT, tick.at)], PALE, 0.8),
            Text(*at(charts.LEFT - 8, tick.at + 4), tick.label, size, GREY, anchor="rs"),
        )
    for tick in chart.x_ticks:
        picture.add(Text(*at(tick.at, charts.BOTTOM + 18), tick.label, size, GREY, anchor="ms"))
    middle = at((charts.LEFT + charts.RIGHT) / 2, (charts.TOP + charts.BOTTOM) / 2)
    picture.add(
        Line([at(charts.LEFT, charts.BOTTOM), at(charts.RIGHT, charts.BOTTOM)], GREY, 0.8),
        Text(middle[0], at(0, charts.HEIGHT - 4)[1], chart.x_label, size, GREY, anchor="ms"),
        Text(at(11, 0)[0], middle[1], chart.y_label, size, GREY, anchor="ms", angle=90),
    )
    for line in chart.lines:
        colour, dash = STYLES[line.key]
        picture.add(*(Line([at(*point) for point in piece], colour, 1.5, dash) for piece in line.pieces))
    picture.add(*(Circle(*at(dot.x, dot.y), 2.6 * UNIT, STYLES[dot.key][0]) for dot in chart.dots))
    if chart.best:
        picture.add(Circle(*at(chart.best.x, chart.best.y), 5.5 * UNIT, VERMILLION, 1.5))


def draw_confusion(confusion: NDArray[Any], class_names: Sequence[str]) -> Picture:
    """The confusion matrix (K, K), row the true class and column the predicted one, with its counts.

    The diagonal is framed and blue by its share of the row; mistakes are vermillion by their share of the
    row, relative to the largest. Above 25 classes the counts are left out.
    """
    K = len(class_names)
    if confusion.shape != (K, K):
        raise InvalidInput(f"confusion must have shape ({K}, {K}), a row a name; got {confusion.shape}")
    cell = min(CELL, LARGEST_MATRIX / K)
    size = 9 if K <= COUNTS_SHOWN_UP_TO else max(1.0, 200 / K)
    names = [short_name(name, NAME_WIDTH) for name in class_names]
    longest = max(text_width(name, size) for name in names)
    left, top, side = 0.5 + longest, 0.55, K * cell
    below = 0.2 + longest * math.sqrt(0.5)
    picture = Picture(max(left + side + 0.3, 4.0), top + side + below + 0.4)
    picture.add(Text(0.15, 0.34, "Confusion matrix (framed: right)", 11, INK, bold=True))
    colours = _confusion_colours(confusion)
    picture.add(Pixels(np.rint(255 * colours).astype(np.uint8), left, top, left + side, top + side))
    picture.add(Rectangle(left, top, left + side, top + side, frame=PALE))
    corners = [(left + k * cell, top + k * cell) for k in range(K)]
    picture.add(*(Rectangle(x, y, x + cell, y + cell, frame=INK) for x, y in corners))
    if K <= COUNTS_SHOWN_UP_TO:
        digits = len(str(confusion.max()))
        for row, column in np.argwhere(confusion > 0).tolist():
            dark = colours[row, column] @ (0.299, 0.587, 0.114) < 0.58
            x, y = left + (column + 0.5) * cell, top + (row + 0.5) * cell
            colour, points = "white" if dark else INK, 9.5 if digits <= 4 else 6.5
            picture.add(
                Text(x, y, str(confusion[row, column]), points, colour, bold=row == column, anchor="mm")
            )
    for k, name in enumerate(names):
        middle = (k + 0.5) * cell
        picture.add(
            Text(left - 0.08, top + middle, name, size, INK, anchor="rm"),
            Text(left + middle, top + side + 0.1, name, size, INK, anchor="rm", angle=45),
        )
    picture.add(
        Text(left + side / 2, top + side + below + 0.25, "predicted class", 10, INK, anchor="ms"),
        Text(0.3, top + side / 2, "true class", 10, INK, anchor="ms", angle=90),
    )
    return picture


def _confusion_colours(confusion: NDArray[Any]) -> NDArray[np.float64]:
    """Red, green and blue of each cell, shape (K, K, 3), between white and the cell's colour."""
    diagonal = np.eye(len(confusion), dtype=bool)[..., None]
    colour = np.where(diagonal, _red_green_blue(BLUE), _red_green_blue(VERMILLION))
    return np.asarray(1 - confusion_strength(confusion)[..., None] * (1 - colour))


def _red_green_blue(colour: str) -> NDArray[np.float64]:
    return np.array(list(bytes.fromhex(colour[1:]))) / 255


def draw_predictions(
    images: NDArray[Any],
    y_true: NDArray[Any],
    probabilities: NDArray[Any],
    class_names: Sequence[str],
    image_shape: tuple[int, int] | None,
    scale: float,
) -> Picture:
    """For each sample its image with the true class and, beside it, the probabilities of the classes.

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
    finite = np.isfinite(probabilities).all(axis=1)
    if not finite.all():
        raise InvalidInput(
            f"probabilities must be finite; got {quoted(probabilities[~finite][0].tolist())} in row "
            f"{int(np.argmin(finite))}: see whether the network or its inputs overflow"
        )
    n_columns = min(n, 2 if n <= 8 else 3)
    height = 1.0 + BAR_PITCH * min(len(class_names), BARS_SHOWN)
    picture = Picture(SAMPLE_WIDTH * n_columns, height * math.ceil(n / n_columns))
    names = [short_name(name, NAME_WIDTH) for name in class_names]
    grey = as_grey_images(images, image_shape, scale) if image_shape is not None else [None] * n
    for i in range(n):
        row, column = divmod(i, n_columns)
        corner = (SAMPLE_WIDTH * column, height * row)
        _draw_sample(picture, corner, height, grey[i], int(y_true[i]), probabilities[i], names)
    return picture


def _draw_sample(
    picture: Picture,
    corner: tuple[float, float],
    height: float,
    pixels: NDArray[np.uint8] | None,
    true: int,
    probabilities: NDArray[Any],
    names: Sequence[str],
) -> None:
    """One sample, in a cell of SAMPLE_WIDTH and that height from its upper left corner."""
    left, top = corner[0] + 0.12, corner[1]
    predicted = int(np.argmax(probabilities))
    right = predicted == true
    colour = BLUE if right else VERMILLION
    _draw_sign(picture, left, top + 0.28, right, colour)
    picture.add(
        Text(left + 0.22, top + 0.28, f"predicted: {names[predicted]}", 10.5, colour, bold=True),
        Text(left, top + height - 0.16, f"true: {names[true]}", 9.5, INK),
    )
    bottom = top + height - 0.42
    side = 0.0
    if pixels is not None:
        side = min(1.8, height - 0.84)
        H, W = pixels.shape
        unit = side / max(H, W)
        picture.add(Pixels(pixels, left, bottom - H * unit, left + W * unit, bottom))
    shown = shown_classes(probabilities, true, BARS_SHOWN).tolist()
    longest = max(text_width(name, 8, bold=True) for name in names)
    size = 8 * min(1.0, LONGEST_NAME / longest)
    bars = left + side + 0.2 + min(longest, LONGEST_NAME)
    full = corner[0] + SAMPLE_WIDTH - 0.6 - bars  # of probability 1; what is left is for its number
    pitch = (height - 0.84) / len(shown)
    for place, k in enumerate(shown):
        probability, middle = float(probabilities[k]), top + 0.42 + (place + 0.5) * pitch
        picture.add(
            Text(
                *(bars - 0.05, middle, names[k], size),
                INK if k in (true, predicted) else GREY,
                bold=k == true,
                anchor="rm",
            ),
            Rectangle(
                *(bars, middle - 0.36 * pitch, bars + full * probability, middle + 0.36 * pitch),
                fill=colour if k == predicted else GREY,
                hatched=k == predicted and not right,
            ),
        )
        if probability >= 0.005:
            x = bars + full * probability + 0.04
            picture.add(Text(x, middle, f"{100 * probability:.1f} %", 7.5, INK, anchor="lm"))
    picture.add(Line([(bars, top + 0.42), (bars, bottom)], GREY, 0.8))


def _draw_sign(picture: Picture, left: float, base: float, right: bool, colour: str) -> None:
    """A tick, or a cross; of lines, whatever letters the font has."""
    if right:
        tick = [(left + 0.01, base - 0.06), (left + 0.05, base - 0.01), (left + 0.14, base - 0.13)]
        picture.add(Line(tick, colour, 2))
    else:
        for x in (left + 0.02, left + 0.13):
            other = 2 * left + 0.15 - x
            picture.add(Line([(x, base - 0.12), (other, base - 0.01)], colour, 2))
