"""The bits of whole trainings: whatever NumPy's build, the kernels and the number of threads."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from treadle.hardware.native import extension
from treadle.training.recorded_bits import RECORDED, RECORDED_NUMPY, bits_of_training

OF_NUMPY = ("initial weights", "orders")


def test_what_training_takes_from_elsewhere_is_as_recorded():
    parts = bits_of_training()
    assert {part.what for part in parts} == RECORDED.keys()
    for part in parts:
        if not part.what.startswith(OF_NUMPY) or np.__version__ == RECORDED_NUMPY:
            assert part.agree, part


def dispatched():
    """Names of what NumPy takes of this processor beyond its baseline."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    return [name for name in __cpu_dispatch__ if __cpu_features__.get(name)]


def trained(folder, *options, **variables):
    """SHA-256 of the model that a run of digits ends in, in a process of its own."""
    command = [sys.executable, "-m", "treadle", "train", "digits", "--engine", "native", "--epochs", "2"]
    ended = subprocess.run(
        [*command, "--batch-size", "64", "--hidden", "33", *options, "--out", str(folder)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


@pytest.mark.skipif(not extension.is_built(), reason="the extension is not built")
def test_a_run_gives_one_model_whatever_numpys_build_kernels_and_threads(tmp_path):
    options = ("--schedule", "cosine", "--batch-norm", "--dropout", "0.2", "--average", "2", "--standardise")
    plain = trained(tmp_path / "plain", *options)
    features = {"NPY_DISABLE_CPU_FEATURES": " ".join(dispatched())} if dispatched() else {}
    other = {**features, "TREADLE_SIMD": "portable", "OMP_NUM_THREADS": "1"}
    assert trained(tmp_path / "other", *options, **other) == plain
    # It would be seen: another seed ends in another model.
    assert trained(tmp_path / "seed", *options, "--seed", "1") != plain
