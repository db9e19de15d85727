import tomllib
from dataclasses import asdict, replace

import pytest

from treadle import InvalidInput, RunConfig
from treadle.runs.config import config_toml, read_config_file, recipe_values


def test_the_classic_recipe_is_the_reference_network_and_training():
    config = RunConfig("fashion-mnist", **recipe_values("classic"))
    assert config.hidden == (256, 128, 64)
    assert (config.activation, config.optimizer, config.initialisation) == ("relu", "adam", "torch")
    assert (config.learning_rate, config.batch_size, config.epochs) == (0.001, 64, 20)
    assert (config.schedule, config.dropout, config.l2, config.label_smoothing) == ("constant", 0, 0, 0)


def test_a_configuration_comes_back_from_its_file(tmp_path):
    config = RunConfig("digits", hidden=(3, 4), epochs=2, learning_rate=0.1 + 0.2)
    path = tmp_path / "config.toml"
    path.write_text(config_toml(config, {"numpy": "2.0"}))
    values, environment = read_config_file(path)
    assert RunConfig(**values) == config
    assert environment == {"numpy": "2.0"}


def test_the_file_holds_every_field_under_its_name():
    assert {*tomllib.loads(config_toml(RunConfig(), {}))} == {*asdict(RunConfig()), "environment"}


def test_differences_name_the_fields_and_both_values():
    config = RunConfig(epochs=3)
    assert config.differences(replace(config, epochs=5, seed=1)) == {"epochs": (3, 5), "seed": (0, 1)}
    assert config.differences(replace(config)) == {}


def test_a_batch_of_no_rows_is_refused():
    with pytest.raises(InvalidInput, match="batch_size must be at least 1; got 0"):
        RunConfig(batch_size=0)


def test_weight_decay_without_adamw_is_refused_rather_than_ignored():
    with pytest.raises(InvalidInput, match="weight_decay needs the optimizer adamw; got adam"):
        RunConfig(weight_decay=0.1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"epochs = ", "is not a TOML file"),
        (b"\xff\xfe", "is not a TOML file"),
        (b"environment = 3", r"\[environment\] must be a table; got 3"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, text, message):
    path = tmp_path / "config.toml"
    path.write_bytes(text)
    with pytest.raises(InvalidInput, match=message):
        read_config_file(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"none.toml cannot be read: No such file or directory"):
        read_config_file(tmp_path / "none.toml")


def test_adamw_without_decay_is_refused_rather_than_passed_off():
    with pytest.raises(InvalidInput, match="the optimizer adamw with weight_decay 0 is adam"):
        RunConfig(optimizer="adamw")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"optimizer": "lion"}, "optimizer must be one of adam, adamw, sgd; got 'lion'"),
        ({"epochs": "20"}, "epochs must be an integer; got '20'"),
        ({"epochs": True}, "epochs must be an integer; got True"),
        ({"learning_rate": None}, "learning_rate must be a finite number; got None"),
        ({"hidden": (3, 2.5)}, r"hidden must be a list of integers; got \(3, 2.5\)"),
        ({"hidden": 3}, "hidden must be a list of integers; got 3"),
        ({"data": 7}, "data must be text; got 7"),
        ({"batch_norm": 1}, "batch_norm must be true or false; got 1"),
        ({"flip": "yes"}, "flip must be true or false; got 'yes'"),
        ({"shift": True}, "shift must be an integer; got True"),
        ({"precision": "float16"}, "precision must be one of float32, bfloat16; got 'float16'"),
        ({"recipe": "slow"}, "recipe must be one of classic, fast, accurate; got 'slow'"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(values, message):
    with pytest.raises(InvalidInput, match=message):
        RunConfig(**values)


def test_a_whole_number_will_do_for_a_number():
    assert RunConfig(learning_rate=1).learning_rate == 1


@pytest.mark.parametrize("name", ["classic", "fast", "accurate"])
def test_a_recipe_sets_the_same_options_as_the_others_and_can_be_used(name):
    values = recipe_values(name)
    assert values.keys() == recipe_values("classic").keys()
    assert RunConfig(recipe=name, **values).hidden == tuple(values["hidden"])
    # What is the user's to choose is in no recipe.
    assert asdict(RunConfig()).keys() - values.keys() == {"data", "recipe", "engine", "precision", "seed"}
