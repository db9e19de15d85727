"""Files that ask for memory or time, and numbers that no float holds: refused in words, and at once."""

import json
import math
import os
import resource
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save

import treadle
from treadle.data.idx import read_idx
from treadle.data.images import read_image
from treadle.data.npz import load_npz
from treadle.errors import CorruptFile, InvalidInput, TreadleError
from treadle.export.safetensors_file import safetensors_bytes, write_safetensors
from treadle.l1 import NpyRows, ParquetRows
from treadle.runs.config import read_config_file
from treadle.training.checkpoint import Checkpoint

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 2))
Y = X @ [1.0, 2.0] + RNG.normal(size=30)


@contextmanager
def within(megabytes, seconds):
    """Fail if what is inside takes more memory or time; generous, for machines with much else to do."""
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before <= megabytes * 1024
    assert time.monotonic() - begun <= seconds


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


# Wrong and accepted


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


@pytest.mark.parametrize("first_has_weights", [False, True])
def test_chunks_with_weights_and_without_are_refused(first_has_weights):
    from treadle.l1 import ChunkRows

    chunks = [(X, Y), (X, Y, np.ones(30))]
    with pytest.raises(
        InvalidInput, match=r"chunk 1 has.* weights, those before it.*with every chunk or with n"
    ):
        ChunkRows(chunks[::-1] if first_has_weights else chunks)


def test_weights_that_change_between_passes_are_noticed():
    from treadle.l1 import ChunkRows

    passes = iter([np.ones(30), np.full(30, 2.0), np.full(30, 2.0)])
    rows = ChunkRows(lambda: [(X, Y, next(passes))])
    with pytest.raises(InvalidInput, match="the chunks changed between two passes"):
        list(rows.chunks())


@pytest.mark.parametrize("lost", range(1, 25))
def test_a_png_that_lacks_its_end_is_refused(tmp_path, lost):
    from PIL import Image

    path = tmp_path / "a.png"
    Image.fromarray(RNG.integers(0, 256, (28, 28), dtype=np.uint8)).save(path)
    read_image(path)
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(CorruptFile, match=r"a\.png is a damaged image: a PNG that was cut short"):
        read_image(path)


def test_a_wrong_check_sum_of_a_png_is_noticed_also_within_an_ico(tmp_path):
    from PIL import Image

    image = Image.fromarray(RNG.integers(0, 256, (32, 32, 3), dtype=np.uint8))
    for name in ("a.png", "a.ico"):
        path = tmp_path / name
        image.save(path)
        read_image(path)
        data = bytearray(path.read_bytes())
        data[-13] ^= 1  # the last of the check sum of IDAT
        path.write_bytes(data)
        with pytest.raises(
            CorruptFile, match=r"is a damaged image: the check sum of its part b'IDAT' is wrong"
        ):
            read_image(path)
    path.write_bytes(b"\0\0\1\0" + b"\xff\xff" + bytes(100))
    with pytest.raises(CorruptFile, match="an ICO of 65535 images; at most 64 are read"):
        read_image(path)


# Certificates


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


# Numbers


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


# Memory and time


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".".join("a" * 30_000) + " = 1", "line 1 has 29999 dots; at most 200 are read"),
        ("a = " + "[" * 5000, "nested too deep"),
        ("a = " + "[" * 100 + "]" * 100, "nested too deep; at most 64 levels"),
        ("a = " + "9" * 5000, "Exceeds the limit"),
        ("seed = 0x" + "f" * 5000, "the integer 0xf.* is beyond 64 bits"),
        ("# " + "a" * 70_000, r"is of 70002 bytes, and at most 65536 are read"),
        ("a = \udcff", "codec can't decode"),
    ],
    ids=range(7),
)
def test_toml_that_no_configuration_has_is_refused(tmp_path, text, message):
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with within(100, 10), pytest.raises(InvalidInput, match=rf"config\.toml.*{message}") as raised:
        read_config_file(path)
    assert len(str(raised.value)) < 600


@pytest.mark.parametrize("value", ["inf", "nan", "1e400"])
def test_numbers_of_a_configuration_are_finite(tmp_path, value):
    (tmp_path / "config.toml").write_text(f"learning_rate = {value}")
    with pytest.raises(InvalidInput, match="learning_rate must be a finite number; got"):
        read_config_file(tmp_path / "config.toml")


