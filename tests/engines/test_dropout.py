import numpy as np
import pytest

from tests.engines.plain_philox import MASK64, philox_block, word32
from treadle.engines.dropout import dropout_mask


def documented_mask(seed, step, layer, n_rows, n_units, rate):
    """The docstrings of the module and of ``philox``, word by word."""
    kept = [word32(seed, number, 0, layer, step) >= round(rate * 2**32) for number in range(n_rows * n_units)]
    return np.where(np.reshape(kept, (n_rows, n_units)), 1 / (1 - rate), 0)


def test_the_rounds_above_give_the_authors_known_answers():
    """From Random123's kat_vectors: philox4x64 10, for zeros and for ones."""
    assert philox_block((0, 0), (0, 0, 0, 0)) == (
        0x16554D9ECA36314C,
        0xDB20FE9D672D0FDC,
        0xD7E772CEE186176B,
        0x7E68B68AEC7BA23B,
    )
    assert philox_block((MASK64, MASK64), (MASK64,) * 4) == (
        0x87B092C3013FE90B,
        0x438C3C67BE8D0224,
        0x9CC7D7C69CD777B6,
        0xA09CAEBF594F0BA0,
    )


@pytest.mark.parametrize(
    ("seed", "step", "layer", "n_rows", "n_units", "rate"),
    [
        (0, 0, 0, 1, 1, 0.5),
        (0, 0, 0, 5, 7, 0.5),
        (1, 0, 0, 5, 8, 0.5),
        (0, 1, 0, 5, 7, 0.3),
        (0, 0, 1, 5, 7, 0.3),
        (12345678901234567890, 2**40, 3, 4, 9, 0.05),
        (2**64 - 1, 2**63, 2, 3, 3, 0.95),
        (7, 7, 7, 3, 5, 0.0),
    ],
)
def test_masks_follow_the_documented_formula(seed, step, layer, n_rows, n_units, rate):
    mask = dropout_mask(seed, step, layer, n_rows, n_units, rate, np.float64)
    np.testing.assert_array_equal(mask, documented_mask(seed, step, layer, n_rows, n_units, rate))


def test_a_row_does_not_depend_on_how_many_follow():
    whole = dropout_mask(3, 2, 1, 64, 13, 0.4, np.float32)
    for n_rows in (1, 2, 17, 63):
        np.testing.assert_array_equal(dropout_mask(3, 2, 1, n_rows, 13, 0.4, np.float32), whole[:n_rows])


@pytest.mark.parametrize("changed", [(4, 2, 1), (3, 3, 1), (3, 2, 2)], ids=["seed", "step", "layer"])
def test_each_part_of_the_key_changes_the_mask(changed):
    masks = [dropout_mask(*key, 20, 20, 0.5, np.float32) for key in ((3, 2, 1), changed)]
    # Independent masks of fair coins agree in half of 400 places, with standard deviation 10.
    assert abs(int((masks[0] == masks[1]).sum()) - 200) <= 50


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_mean_is_one_and_the_rate_is_right(rate):
    n = 1000
    mask = dropout_mask(5, 0, 0, n, n, rate, np.float64)
    deviation = np.sqrt(rate * (1 - rate)) / n
    assert abs((mask == 0).mean() - rate) <= 5 * deviation
    assert abs(mask.mean() - 1) <= 5 * deviation / (1 - rate)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_is_the_one_asked_for_and_the_zeros_are_the_same(dtype):
    mask = dropout_mask(5, 0, 0, 30, 30, 0.3, dtype)
    assert mask.dtype == dtype
    assert set(np.unique(mask)) == {dtype(0), dtype(1 / 0.7)}
    np.testing.assert_array_equal(mask > 0, dropout_mask(5, 0, 0, 30, 30, 0.3, np.float64) > 0)


def test_a_rate_next_to_one_zeroes_all_and_overflows_nothing():
    mask = dropout_mask(0, 0, 0, 50, 50, np.nextafter(1, 0), np.float32)
    assert not mask.any()


def test_a_word_at_the_threshold_is_kept_and_one_below_is_not():
    word = philox_block((0, 0), (1, 0, 0, 0))[0] & 0xFFFFFFFF
    for threshold, kept in ((word, True), (word + 1, False)):
        assert (dropout_mask(0, 0, 0, 1, 1, threshold / 2**32, np.float64)[0, 0] > 0) == kept
