"""Numbers, and the indicator of the missing ones."""

import numpy as np
import pyarrow as pa
import pytest

from treadle.errors import InvalidInput
from treadle.tables import read_table
from treadle.tables.preparation.numbers import NumberFeature


def column(cells):
    return read_table(pa.table({"c": pa.array(cells)})).columns["c"]


def test_an_indicator_is_there_where_training_had_missing_cells():
    whole = NumberFeature.fit(column([1, 2]), "it", None, allow_words=False)
    assert (whole.has_indicator, whole.number_names, whole.plain_names) == (False, ("c",), ())
    feature = NumberFeature.fit(column([1.0, None]), "it", None, allow_words=False)
    assert feature.plain_names == ("c is missing",)
    cells, counts = feature.cells(column([5.0, None, float("inf")]), "it", 1, None)
    numbers, plain = np.empty((3, 1)), np.empty((3, 1))
    feature.write(cells, numbers, plain)
    np.testing.assert_array_equal(numbers[:, 0], [5, np.nan, np.inf])
    assert plain[:, 0].tolist() == [0, 1, 0] and (counts.missing, counts.infinite) == (1, 1)


def test_words_count_as_missing_only_where_they_were_allowed_and_seen():
    mixed = column(["1", "x", None])
    feature = NumberFeature.fit(mixed, "it", None, allow_words=True)
    _, counts = feature.cells(mixed, "it", 1, None)
    assert feature.allow_words and (counts.missing, counts.words, counts.example) == (1, 1, "x")
    assert not NumberFeature.fit(column([1, 2]), "it", None, allow_words=True).allow_words
    with pytest.raises(InvalidInput, match="row 2, column 'c' is 'x'"):
        NumberFeature("c").cells(mixed, "it", 1, None)


def test_a_description_is_read_back_and_others_are_refused():
    feature = NumberFeature("c", True, False)
    assert NumberFeature.from_dict(feature.to_dict()) == feature
    with pytest.raises(InvalidInput, match="'has_indicator' must be true or false; got 1"):
        NumberFeature.from_dict(feature.to_dict() | {"has_indicator": 1})
