"""Image files and other data sets, shown to networks that were trained on images in any units."""

import dataclasses
import json

import numpy as np
import onnxruntime
import pytest
from PIL import Image

import treadle
from treadle import RunConfig, load_data, load_model, save_model, select_engine
from treadle.cli import run
from treadle.report import run_report
from treadle.report.picture import Picture

DIGITS = load_data("digits")
SEEN = {name: getattr(DIGITS, f"X_{name}").reshape(-1, 8, 8) / 16 for name in ("train", "test")}
SHOWN = range(0, 355, 5)  # test images that are written as files

# From 0 (black) to 1 (white) to what a person's array holds.
KNOWN = {
    "floats of 0 to 1": lambda seen: seen.astype(np.float32),
    "floats of 0 to 255": lambda seen: (seen * 255).astype(np.float32),
    "doubles of -1 to 1": lambda seen: seen * 2 - 1,
    "floats of -0.5 to 0.5": lambda seen: seen - 0.5,
    "floats of 0 to 16": lambda seen: seen * 16,
    "bytes": lambda seen: np.rint(seen * 255).astype(np.uint8),
    "bytes of 0 to 16": lambda seen: np.rint(seen * 16).astype(np.uint8),
    "integers of -128 to 127": lambda seen: np.rint(seen * 255).astype(np.int64) - 128,
    "16 bits": lambda seen: np.rint(seen * 65535).astype(np.uint16),
}
UNKNOWN = {
    "standardised": lambda seen: (seen - 0.3) / 0.35,
    "percent": lambda seen: seen * 100,
}


def save(path, convert, part=slice(None)):
    arrays = {f"X_{name}": convert(seen[part]) for name, seen in SEEN.items()}
    np.savez(
        path,
        **arrays,
        y_train=DIGITS.y_train[part],
        y_test=DIGITS.y_test[part],
        class_names=np.array(DIGITS.class_names),
    )
    return str(path)


