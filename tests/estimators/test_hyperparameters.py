import math
import re

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.utils._param_validation import InvalidParameterError

from treadle import (
    BoxRegressor,
    InvalidInput,
    LADRegressor,
    MLPClassifier,
    MLPRegressor,
    TableClassifier,
    TableRegressor,
)
from treadle.estimators.hyperparameters import HYPERPARAMETERS, check_hyperparameters

NOT_ALLOWED = {
    "loss": ("squared", None),
    "huber_delta": (0, -1, math.nan, None),
    "hidden_layer_sizes": (0, -3, 2.5, "100", None, True, np.ones((2, 2), int)),
    "activation": ("softmax", None, ("relu", "step"), (("relu",),)),
    "solver": ("newton", None),
    "alpha": (-1e-9, math.nan, math.inf, "0", None, True),
    "batch_size": (0, -1, 10.0, "all", None, np.ones(2)),
    "n_epochs": (0, -1, 10.0, math.inf, None, True),
    "max_rows": (0, -1, 1e6, None),
    "learning_rate": ("exponential", 0.1, None),
    "learning_rate_init": (0, -1, math.nan, math.inf, "0.1"),
    "power_t": (-1, math.nan, None),
    "max_iter": (0, -1, 10.0, math.inf, None, True),
    "shuffle": (1, None, "no"),
    "random_state": (-1, 2**32, 1.0, "0", np.random.default_rng(0), True),
    "tol": (-1, math.nan, math.inf, None),
    "verbose": (-1, 0.5, "yes", None),
    "warm_start": (1, None),
    "momentum": (-0.1, 1.1, math.nan, None),
    "nesterovs_momentum": (1, "yes", None),
    "early_stopping": (0, "no", None),
    "validation_fraction": (-0.1, 1, math.nan, 10, None),
    "beta_1": (-0.1, 1, math.nan),
    "beta_2": (-0.1, 1, math.nan),
    "epsilon": (0, -1, math.nan, None),
    "n_iter_no_change": (0, 2.0, -math.inf, math.nan, None),
    "max_fun": (0, 10.0, None),
    "scoring": (1, ["accuracy"]),
    "dropout": (-0.1, 1, math.nan, None, (0.5, 1.0), "0.5"),
    "batch_norm": (1, None, (True, 0)),
    "label_smoothing": (-0.1, 1, math.nan, None),
    "columns": ("zip", ["zip"], {"zip": "text"}, {3: "number"}, {"zip": ["number"]}),
    "class_weight": ("even", 2, {0: -1}, {0: "1"}, [1, 2]),
    "weight_decay": (-1, math.nan, None),
    "input_scale": (0, math.nan, math.inf, None),
    "engine": ("cuda", None),
    "precision": ("float16", None, np.float32),
    "n_threads": (0, -1, 1.0, "all"),
    "quantile": (0, 1, math.nan, None),
    "fit_intercept": (0, None),
    "n_boxes": (0, 2.5, "all", None),
    "partition": ("even", None),
    "order": (2, -1, True, None),
}
ALLOWED = {
    "hidden_layer_sizes": (1, np.int32(7), (), [4], (4, np.int64(3)), np.array([4, 3])),
    "activation": (["gelu", "silu"],),
    "alpha": (0, np.float32(0.5)),
    "batch_size": (1, np.int64(3), "auto"),
    "random_state": (None, 0, 2**32 - 1, np.int64(4), np.random.RandomState(0)),
    "nesterovs_momentum": (np.True_, False),
    "momentum": (0, 1),
    "validation_fraction": (0,),
    "verbose": (True, 10),
    "n_iter_no_change": (1, math.inf),
    "scoring": (None, "loss", "roc_auc", len),
    "dropout": ((0, 0.5), np.array([0.1])),
    "batch_norm": ((True, False),),
    "columns": (None, {}, {"zip": "category", "id": "out"}),
    "class_weight": (None, "balanced", {"a": 0, 3: 1.5}),
    "n_threads": (None, np.int64(2)),
    "input_scale": (-1, 1 / 255),
}
ESTIMATORS = (BoxRegressor, LADRegressor, MLPClassifier, MLPRegressor, TableClassifier, TableRegressor)
SHARED = set(NOT_ALLOWED) & set(sklearn.neural_network.MLPRegressor().get_params())


def cases(values_of):
    return [(name, value) for name, values in values_of.items() for value in values]


def test_every_hyperparameter_of_the_estimators_is_in_the_table():
    named = {name for estimator in ESTIMATORS for name in estimator().get_params()}
    assert named - {"callbacks"} == set(HYPERPARAMETERS) == set(NOT_ALLOWED)


