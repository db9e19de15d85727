"""What the pictures of a run show, shape by shape, and that nothing in them covers anything else."""

import io
import itertools
import re

import numpy as np
import pytest
from PIL import Image

from tests.report.report_cases import NAMES, make_evaluation, make_history
from treadle.errors import InvalidInput
from treadle.report.colours import BLUE, GREY, INK, VERMILLION
from treadle.report.curves import curves
from treadle.report.picture import Circle, Line, Pixels, Rectangle, Text
from treadle.report.run_pictures import CELL, draw_confusion, draw_curves, draw_predictions
from treadle.training.history import EpochRecord, History


def of(picture, kind):
    return [shape for shape in picture.shapes if isinstance(shape, kind)]


def texts(picture):
    return [text.text for text in of(picture, Text)]


def overlaps(picture, leave_out=lambda text: False):
    """Pairs of texts whose rectangles share more than a hair, and texts that leave the picture."""
    boxes = [(text.text, text.box()) for text in of(picture, Text) if not leave_out(text)]
    hair = 0.007
    found = [
        (a, b)
        for (a, p), (b, q) in itertools.combinations(boxes, 2)
        if min(p[2], q[2]) - max(p[0], q[0]) > hair and min(p[3], q[3]) - max(p[1], q[1]) > hair
    ]
    outside = [t for t, p in boxes if min(p[:2]) < 0 or p[2] > picture.width or p[3] > picture.height]
    return found + outside