def train(folder, data, **options):
    """A finished run, without the pictures that ``treadle train`` draws."""
    dataset = load_data(data)
    engine = select_engine().engine
    config = RunConfig(data=data, engine=engine.name, **options)
    treadle.Run.create(folder, config, {"data_checksum": dataset.checksum}).train(engine, dataset)
    return str(folder)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Test images as PNG files."""
    folder = tmp_path_factory.mktemp("pictures")
    for n in SHOWN:
        pixels = np.rint(SEEN["test"][n] * 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{n:03}.png")
    return sorted(map(str, folder.iterdir()))


@pytest.fixture(scope="module")
def trained_in(tmp_path_factory):
    """A finished run on the digits in each of the units, with its test accuracy and loss."""
    runs = {}

    def of(kind):
        if kind not in runs:
            folder = tmp_path_factory.mktemp("units")
            data = save(folder / "digits.npz", (KNOWN | UNKNOWN)[kind])
            out = train(folder / "run", data, hidden=(32,), epochs=12, standardise=True)
            last = treadle.Run.open(out).history()[-1]
            assert last.held_out_score > 0.93
            runs[kind] = (out, last.held_out_score, last.held_out_loss)
        return runs[kind]

    return of


def accuracy_of_files(folder, pictures, capsys, *options):
    capsys.readouterr()
    assert run(["predict", folder, *pictures, "--json", *options]) == 0
    captured = capsys.readouterr()
    answers = [int(answer["class"]) for answer in json.loads(captured.out)]
    return float(np.mean(answers == DIGITS.y_test[list(SHOWN)])), captured.err


@pytest.mark.parametrize("kind", KNOWN)
def test_files_are_shown_in_the_units_of_training(kind, trained_in, pictures, capsys):
    folder, _, _ = trained_in(kind)
    accuracy, err = accuracy_of_files(folder, pictures, capsys)
    assert accuracy > 0.9
    assert ("taken are black" in err) == (kind not in ("bytes", "floats of 0 to 1"))


@pytest.mark.parametrize("other", KNOWN)
@pytest.mark.parametrize("kind", ["floats of 0 to 255", "doubles of -1 to 1", "bytes of 0 to 16"])
def test_other_data_are_evaluated_in_the_units_of_training(kind, other, trained_in, tmp_path, capsys):
    folder, accuracy, loss = trained_in(kind)
    data = save(tmp_path / "other.npz", KNOWN[other])
    capsys.readouterr()
    assert run(["evaluate", folder, data, "--json"]) == 0
    captured = capsys.readouterr()
    test = json.loads(captured.out)["test"]
    assert test["accuracy"] == pytest.approx(accuracy, abs=2.01 / 355)
    assert test["loss"] == pytest.approx(loss, rel=0.03)
    alike = {frozenset({"floats of 0 to 255", "bytes"}), frozenset({"floats of 0 to 16", "bytes of 0 to 16"})}
    is_converted = other != kind and {kind, other} not in alike
    assert ("brought to the model's units" in captured.err) == is_converted


@pytest.mark.parametrize("kind", UNKNOWN)
def test_unknown_units_are_refused_until_they_are_said(kind, trained_in, pictures, capsys):
    folder, accuracy, _ = trained_in(kind)
    assert run(["predict", folder, *pictures]) == 1
    black, white = UNKNOWN[kind](np.array([0.0, 1.0])).tolist()
    err = capsys.readouterr().err
    assert "and which of them are black and white is not known: say it, if they are these, with" in err
    assert f"--black {black:g} --white {white:g}" in err
    said = ["--black", str(black), "--white", str(white)]
    assert accuracy_of_files(folder, pictures, capsys, *said)[0] > 0.9
    capsys.readouterr()
    assert run(["evaluate", folder, "--json"]) == 0  # its own data stay as they are
    captured = capsys.readouterr()
    assert json.loads(captured.out)["test"]["accuracy"] == accuracy
    assert captured.err == ""


def test_data_in_unknown_units_are_refused_by_both_sides(trained_in, tmp_path, capsys):
    bytes_ = save(tmp_path / "bytes.npz", KNOWN["bytes"])
    unknown = save(tmp_path / "standardised.npz", UNKNOWN["standardised"])
    assert run(["evaluate", trained_in("standardised")[0], bytes_]) == 1
    err = capsys.readouterr().err
    assert "bytes has values of 0 to 255, and the model was trained on -0.857143 to 2" in err
    assert "which of the model's values are black and white is not known" in err
    assert "bring the data to the units of training first" in err
    assert run(["evaluate", trained_in("bytes")[0], unknown]) == 1
    assert "which of the data set's values are black and white is not known" in capsys.readouterr().err
    assert run(["evaluate", trained_in("percent")[0], unknown]) == 1
    capsys.readouterr()


def test_some_of_the_same_data_in_unknown_units_and_a_dark_part_are_evaluated(trained_in, tmp_path, capsys):
    some = save(tmp_path / "some.npz", UNKNOWN["standardised"], slice(100))
    assert run(["evaluate", trained_in("standardised")[0], some]) == 0
    dark = save(tmp_path / "dark.npz", lambda seen: (seen * 90).astype(np.float32))
    assert run(["evaluate", trained_in("floats of 0 to 255")[0], dark]) == 0
    assert "warning" not in capsys.readouterr().err


def test_black_and_white_can_be_said_of_known_units_too(trained_in, pictures, capsys):
    folder, _, _ = trained_in("bytes")
    given, err = accuracy_of_files(folder, pictures, capsys, "--white", "255")
    assert (given > 0.9, "taken" in err) == (True, False)
    assert accuracy_of_files(folder, pictures, capsys, "--white", "2")[0] < 0.5
    assert run(["predict", folder, *pictures, "--black", "3"]) == 2
    assert "--black 3 says nothing without --white: give both" in capsys.readouterr().err
    assert run(["predict", folder, *pictures, "--white", "0"]) == 2
    assert "black and white must be two finite numbers that differ" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["bytes", "floats of 0 to 1"])
def test_a_model_of_an_earlier_version_loads_and_says_what_is_assumed(
    kind, trained_in, pictures, tmp_path, capsys
):
    folder, accuracy, _ = trained_in(kind)
    run_folder = tmp_path / "old run"
    run_folder.mkdir()
    opened = treadle.Run.open(folder)
    for name in ("config.toml", "checkpoint.safetensors"):
        (run_folder / name).write_bytes((opened.folder / name).read_bytes())
    save_model(run_folder / "model.safetensors", dataclasses.replace(opened.model(), data_range=None))
    white = "255" if kind == "bytes" else "1"
    assert load_model(run_folder / "model.safetensors").data_range is None
    given, err = accuracy_of_files(str(run_folder), pictures, capsys)
    assert given > 0.9
    assert f"as runs of earlier versions: taken are black 0, white {white};" in err
    assert f"treadle train --resume '{run_folder}' writes them down" in err
    assert run(["evaluate", str(run_folder), "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["test"]["accuracy"] == accuracy
    assert f"taken are black 0, white {white} for it, and black 0, white {white} for digits" in captured.err
    assert run(["train", "--resume", str(run_folder)]) == 0
    assert "earlier versions" not in accuracy_of_files(str(run_folder), pictures, capsys)[1]


def test_images_of_one_shade_teach_nothing(tmp_path, pictures, capsys):
    data = save(tmp_path / "black.npz", lambda seen: 0 * seen)
    folder = train(tmp_path / "run", data, epochs=1, hidden=(4,))
    assert run(["predict", folder, pictures[0]]) == 1
    assert "was trained on images that are 0 all over: train on others" in capsys.readouterr().err


def test_deep_files_are_read_by_their_range_with_a_notice(trained_in, tmp_path, capsys):
    folder, _, _ = trained_in("bytes")
    pixels = np.rint(SEEN["test"][0] * 255)
    for name, deep in {
        "a.png": np.uint16,
        "b.tiff": np.int32,
        "c.tiff": np.float32,
        "plain.png": np.uint8,
    }.items():
        Image.fromarray(pixels.astype(deep)).save(tmp_path / name)
    files = [str(tmp_path / name) for name in ("a.png", "b.tiff", "c.tiff", "plain.png")]
    assert run(["predict", folder, *files, "--json"]) == 0
    captured = capsys.readouterr()
    answers = [answer["probabilities"] for answer in json.loads(captured.out)]
    assert all(answer == answers[-1] for answer in answers)
    assert captured.err.count("of 0 to 255: 255 is taken for white") == 3


def test_tables_of_numbers_stay_as_they_are(tmp_path, capsys):
    """Counts of 0 to 99 as bytes in training, as int64 in evaluation: the same numbers."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 100, (300, 3))
    y = (X[:, 0] > 50).astype(int)

    def table(name, X):
        np.savez(tmp_path / name, X_train=X, y_train=y, X_test=X, y_test=y)
        return str(tmp_path / name)

    data = table("bytes.npz", X.astype(np.uint8))
    folder = train(tmp_path / "run", data, hidden=(16,), epochs=30, learning_rate=0.01)
    accuracy = treadle.Run.open(folder).history()[-1].held_out_score
    assert accuracy > 0.9
    capsys.readouterr()
    for X_of_other_type in (X, X.astype(float)):
        assert run(["evaluate", folder, table("other.npz", X_of_other_type), "--json"]) == 0
        captured = capsys.readouterr()
        assert json.loads(captured.out)["test"]["accuracy"] == accuracy
        assert captured.err == ""


