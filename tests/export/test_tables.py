"""Networks for tables as files and as ONNX graphs."""

import json

import numpy as np
import onnxruntime
import pytest
from safetensors import safe_open

from tests.engines.table_networks import NUMBERS, STAGE, STAGES, table_network, table_problem, varied
from treadle import Model, Network, load_model, onnx_model, save_model
from treadle.engines.numpy_engine import NumpyEngine
from treadle.errors import CorruptFile, InvalidInput
from treadle.export.safetensors_file import write_safetensors
from treadle.export.torch_sequential import torch_sequential


def run(proto, X):
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"X": X})[0]


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_model_comes_back_to_the_bit(tmp_path, stage, dtype):
    parameters = varied(table_network(stage), dtype=dtype)
    save_model(tmp_path / "model", Model(parameters, ("a", "b", "c")))
    back = load_model(tmp_path / "model")
    assert back.network == parameters.network and back.parameters.dtype == dtype
    assert back.parameters.flat.tobytes() == parameters.flat.tobytes()


def test_a_file_names_new_fields_only_where_they_are_used(tmp_path):
    def table_of(network):
        save_model(tmp_path / "model", Model(varied(network)))
        with safe_open(tmp_path / "model", framework="numpy") as file:
            return json.loads(file.metadata()["treadle"])["network"]

    plain = table_of(Network((4, 3, 2)))
    assert not {"input_stage", "parametric", "scaled_rates"} & plain.keys()
    full = table_of(table_network())
    assert full["parametric"] is True and full["scaled_rates"] is True
    assert full["input_stage"] == {
        "n_numbers": 3,
        "n_plain": 2,
        "category_counts": [4, 6],
        "n_frequencies": 5,
        "n_combinations": 3,
        "embedding_width": 8,
    }
    assert table_of(Network((4, 3, 3, 2), parametric=(False, True)))["parametric"] == [False, True]


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ([3, 2], "does not describe a network"),
        ({"n_numbers": 7, "depth": 1}, "does not describe a network: .*unexpected keyword argument 'depth'"),
        ({"n_numbers": 6}, "sizes must begin with the 6 columns of the input stage"),
        ({"n_numbers": 7}, "describes arrays of shapes"),
    ],
)
def test_a_stage_that_does_not_fit_is_damage(tmp_path, stage, message):
    parameters = varied(table_network())
    save_model(tmp_path / "model", Model(parameters))
    with safe_open(tmp_path / "model", framework="numpy") as file:
        metadata = json.loads(file.metadata()["treadle"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    metadata["network"]["input_stage"] = stage
    del metadata["sha256"]
    write_safetensors(tmp_path / "model", arrays, metadata)
    with pytest.raises(CorruptFile, match=message):
        load_model(tmp_path / "model")


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
@pytest.mark.parametrize("options", [{}, NUMBERS], ids=["classes", "numbers"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-5), (np.float64, 1e-12)])
def test_the_runtime_computes_what_the_engine_does(stage, options, dtype, tolerance):
    network = table_network(stage, **options)
    parameters = varied(network, dtype=dtype)
    X = table_problem(network).X.astype(dtype)
    for rows in (X, X[:1]):
        result = run(onnx_model(Model(parameters)), rows)
        assert result.dtype == dtype
        expected = NumpyEngine().predict(parameters, rows)
        np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)


def test_batch_normalisation_is_folded_beside_them():
    network = table_network(batch_norm=True)
    parameters = varied(network)
    parameters.statistics[:] = np.linspace(0.5, 1.5, parameters.statistics.size)
    X = table_problem(network).X
    expected = NumpyEngine().predict(parameters, X)
    np.testing.assert_allclose(run(onnx_model(Model(parameters)), X), expected, rtol=1e-10)


@pytest.mark.parametrize(
    "network", [Network((7, 4, 3), input_stage=STAGE), Network((4, 3, 2), parametric=True)]
)
def test_modules_of_torch_are_refused(network):
    with pytest.raises(InvalidInput, match=r"has no modules of its own in torch\.nn: export it as ONNX"):
        torch_sequential(varied(network))
