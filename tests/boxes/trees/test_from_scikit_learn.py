"""Trees as networks, held against scikit-learn's own predictions, at the thresholds above all."""

import numpy as np
import onnxruntime
import pytest
import torch
from sklearn.ensemble import (
    AdaBoostRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from treadle import InvalidInput, from_tree
from treadle.boxes.trees import from_scikit_learn as trees
from treadle.boxes.trees.from_scikit_learn import edges_of_float32_tests

RNG = np.random.default_rng(0)
X = RNG.normal(size=(500, 3))
X[:, 2] = np.round(X[:, 2], 1)
Y = np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2]
LABELS = np.array(["low", "middle", "top"])[np.digitize(Y, [-0.5, 0.5])]

SINGLE = [
    DecisionTreeRegressor(random_state=0),
    DecisionTreeRegressor(max_depth=1),
    DecisionTreeRegressor(max_depth=4, criterion="absolute_error"),
    ExtraTreeRegressor(random_state=0),
]
SUMS = [
    RandomForestRegressor(7, random_state=0),
    ExtraTreesRegressor(7, max_depth=6, random_state=0),
    GradientBoostingRegressor(random_state=0),
    GradientBoostingRegressor(n_estimators=40, max_depth=1, init="zero", random_state=0),
    GradientBoostingRegressor(n_estimators=20, loss="quantile", subsample=0.5, random_state=0),
    HistGradientBoostingRegressor(max_iter=30),
    HistGradientBoostingRegressor(max_iter=30, max_depth=1),
]
PROBABLE = [
    DecisionTreeClassifier(max_depth=5),
    ExtraTreeClassifier(random_state=0),
    RandomForestClassifier(7, random_state=0),
    ExtraTreesClassifier(7, max_depth=6, random_state=0),
]
DECIDING = [
    GradientBoostingClassifier(n_estimators=10),
    HistGradientBoostingClassifier(max_iter=10),
]


def adversarial_rows(network, base):
    """Rows of which one feature lies at an edge, or one float64 or one float32 from it."""
    inner = network.trees.features >= 0
    rows = []
    for feature, edge in zip(network.trees.features[inner][:150], network.trees.edges[inner], strict=False):
        single = np.float32(edge)
        values = [edge, np.nextafter(edge, -np.inf), np.nextafter(edge, np.inf), single]
        values += [np.nextafter(single, np.float32(s * np.inf)) for s in (1, -1)]
        for value in values:
            row = base[len(rows) % len(base)].copy()
            row[feature] = value
            rows.append(row)
    return np.concatenate([np.array(rows), base])


def name(model):
    return str(model).partition("(")[0]


@pytest.mark.parametrize("model", SINGLE, ids=name)
def test_a_tree_is_equal_to_the_bit(model):
    network = from_tree(model.fit(X, Y))
    rows = adversarial_rows(network, RNG.normal(size=(300, 3)))
    expected = model.predict(rows)
    np.testing.assert_array_equal(network.predict(rows), expected)
    np.testing.assert_array_equal(network.forward(rows), expected)


