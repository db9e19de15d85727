"""Which cells count the rows, as a saved index does."""

import pyarrow as pa
import pytest

from treadle.tables.raw_table import counts


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([0, 1, 2], True),
        ([1, 2, 3], True),
        (["0", "1", "2"], True),
        ([0.0, 1.0], True),
        ([2, 3, 4], False),
        ([0, 1, 3], False),
        ([0, 2, 1], False),
        ([0, None, 2], False),
        ([None, 1, 2], False),
        (["0", "b"], False),
        ([0.5, 1.5], False),
        ([], False),
    ],
)
def test_cells_that_count_from_zero_or_one_are_an_index(cells, expected):
    assert counts(pa.array(cells)) is expected
    assert counts(pa.chunked_array([pa.array(cells)])) is expected
