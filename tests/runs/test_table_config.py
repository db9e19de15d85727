import re

import pytest

from treadle import InvalidInput, TableClassifier, TableRegressor
from treadle.runs.config import config_toml, is_of_table, read_config_file
from treadle.runs.table_config import TableConfig


def config(**options):
    return TableConfig("t.csv", **{"target": ("y",)} | options)


def test_a_configuration_is_written_and_read(tmp_path):
    path = tmp_path / "config.toml"
    one = config(columns=("zip=category",), hidden=(8, 4), split="group:town", balanced=True)
    path.write_text(config_toml(one, {"numpy": "2"}))
    values, environment = read_config_file(path, TableConfig)
    assert TableConfig(**values) == one and environment == {"numpy": "2"}
    assert is_of_table(path)
    path.write_text('data = "digits"\n')
    assert not is_of_table(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "time"}, "split must be random, time:COLUMN or group:COLUMN; got 'time'"),
        ({"split": "random:x"}, "split must be random"),
        ({"split": "group:"}, "split must be random"),
        ({"split": "half:x"}, "split must be random"),
        ({"test_fraction": 1.0}, "test_fraction must be between 0 and 1; got 1.0"),
        ({"validation_fraction": 0.0}, "validation_fraction must be between 0 and 1; got 0.0"),
        ({"seed": -1}, "seed must be from 0 to 4294967295; got -1"),
        ({"columns": ("zip",)}, "--columns must be NAME=KIND"),
        ({"hidden": ("8",)}, "hidden must be a list of integers"),
        ({"target": (3,)}, "target must be a list of texts; got (3,)"),
        ({"loss": "hinge"}, "loss must be one of absolute_error"),
    ],
)
def test_what_cannot_be_used_is_refused(options, message):
    with pytest.raises(InvalidInput, match=re.escape(message)):
        config(**options)


def test_settings_become_an_estimators():
    one = config(hidden=(8,), balanced=True, learning_rate=0.01, scoring="roc_auc", epochs=3, seed=5)
    made = one.estimator(classifies=True)
    assert isinstance(made, TableClassifier)
    assert (made.class_weight, made.learning_rate_init, made.scoring) == ("balanced", 0.01, "roc_auc")
    assert (made.hidden_layer_sizes, made.n_epochs, made.random_state) == ((8,), 3, 5)
    made = config(loss="poisson").estimator(classifies=False)
    assert isinstance(made, TableRegressor) and made.loss == "poisson"
    assert made.get_params() == TableRegressor("poisson", random_state=0).get_params() | {
        "precision": "float32",
        "batch_size": 256,
    }


def test_settings_of_the_other_kind_of_target_are_refused():
    with pytest.raises(InvalidInput, match="balanced is for classes, and the target is numbers"):
        config(balanced=True).estimator(classifies=False)
    with pytest.raises(InvalidInput, match="loss poisson is for numbers, and the target is classes"):
        config(loss="poisson").estimator(classifies=True)
