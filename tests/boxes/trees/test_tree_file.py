"""Trees that were saved and loaded: the same bits, the same file."""

import numpy as np
import pytest
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import treadle
from treadle.errors import InvalidInput

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 3))
Y = np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2]
NUMBERS = np.digitize(Y, [-0.5, 0.5])
TEXTS = np.array(["low", "middle", "top"])[NUMBERS]

MODELS = [
    (DecisionTreeRegressor(), Y),
    (DecisionTreeRegressor(max_depth=5), np.column_stack([Y, X[:, 0]])),
    (DecisionTreeRegressor(), np.ones(300)),  # a leaf, and so no tree but a bias
    (RandomForestRegressor(7, random_state=0), Y),
    (GradientBoostingRegressor(n_estimators=20, max_depth=1), Y),
    (HistGradientBoostingRegressor(max_iter=20), Y),
    (HistGradientBoostingRegressor(max_iter=5, loss="poisson"), np.abs(Y)),
    (DecisionTreeClassifier(max_depth=4), TEXTS),
    (RandomForestClassifier(5, random_state=0), TEXTS.astype(object)),
    (GradientBoostingClassifier(n_estimators=5), NUMBERS.astype(np.int8)),
    (HistGradientBoostingClassifier(max_iter=5), Y > 0),
    (HistGradientBoostingClassifier(max_iter=5), NUMBERS.astype(np.float32)),
]


@pytest.mark.parametrize(("model", "y"), MODELS, ids=range(len(MODELS)))
def test_what_is_saved_is_read_to_the_bit(tmp_path, model, y):
    network = treadle.from_tree(model.fit(X, y))
    file = tmp_path / "trees.safetensors"
    network.save(file)
    first = file.read_bytes()
    for read in (treadle.load(file), treadle.TreeNetwork.load(file)):
        assert isinstance(read, treadle.TreeNetwork)
        rows = np.concatenate([X, RNG.normal(size=(500, 3)) * 3])
        np.testing.assert_array_equal(read.predict(rows), network.predict(rows))
        np.testing.assert_array_equal(read.forward(rows), network.forward(rows))
        assert (read.gives, read.n_hidden_units_) == (network.gives, network.n_hidden_units_)
        if network.classes_ is None:
            assert read.classes_ is None
        else:
            np.testing.assert_array_equal(read.classes_, network.classes_)
            assert read.classes_.dtype == network.classes_.dtype
        read.save(file)
        assert file.read_bytes() == first


def test_boxes_are_loaded_by_the_same_function(tmp_path):
    network = treadle.approximate("sin(x)", (0, 1), n_boxes=9)
    network.save(tmp_path / "boxes.safetensors")
    read = treadle.load(tmp_path / "boxes.safetensors")
    assert isinstance(read, treadle.BoxNetwork)
    np.testing.assert_array_equal(read.predict(X[:, 0]), network.predict(X[:, 0]))


def test_what_no_file_holds_is_refused(tmp_path):
    labels = np.array([1, "b", 2.5], dtype=object)
    network = treadle.from_tree(DecisionTreeClassifier(max_depth=2).fit(X, TEXTS))
    strange = treadle.TreeNetwork(network.trees, network.bias, 3, network.gives, labels)
    with pytest.raises(
        InvalidInput, match=r"classes must be numbers, truth values or texts .* such as 1: fit"
    ):
        strange.save(tmp_path / "trees.safetensors")
    wide = treadle.TreeNetwork(network.trees, network.bias, 10_000_001)
    with pytest.raises(InvalidInput, match="n_features_in must be a whole number from 1 to 10000000"):
        wide.save(tmp_path / "trees.safetensors")
    assert list(tmp_path.iterdir()) == []
