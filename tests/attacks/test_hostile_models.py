"""Models and checkpoints made to harm: CorruptFile in words, never another exception, never a wrong model."""

import json
import math
import random
import resource
import struct
import sys

import numpy as np
import pytest
from safetensors.numpy import save

from treadle.errors import CorruptFile
from treadle.export.model_file import Model, load_model, save_model
from treadle.network import Network, Parameters
from treadle.training.checkpoint import Checkpoint
from treadle.training.history import EpochRecord, History

NETWORK = Network((4, 3, 2))
ARRAYS = {name: np.ascontiguousarray(a) for name, a in Parameters.initialise(NETWORK).named()}
FIELDS = {"sizes": [4, 3, 2], "activation": "relu", "output": "softmax", "dropout": 0.0, "input_scale": 1.0}
METADATA = {"format": 1, "network": FIELDS, "class_names": ["cat", "dog"], "image_shape": [2, 2]}
NOT_OURS = "is not a file that treadle wrote, or was cut short: "


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def refuses(path, content, message):
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match=rf"(?s)model\.safetensors.*{message}.* or train again$"):
        load_model(path)


def with_metadata(metadata, arrays=ARRAYS):
    return save(arrays, {"treadle": metadata if isinstance(metadata, str) else json.dumps(metadata)})


def with_header(header, data=b"", length=None):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def of_one_array(dtype, shape, n_bytes):
    entry = {"dtype": dtype, "shape": shape, "data_offsets": [0, n_bytes]}
    return with_header(
        {"__metadata__": {"treadle": json.dumps(METADATA)}, "weights.0": entry}, bytes(n_bytes)
    )


def short(value):
    return str(value)[:5]


def test_the_model_that_is_spoiled_below_is_good(path):
    path.write_bytes(with_metadata(METADATA))
    assert load_model(path).network == NETWORK


def test_a_file_cut_short_is_refused_wherever_it_is_cut(path):
    whole = with_metadata(METADATA)
    for length in (*range(20), *range(20, len(whole), 7), len(whole) - 1):
        refuses(path, whole[:length], NOT_OURS)


@pytest.mark.parametrize(
    "content",
    [
        with_metadata(METADATA) + bytes(8),
        b"PK\3\4" + bytes(100),
        b"\x80\4\x95" + bytes(100),
        b"not a model at all",
        with_header(b""),
        with_header(b"{}"[:1]),
        with_header(b"\xff\xfe{}"),
        with_header(b"[" * 200_000),
        with_header({"__metadata__": {"treadle": 1}}),
        with_header({"__metadata__": []}),
        with_header({}, length=2**63),
        with_header({}, length=2**64 - 1),
        with_header({}, length=100),
        of_one_array("F33", [4, 3], 48),
        of_one_array("F32", [4, 3], 44),
        of_one_array("F32", [-4, 3], 48),
        of_one_array("F32", [2**62, 2**62], 48),
        of_one_array("F32", "43", 48),
        of_one_array("F32", [1] * 65, 4),
        of_one_array("F32", [2**63, 0], 0),
    ],
    ids=range(20),
)
def test_bytes_that_are_no_safetensors_are_refused(path, content):
    refuses(path, content, NOT_OURS)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [("F16", 2), ("BF16", 2), ("F8_E4M3", 1), ("F8_E5M2", 1), ("C64", 8), ("I32", 4), ("U8", 1), ("BOOL", 1)],
)
def test_types_that_treadle_does_not_write_are_refused(path, dtype, size):
    content = of_one_array(dtype, [4, 3], 12 * size)
    refuses(path, content, f"{NOT_OURS}the array 'weights.0' is of type {dtype}, where treadle writes F32, ")


def test_bfloat16_is_refused_where_numpy_knows_it_too(path):
    pytest.importorskip("ml_dtypes", reason="recent onnx brings it, and it registers the type with NumPy")
    assert np.dtype("bfloat16").itemsize == 2
    refuses(path, of_one_array("BF16", [4, 3], 24), "the array 'weights.0' is of type BF16, where treadle")


def test_a_header_that_promises_terabytes_takes_no_memory(path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refuses(path, of_one_array("F32", [2**40], 48), NOT_OURS)
    refuses(path, with_header({}, length=2**40), NOT_OURS)
    refuses(path, of_one_array("F32", [2**40, 0], 0), "describes arrays of shapes")
    refuses(
        path, with_metadata(METADATA | {"network": FIELDS | {"sizes": [2**40, 2**40]}}), "describes arrays"
    )
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * (1 if sys.platform == "darwin" else 1024) <= 100e6


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "treadle", "[" * 100_000, '{"format":' * 100_000, "1" * 5000),
        *('{"format": ' + "1" * 5000 + "}", '{"format": ' + "1" * 400 + "}", '{"format": 1e400}'),
    ],
    ids=lambda text: text[:12],
)
def test_metadata_that_is_no_json_is_refused(path, text):
    refuses(path, with_metadata(text), NOT_OURS)


