"""Numbers, keys and texts that no estimator's file has, its check sum right: refused in words, at once."""

import json
import math

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save

import treadle
from tests.attacks.limits import within
from treadle.errors import CorruptFile, InvalidInput, TreadleError
from treadle.export.safetensors_file import safetensors_bytes, write_safetensors
from treadle.training.checkpoint import Checkpoint

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 2))
Y = X @ [1.0, 2.0] + RNG.normal(size=30)


@pytest.fixture(scope="module")
def regressor(tmp_path_factory):
    path = tmp_path_factory.mktemp("lad") / "lad.safetensors"
    treadle.LADRegressor().fit(X, Y).save(path)
    return path


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    path = tmp_path_factory.mktemp("mlp") / "mlp.safetensors"
    options = {"hidden_layer_sizes": 3, "engine": "numpy", "random_state": np.random.RandomState(0)}
    labels = np.where(Y > 0, "yes", "no")
    treadle.MLPClassifier(**options).partial_fit(X, labels, classes=["no", "yes"]).save(path)
    return path


def content(path):
    with safe_open(path, "numpy") as file:
        metadata = json.loads(file.metadata()["treadle"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    del metadata["sha256"]
    return arrays, metadata


def refused(path, arrays, metadata, message):
    write_safetensors(path, arrays, metadata)
    with pytest.raises(CorruptFile, match=message) as raised:
        treadle.load(path)
    assert len(str(raised.value)) <= 1000


@pytest.mark.parametrize("kind", ["model", "checkpoint", "estimator", "boxes", "trees"])
def test_a_bit_in_the_name_of_the_check_sum_is_noticed(tmp_path, regressor, kind):
    path = tmp_path / "file"
    if kind == "model":
        treadle.save_model(path, treadle.Model(treadle.Parameters.initialise(treadle.Network((2, 1)))))
        load = treadle.load_model
    elif kind == "checkpoint":
        state = {"parameters": np.zeros(3), "statistics": np.zeros(0), "step": np.array(1)}
        Checkpoint(state, treadle.History()).save(path)
        load = Checkpoint.load
    elif kind == "estimator":
        path.write_bytes(regressor.read_bytes())
        load = treadle.load
    elif kind == "boxes":
        treadle.approximate("x", (0, 1), n_boxes=3).save(path)
        load = treadle.BoxNetwork.load
    else:
        from sklearn.tree import DecisionTreeRegressor

        treadle.from_tree(DecisionTreeRegressor(max_depth=1).fit(X, Y)).save(path)
        load = treadle.TreeNetwork.load
    load(path)
    data = path.read_bytes()
    assert data.count(b"sha256") == 1
    path.write_bytes(data.replace(b"sha256", b"sha25v"))
    with pytest.raises(
        CorruptFile, match=r"no sha256, by which|holds 'sha25v', which its format does not have"
    ):
        load(path)


@pytest.mark.parametrize("name", ["estimator", "format"])
def test_a_key_that_the_format_does_not_have_is_refused(tmp_path, regressor, name):
    arrays, metadata = content(regressor)
    refused(tmp_path / "file", arrays, metadata | {"note": 1}, "holds 'note', which its format does not have")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("intercept", math.inf, "intercept must be a finite number; got inf"),
        ("primal", math.nan, "primal must be a finite number; got nan"),
        ("quantile", 1.0, "quantile must be between 0 and 1; got 1.0"),
        ("alpha", -1.0, "alpha must be at least 0; got -1.0"),
        ("objective", math.inf, "objective must be a finite number; got inf"),
        ("n_iter", 1.5, "n_iter a whole number of at least 0; got 30.*1.5"),
        ("n_sides", 29, r"(rows|basis) must be from 0 to \d+; got|n_sides"),
    ],
)
def test_numbers_that_no_certificate_has_are_refused(tmp_path, regressor, name, value, message):
    arrays, metadata = content(regressor)
    if name == "n_sides":
        arrays["fitted.basis"] = np.array([0, 1, 31])
    metadata["estimator"]["fields"][name] = value
    refused(tmp_path / "file", arrays, metadata, message if name != "n_iter" else "n_iter a whole number")


