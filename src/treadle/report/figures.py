"""Gives matplotlib's pictures their look, and saves them.

Drawn through matplotlib's objects on an Agg canvas: no pyplot, no window, no global state. matplotlib is
imported on the first call; the pictures of a run do without it, see ``treadle.report.run_pictures``.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from treadle.errors import InvalidInput
from treadle.files import write_atomically
from treadle.report.colours import GREY, INK, PALE
from treadle.report.picture import DPI

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURE_ENDINGS = {"": "png", ".png": "png", ".svg": "svg", ".pdf": "pdf"}


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
