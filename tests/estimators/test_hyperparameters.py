import math
import re

import numpy as np
import pytest

from treadle import InvalidInput, MLPClassifier
from treadle.estimators.hyperparameters import HYPERPARAMETERS, check_hyperparameters

NOT_ALLOWED = {
    "hidden_layer_sizes": (
        0,
        -3,
        (5, 0),
        (5, 2.0),
        2.5,
        "100",
        None,
        True,
        ((5,), (4,)),
        np.ones((2, 2), int),
    ),
    "activation": ("softmax", None, ("relu",)),
    "solver": ("lbfgs", None),
    "alpha": (-1e-9, math.nan, math.inf, "0", None, True),
    "batch_size": (0, -1, 10.0, "all", None, np.ones(2)),
    "learning_rate": ("exponential", 0.1, None),
    "learning_rate_init": (0, -1, math.nan, math.inf, "0.1"),
    "power_t": (-1, math.nan, None),
    "max_iter": (0, -1, 10.0, math.inf, None, True),
    "random_state": (-1, 2**32, 1.0, "0", np.random.default_rng(0), True),
    "tol": (-1, math.nan, math.inf, None),
    "momentum": (-0.1, 1, math.nan, None),
    "nesterovs_momentum": (1, "yes", None),
    "early_stopping": (0, "no", None),
    "validation_fraction": (0, 1, math.nan, 10, None),
    "beta_1": (-0.1, 1, math.nan),
    "beta_2": (-0.1, 1, math.nan),
    "epsilon": (0, -1, math.nan, None),
    "n_iter_no_change": (0, 2.0, -math.inf, math.nan, None),
    "dropout": (-0.1, 1, math.nan, None, (0.5,)),
    "label_smoothing": (-0.1, 1, math.nan, None),
    "input_scale": (0, math.nan, math.inf, None),
    "engine": ("cuda", None),
}
ALLOWED = {
    "hidden_layer_sizes": (1, np.int32(7), (), [4], (4, np.int64(3)), np.array([4, 3])),
    "alpha": (0, np.float32(0.5)),
    "batch_size": (1, np.int64(3), "auto"),
    "random_state": (None, 0, 2**32 - 1, np.int64(4), np.random.RandomState(0)),
    "nesterovs_momentum": (np.True_, False),
    "n_iter_no_change": (1, math.inf),
    "input_scale": (-1, 1 / 255),
}


def test_every_hyperparameter_of_the_classifier_is_in_the_table():
    assert set(MLPClassifier().get_params()) == set(HYPERPARAMETERS) == set(NOT_ALLOWED)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in NOT_ALLOWED.items() for value in values]
)
def test_refuses_by_name_and_shows_the_value(name, value):
    message = f"{name} must be {HYPERPARAMETERS[name].words}; got {value!r}"
    with pytest.raises(InvalidInput, match=re.escape(message)):
        check_hyperparameters({name: value})


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in ALLOWED.items() for value in values]
)
def test_accepts(name, value):
    check_hyperparameters({name: value})


def test_accepts_every_default():
    check_hyperparameters(MLPClassifier().get_params())


def test_passes_over_names_of_others():
    check_hyperparameters({"verbose": "very"})


def test_fit_refuses_before_it_looks_at_the_data():
    with pytest.raises(InvalidInput, match=r"beta_1 must be a number, at least 0 and below 1; got 2"):
        MLPClassifier(solver="sgd", beta_1=2).fit("no", "data")