@pytest.mark.parametrize("text", ["null", "[]", "1", '"text"', "NaN", '["format"]'])
def test_metadata_that_is_no_object_is_refused(path, text):
    refuses(path, with_metadata(text), "its metadata has no JSON object named treadle")


@pytest.mark.parametrize("version", [0, 2, 1.5, "1", None, [], {}, 10**300, math.nan], ids=short)
def test_another_format_is_refused(path, version):
    refuses(
        path,
        with_metadata(METADATA | {"format": version}),
        "must hold a network of format 1; it holds format .* of .*: use the treadle that wrote it, restore",
    )


@pytest.mark.parametrize(
    "network", [None, 1, "relu", [], [1], {}, {"sizes": [4, 3, 2], "layers": 2}], ids=str
)
def test_a_network_that_is_none_is_refused(path, network):
    refuses(path, with_metadata(METADATA | {"network": network}), "does not describe a network: ")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "value",
    [None, True, "x", "", math.nan, math.inf, [], [None], [[]], [[4], 3, 2], {}, {"4": 1}],
    ids=short,
)
def test_a_field_of_the_network_of_a_wrong_type_is_refused(path, field, value):
    network = FIELDS | {field: value}
    refuses(
        path, with_metadata(METADATA | {"network": network}), "(does not describe a network|describes arrays)"
    )


@pytest.mark.parametrize("sizes", [[4, 3, 1], [4, 2], [4, 3, 3, 2], [3, 4, 2], [2**62, 2**62, 2]], ids=str)
def test_arrays_that_do_not_fit_the_network_are_refused(path, sizes):
    network = METADATA | {"network": FIELDS | {"sizes": sizes}}
    refuses(
        path, with_metadata(network), "describes arrays of shapes .*, all float32 or all float64; it holds "
    )


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {name: ARRAYS[name] for name in ARRAYS if name != "biases.1"},
        ARRAYS | {"weights.2": np.zeros((2, 2), np.float32)},
        ARRAYS | {"weights.0": ARRAYS["weights.0"].T.copy()},
        ARRAYS | {"biases.0": np.zeros((1, 3), np.float32)},
        ARRAYS | {"biases.0": np.zeros(3)},
        {name: array.astype(np.int64) for name, array in ARRAYS.items()},
    ],
    ids=["none", "one missing", "one more", "transposed", "of two axes", "of two types", "integers"],
)
def test_arrays_that_are_missing_or_of_another_shape_or_type_are_refused(path, arrays):
    refuses(path, with_metadata(METADATA, arrays), "describes arrays of shapes .*; it holds ")


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_not_finite_are_refused(path, name, value):
    spoiled = ARRAYS[name].copy()
    spoiled.flat[-1] = value
    content = with_metadata(METADATA, ARRAYS | {name: spoiled})
    refuses(path, content, f"holds NaN or infinite numbers in '{name}': it is damaged")


@pytest.mark.parametrize(
    "names", [None, "ab", 2, [1, 2], [None, None], {"a": 1, "b": 2}, [["a"], ["b"]]], ids=str
)
def test_class_names_that_are_no_list_of_texts_are_refused(path, names):
    content = with_metadata(METADATA | {"class_names": names})
    refuses(path, content, "must hold class_names, a list of texts; it holds ")


@pytest.mark.parametrize(
    "shape",
    ["22", 4, {}, [], [4], [2, 2, 1], [2.0, 2], [True, 4], [-2, -2], [0, 0], [math.inf, 1], [None, 4]],
    ids=str,
)
def test_an_image_shape_that_is_none_is_refused(path, shape):
    content = with_metadata(METADATA | {"image_shape": shape})
    refuses(path, content, "must hold an image_shape of two positive integers, or null; it holds ")


def test_names_or_pixels_in_another_number_are_refused(path):
    content = with_metadata(METADATA | {"class_names": ["a", "b", "c"]})
    refuses(path, content, "contradicts itself: class_names must have a name for each of the 2 outputs")
    content = with_metadata(METADATA | {"image_shape": [2, 3]})
    refuses(path, content, r"contradicts itself: image_shape must multiply to the 4 inputs; got \(2, 3\)")


