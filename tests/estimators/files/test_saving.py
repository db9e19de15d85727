"""The seam that every estimator saves through, with an estimator of its own."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from treadle.errors import CorruptFile, InvalidInput
from treadle.estimators.files import saving
from treadle.estimators.files.saving import Savable, Saved, load
from treadle.export.safetensors_file import write_safetensors


class MeanOfLabels(Savable, BaseEstimator):
    def __init__(self, power=1, callbacks=None):
        self.power = power
        self.callbacks = callbacks

    def fit(self, X, y):
        self.mean_ = np.mean(np.asarray(X, float) ** self.power, axis=0)
        self.labels_ = np.unique(y)
        return self

    def _saved(self):
        return Saved({"labels": self.labels_}, {"mean": self.mean_})

    def _load_saved(self, saved):
        self.labels_ = saved.fields["labels"]
        if saved.arrays["mean"].ndim != 1:
            raise InvalidInput(f"mean must be a vector; got shape {saved.arrays['mean'].shape}")
        self.mean_ = saved.arrays["mean"]


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(saving.SAVABLE, "MeanOfLabels", __name__)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "estimator.safetensors"


FITTED = MeanOfLabels(power=2, callbacks=len).fit([[1, 2], [3, 4]], ["b", "a"])


def test_a_saved_estimator_is_loaded_fitted(path):
    FITTED.save(path)
    loaded = load(path)
    assert type(loaded) is MeanOfLabels and loaded.get_params() == {"power": 2, "callbacks": None}
    np.testing.assert_array_equal(loaded.mean_, [5, 10])
    np.testing.assert_array_equal(loaded.labels_, ["a", "b"])
    content = path.read_bytes()
    loaded.save(path)
    assert path.read_bytes() == content


def test_what_is_not_fitted_is_not_saved(path):
    with pytest.raises(NotFittedError):
        MeanOfLabels().save(path)
    assert not path.exists()


def test_a_parameter_that_no_file_holds_is_told(path):
    with pytest.raises(InvalidInput, match="the parameter power cannot be saved: it is a builtin_function"):
        MeanOfLabels(power=2).fit([[1]], [1]).set_params(power=len).save(path)
    assert not path.exists()


def test_nan_is_not_saved(path):
    with pytest.raises(
        InvalidInput, match=r"holds NaN or infinite numbers, so .* was not written: fit again"
    ):
        MeanOfLabels().fit([[np.nan]], [1]).save(path)


def test_a_class_of_somebody_else_is_told(path):
    class Other(MeanOfLabels):
        pass

    with pytest.raises(InvalidInput, match=r"Other cannot be saved as a file: only .* MLPClassifier, "):
        Other().fit([[1]], [1]).save(path)


def changed(path, **changes):
    """The file again, its JSON changed, with a sum that fits."""
    FITTED.save(path)
    with safe_open(path, "numpy") as file:
        metadata = json.loads(file.metadata()["treadle"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    del metadata["sha256"]
    for key, value in changes.items():
        if key in ("format", "estimator", "network"):
            metadata[key] = value
        elif key == "arrays":
            arrays = value
        else:
            metadata["estimator"][key] = value
    write_safetensors(path, arrays, metadata)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"format": 2},
            "must hold a fitted estimator of format 1; it holds format 2 of estimator: use",
        ),
        ({"estimator": None}, "must hold one of the estimators .*; it holds None: read a network that"),
        ({"estimator": "MLPClassifier"}, "it holds None"),
        ({"name": "os.system"}, "it holds 'os.system'"),
        ({"name": ["MLPClassifier"]}, "it holds .'MLPClassifier'"),
        (
            {"params": {"power": {"code": "1"}}},
            "does not describe a fitted MeanOfLabels: .* no kind of value",
        ),
        ({"params": {"base": 1}}, "MeanOfLabels has no parameter 'base'"),
        ({"params": [1]}, "does not describe a fitted MeanOfLabels: AttributeError"),
        ({"fields": {}}, "does not describe a fitted MeanOfLabels: KeyError"),
        ({"arrays": {"fitted.mean": np.ones((2, 2))}}, r"mean must be a vector; got shape \(2, 2\)"),
        ({"arrays": {"mean": np.ones(2)}}, "does not describe a network"),
        ({"network": {"sizes": [2, 2]}}, "class_names"),
    ],
)
def test_a_file_that_does_not_fit_together_is_refused(path, changes, message):
    changed(path, **changes)
    with pytest.raises(CorruptFile, match=message):
        load(path)


def test_a_changed_byte_is_seen(path):
    FITTED.save(path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match="it is not what was written"):
        load(path)


def test_a_missing_file_is_an_error_of_the_system(path):
    with pytest.raises(FileNotFoundError, match=r"estimator\.safetensors"):
        load(path)
