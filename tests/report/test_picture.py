"""Shapes and texts as pixels: where they are, and in which colour."""

import io

import numpy as np
import pytest
from PIL import Image

from treadle.report import picture
from treadle.report.picture import DPI, Circle, Line, Picture, Pixels, Rectangle, Text, text_width

RED = "#ff0000"


def pixels(*shapes, width=2.0, height=1.0):
    """How much of each pixel is no longer white, from 0 to 1: of its green."""
    drawn = Picture(width, height)
    drawn.add(*shapes)
    with Image.open(io.BytesIO(drawn.png())) as image:
        assert image.mode == "RGB" and image.info["dpi"] == pytest.approx((DPI, DPI), abs=0.1)
        return 1 - np.asarray(image)[..., 1] / 255


def extent(covered):
    """Left, top, right and bottom of what is covered, in inches."""
    rows, columns = np.nonzero(covered > 0.02)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / DPI


def test_a_picture_is_white_and_as_large_as_it_says():
    covered = pixels()
    assert covered.shape == (DPI, 2 * DPI) and not covered.any()


def test_a_rectangle_covers_its_own_pixels_alone():
    covered = pixels(Rectangle(0.2, 0.4, 1.0, 0.6, fill=RED))
    expected = np.zeros((DPI, 2 * DPI))
    expected[60:90, 30:150] = 1
    np.testing.assert_array_equal(covered, expected)


def test_a_frame_leaves_the_inside():
    covered = pixels(Rectangle(0.2, 0.4, 1.0, 0.6, frame=RED))
    assert covered[75, 90] == 0 and covered[75, 30] == 1 and covered[60, 90] == 1


def test_stripes_are_white_and_in_the_rectangle_alone():
    plain = pixels(Rectangle(0.2, 0.4, 1.0, 0.6, fill=RED))
    hatched = pixels(Rectangle(0.2, 0.4, 1.0, 0.6, fill=RED, hatched=True))
    assert (hatched <= plain).all()
    assert 0.5 <= hatched.sum() / plain.sum() <= 0.8  # a third of it is stripes
    # They rise to the right: a step up is a step to the right.
    inside = hatched[60:90, 30:150]
    assert np.abs(inside[1:, :-1] - inside[:-1, 1:]).max() <= 0.25


@pytest.mark.parametrize("shape", [Rectangle(1, 0.4, 1, 0.6, fill=RED), Line([(1, 0.5), (1, 0.5)], RED, 1)])
def test_what_has_no_length_is_no_error(shape):
    assert pixels(shape).sum() <= 30


def test_a_line_is_as_wide_and_as_long_as_it_says():
    slanted = pixels(Line([(0.2, 0.2), (1.4, 0.8)], RED, 3))
    assert slanted.sum() / DPI**2 == pytest.approx(np.hypot(1.2, 0.6) * 3 / 72, rel=0.03)
    np.testing.assert_allclose(extent(slanted), [0.2, 0.2, 1.4, 0.8], atol=0.04)
    assert 0 < np.median(slanted[(slanted > 0) & (slanted < 1)]) < 1  # its edges are soft


def test_dashes_are_the_share_of_the_line_that_they_say_and_go_around_corners():
    line = [(0.2, 0.2), (1.0, 0.2), (1.0, 0.8), (1.8, 0.8)]
    whole, dashed = pixels(Line(line, RED, 2)), pixels(Line(line, RED, 2, dash=(0.06, 0.04)))
    assert dashed.sum() / whole.sum() == pytest.approx(0.6, abs=0.05)
    assert (dashed <= whole + 0.5).all()
    row = dashed[round(0.2 * DPI), round(0.2 * DPI) : round(0.98 * DPI)] > 0.5
    assert np.count_nonzero(np.diff(row.astype(int)) == 1) == 7  # eight dashes of 0.1 inches and a gap each


