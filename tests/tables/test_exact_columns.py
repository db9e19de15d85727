"""Columns of several types as X: what a regression reads of a frame, with nothing rounded."""

import numpy as np

from treadle import LADRegressor
from treadle.tables.exact_columns import ExactColumns


def test_it_has_the_shape_and_types_of_a_frame():
    stamps = np.array(["2024-05-01", "2024-05-02"], "datetime64[ns]")
    made = ExactColumns((np.array([0.5, 1.5]), np.array([2**60, 2**60 + 1]), stamps))
    assert made.shape == (2, 3) and len(made) == 2 and made.ndim == 2
    assert list(made.columns) == [0, 1, 2]
    assert [str(dtype) for dtype in made.dtypes] == ["float64", "int64", "datetime64[ns]"]
    assert made[1].tolist() == [2**60, 2**60 + 1]


def test_no_columns_have_no_rows():
    assert ExactColumns(()).shape == (0, 0)


def test_a_regression_sees_whole_numbers_that_doubles_would_make_one():
    ids = 2**60 + np.arange(5)
    assert len(set(ids.astype(float))) == 1
    model = LADRegressor().fit(ExactColumns((ids,)), 3.0 * np.arange(5))
    np.testing.assert_array_equal(model.predict(ExactColumns((ids,))), 3.0 * np.arange(5))