def test_a_configuration_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbfepochs = 3\n")
    assert read_config_file(tmp_path / "config.toml") == ({"epochs": 3}, {})


HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }"


def npy(header, version=b"\1\0", length=None, data=bytes(48)):
    text = header.encode("latin-1") + b"\n"
    n = 2 if version == b"\1\0" else 4
    return (
        b"\x93NUMPY" + version + (len(text) if length is None else length).to_bytes(n, "little") + text + data
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x93NUMPY\2\0\xff\xff\xff\xff", "its header is of 4294967295 bytes, more than 10000"),
        (npy(HEADER, version=b"\3\0"), r"it is of version \(3, 0\), not 1\.0 or 2\.0"),
        (npy(HEADER, version=b"\2\0", length=9999), "its header is cut short"),
        (npy(HEADER.replace("}", "")), "its header is no dictionary"),
        (npy(HEADER.replace("False", "What?")), "its header must say descr"),
        (npy(HEADER.replace("'shape'", "'descr'")), "its header must say descr"),
        (
            npy(HEADER.replace("'shape': (2, 3), ", "")),
            "its header must say descr, fortran_order and shape; it",
        ),
        (npy(HEADER.replace("(2, 3)", "[2, 3]")), "its header must say descr"),
        (npy(HEADER.replace("(2, 3)", "(2 3,)")), "its shape must be at most 32 sizes; it is '2 3,'"),
        (npy(HEADER.replace("(2, 3)", "(2, -3)")), "its header must say descr"),
        (npy(HEADER.replace("(2, 3)", f"({'1, ' * 33})")), "its shape must be at most 32 sizes"),
        (npy(HEADER.replace("(2, 3)", f"(2, {2**63})")), "cannot be"),
        (npy(HEADER.replace("(2, 3)", f"(2, {10**30})")), "its shape must be at most 32 sizes"),
        (npy(HEADER.replace("<f8", "<U0")), "cannot be"),
        (npy(HEADER.replace("<f8", "<f7")), "its type '<f7' is none of NumPy's"),
        (npy(HEADER.replace("<f8", "|O")), "pickled Python objects, which are never loaded"),
        (npy(HEADER.replace("'<f8'", "[('a', '<f8')]")), "its header must say descr, a simple type"),
        (npy(HEADER.replace("'<f8'", "(" * 4000)), "its header must say descr"),
        (npy(HEADER, data=bytes(47)), "its header promises 48 bytes of values, and 47 follow it"),
        (npy(HEADER, data=bytes(49)), "its header promises 48 bytes of values, and 49 follow it"),
        (b"", "it must begin with b'.x93NUMPY'; it begins with b''"),
    ],
    ids=range(21),
)
def test_a_npy_file_that_numpy_does_not_write_is_refused(tmp_path, data, message):
    path = tmp_path / "rows.npy"
    path.write_bytes(data)
    with (
        within(100, 10),
        pytest.raises(CorruptFile, match=rf"rows\.npy is truncated or no \.npy file: .*{message}"),
    ):
        NpyRows(path, -1)


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        HEADER.replace("'", '"'),
        "{'shape': (2L, 3L), 'fortran_order': False, 'descr': '<f8'}",
        "{'descr':'<f8','fortran_order':True,'shape':(2,3)}" + " " * 40,
        HEADER.replace("(2, 3)", "(2, 3, )"),
    ],
)
def test_headers_that_other_programs_write_are_read(tmp_path, header):
    path = tmp_path / "rows.npy"
    values = np.arange(6.0).reshape(2, 3)
    data = values.tobytes("F" if "True" in header else "C")
    for version in (b"\1\0", b"\2\0"):
        path.write_bytes(npy(header, version=version, data=data))
        (chunk,) = NpyRows(path, -1).chunks()
        np.testing.assert_array_equal(np.column_stack([chunk.X, chunk.y]), values)


