import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeRegressor

import treadle
from treadle import BoxRegressor, CorruptFile, InvalidInput

RNG = np.random.default_rng(0)
DENSE = np.linspace(-2, 2, 20001)
PARTITIONS = ("uniform", "quantile", "optimal", "adaptive", "tree")


def f(x):
    return np.sin(3 * x) + 0.5 * np.cos(7 * x)


def noisy(seed, n=10_000):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, n)
    return x[:, None], f(x) + 0.3 * rng.normal(size=n)


def rmse(model):
    return float(np.sqrt(np.mean((model.predict(DENSE[:, None]) - f(DENSE)) ** 2)))


@pytest.mark.parametrize("seed", range(5))
def test_noisy_data_are_fitted_better_than_by_a_cross_validated_tree(seed):
    X, y = noisy(seed)
    search = GridSearchCV(DecisionTreeRegressor(random_state=0), {"max_leaf_nodes": [32, 64, 96, 128, 192]})
    tree = rmse(search.fit(X, y))
    boxes, hats = rmse(BoxRegressor().fit(X, y)), rmse(BoxRegressor(order=1).fit(X, y))
    assert boxes <= 0.055
    assert hats <= 0.025
    assert boxes < tree


@pytest.mark.parametrize("partition", PARTITIONS)
def test_every_partition_finds_about_the_function(partition):
    X, y = noisy(0, 3000)
    model = BoxRegressor(partition=partition).fit(X, y)
    assert rmse(model) <= 0.12
    curve = model.loo_curve_ if partition in ("uniform", "quantile") else model.validation_curve_
    assert len(curve) == len(model.n_boxes_tried_)
    assert model.n_boxes_ == model.n_boxes_tried_[np.argmin(curve)]
    assert 0.3**2 * 0.9 <= curve.min() <= 0.3**2 * 1.2
    other = model.validation_curve_ if partition in ("uniform", "quantile") else model.loo_curve_
    assert other is None


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("order", [0, 1])
def test_a_number_of_boxes_is_kept(partition, order):
    X, y = noisy(0, 500)
    model = BoxRegressor(17, partition=partition, order=order)
    if order == 1 and partition not in ("uniform", "quantile"):
        with pytest.raises(InvalidInput, match=f"order=1 takes the partition 'uniform'.*got '{partition}'"):
            model.fit(X, y)
    else:
        assert model.fit(X, y).n_boxes_ == 17


@pytest.mark.parametrize("partition", ["uniform", "quantile", "adaptive", "tree"])
def test_two_features(partition):
    X = RNG.uniform(-1, 1, (4000, 2))
    y = np.sin(3 * X[:, 0]) * X[:, 1] + 0.1 * RNG.normal(size=4000)
    model = BoxRegressor(partition=partition).fit(X, y)
    assert model.score(X, np.sin(3 * X[:, 0]) * X[:, 1]) >= 0.93
    hats = BoxRegressor(order=1).fit(X, y)
    assert hats.score(X, np.sin(3 * X[:, 0]) * X[:, 1]) >= 0.99


def test_hats_leave_out_features_that_have_no_say():
    X = RNG.uniform(-1, 1, (400, 20))
    model = BoxRegressor(order=1).fit(X, np.abs(X[:, 7]) + 0.1 * RNG.normal(size=400))
    assert model.network_features_.tolist() == [7]
    assert np.abs(model.predict(X) - np.abs(X[:, 7])).max() <= 0.1
    constant = BoxRegressor(order=1).fit(X, np.full(400, 3.0))
    np.testing.assert_array_equal(constant.predict(X), np.full(400, 3.0))


@pytest.mark.parametrize("partition", PARTITIONS)
def test_the_network_is_the_fit_in_torch_too(partition):
    X, y = noisy(1, 400)
    model = BoxRegressor(partition=partition).fit(X, y)
    with torch.no_grad():
        outputs = model.network_.to_torch()(torch.from_numpy(X)).numpy()[:, 0]
    np.testing.assert_array_equal(outputs, model.predict(X))
    assert np.isnan(model.network_.error_bound_)


def test_the_index_form_of_a_fit_takes_three_numbers_a_box():
    X = RNG.uniform(-1, 1, (5000, 2))
    model = BoxRegressor(400).fit(X, X[:, 0] * X[:, 1])
    n_parameters = sum(parameter.numel() for parameter in model.network_.to_torch("index").parameters())
    assert n_parameters <= 3 * model.n_boxes_ + 200


@pytest.mark.parametrize("partition", PARTITIONS)
def test_weights_are_repetitions_and_zeros_are_no_rows(partition):
    X, y = noisy(2, 120)
    X = np.round(X, 1)
    weights = RNG.integers(0, 4, 120)
    weighted = BoxRegressor(partition=partition).fit(X, y, weights)
    repeated = BoxRegressor(partition=partition).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    assert weighted.n_boxes_ == repeated.n_boxes_
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-9)


@pytest.mark.parametrize("order", [0, 1])
def test_weights_that_add_up_to_one_are_no_less_than_rows(order):
    X, y = noisy(5, 300)
    plain, weighted = (
        BoxRegressor(order=order).fit(X, y),
        BoxRegressor(order=order).fit(X, y, np.full(300, 1 / 300)),
    )
    np.testing.assert_allclose(weighted.predict(X), plain.predict(X), rtol=1e-9)


def test_an_offset_of_1e8_costs_no_more_than_its_own_digits():
    X, y = noisy(3, 2000)
    plain, shifted = BoxRegressor().fit(X, y), BoxRegressor().fit(X, y + 1e8)
    assert plain.n_boxes_ == shifted.n_boxes_
    np.testing.assert_allclose(shifted.predict(X) - 1e8, plain.predict(X), atol=1e-6)


