import json

import numpy as np
import pytest

import treadle
from tests.estimators.tables.table_cases import classifier, houses, regressor
from treadle import CorruptFile
from treadle.estimators.files.saving import FILE
from treadle.export.safetensors_file import read_safetensors

FRAME, PRICE = houses(80)
CASES = {
    "texts": (classifier, np.where(PRICE > 900, "dear", "cheap")),
    "integers": (classifier, np.where(PRICE > 900, 3, -1)),
    "several labels": (classifier, np.column_stack([PRICE > 900, FRAME["garden"]]).astype(int)),
    "number": (regressor, PRICE),
    "numbers": (regressor, np.column_stack([PRICE, -PRICE])),
}


@pytest.fixture(params=CASES, scope="module")
def fitted(request):
    make, y = CASES[request.param]
    return make(hidden_layer_sizes=(4,), n_epochs=2, columns={"sold": "out"}).fit(FRAME, y)


def test_a_loaded_estimator_is_the_same(fitted, tmp_path):
    path = tmp_path / "model.safetensors"
    fitted.save(path)
    loaded = treadle.load(path)
    assert type(loaded) is type(fitted) and loaded.get_params() == fitted.get_params()
    np.testing.assert_array_equal(loaded.predict(FRAME), fitted.predict(FRAME))
    if hasattr(fitted, "predict_proba"):
        np.testing.assert_array_equal(loaded.predict_proba(FRAME), fitted.predict_proba(FRAME))
        np.testing.assert_array_equal(loaded.classes_, fitted.classes_)
    assert loaded.columns_ == fitted.columns_
    assert loaded.history_ | {"seconds": fitted.history_["seconds"]} == fitted.history_
    assert loaded.best_epoch_ == fitted.best_epoch_
    assert list(loaded.feature_names_in_) == list(FRAME.columns)
    content = path.read_bytes()
    loaded.save(path)
    assert path.read_bytes() == content
    assert treadle.load_model(path).network == fitted.network_


def spoiled(path, change):
    """Write the file anew, with other fields, and a sum that is right."""
    arrays, metadata = read_safetensors(path)
    described = json.loads(json.dumps(metadata["estimator"]))
    fields = described["fields"]
    change(fields, arrays)
    kept = {key: value for key, value in metadata.items() if key not in ("format", "sha256", "estimator")}
    FILE.write(path, arrays, {**kept, "estimator": described})


SPOILS = {
    "an array that is not its own": lambda fields, arrays: arrays.update({"fitted.more": np.ones(2)}),
    "targets must be described": lambda fields, arrays: fields.update(targets=3),
    "the targets need": lambda fields, arrays: fields["targets"].update(
        {"mapping": [["loss", "poisson"], ["flat", True]]}
    ),
    "targets must have a loss": lambda fields, arrays: fields["targets"].update(
        {"mapping": [["loss", "none"], ["flat", True]]}
    ),
    "targets of shape": lambda fields, arrays: arrays.update(
        {f"fitted.{name}": np.ones(2) for name in ("mean", "scale", "low", "high")}
    ),
    "float64 of one length": lambda fields, arrays: arrays.update({"fitted.mean": np.ones(3)}),
    "scale must be above 0": lambda fields, arrays: arrays.update({"fitted.scale": np.zeros(1)}),
    "best_epoch must be one of 2": lambda fields, arrays: fields.update(best_epoch=3),
    "n_features must count": lambda fields, arrays: fields.update(n_features=1),
    "feature_names_in_ must be a text": lambda fields, arrays: fields.update(names=["a"]),
    "engine must be a name": lambda fields, arrays: fields.update(engine=None),
    "temperature_ must be a positive number": lambda fields, arrays: fields.update(temperature=-1.0),
    "history must be a table": lambda fields, arrays: fields.update(history={"mapping": [["loss", [1]]]}),
    "history, epoch, must be a list": lambda fields, arrays: fields.update(
        history={"mapping": [["epoch", ["a"]]]}
    ),
    "must have one length": lambda fields, arrays: fields.update(
        history={"mapping": [["epoch", [1]], ["train_loss", [1.0, 2.0]]]}
    ),
    "an object of features": lambda fields, arrays: fields.update(preparation={"mapping": []}),
}


@pytest.mark.parametrize("message", SPOILS)
def test_hostile_files_are_refused(message, tmp_path):
    path = tmp_path / "model.safetensors"
    regressor(hidden_layer_sizes=(4,), n_epochs=2).fit(FRAME, PRICE).save(path)
    spoiled(path, SPOILS[message])
    with pytest.raises(CorruptFile, match=message):
        treadle.load(path)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({"array": {"dtype": "int64", "values": [2, 1]}}, "labels that differ, in order"),
        ([1, 2], "labels in one row"),
    ],
)
def test_classes_are_checked(classes, message, tmp_path):
    path = tmp_path / "model.safetensors"
    classifier(hidden_layer_sizes=(4,), n_epochs=2).fit(FRAME, PRICE > 900).save(path)
    targets = {"mapping": [["classes", classes], ["multilabel", False]]}
    spoiled(path, lambda fields, arrays: fields.update(targets=targets))
    with pytest.raises(CorruptFile, match=message):
        treadle.load(path)


def test_two_equal_fits_are_equal_files(tmp_path):
    for name in ("one", "other"):
        regressor(hidden_layer_sizes=(4,), n_epochs=2).fit(FRAME, PRICE).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_a_network_that_does_not_take_the_preparation_is_refused(tmp_path):
    small, large = tmp_path / "small.safetensors", tmp_path / "large.safetensors"
    regressor(hidden_layer_sizes=(4,), n_epochs=1).fit(FRAME, PRICE).save(large)
    regressor(hidden_layer_sizes=(4,), n_epochs=1).fit(FRAME[["area"]], PRICE).save(small)
    _, other = read_safetensors(small)
    arrays, _ = read_safetensors(small)
    preparation = other["estimator"]["fields"]["preparation"]
    scaling = {name: a for name, a in arrays.items() if name.startswith("fitted.preparation.")}

    def swapped(fields, arrays):
        fields["preparation"] = preparation
        arrays.update(scaling)

    spoiled(large, swapped)
    with pytest.raises(CorruptFile, match="the preparation gives numbers, plain columns and categories"):
        treadle.load(large)
