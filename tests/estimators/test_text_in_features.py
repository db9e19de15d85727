import numpy as np
import pandas as pd
import polars as pl
import pytest

from treadle import BoxRegressor, MLPClassifier, MLPRegressor
from treadle.errors import InvalidInput

FRAME = {"size": [1.0, 2.0, 3.0, 4.0], "city": ["1", "2", "Köln", "Ulm"]}


@pytest.mark.parametrize("model", [BoxRegressor(), MLPClassifier(max_iter=1), MLPRegressor(max_iter=1)])
@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, "objects", "texts", "lists", "categories"])
def test_text_in_features_is_told_with_its_row_and_column(model, kind):
    frame = pd.DataFrame(FRAME)
    X = (
        {
            "objects": frame.to_numpy(object),
            "texts": frame.astype(str).to_numpy(str),
            "lists": frame.to_numpy(object).tolist(),
            "categories": frame.astype({"city": "category"}),
        }.get(kind)
        if isinstance(kind, str)
        else kind(FRAME)
    )
    column = "'city'" if hasattr(X, "columns") else "1"
    with pytest.raises(
        InvalidInput, match=rf"row 2 \(from 0\), column {column} is the text 'Köln': encode the column"
    ):
        model.fit(X, [0, 1, 0, 1])


def test_in_prediction_too():
    model = BoxRegressor().fit(np.arange(8.0).reshape(4, 2), [0, 1, 0, 1])
    with pytest.raises(InvalidInput, match=r"row 0 \(from 0\), column 1 is the text 'x'"):
        model.predict(np.array([[1, "x"]], dtype=object))


def test_other_errors_stay_what_they_are():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        BoxRegressor().fit([[1.0], [2.0]], [1.0])
