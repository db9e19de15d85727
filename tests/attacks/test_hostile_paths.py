"""Pipes, devices and paths that can be none: refused by every loader in words, and at once."""

import os
import threading
from pathlib import Path

import pytest

import treadle
from tests.attacks.limits import within
from treadle.data.idx import read_idx
from treadle.data.images import read_image
from treadle.data.npz import load_npz
from treadle.errors import InvalidInput, TreadleError
from treadle.l1 import NpyRows, ParquetRows
from treadle.runs.config import read_config_file
from treadle.training.checkpoint import Checkpoint

LOADERS = [
    treadle.load, treadle.load_model, Checkpoint.load, treadle.BoxNetwork.load, treadle.TreeNetwork.load,
    treadle.load_data, read_idx, load_npz, read_image, lambda path: NpyRows(path, -1),
    lambda path: ParquetRows(path, "y"), lambda path: read_config_file(Path(path)),
]  # fmt: skip  # fmt: skip


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


def test_a_path_that_can_be_none_is_not_written_to():
    estimator = treadle.LADRegressor().fit([[0.0], [1.0], [3.0]], [1.0, 2.0, 4.0])
    for path in ("a\0b", "a\ud800", "c" * 5000):
        with pytest.raises(InvalidInput, match="the path"):
            estimator.save(path)
