"""The learning curves of a run: loss and test accuracy by epoch, each a chart with its words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from treadle.report import charts
from treadle.training.history import History


@dataclass(frozen=True)
class Panel:
    """A chart with its words: the name of its series by style, and a sentence that says what it shows."""

    title: str
    chart: charts.Chart
    legend: list[tuple[str, str]]
    summary: str


def curves(history: History) -> list[Panel]:
    """Chart the loss and, where any epoch has one, the test accuracy."""
    epochs = [record.epoch for record in history]
    accuracy = charts.Series("test", "test", [100 * value for value in history.column("held_out_score")])
    test_loss = charts.Series("test", "test", history.column("held_out_loss"))
    losses = [charts.Series("train", "train", history.column("train_loss"))]
    found = []
    best, summary = None, f"train loss {losses[0].values[-1]:.4f} after epoch {epochs[-1]}"
    if any(map(math.isfinite, test_loss.values)):
        losses.append(test_loss)
        at = int(np.nanargmin(test_loss.values))
        best, summary = ("test", at), f"lowest {test_loss.values[at]:.4f}, epoch {epochs[at]}"
    chart = charts.epoch_chart(epochs, losses, "loss (nats)", lambda value: f"{value:.4f}", best)
    found.append(Panel("Loss", chart, [(one.key, one.label) for one in losses], summary))
    if any(map(math.isfinite, accuracy.values)):
        at = int(np.nanargmax(accuracy.values))
        summary = f"highest {accuracy.values[at]:.2f} %, epoch {epochs[at]}"
        chart = charts.epoch_chart(
            epochs, [accuracy], "accuracy (%)", lambda value: f"{value:.2f} %", ("test", at)
        )
        found.append(Panel("Test accuracy", chart, [("test", "test")], summary))
    return found
