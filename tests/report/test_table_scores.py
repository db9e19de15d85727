import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from tests.estimators.tables.table_cases import classifier, houses, regressor
from treadle.estimators.tables.given_tables import LabelledTable
from treadle.report.table_scores import scores_of
from treadle.tables import read_table

FRAME, PRICE = houses(160)
TABLE = read_table(FRAME)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_are_scored_as_by_scikit_learn(n_classes):
    y = np.array(["a", "b", "c"])[np.digitize(PRICE, np.quantile(PRICE, np.arange(1, n_classes) / n_classes))]
    model = classifier(n_epochs=3).fit(FRAME, y)
    scores = scores_of(model, LabelledTable(TABLE, y))
    probabilities = model.predict_proba(FRAME)
    assert scores.classes.accuracy == model.score(FRAME, y)
    assert scores.classes.loss == pytest.approx(log_loss(y, probabilities))
    of = (y == "b", probabilities[:, 1]) if n_classes == 2 else (y, probabilities)
    assert scores.roc_auc == pytest.approx(roc_auc_score(*of, multi_class="ovr"))
    assert scores.majority == pytest.approx(np.unique(y, return_counts=True)[1].max() / len(y))
    found = scores.to_dict()
    assert found["roc_auc"] == scores.roc_auc and found["accuracy"] == scores.classes.accuracy
    one = LabelledTable(TABLE.slice(0, 1), y[:1])
    assert scores_of(model, one).roc_auc is None


def test_targets_are_scored_one_by_one():
    y = np.column_stack([PRICE, -PRICE])
    model = regressor(n_epochs=2).fit(FRAME, y)
    scores = scores_of(model, LabelledTable(TABLE, y))
    assert [one.name for one in scores.numbers] == ["y0", "y1"]
    assert scores.mean_rmse[1] == pytest.approx(PRICE.std(ddof=0))
    assert [one["target"] for one in scores.to_dict()["targets"]] == ["y0", "y1"]