def test_every_bit_of_a_npy_header_turned_is_an_error_of_ours_or_none(tmp_path):
    path = tmp_path / "rows.npy"
    np.save(path, X)
    whole = path.read_bytes()
    for i in range(8 * 128):
        changed = bytearray(whole)
        changed[i // 8] ^= 1 << (i % 8)
        path.write_bytes(changed)
        try:
            rows = NpyRows(path, -1)
        except TreadleError:
            continue
        assert sum(len(chunk) for chunk in rows.chunks()) == rows.n_rows


@pytest.mark.parametrize("dtype", [np.uint16, np.uint8])
def test_a_large_image_takes_little_more_than_its_pixels(tmp_path, dtype):
    from PIL import Image

    path = tmp_path / "large.tiff"
    Image.fromarray(np.zeros((6000, 6000), dtype)).save(path, compression="tiff_lzw")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert not read_image(path).any()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown <= 300 * 1024


def test_whatever_the_readers_of_images_raise_the_image_is_damaged(tmp_path, monkeypatch):
    from PIL import Image, ImageFile

    Image.new("L", (4, 4)).save(tmp_path / "a.gif")

    def takes_all(self):
        raise MemoryError

    with (
        monkeypatch.context() as patch,
        pytest.raises(CorruptFile, match=r"a\.gif takes more memory than there is"),
    ):
        patch.setattr(ImageFile.ImageFile, "load", takes_all)
        read_image(tmp_path / "a.gif")
    for error in (RuntimeError("AVIF"), TypeError("TIFF"), KeyError(3), ZeroDivisionError("x")):

        def load(self, error=error):
            raise error

        monkeypatch.setattr(ImageFile.ImageFile, "load", load)
        with pytest.raises(CorruptFile, match=r"a\.gif is a damaged image: "):
            read_image(tmp_path / "a.gif")


# Files that are none, and paths that are none


LOADERS = [
    treadle.load, treadle.load_model, Checkpoint.load, treadle.BoxNetwork.load, treadle.TreeNetwork.load,
    treadle.load_data, read_idx, load_npz, read_image, lambda path: NpyRows(path, -1),
    lambda path: ParquetRows(path, "y"), lambda path: read_config_file(Path(path)),
]  # fmt: skip
NAMES = [
    *("load", "load_model", "Checkpoint", "BoxNetwork", "TreeNetwork", "load_data", "read_idx", "load_npz"),
    *("read_image", "NpyRows", "ParquetRows", "read_config_file"),
]


@pytest.mark.parametrize("load", LOADERS, ids=NAMES)
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, load):
    path = tmp_path / "pipe.npz"
    os.mkfifo(path)
    found = []

    def call():
        try:
            load(path)
        except TreadleError as error:
            found.append(str(error))

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(20)
    assert found and "pipe.npz is a pipe, where a file is needed: copy what it gives into a file" in found[0]


@pytest.mark.parametrize("load", LOADERS, ids=NAMES)
def test_a_device_is_refused(load):
    if load is treadle.load_data:
        pytest.skip("takes files by their suffix")
    with within(100, 10), pytest.raises(InvalidInput, match="/dev/zero is a device, where a file is needed"):
        load("/dev/zero")


@pytest.mark.parametrize("load", LOADERS, ids=NAMES)
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("a\0b", r"the path 'a\\x00b' holds a NUL character"),
        ("a\ud800b", r"holds '\\ud800', which is no character; write another path"),
        ("a" * 300_000, "of 300000 characters is longer than this system allows"),
        ("b" * 300, "of 300 characters is longer than this system allows"),
    ],
    ids=["nul", "surrogate", "long", "long name"],
)
def test_a_path_that_can_be_none_is_refused(load, path, message):
    with pytest.raises(InvalidInput, match=message) as raised:
        load(path)
    assert len(str(raised.value)) < 400
    assert str(raised.value).isprintable()


def test_a_path_that_can_be_none_is_not_written_to(regressor):
    estimator = treadle.load(regressor)
    for path in ("a\0b", "a\ud800", "c" * 5000):
        with pytest.raises(InvalidInput, match="the path"):
            estimator.save(path)


# Formulas


@pytest.mark.parametrize("partition", ["uniform", "adaptive", "optimal"])
@pytest.mark.parametrize("activation", [None, "sigmoid"])
@pytest.mark.parametrize("eps", [10**400, 10**5000, 5e-324, 1e-310, 1.5e300], ids=range(5))
def test_an_eps_that_float64_cannot_divide_is_refused(partition, activation, eps):
    with pytest.raises(
        InvalidInput, match=r"eps must be a positive finite number, from 1e-300 to 1e\+300; got"
    ):
        treadle.approximate("floor(x)", (0, 2), eps=eps, partition=partition, activation=activation)


