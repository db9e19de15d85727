import numpy as np
import onnxruntime
import pytest
from sklearn.exceptions import NotFittedError

from tests.estimators.tables.table_cases import classifier, houses, regressor
from tests.export.test_onnx_preparation import feeds
from treadle import InvalidInput

FRAME, PRICE = houses(120)
NEW, _ = houses(60, seed=1)
NEW = NEW.assign(city=NEW["city"].where(NEW["city"] != "city a", "Atlantis"))
NEW.loc[3, "sold"] = None


def run(fitted, path, frame):
    fitted.save_onnx(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (output,) = session.get_outputs()
    return output.name, session.run(None, feeds(session, frame))[0]


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_probabilities_are_the_estimators(precision, tmp_path):
    fitted = classifier(n_epochs=5, precision=precision).fit(FRAME, PRICE > 900)
    assert fitted.temperature_ != 1
    name, found = run(fitted, tmp_path / "model.onnx", NEW)
    assert name == "probabilities"
    np.testing.assert_allclose(found, fitted.predict_proba(NEW), rtol=0, atol=1e-5)


def test_several_labels_are_the_estimators(tmp_path):
    y = np.column_stack([PRICE > 900, FRAME["state"] == "old"]).astype(int)
    fitted = classifier(n_epochs=5).fit(FRAME, y)
    _, found = run(fitted, tmp_path / "model.onnx", NEW)
    np.testing.assert_allclose(found, fitted.predict_proba(NEW), rtol=0, atol=1e-5)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_numbers_are_the_estimators_in_their_units(loss, tmp_path):
    fitted = regressor(loss, n_epochs=5, learning_rate_init=0.04).fit(FRAME, PRICE)
    name, found = run(fitted, tmp_path / "model.onnx", NEW)
    assert name == "prediction" and found.dtype == np.float64
    np.testing.assert_allclose(found[:, 0], fitted.predict(NEW), rtol=0, atol=1e-5 * np.ptp(PRICE))


@pytest.mark.parametrize("name", ["prediction", "network/x"])
def test_a_column_of_the_graphs_own_name_is_refused(name, tmp_path):
    fitted = regressor(hidden_layer_sizes=(4,), n_epochs=1).fit(FRAME.rename(columns={"area": name}), PRICE)
    with pytest.raises(InvalidInput, match=f"the column '{name}' has a name that the ONNX graph needs"):
        fitted.save_onnx(tmp_path / "model.onnx")


def test_says_that_it_is_not_fitted(tmp_path):
    with pytest.raises(NotFittedError):
        regressor().save_onnx(tmp_path / "model.onnx")