def test_tables_of_evidently_other_numbers_are_taken_as_they_are_with_a_word(tmp_path, capsys):
    rng = np.random.default_rng(0)
    X, y = rng.uniform(0, 255, (60, 3)), np.arange(60) % 2
    np.savez(tmp_path / "a.npz", X_train=X, y_train=y, X_test=X, y_test=y)
    np.savez(tmp_path / "b.npz", X_train=X / 255, y_train=y, X_test=X / 255, y_test=y)
    folder = train(tmp_path / "run", str(tmp_path / "a.npz"), epochs=1, hidden=(4,))
    assert run(["evaluate", folder, str(tmp_path / "b.npz")]) == 0
    assert "they are taken as they are" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "white"), [("bytes of 0 to 16", 16), ("floats of 0 to 255", 255), ("bytes", 255)]
)
def test_the_report_draws_images_between_their_black_and_white(kind, white, trained_in, monkeypatch):
    """Bytes of 0 to 16 were drawn as if white were 255: nearly black."""
    drawn = []

    def draw(*arguments):
        drawn.append(arguments[-1])
        return Picture(1, 1)

    monkeypatch.setattr(run_report, "draw_predictions", draw)
    monkeypatch.setattr(run_report, "write_report", lambda path, inputs: drawn.append(inputs.scale))
    folder, _, _ = trained_in(kind)
    assert run(["report", folder]) == 0
    assert drawn == [1 / white, 1 / white]


def test_images_of_another_shape_with_as_many_pixels_are_refused(trained_in, tmp_path, capsys):
    data = save(tmp_path / "wide.npz", lambda seen: KNOWN["bytes"](seen).reshape(-1, 4, 16))
    assert run(["evaluate", trained_in("bytes")[0], data]) == 1
    message = "wide has images of 4 x 16, and the model takes 8 x 8: evaluate it on images of that shape"
    assert message in capsys.readouterr().err


def test_a_model_of_flat_rows_says_how_to_train_on_images(tmp_path, pictures, capsys):
    data = save(tmp_path / "flat.npz", lambda seen: seen.reshape(-1, 64))
    folder = train(tmp_path / "run", data, epochs=1, hidden=(4,))
    assert run(["predict", folder, pictures[0]]) == 1
    assert "If those are pixels, train on X of shape (rows, height, width)" in capsys.readouterr().err


def test_an_export_says_the_units_that_it_takes(trained_in, tmp_path, capsys):
    file = str(tmp_path / "it.onnx")
    assert run(["export", trained_in("doubles of -1 to 1")[0], file]) == 0
    assert "pixels: black -1, white 1" in capsys.readouterr().out
    session = onnxruntime.InferenceSession(file)
    properties = session.get_modelmeta().custom_metadata_map
    assert json.loads(properties["pixel_units"]) == {"black": -1, "white": 1}
    X = (SEEN["test"] * 2 - 1).reshape(-1, 64).astype(np.float32)
    (probabilities,) = session.run(None, {"X": X})
    assert np.mean(probabilities.argmax(axis=1) == DIGITS.y_test) == trained_in("doubles of -1 to 1")[1]


def test_images_row_by_row_are_converted_where_one_side_has_bytes(tmp_path, capsys):
    floats = save(tmp_path / "floats.npz", lambda seen: (seen * 2 - 1).reshape(-1, 64))
    bytes_ = save(tmp_path / "bytes.npz", lambda seen: np.rint(seen * 255).astype(np.uint8).reshape(-1, 64))
    folder = train(tmp_path / "run", floats, hidden=(32,), epochs=12)
    accuracy = treadle.Run.open(folder).history()[-1].held_out_score
    assert run(["evaluate", folder, bytes_, "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["test"]["accuracy"] == pytest.approx(accuracy, abs=2.01 / 355)
    assert "brought to the model's units (black -1, white 1)" in captured.err