@pytest.mark.parametrize("norm", ["sup", "l2"])
@pytest.mark.parametrize("order", [0, 1])
def test_an_eps_of_more_boxes_than_are_built_is_refused_at_once(norm, order):
    for f in ("1e10*x", "floor(x)", "1e10*x*x"):
        with within(500, 20), pytest.raises(InvalidInput, match=r"eps=1e-300|cells|f jumps at"):
            treadle.approximate(f, (0, 2), eps=1e-300, partition="optimal", norm=norm, order=order)


@pytest.mark.parametrize("partition", ["uniform", "adaptive", "optimal"])
@pytest.mark.parametrize("n_boxes", [10**9, 10**400, 10**5000], ids=["1e9", "1e400", "1e5000"])
@pytest.mark.parametrize(("norm", "order"), [("sup", 0), ("l2", 0), ("sup", 1), ("l2", 1)])
def test_more_boxes_than_are_built_are_refused_at_once(partition, n_boxes, norm, order):
    with within(50, 10), pytest.raises(InvalidInput, match="at most 1e08 are built") as raised:
        treadle.approximate("x", (-1, 1), n_boxes=n_boxes, partition=partition, norm=norm, order=order)
    assert len(str(raised.value)) < 400


def test_more_boxes_than_are_placed_one_by_one_are_refused_at_once():
    with (
        within(50, 10),
        pytest.raises(InvalidInput, match=r"n_boxes=131073 is more than the 131072 boxes that"),
    ):
        treadle.approximate("x", (-1, 1), n_boxes=131073, partition="optimal")


@pytest.mark.parametrize(
    "formula",
    [
        *("cos(1e308*x)", "sin(-1e308*x)", "tanh(1e308*x - 1e308*x*2)", "max(0, x - 3)*(1e308*x)"),
        *("0*(1e308*x)", "arctan((1e308*x)/(1e308*x + 1))", "min(1, 1e308*x + (-1e308)*x*3)"),
    ],
)
def test_nothing_is_proved_of_what_may_overflow_into_nan(formula):
    expression = treadle.read_expression(formula)
    with np.errstate(all="ignore"):
        assert np.isnan(expression(np.array([2.0])))[0], "the test itself is wrong"
    low, high = expression.range(np.array([[0.0]]), np.array([[2.0]]))
    assert not (np.isfinite(low) & np.isfinite(high)).any()
    with pytest.raises(InvalidInput, match="f must be defined and finite over the bounds"):
        treadle.approximate(formula, (0, 2), n_boxes=4)


def test_what_overflows_and_has_a_value_all_the_same_is_proved():
    for formula, low in (("1/(1 + exp(1000*x))", 0.0), ("tanh(1e308*x)", -1.0), ("exp(-1e308*(x*x))", 0.0)):
        bounds = treadle.read_expression(formula).range(np.array([[-2.0]]), np.array([[2.0]]))
        assert low - 1e-9 <= bounds[0][0] <= bounds[1][0] <= 1 + 1e-9


# Messages


def test_a_message_is_some_lines_that_a_terminal_shows():
    for error in (
        InvalidInput("a" * 300_000 + "the end"),
        CorruptFile("\x1b[2J\ud800\0" * 100_000 + "the end"),
    ):
        text = str(error)
        assert len(text) < 4000 and text.endswith("the end") and text.isprintable()
        text.encode("utf-8")
    assert str(InvalidInput("two\nlines: 靴 é\u00a0\u2028.")) == "two\nlines: 靴 é\u00a0\\u2028."


def test_a_value_is_quoted_on_one_line():
    from treadle.messages import quoted

    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert quoted(3) == "3" and quoted("a\nb") == r"'a\nb'"
    for value in ("x" * 10**6, b"x" * 10**6, 10**5000, deep, np.arange(10_000), ["a"] * 10**5):
        assert 5 < len(quoted(value)) <= 100 and "\n" not in quoted(value)
    assert quoted("begin" + "x" * 10**6 + "end").startswith("'begin") and "end'" in quoted(
        "x" * 10**6 + "end"
    )
