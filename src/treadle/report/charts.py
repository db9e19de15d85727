"""Computes the coordinates of charts for the page and for pictures.

Pure arithmetic: no markup, no colour, no text but tick labels and read-outs. The y axis points down, as an
SVG's does; all lengths are in the chart's own units, ``WIDTH`` by ``HEIGHT``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from treadle.errors import InvalidInput
from treadle.report.evaluation import Calibration

WIDTH, HEIGHT = 460.0, 270.0
LEFT, RIGHT, TOP, BOTTOM = 54.0, 446.0, 12.0, 228.0  # of the plot's box
TIP_WIDTH, TIP_LINE = 128.0, 17.0
FACTORS = (Fraction(1), Fraction(2), Fraction(5, 2), Fraction(5))  # of a power of ten, between ticks
MOST_STOPS = 200  # points that answer to the pointer; more would be narrower than a pixel


@dataclass(frozen=True)
class Tick:
    """A value on an axis: its place and its label."""

    at: float
    label: str


@dataclass(frozen=True)
class Series:
    """One curve: a style's name, and a number for each x.

    ``key`` names the style; ``values`` that are not finite are gaps.
    """

    key: str
    label: str
    values: Sequence[float]


@dataclass(frozen=True)
class Dot:
    """A point of a series."""

    key: str
    x: float
    y: float


@dataclass(frozen=True)
class Line:
    """A series as pieces of connected points; a value that is not finite ends a piece."""

    key: str
    pieces: list[list[tuple[float, float]]]

    @property
    def path(self) -> str:
        """The data of an SVG path."""
        return "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in piece) for piece in self.pieces)


@dataclass(frozen=True)
class Bar:
    """A rectangle."""

    key: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Stop:
    """A chart's upright band, and what the pointer shows in it.

    Parameters
    ----------
    x, left, width : float
        The rule, and the band around it.
    tip_x, tip_height : float
        Left edge and height of the read-out, on the side with more room.
    heading : str
    rows : list of (label, value)
    dots : list of Dot
    """

    x: float
    left: float
    width: float
    tip_x: float
    tip_height: float
    heading: str
    rows: list[tuple[str, str]]
    dots: list[Dot]


@dataclass(frozen=True)
class Chart:
    """A chart ready to be drawn."""

    x_ticks: list[Tick]
    y_ticks: list[Tick]
    x_label: str
    y_label: str
    bars: list[Bar]
    lines: list[Line]
    dots: list[Dot]
    best: Dot | None
    stops: list[Stop]


def ticks(low: float, high: float, at_most: int = 6, integers: bool = False) -> list[Fraction]:
    """Return exact round numbers from low to high, at equal distances.

    The distance is 1, 2, 2.5 or 5 times a power of ten.

    Raises
    ------
    InvalidInput
        Unless low < high, both finite.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InvalidInput(f"an axis needs finite ends, the lower first; got {low!r} and {high!r}")
    magnitude = math.floor(math.log10((high - low) / at_most))
    if integers:
        magnitude = max(magnitude, 0)
    steps = (Fraction(10) ** m * factor for m in (magnitude, magnitude + 1) for factor in FACTORS)
    for step in steps:
        first, last = math.ceil(Fraction(low) / step), math.floor(Fraction(high) / step)
        if last - first < at_most and (step.denominator == 1 or not integers):
            break
    return [step * i for i in range(first, last + 1)]


def epoch_chart(
    epochs: Sequence[int],
    series: Sequence[Series],
    y_label: str,
    show: Callable[[float], str],
    best: tuple[str, int] | None,
) -> Chart:
    """Make a chart of curves over the epochs.

    Parameters
    ----------
    epochs : sequence of int
        Ascending, at least one.
    series : sequence of Series
        With at least one finite value among them.
    y_label : str
        With the unit.
    show : callable
        Formats a value for the read-out.
    best : (key, i), or None
        Mark the value of that series at epochs[i].
    """
    finite = [value for one in series for value in one.values if math.isfinite(value)]
    if not finite:
        raise InvalidInput("there is nothing to draw: none of the series has a finite value")
    low, high = min(finite), max(finite)
    pad = 0.06 * (high - low) or max(0.05 * abs(high), 1e-3)
    low, high = low - pad, high + pad
    first, last = epochs[0] - 0.5, epochs[-1] + 0.5

    def x_at(epoch: float) -> float:
        return LEFT + (epoch - first) / (last - first) * (RIGHT - LEFT)

    def y_at(value: float) -> float:
        return BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP)

    def dots(i: int) -> list[Dot]:
        return [
            Dot(one.key, x_at(epochs[i]), y_at(one.values[i]))
            for one in series
            if math.isfinite(one.values[i])
        ]

    shown = stop_indices(len(epochs), best[1] if best else None)
    xs = [x_at(epochs[i]) for i in shown]
    edges = [LEFT, *((a + b) / 2 for a, b in pairwise(xs)), RIGHT]
    stops = [
        _stop(
            x,
            edges[j],
            edges[j + 1],
            f"epoch {epochs[i]}",
            [(one.label, show(one.values[i])) for one in series if math.isfinite(one.values[i])],
            dots(i),
        )
        for j, (i, x) in enumerate(zip(shown, xs, strict=True))
    ]
    y_values = ticks(low, high)
    marked = next((dot for dot in dots(best[1]) if dot.key == best[0]), None) if best else None
    return Chart(
        x_ticks=[Tick(x_at(float(t)), f"{int(t)}") for t in ticks(first, last, 10, integers=True)],
        y_ticks=[Tick(y_at(float(t)), label) for t, label in zip(y_values, _labels(y_values), strict=True)],
        x_label="epoch",
        y_label=y_label,
        bars=[],
        lines=[Line(one.key, _pieces([x_at(e) for e in epochs], one.values, y_at)) for one in series],
        dots=[dot for i in shown for dot in dots(i)] if len(epochs) <= 40 else [],
        best=marked,
        stops=stops,
    )


