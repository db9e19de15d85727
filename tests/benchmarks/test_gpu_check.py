"""The check for GPUs, dry on the CPU, where nothing but PyTorch and NumPy can be imported; and its parts."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

CHECK = Path(__file__).parents[2] / "benchmarks" / "gpu_check.py"
# Every package that treadle depends on but NumPy and jinja2, which PyTorch brings, and its compiled kernel.
BLOCKED = (
    "cyclopts", "joblib", "lazy_loader", "matplotlib", "pandas", "PIL", "platformdirs", "pooch", "pyarrow",
    "requests", "rich", "safetensors", "scipy", "sklearn", "threadpoolctl", "tomli_w", "treadle._native",
)  # fmt: skip
BLOCK = f"""
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name in {BLOCKED} or name.partition(".")[0] in {BLOCKED}:
            raise ModuleNotFoundError("blocked: " + name)

sys.meta_path.insert(0, Block())
"""


def check(*arguments, **environment):
    command = [sys.executable, str(CHECK), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )


@pytest.fixture(scope="module")
def dry_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dry")
    (folder / "sitecustomize.py").write_text(BLOCK)
    ran = check("--device", "cpu", "--dry", "--out", str(folder / "out"), PYTHONPATH=str(folder))
    return ran, folder / "out"


def test_a_dry_run_needs_pytorch_and_numpy_alone(dry_run):
    ran, out = dry_run
    assert ran.returncode == 0, ran.stderr + ran.stdout
    assert (out / "gpu_check.md").read_text() == ran.stdout
    assert "**A dry run: it shows that everything runs, and measures nothing.**" in ran.stdout
    for package in ("SciPy", "threadpoolctl"):
        assert f"- {package} is not installed: " in ran.stdout
    record = json.loads((out / "gpu_check.json").read_text())
    found = record["sections"]["agreement"]["found"]
    assert len(found) == 2 * record["sections"]["agreement"]["cases"] > 60
    assert all(0 <= f["loss"] <= 1e-6 for f in found)
    # Two programs: all to the bit would be one program compared with itself.
    assert sum(f["state"] > 0 for f in found) > 60
    recipes = record["sections"]["epochs"]["recipes"]
    assert len(recipes) == 4
    assert all({"treadle", "eager"} <= set(recipe["rivals"]) for recipe in recipes)


def test_every_option_of_training_has_a_case(dry_run):
    from treadle.maths.activations import ACTIVATIONS
    from treadle.maths.loss_table import LOSSES
    from treadle.optimizers import SCHEDULES

    ran, _ = dry_run
    names = [
        "the classic network",
        *(f"activation {name}" for name in ACTIVATIONS),
        *(f"loss {name}" for name in LOSSES),
        *(f"schedule {name}" for name in SCHEDULES),
        "dropout",
        "batch normalisation",
        "flips",
        "shifts",
        "sample weights, some 0",
        "l2",
        "AdamW(",
        "SGD(",
        "all together",
    ]
    for name in names:
        assert f"| {name}" in ran.stdout, name


def test_time_that_is_over_leaves_what_was_measured(tmp_path):
    start = time.monotonic()
    ran = check("--device", "cpu", "--sections", "agreement", "--seconds", "30", "--out", str(tmp_path))
    assert ran.returncode == 1, ran.stderr
    assert time.monotonic() - start < 25
    found = json.loads((tmp_path / "gpu_check.json").read_text())["sections"]["agreement"]["found"]
    assert f"- **agreement ended after {len(found)} of" in ran.stdout
    assert "out of time**" in ran.stdout


def test_without_a_gpu_it_says_what_to_do(monkeypatch):
    ran = check("--sections", "agreement", CUDA_VISIBLE_DEVICES="")
    assert ran.returncode == 1
    assert "finds no GPU here: take --device cpu --dry for a dry run" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rivals", "keras"), "--rivals: there is no keras; there are treadle, eager, compiled, jax"),
        (("--sections", "prices"), "--sections: there is no prices; there are agreement, epochs"),
        (("--seconds", "0"), "--seconds must be positive; got 0.0"),
    ],
)
def test_a_wrong_call_is_refused(arguments, message):
    ran = check(*arguments)
    assert ran.returncode == 2
    assert message in ran.stderr
