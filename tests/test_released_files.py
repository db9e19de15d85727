"""Files that released versions wrote still load, and still predict what they did.

``tests/fixtures/make_files.py`` writes them, once for each release.
"""

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import treadle
from treadle.cli import run
from treadle.training.checkpoint import Checkpoint
from treadle.training.history import EARLIER_NAMES, History

FIXTURES = Path(__file__).parent / "fixtures"
RELEASES = sorted(FIXTURES.glob("files-*"))
ESTIMATORS = ["mlp_classifier", "mlp_regressor", "box_regressor", "lad_regressor"]
NETWORKS = ["box_network", "tree_network"]

pytestmark = pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)


def expected_of(release, name):
    return json.loads((release / "expected.json").read_text("utf-8"))[name]


def history_of(release):
    """What the run's history was, under the names that columns have now."""
    return [
        {EARLIER_NAMES.get(name, name): value for name, value in epoch.items()}
        for epoch in expected_of(release, "run")["history"]
    ]


def equal_to_rounding(computed, expected, eps):
    """Another processor's kernels and BLAS round otherwise: a few hundred units in the last place."""
    expected = np.asarray(expected)
    return np.abs(np.asarray(computed) - expected).max() <= 300 * eps * max(1.0, np.abs(expected).max())


def test_each_kind_of_file_is_kept(release):
    spec = importlib.util.spec_from_file_location("make_files", FIXTURES / "make_files.py")
    make_files = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_files)
    kept = {path.name for path in release.iterdir()} - {"expected.json"}
    if release == RELEASES[-1]:
        assert kept == make_files.KINDS.keys()
    else:
        assert kept <= make_files.KINDS.keys()
    assert sum(path.stat().st_size for path in release.rglob("*") if path.is_file()) < 200_000


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_predict_what_they_did(release, name):
    file = f"{name}.safetensors"
    estimator, expected = treadle.load(release / file), expected_of(release, file)
    X = np.asarray(expected["X"])
    if name == "mlp_classifier":
        assert estimator.predict(X).tolist() == expected["predict"]
        assert equal_to_rounding(estimator.predict_proba(X), expected["predict_proba"], 2.0**-23)
    else:
        assert equal_to_rounding(estimator.predict(X), expected["predict"], 2.0**-23)


def test_a_certificate_still_proves_its_optimum(release):
    file = "lad_regressor.safetensors"
    estimator, expected = treadle.load(release / file), expected_of(release, file)
    X, y = np.asarray(expected["X"]), np.asarray(expected["y"])
    assert estimator.coef_.tolist() == expected["coef"] and estimator.intercept_ == expected["intercept"]
    assert estimator.certificate_.verify(X, y)
    y[np.argmin(np.abs(y - estimator.predict(X)))] += 1.0
    assert not estimator.certificate_.verify(X, y)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_predict_what_they_did(release, name):
    file = f"{name}.safetensors"
    network, expected = treadle.load(release / file), expected_of(release, file)
    assert equal_to_rounding(network.predict(np.asarray(expected["X"])), expected["predict"], 2.0**-52)
    if name == "box_network":
        assert network.error_bound_ == expected["error_bound"]


def test_a_model_predicts_what_it_did(release):
    expected = expected_of(release, "model.safetensors")
    model = treadle.load_model(release / "model.safetensors")
    assert model.class_names == ("no", "yes")
    computed = treadle.select_engine("numpy").engine.predict(
        model.parameters, np.asarray(expected["X"], np.float32)
    )
    assert equal_to_rounding(computed, expected["predict_proba"], 2.0**-23)


def test_a_run_opens_with_its_history_and_model(release):
    expected = expected_of(release, "run")
    opened = treadle.Run.open(release / "run")
    assert opened.history().as_dicts() == history_of(release)
    assert History.from_csv((release / "run" / "history.csv").read_text("utf-8")) == opened.history()
    computed = treadle.select_engine("numpy").engine.predict(
        opened.model().parameters, np.asarray(expected["X"], np.uint8)
    )
    assert equal_to_rounding(computed, expected["predict_proba"], 2.0**-23)


def test_a_checkpoint_can_be_resumed(release, tmp_path, capsys):
    folder = shutil.copytree(release / "run", tmp_path / "run")
    assert int(Checkpoint.load(folder / "checkpoint.safetensors").state["step"]) > 0
    assert run(["train", "--resume", str(folder), "--epochs", "3"]) == 0
    assert "going on after epoch 2 of 3" in capsys.readouterr().err
    history = treadle.Run.open(folder).history().as_dicts()
    assert len(history) == 3 and history[:2] == history_of(release)
    assert history[2]["train_loss"] < history[1]["train_loss"]