def calibration_chart(calibration: Calibration) -> Chart:
    """Make a chart of each bin's accuracy and mean confidence.

    Accuracy is a bar, the diagonal perfect calibration, and a dot lies at the mean confidence. The distance
    of a dot from the diagonal is the bin's share in the calibration error, before weighting.
    """

    def x_at(value: float) -> float:
        return LEFT + value * (RIGHT - LEFT)

    def y_at(value: float) -> float:
        return BOTTOM - value * (BOTTOM - TOP)

    edges = [float(edge) for edge in calibration.edges]
    bars, points, stops = [], [], []
    for b, count in enumerate(calibration.count):
        if count == 0:
            continue
        accuracy, confidence = float(calibration.accuracy[b]), float(calibration.confidence[b])
        left, right = x_at(edges[b]), x_at(edges[b + 1])
        bars.append(Bar("accuracy", left + 1, y_at(accuracy), right - left - 2, BOTTOM - y_at(accuracy)))
        dot = Dot("accuracy", x_at(confidence), y_at(accuracy))
        points.append(dot)
        rows = [
            ("confidence", f"{100 * confidence:.1f} %"),
            ("accuracy", f"{100 * accuracy:.1f} %"),
            ("samples", f"{int(count):,}"),
        ]
        heading = f"{100 * edges[b]:.0f} to {100 * edges[b + 1]:.0f} %"
        stops.append(_stop(dot.x, left, right, heading, rows, [dot]))
    fifths = [i / 5 for i in range(6)]
    return Chart(
        x_ticks=[Tick(x_at(t), f"{100 * t:.0f}") for t in fifths],
        y_ticks=[Tick(y_at(t), f"{100 * t:.0f}") for t in fifths],
        x_label="confidence (%)",
        y_label="accuracy (%)",
        bars=bars,
        lines=[Line("perfect", _pieces([x_at(0), x_at(1)], [0, 1], y_at))],
        dots=points,
        best=None,
        stops=stops,
    )


def _labels(values: Sequence[Fraction]) -> list[str]:
    """Write numbers with equally many decimal places, as one needs most."""
    places = 0
    while places < 12 and any((value * 10**places).denominator != 1 for value in values):
        places += 1
    return [f"{float(value):.{places}f}" for value in values]


def stop_indices(n: int, best: int | None = None) -> list[int]:
    """Return at most MOST_STOPS of n places, evenly spread.

    The first and the last are among them, and the best as well.
    """
    if n <= MOST_STOPS:
        return list(range(n))
    spread = {round(i * (n - 1) / (MOST_STOPS - 1)) for i in range(MOST_STOPS)}
    return sorted(spread | ({best} if best is not None else set()))


def _stop(
    x: float, left: float, right: float, heading: str, rows: list[tuple[str, str]], dots: list[Dot]
) -> Stop:
    tip_x = x + 10 if x < (LEFT + RIGHT) / 2 else x - 10 - TIP_WIDTH
    return Stop(x, left, right - left, tip_x, TIP_LINE * (len(rows) + 1) + 8, heading, rows, dots)


def _pieces(
    xs: Sequence[float], values: Sequence[float], y_at: Callable[[float], float]
) -> list[list[tuple[float, float]]]:
    """Place the finite values, in pieces that end where one is not."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for x, value in zip(xs, values, strict=True):
        if math.isfinite(value):
            pieces[-1].append((x, y_at(value)))
        else:
            pieces.append([])
    return [piece for piece in pieces if piece]
