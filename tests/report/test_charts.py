import math
import re
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from tests.report.report_cases import make_evaluation
from treadle.errors import InvalidInput
from treadle.report.charts import (
    BOTTOM,
    LEFT,
    RIGHT,
    TIP_WIDTH,
    TOP,
    WIDTH,
    Series,
    calibration_chart,
    epoch_chart,
    stop_indices,
    ticks,
)


def show(value):
    return f"{value:.4f}"


@pytest.mark.parametrize("seed", range(50))
def test_ticks_are_round_inside_and_not_too_many(seed):
    rng = np.random.default_rng(seed)
    low = rng.normal() * 10.0 ** rng.integers(-6, 6)
    high = low + 10.0 ** rng.uniform(-6, 6)
    found = ticks(low, high)
    assert 2 <= len(found) <= 6
    assert all(low <= tick <= high for tick in found)
    steps = {b - a for a, b in pairwise(found)}
    (step,) = steps
    mantissa = step / Fraction(10) ** math.floor(math.log10(step) + 1e-9)
    assert mantissa in (1, 2, Fraction(5, 2), 5)


@pytest.mark.parametrize("last", [1, 2, 3, 10, 11, 25, 1000])
def test_ticks_of_epochs_are_whole(last):
    found = ticks(0.5, last + 0.5, 10, integers=True)
    assert 1 <= len(found) <= 10
    assert all(tick.denominator == 1 and 1 <= tick <= last for tick in found)


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (0.0, math.inf), (math.nan, 1.0)])
def test_an_axis_without_length_is_refused(low, high):
    with pytest.raises(InvalidInput, match="an axis needs finite ends, the lower first"):
        ticks(low, high)


def test_curve_keeps_the_order_of_values_and_stays_in_its_box():
    values = [0.9, 0.5, 0.7]
    chart = epoch_chart([1, 2, 3], [Series("train", "train", values)], "loss", show, ("train", 1))
    (line,) = chart.lines
    points = np.array(re.findall(r"([\d.]+) ([\d.]+)", line.path), dtype=float)
    assert line.key == "train" and line.path.count("M") == 1 and len(points) == 3
    np.testing.assert_allclose(points, np.concatenate(line.pieces), atol=0.051)
    assert np.argsort(-points[:, 1]).tolist() == np.argsort(values).tolist()  # y points down
    assert (points[:, 0] >= LEFT).all() and (points[:, 0] <= RIGHT).all()
    assert (points[:, 1] >= TOP).all() and (points[:, 1] <= BOTTOM).all()
    assert chart.best == chart.stops[1].dots[0]


def test_ticks_and_curve_share_one_scale():
    chart = epoch_chart([1, 2], [Series("a", "a", [0.25, 0.75])], "loss", show, None)
    at = {float(tick.label): tick.at for tick in chart.y_ticks}
    (low, high) = sorted(at)[0], sorted(at)[-1]
    slope = (at[high] - at[low]) / (high - low)
    dots = [stop.dots[0].y for stop in chart.stops]
    assert dots[0] == pytest.approx(at[low] + (0.25 - low) * slope)
    assert dots[1] == pytest.approx(at[low] + (0.75 - low) * slope)


def test_nan_breaks_the_curve_and_is_not_read_out():
    series = [Series("train", "train", [1.0, 0.8, 0.6]), Series("test", "test", [0.9, math.nan, 0.7])]
    chart = epoch_chart([1, 2, 3], series, "loss", show, None)
    assert chart.lines[1].path.count("M") == 2
    assert chart.stops[1].heading == "epoch 2"
    assert chart.stops[1].rows == [("train", "0.8000")]
    assert chart.stops[2].rows == [("train", "0.6000"), ("test", "0.7000")]


@pytest.mark.parametrize("n", [1, 2, 7, 5000])
def test_stops_tile_the_box_and_read_outs_stay_inside(n):
    values = [1 / (i + 1) for i in range(n)]
    chart = epoch_chart(list(range(1, n + 1)), [Series("a", "a", values)], "loss", show, ("a", n - 1))
    assert chart.stops[0].left == LEFT
    ends = [stop.left + stop.width for stop in chart.stops]
    np.testing.assert_allclose(ends[:-1], [stop.left for stop in chart.stops[1:]])
    assert ends[-1] == pytest.approx(RIGHT)
    assert len(chart.stops) <= 201
    assert all(0 <= stop.tip_x <= WIDTH - TIP_WIDTH for stop in chart.stops)
    assert chart.best is not None


def test_stops_of_a_long_run_keep_first_last_and_best():
    found = stop_indices(10_000, 1234)
    assert found[0] == 0 and found[-1] == 9999 and 1234 in found
    assert found == sorted(set(found)) and len(found) <= 201


def test_equal_values_have_an_axis():
    chart = epoch_chart([1, 2], [Series("a", "a", [0.0, 0.0])], "loss", show, None)
    assert len(chart.y_ticks) >= 2
    labels = [tick.label for tick in chart.y_ticks]
    assert len(set(labels)) == len(labels)


def test_nothing_finite_is_refused():
    with pytest.raises(InvalidInput, match="none of the series has a finite value"):
        epoch_chart([1], [Series("a", "a", [math.nan])], "loss", show, None)


def test_calibration_chart_has_a_bar_a_dot_and_a_stop_for_each_bin_with_samples():
    calibration = make_evaluation().calibration(10)
    chart = calibration_chart(calibration)
    n_filled = int((calibration.count > 0).sum())
    assert 0 < n_filled < 10
    assert len(chart.bars) == len(chart.dots) == len(chart.stops) == n_filled
    b = int(np.flatnonzero(calibration.count)[-1])
    assert chart.stops[-1].rows == [
        ("confidence", f"{100 * calibration.confidence[b]:.1f} %"),
        ("accuracy", f"{100 * calibration.accuracy[b]:.1f} %"),
        ("samples", str(calibration.count[b])),
    ]
    height = chart.bars[-1].height / (BOTTOM - TOP)
    assert height == pytest.approx(calibration.accuracy[b])
