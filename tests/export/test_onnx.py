"""ONNX files, run by ONNX Runtime against the NumPy engine."""

import dataclasses
import json
import sys

import numpy as np
import onnx
import onnxruntime
import pytest

from treadle import MissingDependency, Model, Network, Parameters, onnx_model, save_onnx
from treadle.engines.numpy_engine import NumpyEngine
from treadle.maths.activations import ACTIVATIONS
from treadle.network import OUTPUTS

X = np.random.default_rng(0).normal(0, 3, (17, 6))


def model(dtype=np.float32, **options):
    network = Network((6, 5, 4, 3), input_scale=0.25, **options)
    return Model(Parameters.initialise(network, random_state=1, dtype=dtype), ("a", "b", "ü"), (2, 3))


def run(proto, rows):
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    (output,) = session.get_outputs()
    return output.name, session.run(None, {"X": rows})[0]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("output", OUTPUTS)
def test_the_runtime_computes_what_the_engine_does(activation, output):
    trained = model(activation=activation, output=output)
    name, result = run(onnx_model(trained), X.astype(np.float32))
    assert name == ("probabilities" if output in ("softmax", "logistic") else "prediction")
    expected = NumpyEngine().predict(trained.parameters, X.astype(np.float32))
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


def test_float64_stays_float64():
    trained = model(np.float64, activation="tanh")
    _, result = run(onnx_model(trained), X)
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, NumpyEngine().predict(trained.parameters, X), rtol=1e-12)


def test_layers_may_differ_and_any_number_of_rows_will_do():
    trained = model(activation=("silu", "gelu"), dropout=0.5)
    for n in (1, 17):
        rows = X[:n].astype(np.float32)
        expected = NumpyEngine().predict(trained.parameters, rows)
        np.testing.assert_allclose(run(onnx_model(trained), rows)[1], expected, rtol=1e-5, atol=1e-6)


def test_the_file_is_the_model_with_names_and_shape(tmp_path):
    save_onnx(tmp_path / "net.onnx", model())
    loaded = onnx.load(tmp_path / "net.onnx")
    assert loaded == onnx_model(model())
    metadata = {entry.key: json.loads(entry.value) for entry in loaded.metadata_props}
    assert metadata == {"class_names": ["a", "b", "ü"], "image_shape": [2, 3]}
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


def test_known_units_of_pixels_are_in_the_metadata():
    def units(**of_data):
        proto = onnx_model(dataclasses.replace(model(), **of_data))
        metadata = {entry.key: json.loads(entry.value) for entry in proto.metadata_props}
        return metadata.get("pixel_units")

    assert units(data_scale=1.0, data_range=(-1.0, 1.0)) == {"black": -1, "white": 1}
    assert units(data_scale=1.0, data_range=(-0.4, 2.8)) is None
    assert units(data_scale=1.0, data_range=(-1.0, 1.0), image_shape=None) is None


def test_a_path_may_be_a_str(tmp_path):
    save_onnx(str(tmp_path / "net.onnx"), model())
    assert onnx.load(tmp_path / "net.onnx") == onnx_model(model())


def test_without_onnx_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependency, match=r"needs the package onnx.*pip install 'treadle\[onnx\]'"):
        onnx_model(model())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "options",
    [
        {"batch_norm": True},
        {"batch_norm": (False, True), "input_offset": -0.7},
        {"mirror_width": 3},
        {"batch_norm": True, "input_offset": 0.4, "mirror_width": 2, "output": "identity", "dropout": 0.2},
    ],
    ids=str,
)
def test_batch_normalisation_offset_and_mirror_are_in_the_graph(options, dtype):
    network = Network((6, 5, 4, 3), ("silu", "tanh"), input_scale=0.25, **options)
    rng = np.random.default_rng(2)
    parameters = Parameters(
        network,
        rng.normal(size=network.n_parameters).astype(dtype),
        rng.uniform(0.2, 2, network.n_statistics).astype(dtype),
    )
    rows = X.astype(dtype)
    _, result = run(onnx_model(Model(parameters)), rows)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    expected = NumpyEngine().predict(parameters, rows)
    np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)


def test_both_passes_of_a_mirror_share_their_weights():
    proto = onnx_model(model(mirror_width=3))
    weights = [entry.name for entry in proto.graph.initializer if entry.name.startswith("weights")]
    assert weights == ["weights.0", "weights.1", "weights.2"]
    assert sum(node.op_type == "Gemm" for node in proto.graph.node) == 6
