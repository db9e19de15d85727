"""Files of estimators made to harm: CorruptFile in words, or an estimator that works; never anything else."""

import copy
import json
import random
import warnings

import numpy as np
import pytest
from safetensors import safe_open
from sklearn.datasets import load_iris

from treadle import LADRegressor, MLPClassifier, MLPRegressor, load
from treadle.errors import CorruptFile, TreadleError
from treadle.export.safetensors_file import write_safetensors

X, y = load_iris(return_X_y=True)


def estimators():
    options = {"hidden_layer_sizes": 3, "max_iter": 2, "random_state": 0}
    yield MLPClassifier(**options, batch_norm=True).fit(X, y.astype(str))
    yield MLPRegressor(**options).fit(X, y)
    yield LADRegressor().fit(X, y)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("estimators")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        paths = []
        for estimator in estimators():
            paths.append(folder / f"{type(estimator).__name__}.safetensors")
            estimator.save(paths[-1])
    return paths


def content(path):
    """The file's arrays, and its JSON without the sum, which ``write_safetensors`` puts in again."""
    with safe_open(path, "numpy") as file:
        metadata = json.loads(file.metadata()["treadle"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    del metadata["sha256"]
    return arrays, metadata


def places(value, path=()):
    """Every place in a JSON value, as the keys that lead there."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


HOSTILE = [
    *(None, True, -1, 0, 2**70, 1e308, float("nan"), "", "__class__", "os.system", [], {}, [[]], {"a": 1}),
    {"array": {"dtype": "O", "values": [None], "shape": [10**9]}},
    {"array": {"dtype": "U", "values": [["a"], ["b"]]}},
    {"scalar": {"dtype": "float64", "values": "nan"}},
    {"tuple": [1]},
    {"random_state": [[0] * 624, -5, 0, 0.0]},
]


def with_change(metadata, path, value):
    changed = copy.deepcopy(metadata)
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return changed


def test_whatever_stands_anywhere_in_the_json_it_is_refused_or_harmless(files, tmp_path):
    rng = random.Random(0)
    path = tmp_path / "changed.safetensors"
    n_refused = 0
    for file in files:
        arrays, metadata = content(file)
        where = [place for place in places(metadata) if place]
        for place in rng.sample(where, min(len(where), 60)):
            value = rng.choice(HOSTILE)
            write_safetensors(path, arrays, with_change(metadata, place, value))
            try:
                estimator = load(path)
            except CorruptFile as error:
                assert str(path) in str(error)
                n_refused += 1
                continue
            try:
                predicted = estimator.predict(X)
            except TreadleError:
                continue  # an engine that there is not, say
            assert len(predicted) == len(X)
    assert n_refused >= 60


def test_a_file_cut_short_or_with_a_bit_turned_is_refused(files, tmp_path):
    path = tmp_path / "changed.safetensors"
    rng = random.Random(1)
    for file in files:
        whole = file.read_bytes()
        for _ in range(25):
            path.write_bytes(whole[: rng.randrange(len(whole))])
            with pytest.raises(CorruptFile):
                load(path)
            turned = bytearray(whole)
            turned[rng.randrange(8, len(whole))] ^= 1 << rng.randrange(8)
            path.write_bytes(turned)
            try:
                estimator = load(path)
            except CorruptFile:
                continue
            # A bit of a blank, or of the name of the sum itself.
            np.testing.assert_array_equal(estimator.predict(X), load(file).predict(X))


def test_arrays_of_other_shapes_types_and_names_are_refused(files, tmp_path):
    path = tmp_path / "changed.safetensors"
    for file in files[
        :2
    ]:  # a certificate of the L1 norm has parts of any length; to verify it needs the data
        arrays, metadata = content(file)
        for name, array in arrays.items():
            for other in (array.reshape(-1)[:0], np.ones((2, 3, 4)), array.reshape(-1).astype(np.int64)[:1]):
                if other.dtype == array.dtype and other.shape == array.shape:
                    continue
                write_safetensors(path, arrays | {name: np.ascontiguousarray(other)}, metadata)
                with pytest.raises(CorruptFile):
                    load(path)
        write_safetensors(path, arrays | {"weights.9": np.ones((2, 2))}, metadata)
        with pytest.raises(CorruptFile):
            load(path)


@pytest.mark.parametrize(
    ("depth", "message"),
    [(30, "'alpha' parameter of MLPClassifier must be a float"), (400, "nested too deep; at most 64 levels")],
)
def test_json_that_is_deep_is_refused(files, tmp_path, depth, message):
    path = tmp_path / "changed.safetensors"
    arrays, metadata = content(files[0])
    deep = []
    for _ in range(depth):
        deep = [deep]
    metadata["estimator"]["params"]["alpha"] = deep
    write_safetensors(path, arrays, metadata)
    with pytest.raises(CorruptFile, match=message):
        load(path)
