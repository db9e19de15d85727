import numpy as np

from treadle import Network, Parameters, select_engine
from treadle.estimators.tables.judged import PreparedClassifier, PreparedRegressor, judged
from treadle.estimators.tables.table_targets import ScaledNumbers, TableClasses

X = np.array([[1.0], [-1.0]], np.float32)


def test_predicts_from_prepared_rows():
    parameters = Parameters.zeros(Network((1, 2)))
    parameters.weights[0][:] = [[0.0, np.log(3)]]
    engine = select_engine("numpy").engine
    one = judged(TableClasses(np.array(["no", "yes"]), multilabel=False), engine, parameters)
    assert isinstance(one, PreparedClassifier) and one.predict(X).tolist() == ["yes", "no"]
    np.testing.assert_allclose(one.predict_proba(X), [[0.25, 0.75], [0.75, 0.25]], rtol=1e-6)


def test_predicts_numbers_in_their_units():
    parameters = Parameters.zeros(Network((1, 1), output="identity"))
    parameters.weights[0][:] = 1
    kind = ScaledNumbers.of(np.array([10.0, 30.0]), None, "squared_error")
    one = judged(kind, select_engine("numpy").engine, parameters)
    assert isinstance(one, PreparedRegressor) and one.predict(X).tolist() == [30, 10]
