from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from treadle.cli import run
from treadle.data import Dataset, load_data

Capture = pytest.CaptureFixture[str]


def test_list_shows_each_name_and_where_it_is(capsys: Capture, fashion_mnist: Dataset) -> None:
    assert run(["data", "list"]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0].split()[0] == "name"
    assert lines[1].startswith("fashion-mnist  60000 + 10000 images")
    assert lines[2].startswith("digits")
    assert "\x1b" not in out


def test_list_tells_what_would_be_downloaded(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREADLE_CACHE", str(tmp_path))
    monkeypatch.setattr("treadle.data.fashion_mnist.SYSTEM_FOLDER", tmp_path / "none")
    assert run(["data", "list", "--json"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert [(item["name"], item["available"]) for item in known] == [
        ("fashion-mnist", False),
        ("digits", True),
    ]
    assert known[0]["where"] == "to be downloaded, 31 MB"


def test_the_sizes_listed_are_those_of_the_data(capsys: Capture, fashion_mnist: Dataset) -> None:
    assert run(["data", "list", "--json"]) == 0
    for item in json.loads(capsys.readouterr().out):
        data = load_data(item["name"])
        sizes = f"{len(data.X_train)} + {len(data.X_test)} images"
        assert item["content"].startswith(sizes)
        assert f"{data.image_shape[0]} x {data.image_shape[1]}, {len(data.class_names)} cl" in item["content"]


def test_fetch_says_where_from(capsys: Capture, fashion_mnist: Dataset) -> None:
    assert run(["data", "fetch", "fashion-mnist"]) == 0
    assert capsys.readouterr().out.startswith("fashion-mnist is here, whole: from the ")
    assert run(["data", "fetch", "digits", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "name": "digits",
        "source": "scikit-learn",
        "checksum": load_data("digits").checksum,
    }


def test_fetch_of_a_path_is_a_wrong_call(capsys: Capture, tmp_path: Path) -> None:
    assert run(["data", "fetch", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "only a data set known by name can be fetched: fashion-mnist, digits; got" in error
    assert error.count("\n") == 1


def test_fetch_without_any_source_fails_in_one_line(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREADLE_CACHE", str(tmp_path))
    monkeypatch.setenv("TREADLE_OFFLINE", "1")
    monkeypatch.setattr("treadle.data.fashion_mnist.SYSTEM_FOLDER", tmp_path / "none")
    assert run(["data", "fetch", "fashion-mnist"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Fashion-MNIST could not be had: " in captured.err
    assert "TREADLE_OFFLINE is set" in captured.err
    assert captured.err.count("\n") == 1


def test_info_counts_what_is_there(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "pets.npz"
    X = np.array([[-1.5, 0.0], [2.0, 3.0], [4.25, 1.0]])
    np.savez(path, X_train=X, y_train=["cat", "dog", "dog"], X_test=X[:1], y_test=["dog"])
    assert run(["data", "info", str(path)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines() == [
        "name    pets",
        f"source  the file {path}",
        "train   3 rows of 2",
        "test    1 rows of 2",
        "values  float32, -1.5 to 4.25, times 1 in the network",
        f"sha256  {load_data(path).checksum}",
        "",
        "class  name  train  test",
        "    0  cat       1     0",
        "    1  dog       2     1",
    ]


def test_info_for_machines(capsys: Capture) -> None:
    assert run(["data", "info", "digits", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    digits = load_data("digits")
    assert facts["checksum"] == digits.checksum
    assert facts["train"] == [1442, 64]
    assert facts["image_shape"] == [8, 8]
    assert (facts["minimum"], facts["maximum"], facts["scale"]) == (0, 16, 1 / 16)
    assert [item["train"] for item in facts["classes"]] == np.bincount(digits.y_train).tolist()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["data", "info", "digts"], 2, "did you mean digits?"),
        (["data", "info"], 2, "DATA"),
        (["data", "info", "damaged.npz"], 1, "damaged.npz is no whole .npz file"),
    ],
)
def test_wrong_calls_and_damaged_files_are_told_apart(
    capsys: Capture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04 and nothing more")
    assert run(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_fetch_that_cannot_keep_what_it_got_fails(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fashion_mnist: Dataset
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TREADLE_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr("treadle.data.fashion_mnist.SYSTEM_FOLDER", tmp_path / "none")
    monkeypatch.setattr("treadle.data.loading.load_fashion_mnist", lambda *arguments: fashion_mnist)
    assert run(["data", "fetch", "fashion-mnist"]) == 1
    assert "fashion-mnist could be had, from " in capsys.readouterr().err