def test_scikit_learns_parameters_are_there_with_their_defaults_in_their_order():
    for name in ("MLPClassifier", "MLPRegressor"):
        theirs = getattr(sklearn.neural_network, name)
        ours = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}[name]
        expected = theirs._get_param_names()
        assert set(expected) <= set(ours._get_param_names())
        defaults = ours().get_params()
        assert {key: defaults[key] for key in expected} == theirs().get_params()
        positional = theirs.__init__.__code__.co_varnames[: theirs.__init__.__code__.co_argcount]
        code = ours.__init__.__code__
        assert code.co_varnames[: code.co_argcount] == positional


@pytest.mark.parametrize(("name", "value"), cases(NOT_ALLOWED))
def test_refuses_by_name_and_shows_the_value(name, value):
    shown = " ".join(repr(value).split())  # a message is one line
    message = f"The '{name}' parameter of MLP must be {HYPERPARAMETERS[name].words}. Got {shown} instead."
    with pytest.raises(InvalidInput, match=re.escape(message)):
        check_hyperparameters("MLP", {name: value})


def words_of(message):
    """The words of a message in alphabetical order: scikit-learn lists names in the order of a set."""
    return sorted(re.split(r"[ ,{}.]+", message))


@pytest.mark.parametrize("name", sorted(SHARED))
def test_the_message_is_scikit_learns(name):
    refused = 0
    for value in NOT_ALLOWED[name]:
        try:
            sklearn.neural_network.MLPRegressor(**{name: value})._validate_params()
        except InvalidParameterError as error:
            refused += 1
            with pytest.raises(InvalidInput) as ours:
                MLPRegressor(**{name: value}).fit([[1.0], [2.0]], [1.0, 2.0])
            theirs, mine = words_of(str(error)), words_of(str(ours.value))
            if name in ("activation", "loss", "learning_rate"):  # more are allowed here
                assert set(theirs) <= set(mine)
            else:
                assert mine == theirs
    assert refused


@pytest.mark.parametrize(("name", "value"), cases(ALLOWED))
def test_accepts(name, value):
    check_hyperparameters("MLP", {name: value})


def test_accepts_every_default():
    for estimator in (MLPClassifier(), MLPRegressor(), TableClassifier(), TableRegressor()):
        check_hyperparameters(type(estimator).__name__, estimator.get_params())


def test_passes_over_names_of_others():
    check_hyperparameters("MLP", {"depth": "very"})


def test_fit_refuses_before_it_looks_at_the_data():
    with pytest.raises(InvalidInput, match=r"The 'beta_1' parameter of MLPClassifier must be a float in the"):
        MLPClassifier(solver="sgd", beta_1=2).fit("no", "data")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden_layer_sizes": (5, 0)}, r"hidden_layer_sizes must be > 0, got \[5, 0\]\."),
        ({"hidden_layer_sizes": (5, 2.0)}, r"hidden_layer_sizes must be integers above 0; got \(5, 2\.0\)"),
        ({"weight_decay": 0.1, "solver": "sgd"}, r"weight_decay=0\.1 needs solver='adam', .* got 'sgd'"),
        (
            {"n_threads": 2, "engine": "torch"},
            r"n_threads=2 is for treadle's own engines; for engine='torch'",
        ),
        (
            {"solver": "lbfgs", "dropout": 0.5},
            r"dropout=0\.5 is for the solvers adam and sgd; got solver='lbf",
        ),
        (
            {"solver": "lbfgs", "dropout": (0.0, 0.1)},
            r"dropout=\(0\.0, 0\.1\) is for the solvers adam and sgd",
        ),
        ({"solver": "lbfgs", "batch_norm": True}, r"batch_norm=True is for the solvers adam and sgd"),
        ({"solver": "lbfgs", "precision": "bfloat16"}, r"precision='bfloat16' is for the solvers adam"),
        ({"solver": "lbfgs", "callbacks": print}, r"callbacks=.* is for the solvers adam and sgd"),
        ({"solver": "lbfgs", "learning_rate": "cosine"}, r"learning_rate='cosine' is for the solvers adam"),
        ({"activation": ("relu", "tanh")}, r"activation must be one value or one for each of the 1 hidden"),
        ({"dropout": (0.1, 0.1)}, r"dropout must be one value or one for each of the 1 hidden layers; got 2"),
        (
            {"batch_norm": (True, True)},
            r"batch_norm must be one value or one for each of the 1 hidden layers",
        ),
        (
            {"scoring": "accuracy"},
            r"scoring='accuracy' has no rows to score: give X_val and y_val, or early_",
        ),
    ],
)
def test_refuses_what_does_not_go_together(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        MLPClassifier(**arguments).fit([[1.0], [2.0], [3.0]], [0, 1, 1])
