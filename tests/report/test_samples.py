import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from tests.report.report_cases import make_evaluation
from treadle.errors import InvalidInput
from treadle.report.samples import (
    as_grey_images,
    choose_samples,
    png_data_uri,
    short_name,
    shown_classes,
)


def test_chosen_samples_are_right_first_then_wrong_and_cover_the_classes():
    evaluation = make_evaluation(n_samples=60, n_wrong=20)
    chosen = choose_samples(evaluation, 4, 4)
    assert evaluation.correct[chosen].tolist() == [True] * 4 + [False] * 4
    assert evaluation.y_true[chosen].tolist() == [0, 1, 2, 3] * 2
    np.testing.assert_array_equal(chosen, choose_samples(evaluation, 4, 4))


def test_choice_takes_what_there_is_and_no_sample_twice():
    evaluation = make_evaluation(n_samples=10, n_wrong=3)
    chosen = choose_samples(evaluation, 100, 100)
    assert sorted(chosen.tolist()) == list(range(10))
    assert choose_samples(make_evaluation(n_wrong=0), 0, 5).size == 0


def test_a_negative_number_of_samples_is_refused():
    with pytest.raises(InvalidInput, match="at least 0; got -1 and 2"):
        choose_samples(make_evaluation(), -1, 2)


def test_bytes_of_0_to_255_are_kept():
    X = np.arange(256, dtype=np.uint8).reshape(2, 128)
    np.testing.assert_array_equal(as_grey_images(X, (16, 8), 1 / 255).ravel(), X.ravel())


@pytest.mark.parametrize(
    ("X", "scale"),
    [
        (np.array([[1, 2], [8, 16]], dtype=np.uint8), 1 / 16),
        (np.array([[1 / 16, 1 / 8], [0.5, 1]], dtype=np.float32), 1.0),
    ],
)
def test_what_the_network_sees_as_0_to_1_is_drawn_as_it_is(X, scale):
    images = as_grey_images(X, (1, 2), scale)
    assert images.dtype == np.uint8
    assert images.ravel().tolist() == [16, 32, 128, 255]
    assert as_grey_images(X[:1], (1, 2), scale).ravel().tolist() == [16, 32]


def test_a_wider_range_is_stretched():
    X = np.array([[-1.0, 0.0], [1.0, 0.5]], dtype=np.float32)
    assert as_grey_images(X, (1, 2), 1.0).ravel().tolist() == [0, 128, 255, 191]
    assert not as_grey_images(np.full((1, 2), 7.0), (1, 2), 1.0).any()


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((2, 5)), "rows of 2 x 3 images have 6 values; got an array of shape (2, 5)"),
        (np.zeros(6), "got an array of shape (6,)"),
        (np.full((1, 6), np.nan), "images must be finite; got NaN"),
    ],
)
def test_what_is_no_image_is_refused(X, message):
    with pytest.raises(InvalidInput, match=re.escape(message)):
        as_grey_images(X, (2, 3), 1.0)


def test_picture_in_an_address_decodes_to_the_same_pixels():
    image = np.random.default_rng(0).integers(0, 256, (7, 5)).astype(np.uint8)
    head, _, code = png_data_uri(image).partition(",")
    assert head == "data:image/png;base64"
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(code)))), image)


def test_shown_classes_are_all_or_the_likeliest_with_the_true_one():
    probabilities = np.array([0.1, 0.4, 0.05, 0.3, 0.15])
    assert shown_classes(probabilities, 2, 5).tolist() == [0, 1, 2, 3, 4]
    assert shown_classes(probabilities, 1, 3).tolist() == [1, 3, 4]
    assert shown_classes(probabilities, 2, 3).tolist() == [1, 2, 3]


def test_names_become_one_short_line():
    assert short_name("Ankle boot", 10) == "Ankle boot"
    assert short_name("Ankle boots", 10) == "Ankle boo…"
    assert short_name(" two\n\tlines ", 20) == "two lines"
    assert short_name("a\x00b\u202ec", 20) == "a\ufffdb\ufffdc"
