import itertools
import re

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text
from PIL import Image

from tests.report.report_cases import NAMES, make_evaluation, make_history
from treadle.errors import InvalidInput
from treadle.report.figures import (
    BLUE,
    VERMILLION,
    draw_confusion,
    draw_curves,
    draw_predictions,
    save_figure,
)
from treadle.training.history import EpochRecord, History


def texts_and_boxes(figure):
    """Every text that a figure shows, with its rectangle in pixels."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    return [(text.get_text(), text.get_window_extent(renderer)) for text in shown]


def overlaps(figure):
    """Pairs of texts whose rectangles share more than a pixel, and texts that leave the figure."""
    boxes = texts_and_boxes(figure)
    width, height = figure.canvas.get_width_height()
    found = [
        (a, b) for (a, p), (b, q) in itertools.combinations(boxes, 2) if p.padded(-1).overlaps(q.padded(-1))
    ]
    outside = [t for t, p in boxes if p.x0 < 0 or p.y0 < 0 or p.x1 > width or p.y1 > height]
    return found + outside


def predictions(names=NAMES, n=6, image_shape=(5, 4)):
    evaluation = make_evaluation(names, n_samples=max(n, 2 * len(names)), n_wrong=n // 2)
    X = np.random.default_rng(0).integers(0, 256, (n, 20)).astype(np.uint8)
    return draw_predictions(
        X, evaluation.y_true[:n], evaluation.probabilities[:n], names, image_shape, 1 / 255
    )


def test_curves_show_every_epoch_and_mark_the_best():
    history = make_history(5)
    loss, accuracy = draw_curves(history).axes
    lines = {line.get_label(): line for line in loss.lines}
    np.testing.assert_array_equal(lines["train"].get_ydata(), history.column("train_loss"))
    np.testing.assert_array_equal(lines["test"].get_ydata(), history.column("held_out_loss"))
    best = lines["lowest test loss 0.4000, epoch 4"]
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (4, 0.4)
    assert "highest 90.00 %, epoch 4" in [line.get_label() for line in accuracy.lines]
    assert [axes.get_xlabel() for axes in (loss, accuracy)] == ["epoch", "epoch"]
    assert [axes.get_ylabel() for axes in (loss, accuracy)] == ["loss (nats)", "accuracy (%)"]
    assert lines["train"].get_linestyle() != lines["test"].get_linestyle()


@pytest.mark.parametrize("n_epochs", [1, 2, 20, 300])
def test_epochs_are_whole_numbers(n_epochs):
    figure = draw_curves(make_history(n_epochs))
    figure.canvas.draw()
    low, high = figure.axes[0].get_xlim()
    ticks = [tick for tick in figure.axes[0].get_xticks() if low <= tick <= high]
    assert ticks and all(tick == round(tick) for tick in ticks)


def test_without_a_test_set_only_the_train_loss_is_drawn():
    (loss,) = draw_curves(make_history(3, test=False)).axes
    assert [line.get_label() for line in loss.lines] == ["train"]


def test_epochs_without_test_values_are_left_out():
    records = [EpochRecord(1, 1.0, np.nan, np.nan, 1e-3, 1.0), EpochRecord(2, 0.5, 0.7, 0.8, 1e-3, 1.0)]
    loss, _ = draw_curves(History(records)).axes
    lines = {line.get_label(): line.get_xdata().tolist() for line in loss.lines}
    assert lines["train"] == [1, 2] and lines["test"] == [2]


def test_an_empty_history_has_no_curves():
    with pytest.raises(InvalidInput, match="the history has no epoch; train at least one"):
        draw_curves(History())


def titles(cell):
    """What a sample's cell says of the prediction, and of the truth."""
    return [text.get_text() for text in cell.texts]


def test_each_sample_has_image_true_class_and_a_bar_for_each_class():
    figure = predictions(n=6)
    cells = figure.subfigs
    assert len(cells) == 6
    for i, cell in enumerate(cells):
        picture, bars = cell.axes
        assert picture.images[0].get_array().shape == (5, 4)
        assert titles(cell)[1] == f"true: {NAMES[i % 4]}"
        assert len(bars.patches) == len(NAMES)
        assert [label.get_text() for label in bars.get_yticklabels()] == list(NAMES)


def test_right_and_wrong_differ_by_sign_and_hatch_as_well_as_colour():
    for i, cell in enumerate(predictions(n=6).subfigs):
        wrong = i < 3
        name = NAMES[(i + wrong) % 4]
        assert titles(cell)[0] == f"{'✗' if wrong else '✓'} predicted: {name}"
        hatched = [bar.get_hatch() is not None for bar in cell.axes[1].patches]
        assert sum(hatched) == wrong
        colours = {to_hex(bar.get_facecolor()).upper() for bar in cell.axes[1].patches}
        assert (VERMILLION in colours, BLUE in colours) == (wrong, not wrong)
        bold = [t.get_text() for t in cell.axes[1].get_yticklabels() if t.get_fontweight() == "bold"]
        assert bold == [NAMES[i % 4]]


def test_bars_are_as_long_as_the_probabilities():
    probabilities = np.array([[0.125, 0.875]])
    figure = draw_predictions(np.zeros((1, 4)), np.array([1]), probabilities, ["a", "b"], (2, 2), 1.0)
    bars = figure.subfigs[0].axes[1]
    assert [bar.get_width() for bar in bars.patches] == [0.125, 0.875]
    assert [text.get_text() for text in bars.texts] == ["12.5 %", "87.5 %"]