@pytest.mark.parametrize("basis", [[10**6], [-1], [3, 3], [0, 1, 2, 3]])
def test_rows_that_no_basis_has_are_refused(tmp_path, regressor, basis):
    arrays, metadata = content(regressor)
    arrays["fitted.basis"] = np.array(basis)
    refused(tmp_path / "file", arrays, metadata, "basis must be")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1" + "0" * 400, "an integer of 401 digits; at most 308 are read"),
        ("9" * 5000, "an integer of 5000 digits"),
        ("1e400", "the number '1e400' is beyond what float64 holds"),
        ("[" * 2000 + "]" * 2000, "nested too deep; at most 64 levels"),
        ("[" * 100_000, "nested too deep"),
    ],
    ids=lambda text: text[:8],
)
def test_json_that_no_file_has_is_refused(tmp_path, text, message):
    path = tmp_path / "model"
    for json_text in (text, f'{{"format": {text}}}', f'{{"format": 1, "history": {text}}}'):
        path.write_bytes(save({}, {"treadle": json_text}))
        for load in (treadle.load, treadle.load_model, Checkpoint.load):
            with pytest.raises(CorruptFile, match=message):
                load(path)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 10**300, 1e308], ids=range(5))
def test_a_number_that_does_not_fit_its_place_is_corrupt_wherever_it_is(
    tmp_path, regressor, classifier, value
):
    """Each number of the JSON in turn: an error in words, or an estimator that predicts."""
    for path in (regressor, classifier):
        arrays, metadata = content(path)
        texts = json.dumps(metadata).split(": ")
        n_places = 0
        for i, text in enumerate(texts):
            number = text.split(",")[0].split("}")[0]
            if not number.replace(".", "").replace("-", "").isdigit():
                continue
            n_places += 1
            spoiled = ": ".join([*texts[:i], json.dumps(value) + text[len(number) :], *texts[i + 1 :]])
            write_safetensors(tmp_path / "file", arrays, json.loads(spoiled))
            try:
                with np.errstate(all="ignore"):
                    treadle.load(tmp_path / "file").predict(X)
            except TreadleError as error:
                assert len(str(error)) < 1000
        assert n_places > 5


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ([[0] * 624, 0, 0, 0.0], "any of the others, is not 0"),
        ([list(range(624)), 625, 0, 0.0], "a state's position is 0 to 624; got 625, 0"),
        ([list(range(624)), -1, 0, 0.0], "a state's position is 0 to 624"),
        ([list(range(624)), 3, 2, 0.0], "a state's position is 0 to 624; got 3, 2"),
        ([list(range(624)), 3, 0, math.inf], "a state's last number is finite; got inf"),
        ([[2**40] * 624, 3, 0, 0.0], "is no value that treadle writes"),
        ([1, 2], "is no value that treadle writes"),
    ],
)
def test_the_state_of_a_generator_is_checked(tmp_path, classifier, state, message):
    """NumPy reads beyond the key's end for a position that is too large, and draws from zeros without end."""
    arrays, metadata = content(classifier)
    metadata["estimator"]["params"]["random_state"] = {"random_state": state}
    refused(tmp_path / "file", arrays, metadata, message)


