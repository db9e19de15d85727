import numpy as np
import pytest

from treadle import InvalidInput
from treadle.report.charts import BOTTOM, LEFT, RIGHT, TOP
from treadle.report.xy_charts import MOST_POINTS, Points, xy_chart


def test_points_lie_where_their_numbers_say():
    line = Points("test", np.array([0.0, 1.0]), np.array([0.0, 0.5]))
    cloud = Points("train", np.array([0.25]), np.array([1.0]), as_line=False)
    chart = xy_chart([line, cloud], "a", "b", within=(0, 1))
    assert chart.lines[0].pieces == [[(LEFT, BOTTOM), (RIGHT, (TOP + BOTTOM) / 2)]]
    (dot,) = chart.dots
    assert (dot.key, dot.x, dot.y) == ("train", LEFT + (RIGHT - LEFT) / 4, TOP)
    assert (chart.x_label, chart.y_label) == ("a", "b")
    assert chart.x_ticks[0].label == "0"


def test_axes_hold_all_points_and_more():
    rng = np.random.default_rng(0)
    x, y = 1e6 * rng.normal(size=5000), 1e-6 * rng.normal(size=5000)
    chart = xy_chart([Points("test", x, y, as_line=False)], "", "")
    assert len(chart.dots) == MOST_POINTS
    assert all(LEFT < dot.x < RIGHT and TOP < dot.y < BOTTOM for dot in chart.dots)
    one = xy_chart([Points("test", np.array([3.0]), np.array([0.0]), as_line=False)], "", "")
    assert LEFT < one.dots[0].x < RIGHT


@pytest.mark.parametrize("values", [[], [np.nan], [np.inf]])
def test_what_cannot_be_drawn_is_refused(values):
    with pytest.raises(InvalidInput, match="a chart needs points, and all of them finite"):
        xy_chart([Points("test", np.array(values), np.array(values))], "", "")
    with pytest.raises(InvalidInput, match="a chart needs points"):
        xy_chart([], "", "")