def test_beyond_the_data_it_goes_on_as_at_the_end():
    X, y = noisy(4, 200)
    for order in (0, 1):
        model = BoxRegressor(order=order).fit(X, y)
        ends = model.predict([[X.min()], [X.max()]])
        np.testing.assert_array_equal(model.predict([[-1e9], [1e9]]), ends)


def test_cloning_pickling_and_searching():
    X, y = noisy(0, 300)
    search = GridSearchCV(BoxRegressor(), {"order": [0, 1], "n_boxes": [5, "auto"]}, cv=3).fit(X, y)
    assert search.best_params_["n_boxes"] == "auto"
    model = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(model.predict(X), search.predict(X))
    assert clone(model).get_params() == model.get_params()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_boxes": 0}, r"'n_boxes' parameter of BoxRegressor must be .*'auto'.* Got 0 instead"),
        ({"n_boxes": "many"}, r"'n_boxes' parameter of BoxRegressor must be .* Got 'many' instead"),
        ({"n_boxes": 2.0}, r"'n_boxes' parameter .* Got 2.0 instead"),
        ({"partition": "best"}, r"'partition' parameter .*'uniform'.* Got 'best' instead"),
        ({"order": 2}, r"'order' parameter of BoxRegressor must be an int among .* Got 2 instead"),
        ({"order": True}, r"'order' parameter .* Got True instead"),
    ],
)
def test_hyper_parameters_are_checked(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        BoxRegressor(**arguments).fit(*noisy(0, 20))


def test_the_optimal_partition_is_for_one_feature():
    with pytest.raises(
        InvalidInput, match=r"'optimal' is for one feature.*X has 2: take 'tree' or 'adaptive'"
    ):
        BoxRegressor(partition="optimal").fit(np.ones((4, 2)), np.ones(4))


def test_more_boxes_than_any_memory_holds_are_refused():
    with pytest.raises(InvalidInput, match="1e12 cells"):
        BoxRegressor(10**12).fit(*noisy(0, 20))


def test_before_fit_there_is_nothing_to_predict():
    with pytest.raises(NotFittedError):
        BoxRegressor().predict([[0.0]])


def test_one_row_and_equal_rows():
    for partition in PARTITIONS:
        assert BoxRegressor(partition=partition).fit([[1.0]], [5.0]).predict([[7.0]]) == [5.0]
        same = BoxRegressor(partition=partition).fit(np.ones((6, 1)), np.arange(6.0))
        assert same.predict([[1.0]]) == [2.5]


def saved_and_loaded(model, tmp_path):
    model.save(tmp_path / "boxes.safetensors")
    return treadle.load(tmp_path / "boxes.safetensors")


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("order", [0, 1])
def test_a_file_gives_the_same_bits_back(partition, order, tmp_path):
    if order == 1 and partition not in ("uniform", "quantile"):
        partition = "uniform"
    X = RNG.uniform(-1, 1, (200, 1 if partition == "optimal" else 2))
    model = BoxRegressor(partition=partition, order=order).fit(X, np.sin(3 * X[:, -1]))
    loaded = saved_and_loaded(model, tmp_path)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.get_params() == model.get_params()
    for name in ("n_boxes_", "n_features_in_", "n_boxes_tried_", "loo_curve_", "validation_curve_"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(model, name))


def test_names_and_infinite_errors_survive(tmp_path):
    model = BoxRegressor().fit(pd.DataFrame({"width": [1.0]}), [5.0])
    loaded = saved_and_loaded(model, tmp_path)
    assert loaded.feature_names_in_.tolist() == ["width"]
    assert loaded.loo_curve_.tolist() == [np.inf]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("network_features", np.array([5]), r"must be among 1 columns; got \[5\]"),
        ("network_features", np.array([0, 1]), r"must be 1 columns in order; got \[0 1\]"),
        ("n_boxes_tried", np.array([1.0]), r"n_boxes_tried must be whole numbers"),
        ("loo_curve", np.zeros(3), r"loo_curve must be a number for each of n_boxes_tried"),
        ("heights", np.zeros(3), r"heights must be of shape"),
    ],
)
def test_files_that_contradict_themselves_are_refused(name, value, message, tmp_path):
    model = BoxRegressor(4).fit(*noisy(0, 50))
    saved = model._saved()
    saved.arrays[name] = value
    model._saved = lambda: saved
    with pytest.raises(CorruptFile, match=message):
        saved_and_loaded(model, tmp_path)


def test_names_of_another_number_are_refused(tmp_path):
    model = BoxRegressor(4).fit(*noisy(0, 50))
    saved = model._saved()
    saved.fields["names"] = np.array(["a", "b"], dtype=object)
    model._saved = lambda: saved
    with pytest.raises(CorruptFile, match="feature_names_in_ must be "):
        saved_and_loaded(model, tmp_path)


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("scale", ["subnormal", "exponential", "huge", "adjacent"])
def test_features_of_any_scale(partition, scale):
    x = RNG.normal(size=40)
    scaled = {
        "subnormal": np.round(x * 9) * 5e-324,
        "exponential": np.exp(20 * x),
        "huge": x * 1e300,
        "adjacent": 1 + np.round(x) * 2.0**-52,
    }
    X, y = scaled[scale][:, None], np.sin(x)
    for order in (0, 1) if partition in ("uniform", "quantile") else (0,):
        for n_boxes in ("auto", 1, 9, 100):
            model = BoxRegressor(n_boxes, partition=partition, order=order).fit(X, y)
            predicted = model.predict(X)
            assert np.isfinite(predicted).all()
            if order == 0:
                assert y.min() - 1e-12 <= predicted.min() <= predicted.max() <= y.max() + 1e-12
                np.testing.assert_array_equal(model.network_.forward(X), predicted)
