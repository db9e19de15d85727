import hashlib
import json
import math

import numpy as np
import pytest
from safetensors import safe_open

from treadle.data.pixel_units import PixelUnits
from treadle.engines.numpy_engine import NumpyEngine
from treadle.errors import InvalidInput
from treadle.export.model_file import Model, load_model, save_model
from treadle.network import Network, Parameters

NETWORK = Network((4, 3, 5, 2), ("relu", "silu"), dropout=(0.25, 0.0), input_scale=1 / 255)
NAMES = ("cat", "Ünïcödé 猫\n")


def model(dtype=np.float32, **changes):
    parameters = Parameters.initialise(NETWORK, random_state=2, dtype=dtype)
    return Model(**({"parameters": parameters, "class_names": NAMES, "image_shape": (2, 2)} | changes))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_model_comes_back_to_the_bit(tmp_path, dtype):
    path = tmp_path / "model.safetensors"
    save_model(path, model(dtype))
    back = load_model(path)
    assert back.network == NETWORK
    assert (back.class_names, back.image_shape) == (NAMES, (2, 2))
    assert back.parameters.dtype == dtype
    assert back.parameters.flat.tobytes() == model(dtype).parameters.flat.tobytes()
    X = np.random.default_rng(0).integers(256, size=(9, 4), dtype=np.uint8)
    before, after = (NumpyEngine().predict(m.parameters, X) for m in (model(dtype), back))
    assert before.tobytes() == after.tobytes()
    assert [path.name for path in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "network",
    [
        Network((4, 2)),
        Network((4, 3, 2), "gelu", "identity", 0.5, -2.0),
        Network((np.int64(4), 2), input_scale=np.float32(0.1)),
        Network((4, 3, 2), batch_norm=True, input_offset=-0.25, mirror_width=2),
        Network((4, 3, 3, 2), batch_norm=(False, True)),
    ],
)
def test_every_field_of_the_network_comes_back(tmp_path, network):
    path = tmp_path / "model"
    save_model(path, Model(Parameters.initialise(network)))
    back = load_model(path)
    assert back.network == network
    assert back.class_names == () and back.image_shape is None


def test_parameters_that_were_read_can_be_trained_on(tmp_path):
    save_model(tmp_path / "model", model())
    back = load_model(tmp_path / "model").parameters
    back.flat += 1
    np.testing.assert_array_equal(back.weights[0], model().parameters.weights[0] + np.float32(1))


def test_the_file_is_plain_safetensors_with_json(tmp_path):
    save_model(tmp_path / "model", model())
    with safe_open(tmp_path / "model", framework="numpy") as file:
        metadata = json.loads(file.metadata()["treadle"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert len(metadata.pop("sha256")) == 64
    assert metadata == {
        "format": 1,
        "network": {
            "sizes": [4, 3, 5, 2],
            "activation": ["relu", "silu"],
            "output": "softmax",
            "dropout": [0.25, 0.0],
            "input_scale": 1 / 255,
            "batch_norm": False,
            "input_offset": 0.0,
            "mirror_width": 0,
        },
        "class_names": list(NAMES),
        "image_shape": [2, 2],
        "data_scale": 1 / 255,
    }
    assert arrays.keys() == {f"{kind}.{i}" for kind in ("weights", "biases") for i in range(3)}
    for name, array in model().parameters.named():
        np.testing.assert_array_equal(arrays[name], array)


def test_equal_models_give_equal_bytes_and_others_do_not(tmp_path):
    def digest(a_model):
        save_model(tmp_path / "model", a_model)
        return hashlib.sha256((tmp_path / "model").read_bytes()).hexdigest()

    assert digest(model()) == digest(model())
    others = [model(image_shape=None), model(class_names=("cat", "dog")), model(np.float64)]
    assert len({digest(other) for other in (model(), *others)}) == 4


def test_the_bytes_of_the_first_format_can_be_read_for_good(tmp_path):
    """A file of format 1 written out byte by byte: eight bytes of length, the header, the numbers."""
    meta = (
        '{"format": 1, "network": {"sizes": [2, 1], "activation": "relu", "output": "identity", '
        '"dropout": 0.0, "input_scale": 1.0}, "class_names": [], "image_shape": null}'
    )
    header = json.dumps(
        {
            "__metadata__": {"treadle": meta},
            "weights.0": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
            "biases.0": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]},
        }
    ).encode()
    numbers = np.array([1.5, -2, 0.25], "<f4").tobytes()
    (tmp_path / "model").write_bytes(len(header).to_bytes(8, "little") + header + numbers)
    back = load_model(tmp_path / "model")
    assert back.network == Network((2, 1), output="identity")
    assert back.parameters.flat.tolist() == [1.5, -2, 0.25]


