"""``treadle predict`` as a person calls it."""

import json

import numpy as np
import pytest
from PIL import Image

from treadle import Run, load_data, select_engine
from treadle.cli import run


def image_file(path, row, *, invert=False):
    pixels = (row.reshape(8, 8) * (255 / 16)).astype(np.uint8)
    Image.fromarray(255 - pixels if invert else pixels).save(path)
    return str(path)


def test_predict_gives_the_probabilities_of_each_image(trained, tmp_path, capsys):
    digits = load_data("digits")
    rows = [int(np.flatnonzero(digits.y_test == k)[0]) for k in (0, 6)]
    paths = [image_file(tmp_path / f"{k}.png", digits.X_test[row]) for k, row in zip("ab", rows, strict=True)]
    assert run(["predict", str(trained), *paths, "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)
    assert [answer["class"] for answer in answers] == ["0", "6"]
    model = Run.open(trained).model()
    expected = select_engine("numpy").engine.predict(model.parameters, digits.X_test[rows])
    for answer, p in zip(answers, expected, strict=True):
        # Pixels of 0 to 16 became bytes and came back.
        assert list(answer["probabilities"].values()) == pytest.approx(p.tolist(), abs=0.01)
    assert run(["predict", str(trained), *paths]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["image", *paths]
    assert lines[1].split() == ["class", "0", "6"]


def test_predict_can_invert(trained, tmp_path, capsys):
    digits = load_data("digits")
    row = digits.X_test[int(np.flatnonzero(digits.y_test == 6)[0])]
    dark = image_file(tmp_path / "dark.png", row, invert=True)
    assert run(["predict", str(trained), dark, "--invert", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["class"] == "6"


def test_predict_warns_of_an_image_of_one_shade(trained, tmp_path, capsys):
    path = image_file(tmp_path / "black.png", np.zeros(64))
    assert run(["predict", str(trained), path]) == 0
    assert (
        f"warning: {path} is of one shade all over; a dark drawing needs --invert" in capsys.readouterr().err
    )


def test_predict_says_what_is_wrong_with_an_image(trained, tmp_path, capsys):
    (tmp_path / "text.png").write_text("no image")
    assert run(["predict", str(trained), str(tmp_path / "text.png")]) == 1
    assert "text.png" in capsys.readouterr().err
    assert run(["predict", str(trained), str(tmp_path / "none.png")]) == 2
    assert "none.png" in capsys.readouterr().err
    assert run(["predict", str(trained)]) == 2
    assert "no image was named" in capsys.readouterr().err


def test_predict_refuses_a_model_that_takes_no_images(tmp_path, capsys):
    X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    y = (X[:, 0] > 0).astype(int)
    np.savez(tmp_path / "table.npz", X_train=X, y_train=y, X_test=X, y_test=y)
    folder = str(tmp_path / "run")
    assert run(["train", str(tmp_path / "table.npz"), "--epochs", "1", "--out", folder]) == 0
    assert run(["predict", folder, image_file(tmp_path / "a.png", np.zeros(64))]) == 1
    assert "was not trained on images: it takes 3 numbers a row" in capsys.readouterr().err
