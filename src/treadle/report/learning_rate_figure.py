"""Draws a learning-rate test: the loss against the rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from treadle.report.colours import BLUE, GREY, VERMILLION
from treadle.report.figures import finish_axes, new_figure
from treadle.training.learning_rate_finder import LearningRateFinder

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_learning_rates(finder: LearningRateFinder) -> Figure:
    """Draw each step's loss, its smoothed mean, and the suggested rate.

    They are drawn against the rate.

    Raises
    ------
    InvalidInput
        If the finder has tried no rate yet.
    """
    table = finder.table()
    rates, losses, smoothed = (np.array(table[name]) for name in ("learning_rate", "loss", "smoothed_loss"))
    figure = new_figure(6.4, 3.9)
    axes = figure.subplots()
    axes.plot(rates, losses, "o", color=GREY, markersize=3, alpha=0.6, label="loss of a batch")
    axes.plot(rates, smoothed, color=BLUE, label="mean of nine")
    label = f"suggested: {finder.suggestion_:.2g}"
    axes.axvline(finder.suggestion_, color=VERMILLION, linestyle="--", linewidth=1.2, label=label)
    axes.set_xscale("log")
    # The last losses may be a thousand times the first, which are what the picture is for.
    low, high = losses.min(), max(smoothed[0], losses[: len(losses) // 2].max())
    axes.set_ylim(low - 0.15 * (high - low), high + 0.25 * (high - low))
    finish_axes(axes, "Learning-rate test", "learning rate", "loss")
    return figure
