"""Words of the counter-based generator: those of plain integers, in any number, for every part of the key."""

import numpy as np
import pytest

from tests.engines.plain_philox import word32
from treadle.engines.philox import AUGMENTATION, DROPOUT, philox_words


@pytest.mark.parametrize("seed", [0, 7, 2**64 - 1])
@pytest.mark.parametrize(
    ("step", "purpose", "layer"), [(0, DROPOUT, 0), (2**40, DROPOUT, 3), (5, AUGMENTATION, 0)]
)
def test_words_are_those_of_plain_integers(seed, step, purpose, layer):
    found = philox_words(seed, step, purpose, layer, 37)
    assert found.dtype == np.dtype("<u4")
    assert found.tolist() == [word32(seed, i, purpose, layer, step) for i in range(37)]


@pytest.mark.parametrize("n", [0, 1, 2, 8, 9])
def test_fewer_words_are_the_first_of_more(n):
    assert philox_words(3, 1, DROPOUT, 2, n).tolist() == philox_words(3, 1, DROPOUT, 2, 20)[:n].tolist()


def test_each_part_of_the_key_gives_other_words():
    base = {"seed": 1, "step": 2, "purpose": DROPOUT, "layer": 3}
    words = {tuple(philox_words(**base, n_words=4))}
    for name in base:
        words.add(tuple(philox_words(**(base | {name: base[name] + 1}), n_words=4)))
    assert len(words) == 5