def test_the_white_of_a_picture_is_what_the_network_sees_as_1():
    X = np.array([[0, 4, 8, 16]], dtype=np.uint8)
    figure = draw_predictions(X, np.array([1]), np.array([[0.125, 0.875]]), ["a", "b"], (2, 2), 1 / 16)
    (picture,) = figure.subfigs[0].axes[0].images
    assert picture.get_array().tolist() == [[0, 64], [128, 255]]
    assert picture.get_clim() == (0, 255)


def test_rows_that_are_no_images_show_bars_and_true_class():
    for i, cell in enumerate(predictions(n=2, image_shape=None).subfigs):
        (bars,) = cell.axes
        assert not bars.images and len(bars.patches) == 4
        assert titles(cell)[1] == f"true: {NAMES[i]}"


def test_of_many_classes_ten_are_shown_and_the_true_one_among_them():
    names = [f"class {k}" for k in range(40)]
    for i, cell in enumerate(predictions(names, n=4).subfigs):
        labels = [label.get_text() for label in cell.axes[1].get_yticklabels()]
        assert len(labels) == 10 and f"class {i}" in labels


@pytest.mark.parametrize(("n", "image_shape"), [(1, (5, 4)), (3, None), (9, (5, 4))])
def test_long_and_odd_names_overlap_nothing(n, image_shape):
    names = [f"{k} WWWWWWWWW costs $1 or $x_{k}^$ {'very ' * 20}long\nname" for k in range(10)]
    assert overlaps(predictions(names, n, image_shape)) == []


def test_the_check_for_overlaps_sees_one():
    figure = predictions(n=2)
    figure.text(0.03, 0.96, "planted")
    assert any("planted" in pair for pair in overlaps(figure))


def test_confusion_shows_counts_and_frames_the_diagonal():
    evaluation = make_evaluation()
    (axes,) = draw_confusion(evaluation.confusion, NAMES).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    shown = {(int(t.get_position()[1]), int(t.get_position()[0])): int(t.get_text()) for t in axes.texts}
    assert shown == {(i, j): n for (i, j), n in np.ndenumerate(evaluation.confusion) if n > 0}
    assert sorted(patch.get_xy() for patch in axes.patches) == [(k - 0.5, k - 0.5) for k in range(4)]
    assert [label.get_text() for label in axes.get_xticklabels()] == list(NAMES)


@pytest.mark.parametrize("n_classes", [2, 10])
def test_confusion_with_long_names_overlaps_nothing(n_classes):
    names = [f"{k} WWWWWWWWWWWWWWWW$ {'long ' * 20}" for k in range(n_classes)]
    figure = draw_confusion(np.full((n_classes, n_classes), 1234), names)
    # Slanted labels have slanted boxes: only the others can be compared by upright rectangles.
    figure.axes[0].set_xticklabels([])
    assert overlaps(figure) == []


def test_confusion_without_mistakes_and_with_many_classes_is_drawn():
    (axes,) = draw_confusion(np.eye(2, dtype=int) * 5, ["a", "b"]).axes
    assert [text.get_text() for text in axes.texts] == ["5", "5"]
    (axes,) = draw_confusion(np.ones((60, 60), dtype=int), [str(k) for k in range(60)]).axes
    assert not axes.texts


@pytest.mark.parametrize(
    "figure",
    [
        lambda: draw_curves(make_history(1)),
        lambda: predictions(n=1),
        lambda: draw_confusion(np.eye(2), ["a", "b"]),
    ],
    ids=["curves", "predictions", "confusion"],
)
def test_saved_figures_are_whole_png_files(figure, tmp_path):
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")
    save_figure(figure(), path)
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG" and min(image.size) > 200
        assert len(np.unique(np.asarray(image.convert("L")))) > 20
    assert [p.name for p in tmp_path.iterdir()] == ["figure.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (np.zeros((0, 4)), [], np.zeros((0, 2)), "ab", None, 1.0),
            "as many rows, at least one; got 0, 0 and 0",
        ),
        ((np.zeros((1, 4)), [0, 1], np.zeros((1, 2)), "ab", None, 1.0), "got 1, 2 and 1"),
        (
            (np.zeros((1, 4)), [0], np.zeros((1, 2)), "abc", None, 1.0),
            "the 2 columns of probabilities; got 3 names",
        ),
    ],
)
def test_predictions_that_do_not_fit_together_are_refused(arguments, message):
    with pytest.raises(InvalidInput, match=re.escape(message)):
        draw_predictions(*arguments)


def test_a_confusion_matrix_of_the_wrong_shape_is_refused():
    with pytest.raises(InvalidInput, match=re.escape("shape (3, 3), a row a name; got (2, 2)")):
        draw_confusion(np.eye(2), ["a", "b", "c"])


def test_dollars_in_names_are_no_mathematics(tmp_path):
    names = ["$\\frac$", "$5"]  # the first would not even parse
    save_figure(predictions(names, n=1), tmp_path / "predictions.png")
    save_figure(draw_confusion(np.eye(2, dtype=int), names), tmp_path / "confusion.png")