@pytest.mark.parametrize(
    ("where", "name", "value", "message"),
    [
        ("params", "alpha", -1.0, "The 'alpha' parameter of MLPClassifier must be a float in the range"),
        ("params", "batch_size", "many", "The 'batch_size' parameter"),
        ("params", "learning_rate", 3, "The 'learning_rate' parameter"),
        ("params", "callbacks", None, "MLPClassifier has no parameter 'callbacks'"),
        ("fields", "loss_curve_", None, "loss_curve_ must be a list of numbers; got None"),
        ("fields", "stopped_early_", "no", "stopped_early_ must be of type bool; got 'no'"),
        ("fields", "t_", -1, "t_ must be a whole number from 0 to"),
        ("fields", "t_", 2.5, "t_ must be a whole number from 0 to"),
        ("fields", "_seed", 2**32, r"_seed must be a whole number from 0 to 2\^32 - 1"),
        ("fields", "_multilabel", 0, "classes_ must be labels in one row"),
        ("fields", "history_", {"mapping": [["epoch", ["one"]]]}, "must be a list of numbers; got"),
    ],
)
def test_what_would_only_fail_in_a_later_call_fails_at_once(
    tmp_path, classifier, where, name, value, message
):
    arrays, metadata = content(classifier)
    metadata["estimator"][where][name] = value
    refused(tmp_path / "file", arrays, metadata, message)


def test_an_optimizer_of_another_count_of_steps_is_refused(tmp_path, classifier):
    arrays, metadata = content(classifier)
    for step in (-1, 2**62):
        spoiled = arrays | {"fitted.moments.step": np.array(step)}
        refused(tmp_path / "file", spoiled, metadata, "step must be a count from 0 to")


def test_classes_that_are_out_of_order_are_refused(tmp_path, classifier):
    arrays, metadata = content(classifier)
    metadata["estimator"]["fields"]["classes_"]["array"]["values"].reverse()
    refused(tmp_path / "file", arrays, metadata, "classes_ must be labels that differ, in order")


def test_an_estimator_that_could_not_be_loaded_is_not_saved(tmp_path, classifier):
    estimator = treadle.load(classifier)
    estimator.alpha = -1
    with pytest.raises(InvalidInput, match="'alpha' parameter of MLPClassifier"):
        estimator.save(tmp_path / "file")
    estimator.alpha, estimator.classes_ = 0.0, np.array(["a", "b" * 10**7])
    with pytest.raises(
        InvalidInput, match="2 texts, the longest of 10000000 characters, take 80000000 bytes"
    ):
        estimator.save(tmp_path / "file")


@pytest.mark.parametrize("value", [10**400, 10**5000], ids=["1e400", "1e5000"])
def test_hyper_parameters_beyond_float64_are_refused_in_words(value):
    with pytest.raises(InvalidInput, match="'alpha' parameter of LADRegressor must be a float") as raised:
        treadle.LADRegressor(alpha=value).fit(X, Y)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("kind", ["U", "S"])
def test_padding_of_texts_takes_no_memory(tmp_path, classifier, kind):
    """One long text among many short ones: NumPy would give each the room of the longest."""
    arrays, metadata = content(classifier)
    values = ["x" * 100_000, *map(str, range(30_000))]
    held = {"array": {"dtype": kind, "values": values} | ({"shape": [30_001]} if kind == "S" else {})}
    metadata["estimator"]["fields"]["classes_"] = held
    with within(300, 20):
        refused(tmp_path / "file", arrays, metadata, "30001 texts, the longest of 100000 characters, take")


def test_padding_of_texts_takes_no_memory_in_trees(tmp_path):
    from sklearn.tree import DecisionTreeClassifier

    network = treadle.from_tree(DecisionTreeClassifier(max_depth=2).fit(X, np.arange(30) % 3))
    network.save(tmp_path / "trees")
    arrays, metadata = content(tmp_path / "trees")
    metadata["trees"]["classes"] = {"type": "str", "values": ["x" * 10_000_000, "a", "b"]}
    with within(300, 20):
        refused(tmp_path / "file", arrays, metadata, "3 texts, the longest of 10000000 characters, take")


def test_json_of_many_values_is_refused_before_it_is_parsed(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(save({}, {"treadle": "[" + "[]," * 3_000_000 + "1]"}))
    with (
        within(200, 20),
        pytest.raises(CorruptFile, match="JSON of up to 6000002 values; at most 2000000 are"),
    ):
        treadle.load_model(path)
    with pytest.raises(InvalidInput, match="too much for a file: JSON of up to 3000"):
        safetensors_bytes({}, {"a": [0] * 3_000_000})