def predictions(names=NAMES, n=6, image_shape=(5, 4)):
    evaluation = make_evaluation(names, n_samples=max(n, 2 * len(names)), n_wrong=n // 2)
    X = np.random.default_rng(0).integers(0, 256, (n, 20)).astype(np.uint8)
    return draw_predictions(
        X, evaluation.y_true[:n], evaluation.probabilities[:n], names, image_shape, 1 / 255
    )


def cells(picture, n):
    """The shapes of each of n samples, by their places."""
    n_columns = min(n, 2 if n <= 8 else 3)
    width, height = picture.width / n_columns, picture.height / -(-n // n_columns)
    found = [[] for _ in range(n)]
    for shape in picture.shapes:
        x, y = shape.points[0] if isinstance(shape, Line) else (getattr(shape, "left", None), None)
        if isinstance(shape, Text):
            x, y = shape.x, shape.y
        elif y is None:
            y = (shape.top + shape.bottom) / 2
        found[int(y // height) * n_columns + int(x // width)].append(shape)
    return found


def in_cell(cell, kind):
    return [shape for shape in cell if isinstance(shape, kind)]


def test_the_curves_are_the_charts_of_the_page():
    history = make_history(5)
    drawn = [line for line in of(draw_curves(history), Line) if len(line.points) == 5]
    charts = [panel.chart for panel in curves(history)]
    pieces = [piece for chart in charts for line in chart.lines for piece in line.pieces]
    assert len(drawn) == len(pieces) == 3
    for line, piece in zip(drawn, pieces, strict=True):
        steps, expected = np.diff(line.points, axis=0), np.diff(piece, axis=0)
        np.testing.assert_allclose(steps / expected, steps[0, 0] / expected[0, 0])  # one scale for x and y


def test_curves_name_their_lines_their_axes_and_the_best():
    shown = texts(draw_curves(make_history(5)))
    for word in ("Loss", "train", "test", "lowest 0.4000, epoch 4", "loss (nats)", "epoch"):
        assert word in shown
    for word in ("Test accuracy", "highest 90.00 %, epoch 4", "accuracy (%)"):
        assert word in shown


def test_train_and_test_differ_by_colour_and_dash():
    train, test, accuracy = (line for line in of(draw_curves(make_history(5)), Line) if len(line.points) == 5)
    assert (train.colour, test.colour, accuracy.colour) == (GREY, BLUE, BLUE)
    assert train.dash is not None and test.dash is None


def test_the_best_is_ringed_where_its_dot_is():
    circles = of(draw_curves(make_history(5)), Circle)
    rings = [circle for circle in circles if circle.width and circle.radius > 0.055]
    dots = {(circle.x, circle.y) for circle in circles if not circle.width}
    assert len(rings) == 2 and all((ring.x, ring.y) in dots for ring in rings)


@pytest.mark.parametrize("n_epochs", [1, 2, 20, 300])
def test_curves_of_any_length_overlap_nothing_and_count_whole_epochs(n_epochs):
    picture = draw_curves(make_history(n_epochs))
    assert overlaps(picture) == []
    assert {"1", "2", "5", "50"} & set(texts(picture))
    with Image.open(io.BytesIO(picture.png())) as image:
        assert image.size == (1560, 540)


def test_without_a_test_set_only_the_train_loss_is_drawn():
    picture = draw_curves(make_history(3, test=False))
    assert [line.colour for line in of(picture, Line) if len(line.points) == 3] == [GREY]
    assert "test" not in texts(picture) and "Test accuracy" not in texts(picture)


def test_epochs_without_test_values_are_left_out():
    records = [
        EpochRecord(1, 1.0, np.nan, np.nan, 1e-3, 1.0),
        *(EpochRecord(epoch, 0.5, 0.7, 0.8, 1e-3, 1.0) for epoch in (2, 3)),
    ]
    picture = draw_curves(History(records))
    train = next(line for line in of(picture, Line) if len(line.points) == 3)
    dots = [circle for circle in of(picture, Circle) if not circle.width and circle.colour == BLUE]
    assert sorted({round(dot.x, 6) for dot in dots if dot.x < 5.2}) == [
        round(x, 6) for x, _ in train.points[1:]
    ]


def test_an_empty_history_has_no_curves():
    with pytest.raises(InvalidInput, match="the history has no epoch; train at least one"):
        draw_curves(History())


def test_each_sample_has_image_true_class_and_a_bar_for_each_class():
    for i, cell in enumerate(cells(predictions(n=6), 6)):
        (picture,) = in_cell(cell, Pixels)
        assert picture.array.shape == (5, 4)
        assert (picture.bottom - picture.top) / (picture.right - picture.left) == pytest.approx(5 / 4)
        assert len(in_cell(cell, Rectangle)) == len(NAMES)
        shown = [text.text for text in in_cell(cell, Text)]
        assert f"true: {NAMES[i % 4]}" in shown
        assert [text for text in shown if text in NAMES] == list(NAMES)


def test_right_and_wrong_differ_by_sign_and_hatch_as_well_as_colour():
    for i, cell in enumerate(cells(predictions(n=6), 6)):
        wrong = i < 3
        name = NAMES[(i + wrong) % 4]
        colour = VERMILLION if wrong else BLUE
        (title,) = [text for text in in_cell(cell, Text) if text.text == f"predicted: {name}"]
        assert title.colour == colour and title.bold
        sign = [line for line in in_cell(cell, Line) if line.colour == colour]
        assert [len(line.points) for line in sign] == ([2, 2] if wrong else [3])
        bars = in_cell(cell, Rectangle)
        assert sum(bar.hatched for bar in bars) == wrong
        assert [bar.fill for bar in bars].count(colour) == 1 and {bar.fill for bar in bars} == {colour, GREY}
        bold = [text.text for text in in_cell(cell, Text) if text.bold and text is not title]
        assert bold == [NAMES[i % 4]]


def test_bars_are_as_long_as_the_probabilities():
    probabilities = np.array([[0.125, 0.875]])
    picture = draw_predictions(np.zeros((1, 4)), np.array([1]), probabilities, ["a", "b"], (2, 2), 1.0)
    first, second = of(picture, Rectangle)
    assert (second.right - second.left) / (first.right - first.left) == pytest.approx(7)
    assert [text for text in texts(picture) if text.endswith("%")] == ["12.5 %", "87.5 %"]


def test_the_white_of_a_picture_is_what_the_network_sees_as_1():
    X = np.array([[0, 4, 8, 16]], dtype=np.uint8)
    picture = draw_predictions(X, np.array([1]), np.array([[0.125, 0.875]]), ["a", "b"], (2, 2), 1 / 16)
    (pixels,) = of(picture, Pixels)
    assert pixels.array.tolist() == [[0, 64], [128, 255]]


def test_rows_that_are_no_images_show_bars_and_true_class():
    for i, cell in enumerate(cells(predictions(n=2, image_shape=None), 2)):
        assert not in_cell(cell, Pixels) and len(in_cell(cell, Rectangle)) == 4
        assert f"true: {NAMES[i]}" in [text.text for text in in_cell(cell, Text)]


def test_of_many_classes_ten_are_shown_and_the_true_one_among_them():
    names = [f"class {k}" for k in range(40)]
    for i, cell in enumerate(cells(predictions(names, n=4), 4)):
        labels = [text.text for text in in_cell(cell, Text) if text.text in names]
        assert len(labels) == 10 and f"class {i}" in labels


LONG = [f"{k} WWWWWWWWW costs $1 or $x_{k}^$ {'very ' * 20}long\nname" for k in range(10)]


@pytest.mark.parametrize(("n", "image_shape"), [(1, (5, 4)), (3, None), (9, (5, 4)), (12, (1, 20))])
def test_long_and_odd_names_overlap_nothing(n, image_shape):
    picture = predictions(LONG, n, image_shape)
    assert overlaps(picture) == []
    assert picture.png()


def test_the_widest_names_leave_room_for_the_bars():
    picture = predictions(["W" * 30 + str(k) for k in range(10)], n=1)
    assert overlaps(picture) == []
    assert max(bar.right - bar.left for bar in of(picture, Rectangle)) > 0.1


def test_the_check_for_overlaps_sees_one():
    picture = predictions(n=2)
    picture.add(Text(0.4, 0.25, "planted", 9, GREY))
    assert any("planted" in pair for pair in overlaps(picture))


def test_confusion_shows_counts_and_frames_the_diagonal():
    evaluation = make_evaluation()
    picture = draw_confusion(evaluation.confusion, NAMES)
    assert {"predicted class", "true class"} <= set(texts(picture))
    (pixels,) = of(picture, Pixels)
    shown = {
        (int((t.y - pixels.top) // CELL), int((t.x - pixels.left) // CELL)): int(t.text)
        for t in of(picture, Text)
        if t.text.isdecimal()
    }
    assert shown == {(i, j): n for (i, j), n in np.ndenumerate(evaluation.confusion) if n > 0}
    framed = [frame for frame in of(picture, Rectangle) if frame.frame == INK]
    frames = [(frame.left - pixels.left, frame.top - pixels.top) for frame in framed]
    np.testing.assert_allclose(frames, [(k * CELL, k * CELL) for k in range(4)], atol=1e-9)
    for angle in (0, 45):
        named = [text.text for text in of(picture, Text) if text.text in NAMES and text.angle == angle]
        assert named == list(NAMES)


def test_confusion_is_blue_where_right_and_vermillion_where_wrong():
    (pixels,) = of(draw_confusion(np.array([[5, 0], [0, 5]]), ["a", "b"]), Pixels)
    assert pixels.array[0, 0].tolist() == list(bytes.fromhex(BLUE[1:]))
    assert pixels.array[0, 1].tolist() == [255, 255, 255]
    (pixels,) = of(draw_confusion(np.array([[0, 5], [0, 5]]), ["a", "b"]), Pixels)
    assert pixels.array[0, 1].tolist() == list(bytes.fromhex(VERMILLION[1:]))


@pytest.mark.parametrize("n_classes", [2, 10])
def test_confusion_with_long_names_overlaps_nothing(n_classes):
    names = [f"{k} WWWWWWWWWWWWWWWW$ {'long ' * 20}" for k in range(n_classes)]
    picture = draw_confusion(np.full((n_classes, n_classes), 1234), names)
    # Slanted labels have slanted boxes: only the others can be compared by upright rectangles.
    assert overlaps(picture, leave_out=lambda text: text.angle == 45) == []
    for text in of(picture, Text):
        left, top, right, bottom = text.box()
        assert left >= 0 and top >= 0 and right <= picture.width and bottom <= picture.height


def test_confusion_without_mistakes_and_with_many_classes_is_drawn():
    picture = draw_confusion(np.eye(2, dtype=int) * 5, ["a", "b"])
    assert [text for text in texts(picture) if text.isdecimal()] == ["5", "5"]
    for K in (60, 1000):
        picture = draw_confusion(np.ones((K, K), dtype=int), [f"c{k}" for k in range(K)])
        assert not any(text.isdecimal() for text in texts(picture))
    with Image.open(io.BytesIO(picture.png())) as image:
        assert 2000 < min(image.size) < 3500


@pytest.mark.parametrize(
    "picture",
    [
        lambda: draw_curves(make_history(1)),
        lambda: predictions(n=1),
        lambda: draw_confusion(np.eye(2), ["a", "b"]),
    ],
    ids=["curves", "predictions", "confusion"],
)
def test_pictures_are_whole_png_files(picture):
    with Image.open(io.BytesIO(picture().png())) as image:
        image.load()
        assert image.format == "PNG" and min(image.size) > 200
        assert len(np.unique(np.asarray(image.convert("L")))) > 20


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
        (
            (np.zeros((2, 4)), [0, 1], np.array([[0.5, 0.5], [np.nan, np.nan]]), "ab", None, 1.0),
            "probabilities must be finite; got [nan, nan] in row 1: see whether",
        ),
    ],
)
def test_predictions_that_do_not_fit_together_are_refused(arguments, message):
    with pytest.raises(InvalidInput, match=re.escape(message)):
        draw_predictions(*arguments)


def test_a_confusion_matrix_of_the_wrong_shape_is_refused():
    with pytest.raises(InvalidInput, match=re.escape("shape (3, 3), a row a name; got (2, 2)")):
        draw_confusion(np.eye(2), ["a", "b", "c"])