def test_as_many_class_names_as_outputs_or_none():
    with pytest.raises(
        InvalidInput, match="class_names must have a name for each of the 2 outputs, or none; got"
    ):
        model(class_names=("a", "b", "c"))
    assert model(class_names=()).class_names == ()


def test_an_image_has_the_inputs_for_pixels():
    with pytest.raises(InvalidInput, match=r"image_shape must multiply to the 4 inputs; got \(2, 3\)"):
        model(image_shape=(2, 3))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_model_that_diverged_is_not_written(tmp_path, value):
    diverged = model()
    diverged.parameters.biases[1][2] = value
    path = tmp_path / "model"
    save_model(path, model())
    with pytest.raises(
        InvalidInput, match=r"NaN or infinite parameters, so .*model was not written: train with"
    ):
        save_model(path, diverged)
    assert load_model(path).parameters.flat.tobytes() == model().parameters.flat.tobytes()


def test_a_missing_file_or_folder_is_an_oserror_with_its_path(tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        load_model(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="none"):
        save_model(tmp_path / "none" / "model", model())
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        load_model(tmp_path)


def test_a_path_may_be_a_str(tmp_path):
    save_model(str(tmp_path / "model"), model())
    assert load_model(str(tmp_path / "model")).network == NETWORK


def test_scales_and_running_statistics_come_back_to_the_bit(tmp_path):
    network = Network((4, 3, 2, 2), batch_norm=(True, False))
    rng = np.random.default_rng(0)
    parameters = Parameters(network, rng.normal(size=network.n_parameters), rng.uniform(size=6))
    save_model(tmp_path / "model", Model(parameters))
    back = load_model(tmp_path / "model").parameters
    assert back.flat.tobytes() == parameters.flat.tobytes()
    assert back.statistics.tobytes() == parameters.statistics.tobytes()
    with safe_open(tmp_path / "model", framework="numpy") as file:
        assert {"scales.0", "running_means.0", "running_variances.0"} <= set(file.keys())
        assert not {"scales.1", "running_means.1"} & set(file.keys())


def test_statistics_that_are_not_finite_are_not_written(tmp_path):
    parameters = Parameters.initialise(Network((4, 3, 2), batch_norm=True))
    parameters.statistics[4] = math.inf
    with pytest.raises(
        InvalidInput, match=r"the model holds NaN or infinite parameters, so .* was not written"
    ):
        save_model(tmp_path / "model", Model(parameters))
    assert not (tmp_path / "model").exists()


def test_the_scale_of_the_data_is_the_network_s_unless_it_is_told(tmp_path):
    assert model().data_scale == 1 / 255
    save_model(tmp_path / "model", model(data_scale=1 / 16))
    assert load_model(tmp_path / "model").data_scale == 1 / 16


@pytest.mark.parametrize("scale", [math.nan, math.inf])
def test_a_scale_of_the_data_that_is_not_finite_is_refused(scale):
    with pytest.raises(InvalidInput, match="data_scale must be finite; got"):
        model(data_scale=scale)


def test_the_range_of_training_comes_back_and_says_the_units(tmp_path):
    save_model(tmp_path / "model", model(data_scale=1.0, data_range=(-1, 1)))
    back = load_model(tmp_path / "model")
    assert back.data_range == (-1.0, 1.0)
    assert back.pixel_units == PixelUnits(-1, 1)
    assert model(data_range=(-0.4, 2.8)).pixel_units is None
    assert model(data_range=(0, 250)).pixel_units == PixelUnits(0, 255)


def test_a_model_without_the_range_has_no_word_of_it_and_the_units_of_its_scale(tmp_path):
    save_model(tmp_path / "model", model())
    with safe_open(tmp_path / "model", framework="numpy") as file:
        assert "data_range" not in file.metadata()["treadle"]
    back = load_model(tmp_path / "model")
    assert back.data_range is None
    assert back.pixel_units == PixelUnits(0, 255)


@pytest.mark.parametrize("data_range", [(1, 0), (0, math.inf), (math.nan, 1)])
def test_a_range_is_two_finite_numbers_in_order(data_range):
    with pytest.raises(InvalidInput, match="data_range must be two finite numbers in order; got"):
        model(data_range=data_range)
