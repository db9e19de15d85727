"""The compiled walk down trees, held against NumPy's, its specification."""

import numpy as np
import pytest
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeRegressor

from treadle import InvalidInput, TreeNetwork, from_tree
from treadle.boxes.trees import tree_walk
from treadle.hardware.native import extension

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 3))
Y = np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2]

MODELS = [
    DecisionTreeRegressor(),
    RandomForestRegressor(20, random_state=0),
    RandomForestClassifier(10, max_depth=4, random_state=0),
    GradientBoostingRegressor(n_estimators=30, max_depth=1),
    HistGradientBoostingClassifier(max_iter=10),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("rows_per_block", [64, 1 << 16])
def test_both_walks_give_the_same_bits(monkeypatch, model, rows_per_block):
    y = np.digitize(Y, [-0.5, 0.5]) if "Classifier" in str(model) else Y
    network = from_tree(model.fit(X, y))
    inner = network.trees.features >= 0
    rows = np.concatenate([X, RNG.normal(size=(40_000, 3))])
    rows[:500, network.trees.features[inner][0]] = RNG.choice(network.trees.edges[inner], 500)
    monkeypatch.setattr(tree_walk, "ROWS_PER_BLOCK", rows_per_block)
    given = network.predict(rows[:1000] if rows_per_block == 64 else rows)
    monkeypatch.setattr(extension, "missing", ImportError("a test"))
    np.testing.assert_array_equal(network.predict(rows)[: len(given)], given)
    np.testing.assert_array_equal(network.predict(rows[::2])[: len(given) // 2], given[::2])
    assert network.predict(np.empty((0, 3))).shape == given[:0].shape


def test_a_feature_that_there_is_not_is_refused_before_memory_is_read():
    network = from_tree(DecisionTreeRegressor().fit(X, Y))
    narrow = TreeNetwork(network.trees, network.bias, 1)
    if not extension.is_built():
        pytest.skip("the compiled look-up is not built")
    with pytest.raises(InvalidInput, match="the trees test feature 2, and there are 1, numbered from 0"):
        narrow.predict(X[:, :1])
