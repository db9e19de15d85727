import json
import math

import numpy as np
import pytest
from safetensors.numpy import save

from treadle.errors import CorruptFile
from treadle.training.checkpoint import Checkpoint
from treadle.training.history import EpochRecord, History

HISTORY = History([EpochRecord(1, 0.1 + 0.2, math.nan, math.nan, 0.001, 1.5)])


def state(dtype=np.float32):
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=58).astype(dtype) for name in ("parameters", "m", "v")} | {
        "step": np.array(2**40),
        "statistics": np.empty(0, dtype),
    }


def write(path, arrays=None, **changes):
    """A checkpoint as another program might write it."""
    metadata = {"format": 1, "history": HISTORY.to_csv()} | changes
    path.write_bytes(save(state() if arrays is None else arrays, {"treadle": json.dumps(metadata)}))
    return path


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_saved_comes_back_to_the_bit(tmp_path, dtype):
    path = tmp_path / "checkpoint.safetensors"
    Checkpoint(state(dtype), HISTORY).save(path)
    back = Checkpoint.load(path)
    assert back.state.keys() == state().keys()
    for name, array in state(dtype).items():
        assert back.state[name].dtype == array.dtype and back.state[name].shape == array.shape
        assert back.state[name].tobytes() == array.tobytes()
    assert back.history.to_csv() == HISTORY.to_csv()
    assert [path.name for path in tmp_path.iterdir()] == [path.name]


def test_a_path_may_be_a_str(tmp_path):
    Checkpoint(state(), HISTORY).save(str(tmp_path / "checkpoint"))
    assert Checkpoint.load(str(tmp_path / "checkpoint")).history.to_csv() == HISTORY.to_csv()


def test_it_is_plain_safetensors_with_json(tmp_path):
    from safetensors import safe_open

    path = tmp_path / "checkpoint.safetensors"
    Checkpoint(state(), HISTORY).save(path)
    with safe_open(path, framework="numpy") as file:
        metadata = json.loads(file.metadata()["treadle"])
        assert len(metadata.pop("sha256")) == 64
        assert metadata == {"format": 1, "history": HISTORY.to_csv()}
        assert sorted(file.keys()) == ["m", "parameters", "statistics", "step", "v"]


def test_a_checkpoint_from_before_batch_normalisation_is_one_without_statistics(tmp_path):
    arrays = state()
    del arrays["statistics"]
    back = Checkpoint.load(write(tmp_path / "checkpoint", arrays))
    assert back.state["statistics"].shape == (0,) and back.state["statistics"].dtype == np.float32


def test_the_state_that_was_read_can_be_written_to(tmp_path):
    back = Checkpoint.load(write(tmp_path / "checkpoint"))
    back.state["parameters"] += 1


def test_a_missing_file_or_folder_is_an_oserror_with_its_path(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
        Checkpoint.load(tmp_path / "none.safetensors")
    with pytest.raises(FileNotFoundError, match="none"):
        Checkpoint(state(), HISTORY).save(tmp_path / "none" / "checkpoint.safetensors")


@pytest.mark.parametrize(
    "changes", [{"format": 2}, {"format": "1"}, {"format": None}, {"history": 5}, {"history": None}]
)
def test_another_format_is_refused(tmp_path, changes):
    with pytest.raises(
        CorruptFile,
        match=r"must hold a checkpoint of format 1; it holds format .*: use the treadle that wrote it,",
    ):
        Checkpoint.load(write(tmp_path / "checkpoint", **changes))


@pytest.mark.parametrize("missing", ["parameters", "step"])
def test_a_missing_array_is_refused(tmp_path, missing):
    arrays = state()
    del arrays[missing]
    with pytest.raises(
        CorruptFile, match=r"checkpoint lacks the parameters or the step; it has \['m', .*: restore it"
    ):
        Checkpoint.load(write(tmp_path / "checkpoint", arrays))


@pytest.mark.parametrize(
    "step", [np.array(-1), np.array([5]), np.array(5.0), np.zeros((0,), np.int64)], ids=repr
)
def test_a_step_that_counts_nothing_is_refused(tmp_path, step):
    with pytest.raises(
        CorruptFile,
        match=r"checkpoint must hold a step, one integer of at least 0; it holds array.*: restore it from",
    ):
        Checkpoint.load(write(tmp_path / "checkpoint", state() | {"step": step}))


def test_a_damaged_history_is_refused_with_the_file_s_name(tmp_path):
    with pytest.raises(
        CorruptFile, match=r"checkpoint is damaged: a history begins with the line .*; restore it"
    ):
        Checkpoint.load(write(tmp_path / "checkpoint", history="rubbish"))


def test_nan_in_the_state_is_refused(tmp_path):
    arrays = state()
    arrays["v"][7] = math.nan
    with pytest.raises(CorruptFile, match="checkpoint holds NaN or infinite numbers in 'v': it is damaged"):
        Checkpoint.load(write(tmp_path / "checkpoint", arrays))