@pytest.mark.parametrize("model", SUMS, ids=name)
def test_forests_and_boosting_are_equal_to_1e_12(model):
    network = from_tree(model.fit(X, Y))
    rows = adversarial_rows(network, RNG.normal(size=(300, 3)))
    np.testing.assert_allclose(network.predict(rows), model.predict(rows), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(network.predict(rows), network.forward(rows))


@pytest.mark.parametrize("model", PROBABLE, ids=name)
@pytest.mark.parametrize("labels", [LABELS, LABELS == "low"], ids=["three", "two"])
def test_trees_of_classifiers_give_probabilities(model, labels):
    network = from_tree(model.fit(X, labels))
    rows = adversarial_rows(network, RNG.normal(size=(100, 3)))
    assert network.gives == "probabilities"
    np.testing.assert_allclose(network.predict(rows), model.predict_proba(rows), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(network.predict(rows), network.forward(rows))
    np.testing.assert_array_equal(network.classes_, model.classes_)
    if isinstance(model, DecisionTreeClassifier):
        np.testing.assert_array_equal(network.predict(rows), model.predict_proba(rows))


@pytest.mark.parametrize("model", DECIDING, ids=name)
@pytest.mark.parametrize("labels", [LABELS, LABELS == "low"], ids=["three", "two"])
def test_boosted_classifiers_give_the_decision_function(model, labels):
    network = from_tree(model.fit(X, labels))
    rows = adversarial_rows(network, RNG.normal(size=(100, 3)))
    assert network.gives == "decision function"
    np.testing.assert_allclose(network.predict(rows), model.decision_function(rows), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(network.predict(rows), network.forward(rows))


def test_several_outputs_of_one_tree():
    model = DecisionTreeRegressor(max_depth=4).fit(X, np.column_stack([Y, Y**2]))
    np.testing.assert_array_equal(from_tree(model).forward(X), model.predict(X))


def test_a_poisson_loss_gives_the_logarithm():
    model = HistGradientBoostingRegressor(loss="poisson", max_iter=5).fit(X, np.exp(Y))
    network = from_tree(model)
    assert network.gives == "logarithm of the prediction"
    np.testing.assert_allclose(np.exp(network.predict(X)), model.predict(X), rtol=1e-12)


def test_rounding_a_threshold_to_nearest_would_be_noticed(monkeypatch):
    def to_nearest(thresholds):
        return thresholds.astype(np.float32).astype(np.float64)

    model = DecisionTreeRegressor(random_state=0).fit(X, Y)
    rows = adversarial_rows(from_tree(model), X)
    monkeypatch.setattr(trees, "edges_of_float32_tests", to_nearest)
    assert (from_tree(model).predict(rows) != model.predict(rows)).any()


def test_edges_agree_with_a_comparison_after_rounding_to_float32():
    special = [0.0, -0.0, 1e-45, -1e-45, 1e-46, -1e-46, 1e-320, 1.0, -1.0, 2 - 2**-24, 3e38, -3e38, 1e-38]
    thresholds = np.concatenate([RNG.normal(size=2000), special])
    thresholds = np.concatenate([thresholds, thresholds.astype(np.float32)])
    edges = edges_of_float32_tests(thresholds)
    assert (edges.astype(np.float32) > thresholds).all()
    assert not (np.nextafter(edges, -np.inf).astype(np.float32) > thresholds).any()


def test_adjacent_float32_training_rows_are_misrouted_nowhere():
    values = [np.float32(100)]  # scikit-learn splits no values closer than 1e-7
    for _ in range(40):
        values.append(np.nextafter(values[-1], np.float32(200)))
    column = np.array(values)[:, None]
    model = DecisionTreeRegressor().fit(column, np.arange(41.0))
    np.testing.assert_array_equal(from_tree(model).predict(column), np.arange(41.0))
    np.testing.assert_array_equal(from_tree(model).forward(column), np.arange(41.0))


def test_stumps_take_one_hidden_layer_and_share_their_edges():
    model = HistGradientBoostingRegressor(max_iter=50, max_depth=1).fit(X, Y)
    network = from_tree(model)
    tests = {(int(p.nodes["feature_idx"][0]), p.nodes["num_threshold"][0]) for (p,) in model._predictors}
    assert len(tests) < 50
    assert network.n_hidden_units_ == (2 * len(tests),)


def test_hidden_units_are_distinct_tests_and_leaves():
    model = DecisionTreeRegressor(max_leaf_nodes=20).fit(X, Y)
    network = from_tree(model)
    inner = model.tree_.feature >= 0
    tests = set(zip(model.tree_.feature[inner], model.tree_.threshold[inner], strict=True))
    assert network.n_hidden_units_ == (len(tests), 20)
    assert network.n_parameters_ == sum(layer.weights.nnz + layer.n_out for layer in network.layers())


def test_a_tree_without_a_test_is_its_constant():
    network = from_tree(DecisionTreeRegressor().fit(X, np.full(len(X), 0.25)))
    assert network.n_hidden_units_ == ()
    np.testing.assert_array_equal(network.predict(X), np.full(len(X), 0.25))
    np.testing.assert_array_equal(network.forward(X), np.full(len(X), 0.25))


@pytest.mark.parametrize("model", [SINGLE[1], SINGLE[2]], ids=["stump", "tree"])
def test_torch_and_onnx_runtime_are_equal_to_the_bit(model, tmp_path):
    network = from_tree(model.fit(X, Y))
    rows = adversarial_rows(network, X)
    network.to_onnx(tmp_path / "tree.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "tree.onnx", providers=["CPUExecutionProvider"])
    expected = model.predict(rows)
    np.testing.assert_array_equal(session.run(None, {"X": rows})[0][:, 0], expected)
    with torch.no_grad():
        np.testing.assert_array_equal(network.to_torch()(torch.from_numpy(rows)).numpy()[:, 0], expected)


def test_in_float32_every_row_of_float32_finds_its_leaf():
    model = SINGLE[0].fit(X, np.arange(len(X)) % 50)
    network = from_tree(model)
    rows = adversarial_rows(network, X).astype(np.float32)
    with torch.no_grad():
        outputs = network.to_torch(dtype=np.float32)(torch.from_numpy(rows)).numpy()[:, 0]
    np.testing.assert_array_equal(outputs, model.predict(rows))


def test_missing_values_are_refused():
    network = from_tree(DecisionTreeRegressor(max_depth=2).fit(X, Y))
    with pytest.raises(InvalidInput, match=r"X must be finite; row 0 is .*nan.*: leave such rows out"):
        network.predict([[0.0, np.nan, 0.0]])
    holes = X.copy()
    holes[::2, 0] = np.nan
    model = HistGradientBoostingRegressor(max_iter=2).fit(holes, np.isnan(holes[:, 0]).astype(float))
    with pytest.raises(InvalidInput, match=r"splits on whether a value is missing.*SimpleImputer"):
        from_tree(model)


def test_categories_are_refused():
    model = HistGradientBoostingRegressor(max_iter=2, categorical_features=[2])
    columns = np.column_stack([X[:, :2], np.arange(len(X)) % 4])
    with pytest.raises(InvalidInput, match=r"categorical features.*columns \[2\]: encode them as numbers"):
        from_tree(model.fit(columns, Y))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LinearRegression(), r"model must be a decision tree.*got LinearRegression"),
        (AdaBoostRegressor(), r"got AdaBoostRegressor"),
        (None, r"got NoneType"),
        (DecisionTreeRegressor(), r"model must be fitted: call fit of the DecisionTreeRegressor first"),
    ],
)
def test_other_models_are_refused(model, message):
    with pytest.raises(InvalidInput, match=message):
        from_tree(model)


def test_a_start_from_another_model_is_refused():
    model = GradientBoostingRegressor(n_estimators=2, init=LinearRegression()).fit(X, Y)
    with pytest.raises(InvalidInput, match=r"must start from a constant.*starts from LinearRegression"):
        from_tree(model)


def test_a_classifier_of_several_outputs_is_refused():
    model = DecisionTreeClassifier(max_depth=2).fit(X, np.column_stack([LABELS, LABELS]))
    with pytest.raises(InvalidInput, match=r"a classifier must have one output; this .* has 2: fit one for"):
        from_tree(model)


def test_rows_and_forms_are_checked():
    network = from_tree(DecisionTreeRegressor(max_depth=2).fit(X, Y))
    with pytest.raises(InvalidInput, match=r"X must be of shape \(n, 3\), a point a row; got \(4, 2\)"):
        network.predict(np.zeros((4, 2)))
    with pytest.raises(InvalidInput, match="X must hold"):
        network.forward([["a", "b", "c"]])
    with pytest.raises(InvalidInput, match="the form of trees must be leaves, or None; got 'and'"):
        network.layers("and")
    for dtype in ("float16", "number"):
        with pytest.raises(InvalidInput, match=f"dtype must be float64 or float32; got '{dtype}'"):
            network.to_torch(dtype=dtype)
    assert network.predict(np.zeros((0, 3))).shape == network.forward(np.zeros((0, 3))).shape == (0,)