def test_a_disc_has_its_area_and_a_ring_is_empty():
    disc = pixels(Circle(1, 0.5, 0.3, RED))
    assert disc.sum() / DPI**2 == pytest.approx(np.pi * 0.3**2, rel=0.02)
    ring = pixels(Circle(1, 0.5, 0.3, RED, width=3))
    assert ring[75, 150] == 0
    assert ring.sum() / DPI**2 == pytest.approx(2 * np.pi * 0.3 * 3 / 72, rel=0.05)
    np.testing.assert_allclose(extent(disc), [0.7, 0.2, 1.3, 0.8], atol=0.01)


def test_each_element_of_pixels_is_a_rectangle_of_its_colour():
    array = np.array([[0, 255, 0], [255, 0, 255]], np.uint8)
    covered = pixels(Pixels(array, 0.2, 0.2, 0.8, 0.6))
    np.testing.assert_array_equal(covered[30:90, 30:120], np.kron(1 - array / 255, np.ones((30, 30))))
    colours = pixels(Pixels(np.array([[[9, 0, 9]]], np.uint8), 0.2, 0.2, 0.4, 0.4))
    assert colours.sum() == 30 * 30


@pytest.mark.parametrize("angle", [0, 45, 90])
@pytest.mark.parametrize("anchor", ["ls", "rm", "mm", "ms", "rs", "lm"])
def test_text_is_where_its_box_says(anchor, angle):
    text = Text(1, 1, "yplE Ag", 12, RED, anchor=anchor, angle=angle, bold=angle == 45)
    left, top, right, bottom = extent(pixels(text, height=2.0))
    box = text.box()
    margin = 0.03 if angle != 45 else 0.12  # the corners of a slanted box are empty
    assert box[0] - 0.02 <= left <= box[0] + margin and box[2] - margin <= right <= box[2] + 0.02
    assert box[1] - 0.02 <= top <= box[1] + margin and box[3] - margin <= bottom <= box[3] + 0.02


def test_text_turns_about_its_anchor():
    level = Text(1, 0.5, "word", 12, RED, anchor="rm")
    steep = Text(1, 0.5, "word", 12, RED, anchor="rm", angle=90)
    assert level.box()[2] == pytest.approx(1, abs=0.02)
    assert steep.box()[1] == pytest.approx(0.5, abs=0.02)  # its end is up
    assert steep.box()[3] - steep.box()[1] == pytest.approx(level.box()[2] - level.box()[0], abs=0.02)


def test_bold_is_wider_and_the_width_is_that_of_the_box():
    assert text_width("Trouser", 10, bold=True) > text_width("Trouser", 10)
    left, _, right, _ = Text(0, 0, "Trouser", 10, RED).box()
    assert right - left == pytest.approx(text_width("Trouser", 10), abs=0.03)


def test_the_font_is_found_without_matplotlib_and_has_the_letters_of_many_languages():
    from matplotlib import font_manager

    for bold in (False, True):
        weight = "bold" if bold else "normal"
        found = font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans", weight=weight))
        assert picture.font_file(bold).samefile(found)
    shown = [pixels(Text(0.1, 0.5, letter, 20, RED)).tobytes() for letter in "äЖλא"]
    unknown = pixels(Text(0.1, 0.5, "\U0010fffd", 20, RED)).tobytes()
    assert len({*shown, unknown}) == 5


def test_without_the_font_pillow_s_own_is_taken(monkeypatch):
    monkeypatch.setattr(picture, "font_file", lambda bold: None)
    picture._font.cache_clear()
    try:
        text = Text(0.2, 0.5, "Trouser 12.5 %", 12, RED, bold=True)
        left, top, right, bottom = extent(pixels(text))
        assert 0.15 <= left <= 0.25 and 0.8 <= right <= 1.8 and 0.3 <= top < bottom <= 0.6
        assert pixels(Text(1, 0.5, "word", 12, RED, angle=45)).any()
    finally:
        picture._font.cache_clear()


def test_a_saved_picture_replaces_the_old_file_whole(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")
    Picture(1, 1).save(path)
    assert path.read_bytes() == Picture(1, 1).png()
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]
