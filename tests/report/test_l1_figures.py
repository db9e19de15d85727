import itertools

import numpy as np
import pytest
from matplotlib.text import Text

from treadle import InvalidInput, LADRegressor
from treadle.report import l1_figures
from treadle.report.figures import BLUE, GREY, VERMILLION, save_figure
from treadle.report.l1_comparison import OUTLYING, compare
from treadle.report.l1_figures import draw_l1_fit


def fitted(n=60, d=1, quantile=0.5, n_outliers=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 10, (n, d))
    y = X.sum(axis=1) + rng.standard_normal(n)
    y[:n_outliers] += 30
    model = LADRegressor(quantile).fit(X, y)
    return model, X, y, compare(model, X, y)


def drawn(model, X, y, comparison, target="y"):
    return draw_l1_fit(model, X, y, comparison, [f"x{j}" for j in range(X.shape[1])], target)


def test_comparison_has_both_fits_by_their_definitions():
    model, X, y, found = fitted(quantile=0.3, d=2)
    r = y - model.predict(X)
    np.testing.assert_allclose(found.residuals, r, atol=1e-12)
    assert abs(found.loss - model.objective_) <= 1e-12 * model.objective_
    Z = np.column_stack([X, np.ones(len(y))])
    np.testing.assert_allclose(Z.T @ found.least_squares_residuals, 0, atol=1e-9)
    np.testing.assert_allclose(found.least_squares, np.linalg.solve(Z.T @ Z, Z.T @ y))
    around = y - np.quantile(y, 0.3, method="inverted_cdf")
    assert abs(found.constant_loss - 2 * np.where(around > 0, 0.3 * around, -0.7 * around).sum()) <= 1e-9
    assert found.r1 == 1 - found.loss / found.constant_loss
    assert found.least_squares_r1 < found.r1


def test_outliers_are_the_planted_ones_and_the_farthest_first():
    *_, found = fitted()
    assert set(found.outliers.tolist()) == {0, 1, 2}
    assert (np.diff(np.abs(found.scores[found.outliers])) <= 0).all()
    around = found.residuals - np.median(found.residuals)
    expected = (
        np.abs(0.6745 * around / np.median(np.abs(around))) > OUTLYING
    )  # Iglewicz and Hoaglin's formula
    assert set(np.flatnonzero(expected).tolist()) == {0, 1, 2}
    assert found.largest(5)[:3].tolist() == found.outliers.tolist()


def test_an_outlier_of_rows_that_the_fit_goes_through_is_found():
    X = np.arange(9.0)[:, None]
    y = 2 * X[:, 0]
    y[4] = 100
    found = compare(LADRegressor().fit(X, y), X, y)
    assert found.outliers.tolist() == [4]


def test_without_a_spread_there_are_no_scores_and_no_outliers():
    X = np.arange(9.0)[:, None]
    constant = compare(LADRegressor().fit(X, np.ones(9)), X, np.ones(9))
    assert np.isnan(constant.scores).all() and len(constant.outliers) == 0
    assert np.isnan(constant.r1)


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
