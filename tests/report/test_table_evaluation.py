import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from treadle import InvalidInput
from treadle.report.table_evaluation import NumberEvaluation


def test_numbers_are_scored_as_by_scikit_learn():
    rng = np.random.default_rng(0)
    y, predicted = rng.normal(size=(2, 50))
    found = NumberEvaluation("y", y, predicted)
    assert found.rmse == pytest.approx(root_mean_squared_error(y, predicted))
    assert found.mae == pytest.approx(mean_absolute_error(y, predicted))
    assert found.r2 == pytest.approx(r2_score(y, predicted))
    assert found.worst(2).tolist() == np.argsort(-np.abs(y - predicted))[:2].tolist()
    assert NumberEvaluation("y", np.ones(3), np.ones(3)).r2 == 0
    assert found.to_dict()["rmse"] == found.rmse


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(InvalidInput, match="must be a row each, at least one"):
        NumberEvaluation("y", np.ones(3), np.ones(2))
    with pytest.raises(InvalidInput, match="true and predicted numbers of y must be finite"):
        NumberEvaluation("y", np.ones(1), np.array([np.nan]))
