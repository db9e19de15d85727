"""Which range of values means which units, and from one to another."""

import numpy as np
import pytest

from treadle import Dataset, InvalidInput
from treadle.data.features import as_rows
from treadle.data.pixel_units import PixelUnits, units_of

BYTE = 1 / 255


@pytest.mark.parametrize(
    ("low", "high", "scale", "expected"),
    [
        (0, 255, BYTE, (0, 255)),
        (0, 254, BYTE, (0, 255)),
        (12, 90, BYTE, (0, 255)),  # a dark data set of bytes
        (255, 255, BYTE, (0, 255)),
        (0, 16, 1 / 16, (0, 16)),
        (0, 16, BYTE, (0, 16)),  # the digits as bytes
        (0, 1, BYTE, (0, 1)),  # masks as bytes
        (0, 1, 1.0, (0, 1)),
        (0.0, 0.3, 1.0, (0, 1)),
        (-0.02, 1.04, 1.0, (0, 1)),  # resampled
        (0, 16, 1.0, (0, 16)),
        (0, 255, 1.0, (0, 255)),
        (0, 256, 1.0, (0, 255)),
        (3, 200, 1.0, (0, 255)),
        (0, 1023, 1.0, (0, 1023)),
        (0, 4000, 1.0, (0, 4095)),
        (0, 65535, 1.0, (0, 65535)),
        (-1, 1, 1.0, (-1, 1)),
        (-1, 0.9, 1.0, (-1, 1)),
        (-0.5, 0.5, 1.0, (-0.5, 0.5)),
        (-128, 127, 1.0, (-128, 127)),
        (-127.5, 127.5, 1.0, (-127.5, 127.5)),
        (-0.4242, 2.8215, 1.0, None),  # MNIST, standardised
        (-3, 3, 1.0, None),
        (0, 100, 1.0, None),
        (0, 1 / 255, 1.0, None),  # divided twice
        (0, 1 / 255, BYTE, None),
        (0, 0, BYTE, None),
        (0, 0, 1.0, None),
        (-0.2, 1, 1.0, None),
        (0, 40, BYTE, None),
        (0, 1e9, 1.0, None),
    ],
)
def test_a_range_has_the_units_that_people_use_or_none(low, high, scale, expected):
    assert units_of(low, high, scale) == (None if expected is None else PixelUnits(*expected))


@pytest.mark.parametrize("units", [(0, 1), (0, 255), (0, 16), (-1, 1), (-0.42, 2.82), (255, 0)])
def test_bytes_and_back(units):
    units = PixelUnits(*units)
    pixels = np.arange(256, dtype=np.uint8)
    values = units.from_bytes(pixels)
    assert values.dtype == np.float32
    assert (values[0], values[-1]) == pytest.approx((units.black, units.white))
    exact = units.black + pixels / 255 * (units.white - units.black)
    assert np.abs(values - exact).max() <= 1e-6 * max(abs(units.black), abs(units.white))
    back = PixelUnits(0, 255).convert(values, units)
    assert np.abs(back - pixels).max() <= 1e-4
    np.testing.assert_array_equal(PixelUnits(0, 255).from_bytes(pixels), pixels)


@pytest.mark.parametrize("units", [(1, 1), (0, np.inf), (np.nan, 1)])
def test_black_and_white_must_differ(units):
    with pytest.raises(InvalidInput, match=r"black and white must be two finite numbers that differ; got"):
        PixelUnits(*units)


IMAGES = np.random.default_rng(0).integers(0, 256, (6, 3, 3))
ROWS = IMAGES.reshape(6, 9)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (IMAGES / 255, IMAGES.astype(float)),
        (IMAGES / 255, IMAGES.astype(np.uint8)),
        (IMAGES.astype(np.uint8), IMAGES / 127.5 - 1),
        (ROWS.astype(np.uint8), ROWS / 255),
        (ROWS / 255, ROWS.astype(np.uint8)),
    ],
)
def test_parts_in_different_units_are_refused(train, test):
    message = (
        r"the parts are in different units, X_train of .* to .*, X_test of .* to .*: bring all to the same"
    )
    with pytest.raises(InvalidInput, match=message):
        as_rows({"X_train": train, "X_test": test})


def test_parts_in_the_same_units_and_tables_are_not():
    as_rows({"X_train": IMAGES / 255, "X_test": IMAGES / 300})
    as_rows({"X_train": IMAGES.astype(np.uint8), "X_test": IMAGES // 255})  # dark test images
    as_rows({"X_train": ROWS.astype(float), "X_test": ROWS / 255})  # a table: any numbers
    as_rows({"X_train": IMAGES - 100, "X_test": IMAGES / 255})  # units not known


def test_a_data_set_says_its_range_and_units():
    rows, image_shape, scale = as_rows({"X_train": IMAGES / 127.5 - 1, "X_test": IMAGES / 127.5 - 1})
    y = np.arange(6) % 2
    dataset = Dataset("it", rows["X_train"], y, rows["X_test"], y, ("a", "b"), image_shape, scale, "here")
    assert dataset.data_range == (rows["X_train"].min(), rows["X_train"].max())
    assert dataset.pixel_units == PixelUnits(-1, 1)
