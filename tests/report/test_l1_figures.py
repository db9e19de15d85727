import itertools

import numpy as np
import pytest
from matplotlib.text import Text

from tests.report.l1_cases import fitted
from treadle import InvalidInput, LADRegressor
from treadle.report import l1_figures
from treadle.report.colours import BLUE, GREY, VERMILLION
from treadle.report.figures import save_figure
from treadle.report.l1_comparison import compare
from treadle.report.l1_figures import draw_l1_fit


def drawn(model, X, y, comparison, target="y"):
    return draw_l1_fit(model, X, y, comparison, [f"x{j}" for j in range(X.shape[1])], target)


def test_one_feature_shows_data_both_lines_and_outliers():
    model, X, y, comparison = fitted()
    axes = drawn(model, X, y, comparison).axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    ends = lines["L1"].get_xdata()
    assert ends.tolist() == [X.min(), X.max()]
    np.testing.assert_allclose(lines["L1"].get_ydata(), model.predict(ends[:, None]))
    slope, intercept = np.polyfit(X[:, 0], y, 1)
    np.testing.assert_allclose(lines["least squares"].get_ydata(), slope * ends + intercept)
    assert set(lines["outliers"].get_ydata()) == set(y[:3])
    assert [lines[name].get_color() for name in ("L1", "least squares", "outliers")] == [
        BLUE,
        GREY,
        VERMILLION,
    ]
    assert lines["L1"].get_linestyle() != lines["least squares"].get_linestyle()
    assert len(axes.lines[0].get_xdata()) == 60
    assert {text.get_text() for text in axes.texts} <= {"row 1", "row 2", "row 3"} and axes.texts
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title("left")) == ("x0", "y", "y, L1 regression")


def test_several_features_show_the_residuals_of_both():
    model, X, y, comparison = fitted(d=3, quantile=0.8)
    left, right = drawn(model, X, y, comparison).axes
    np.testing.assert_array_equal(left.lines[1].get_ydata(), comparison.residuals)
    np.testing.assert_array_equal(right.lines[1].get_ydata(), comparison.least_squares_residuals)
    np.testing.assert_allclose(left.lines[1].get_xdata(), model.predict(X))
    assert [left.get_title("left"), right.get_title("left")] == ["y, quantile 0.8", "least squares"]


@pytest.mark.parametrize(("d", "n_outliers"), [(1, 0), (1, 8), (2, 0), (2, 8)])
@pytest.mark.parametrize("target", ["cost in $ of what $ bought", "a very long name of a column " * 4])
def test_no_text_overlaps_another(d, n_outliers, target):
    figure = drawn(*fitted(d=d, n_outliers=n_outliers), target)
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    texts = []
    for axes in figure.axes:
        legend = axes.get_legend()
        texts += [axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        texts += legend.get_texts() if legend else []
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    assert all(b.x0 >= 0 and b.y0 >= 0 and b.x1 <= width and b.y1 <= height for b in boxes)
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_of_very_many_rows_a_part_is_drawn_with_all_outliers(monkeypatch):
    monkeypatch.setattr(l1_figures, "ROWS_DRAWN", 50)
    model, X, y, comparison = fitted(n=400)
    axes = drawn(model, X, y, comparison).axes[0]
    shown = set(axes.lines[0].get_ydata().tolist())
    assert set(y[comparison.outliers].tolist()) <= shown and 50 <= len(shown) <= 53
    assert f"({len(shown)} of 400 rows drawn)" in axes.get_title("left")


def test_a_constant_feature_and_a_single_row_are_drawn(tmp_path):
    for n in (1, 2, 5):
        X, y = np.ones((n, 1)), np.arange(float(n))
        model = LADRegressor().fit(X, y)
        save_figure(drawn(model, X, y, compare(model, X, y)), tmp_path / "fit.png")
        assert (tmp_path / "fit.png").stat().st_size > 1000


def test_arrays_that_do_not_fit_are_told():
    model, X, y, comparison = fitted()
    with pytest.raises(InvalidInput, match=r"must have as many rows.*X \(60, 1\), y \(59,\), 60 residuals"):
        draw_l1_fit(model, X, y[:-1], comparison, ["x"], "y")
    with pytest.raises(InvalidInput, match="2 names"):
        draw_l1_fit(model, X, y, comparison, ["x", "z"], "y")


@pytest.mark.parametrize("seed", range(4))
def test_a_name_stands_nearer_to_its_own_ring_than_to_any_other_or_is_tied_to_it(seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 10, 80)
    y = 2 * x + rng.normal(size=80) * 0.3
    x[:7] = 5 + rng.normal(size=7) * 0.2
    y[:7] = 22 + rng.normal(size=7) * 0.6
    X = x[:, None]
    model = LADRegressor().fit(X, y)
    comparison = compare(model, X, y)
    axes = drawn(model, X, y, comparison).axes[0]
    axes.figure.canvas.draw()
    rings = {f"row {i + 1}": axes.transData.transform((x[i], y[i])) for i in comparison.outliers}
    assert len(axes.texts) >= 3
    for text in axes.texts:
        box = Text.get_window_extent(text)
        away = {
            name: np.hypot(*np.maximum(np.maximum(box.min - ring, ring - box.max), 0))
            for name, ring in rings.items()
        }
        own = away.pop(text.get_text())
        if text.arrow_patch is None:
            assert own <= min(away.values())
        else:
            assert min(away.values()) >= 15
            assert text.xy == (x[int(text.get_text()[4:]) - 1], y[int(text.get_text()[4:]) - 1])