def spoiled(whole, seed):
    """One to five bytes replaced."""
    rng = random.Random(seed)
    content = bytearray(whole)
    for _ in range(rng.randint(1, 5)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return bytes(content)


def test_random_damage_to_a_model_raises_corruptfile_or_leaves_a_whole_model(path):
    save_model(path, Model(Parameters.initialise(NETWORK), ("cat", "dog"), (2, 2)))
    whole = path.read_bytes()
    n_refused = 0
    for seed in range(200):
        path.write_bytes(spoiled(whole, seed))
        try:
            model = load_model(path)
        except CorruptFile:
            n_refused += 1
            continue
        assert model.parameters.flat.shape == (23,) and np.isfinite(model.parameters.flat).all()
        assert len(model.class_names) in (0, 2) and model.image_shape in (None, (2, 2), (1, 4), (4, 1))
    assert n_refused >= 130


def test_random_damage_to_a_checkpoint_raises_corruptfile_or_leaves_a_whole_one(path):
    state = {"parameters": np.ones(23, np.float32), "m": np.ones(23, np.float32), "step": np.array(9)}
    records = [EpochRecord(epoch, 0.5, 0.25, 0.75, 0.001, 1.5) for epoch in (1, 2, 3)]
    Checkpoint(state, History(records)).save(path)
    whole = path.read_bytes()
    n_refused = 0
    for seed in range(200):
        path.write_bytes(spoiled(whole, seed))
        try:
            checkpoint = Checkpoint.load(path)
        except CorruptFile:
            n_refused += 1
            continue
        assert checkpoint.state["step"] >= 0 and np.isfinite(checkpoint.state["parameters"]).all()
        assert checkpoint.history.column("epoch") == [1, 2, 3]
    assert n_refused >= 100


def test_quotes_and_minus_signs_all_over_the_header_are_met_in_words(path):
    whole = with_metadata(METADATA)
    (length,) = struct.unpack("<Q", whole[:8])
    for at in range(0, 8 + length, 3):
        path.write_bytes(whole[:at] + b'"-'[at % 2 :][:1] + whole[at + 1 :])
        try:
            load_model(path)
        except CorruptFile as error:
            assert "model.safetensors" in str(error)


@pytest.mark.parametrize("place", [-9, -1, -40])
def test_a_bit_that_turned_over_is_noticed(tmp_path, place):
    parameters = Parameters.initialise(Network((4, 3, 2)))
    path = tmp_path / "model.safetensors"
    save_model(path, Model(parameters))
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptFile, match=r"is damaged: it is not what was written; restore it"):
        load_model(path)


NORMALISED = Network((4, 3, 2), batch_norm=True)


@pytest.mark.parametrize("damage", [-1.0, -1e-30])
def test_a_variance_below_0_is_refused(path, damage):
    arrays = {name: np.ascontiguousarray(a) for name, a in Parameters.initialise(NORMALISED).named()}
    metadata = METADATA | {"network": FIELDS | {"batch_norm": True}}
    path.write_bytes(with_metadata(metadata, arrays))
    assert load_model(path).network == NORMALISED
    arrays["running_variances.0"] = np.array([1, damage, 1], np.float32)
    refuses(
        path,
        with_metadata(metadata, arrays),
        "holds a variance below 0 in 'running_variances.0': it is damaged",
    )


@pytest.mark.parametrize("missing", ["scales.0", "running_means.0", "running_variances.0"])
def test_a_part_of_batch_normalisation_that_is_missing_is_refused(path, missing):
    arrays = {name: np.ascontiguousarray(a) for name, a in Parameters.initialise(NORMALISED).named()}
    del arrays[missing]
    metadata = METADATA | {"network": FIELDS | {"batch_norm": True}}
    refuses(path, with_metadata(metadata, arrays), "describes arrays of shapes")
    refuses(path, with_metadata(METADATA, arrays), "describes arrays of shapes")


@pytest.mark.parametrize(
    "field",
    [
        {"batch_norm": 1}, {"batch_norm": "yes"}, {"batch_norm": []}, {"batch_norm": [True, True]},
        {"batch_norm": None}, {"input_offset": math.nan}, {"input_offset": "1"}, {"input_offset": None},
        {"mirror_width": 3}, {"mirror_width": -2}, {"mirror_width": 2.0}, {"mirror_width": None},
    ],
    ids=str,
)  # fmt: skip
def test_new_fields_of_the_network_are_checked_as_the_old_ones(path, field):
    refuses(
        path,
        with_metadata(METADATA | {"network": FIELDS | field}),
        "does not describe a network: (batch_norm|input_offset|mirror_width) must be",
    )


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        ("1", "must hold a data_scale, one number; it holds '1'"),
        (None, "must hold a data_scale, one number; it holds None"),
        ([1.0], "must hold a data_scale, one number; it holds "),
        (10**300, "must hold a data_scale, one number; it holds 1000"),
        (math.inf, "contradicts itself: data_scale must be finite; got inf"),
    ],
    ids=short,
)
def test_a_scale_of_the_data_that_is_none_is_refused(path, scale, message):
    refuses(path, with_metadata(METADATA | {"data_scale": scale}), message)


@pytest.mark.parametrize(
    ("data_range", "message"),
    [
        ([0, 1], "must hold a data_range of two numbers in order, or none; it holds "),
        ([1.0], "must hold a data_range of two numbers in order"),
        ([2.0, 1.0], "must hold a data_range of two numbers in order"),
        ([math.nan, 1.0], "must hold a data_range of two numbers in order"),
        ("01", "must hold a data_range of two numbers in order"),
        ([0.0, math.inf], "contradicts itself: data_range must be two finite numbers in order; got"),
    ],
)
def test_a_range_that_is_none_is_refused(path, data_range, message):
    refuses(path, with_metadata(METADATA | {"data_range": data_range}), message)
