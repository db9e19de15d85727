"""Deep grey pixels as bytes: against rounding in fractions, for each white that is taken."""

import math
from fractions import Fraction

import numpy as np
import pytest

from treadle.data import deep_pixels
from treadle.data.deep_pixels import deep_to_bytes
from treadle.errors import CorruptFile


@pytest.mark.parametrize("white", [255, 1023, 4095, 65535])
def test_integers_are_rounded_to_the_nearest_byte(white):
    values = np.linspace(0, white, 300).astype(np.int32).reshape(20, 15)
    pixels, notice = deep_to_bytes(values, "scan.png")
    expected = [math.floor(Fraction(v * 255, white) + Fraction(1, 2)) for v in values.ravel().tolist()]
    assert pixels.ravel().tolist() == expected
    assert (notice is None) == (white == 65535)
    if notice:
        assert f"of 0 to {white}: {white} is taken for white" in notice


@pytest.mark.parametrize("white", [1, 255, 65535])
def test_floats_are_rounded_to_the_nearest_byte(white):
    values = np.linspace(0, white, 301, dtype=np.float32).reshape(7, 43)
    pixels, _ = deep_to_bytes(values, "scan.tif")
    off = pixels - values.astype(float) * 255 / white
    assert np.abs(off).max() <= 0.5 + 1e-4
    assert (pixels.min(), pixels.max()) == (0, 255)


@pytest.mark.parametrize(("high", "white"), [(256, 1023), (1023, 1023), (1024, 4095), (4096, 65535)])
def test_the_smallest_white_that_no_pixel_exceeds_is_taken(high, white):
    pixels, _ = deep_to_bytes(np.array([[0, high]]), "a")
    assert pixels[0, 1] == round(255 * high / white)


def test_where_zero_is_white_all_is_turned():
    pixels, _ = deep_to_bytes(np.array([[0, 65535]]), "a", white_is_zero=True)
    assert pixels.tolist() == [[255, 0]]


def test_black_alone_assumes_nothing():
    pixels, notice = deep_to_bytes(np.zeros((2, 2), np.int32), "a")
    assert pixels.sum() == 0 and notice is None


def test_blocks_of_rows_give_what_one_block_does(monkeypatch):
    values = np.arange(35).reshape(7, 5) * 100
    whole, _ = deep_to_bytes(values, "a")
    monkeypatch.setattr(deep_pixels, "PIXELS_PER_BLOCK", 12)
    np.testing.assert_array_equal(deep_to_bytes(values, "a")[0], whole)


@pytest.mark.parametrize("values", [[[-1, 5]], [[0, 65536]], [[0.0, np.nan]], [[0.0, np.inf]], [[-0.5, 1.0]]])
def test_other_values_have_no_black_and_white(values):
    values = np.array(values)
    remedy = "or with floats of 0" if values.dtype.kind == "f" else "save it with 8 or 16 bits$"
    with pytest.raises(CorruptFile, match=f"a.png has grey values of .* outside of 0 to 65535, .*{remedy}"):
        deep_to_bytes(values, "a.png")
