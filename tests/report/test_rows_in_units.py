"""Test rows in a model's units: each of the four rules, by values worked out here, and the refusals."""

from types import SimpleNamespace

import numpy as np
import pytest

from treadle.data.pixel_units import units_of
from treadle.errors import RunError
from treadle.report.rows_in_units import rows_in_units


def model(low, high, scale=1.0, image_shape=(2, 2)):
    return SimpleNamespace(
        data_range=(low, high),
        data_scale=scale,
        image_shape=image_shape,
        pixel_units=units_of(low, high, scale),
    )


def data(X, scale=1.0, image_shape=(2, 2), data_range=None):
    X = np.asarray(X)
    span = (float(X.min()), float(X.max())) if data_range is None else data_range
    return SimpleNamespace(name="shirts", X_test=X, scale=scale, image_shape=image_shape, data_range=span)


BYTES = np.array([[0, 51, 102, 255], [255, 204, 153, 0]], np.uint8)
UNIT = BYTES.astype(np.float32) / 255


def test_data_like_those_of_training_are_not_touched():
    rows = data(BYTES, 1 / 255)
    assert rows_in_units(model(0, 255, 1 / 255), rows) == (rows.X_test, None)


@pytest.mark.parametrize(
    ("given", "taken", "expected"),
    [
        (data(BYTES, 1 / 255), model(0.0, 1.0), UNIT),
        (data(BYTES, 1 / 255), model(-1.0, 1.0), 2 * UNIT - 1),
        (data(UNIT), model(0, 255, 1 / 255), BYTES),
        (data(2 * UNIT - 1), model(0.0, 1.0), UNIT),
    ],
)
def test_images_in_other_known_units_are_converted_and_that_is_said(given, taken, expected):
    found, notice = rows_in_units(taken, given)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert found.dtype == np.float32
    assert notice.startswith("shirts has values of") and "brought to the model's units" in notice


def test_images_in_the_same_units_of_another_range_stay():
    dark = data(UNIT * np.float32(0.75))
    assert rows_in_units(model(0.0, 1.0), dark) == (dark.X_test, None)


def test_unknown_units_of_both_are_taken_where_the_spreads_are_alike():
    rows = data(UNIT * 5 - 2)
    assert units_of(-2, 3, 1.0) is None
    assert rows_in_units(model(-2.5, 4.0), rows) == (rows.X_test, None)
    with pytest.raises(
        RunError, match=r"shirts has values of -2 to 3, .* trained on -9 to 4; which of the mod"
    ):
        rows_in_units(model(-9.0, 4.0), rows)


def test_unknown_units_of_the_model_alone_are_refused():
    with pytest.raises(
        RunError, match="which of the model's values are black and white is not known, so that"
    ):
        rows_in_units(model(-2.5, 4.0), data(UNIT))


def test_a_part_within_the_models_units_is_taken_and_one_beyond_is_refused():
    within = data(UNIT * 0.2)
    assert units_of(0, 0.2, 1.0) is None
    assert rows_in_units(model(0.0, 1.0), within)[1] is None
    with pytest.raises(RunError, match="which of the data set's values are black and white is not known"):
        rows_in_units(model(0.0, 1.0), data(UNIT * 5 - 2))


def test_numbers_that_are_no_images_stay_with_a_word_where_they_seem_others():
    rows = data(2 * UNIT - 1, image_shape=None)
    found, notice = rows_in_units(model(0.0, 1.0, image_shape=None), rows)
    assert found is rows.X_test and notice.endswith("they are taken as they are")
    alike = data(UNIT * 3 - 1, image_shape=None)
    assert rows_in_units(model(-7.0, 9.0, image_shape=None), alike) == (alike.X_test, None)


def test_of_a_model_without_a_range_rows_go_from_scale_to_scale():
    old = model(0, 1)
    old.data_range, old.pixel_units = None, "black 0, white 1"
    found, notice = rows_in_units(old, data(BYTES, 1 / 255))
    np.testing.assert_allclose(found, UNIT, rtol=1e-6)
    assert "taken are black 0, white 1 for it, and black 0, white 255 for shirts" in notice
    old.image_shape = None
    assert rows_in_units(old, data(UNIT))[1] is None
