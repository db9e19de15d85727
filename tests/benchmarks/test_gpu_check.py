"""The check for GPUs, dry on the CPU, where nothing but PyTorch and NumPy can be imported; and its parts."""

import json
import math
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from scipy.special import ndtr

from treadle.engines.torch_engine import TorchEngine
from treadle.engines.torch_trainer import TorchTrainer
from treadle.errors import DataUnavailable, EngineUnavailable

CHECK = Path(__file__).parents[2] / "benchmarks" / "gpu_check.py"
# Every package that treadle depends on but NumPy and jinja2, which PyTorch brings, and its compiled kernel.
BLOCKED = (
    "cyclopts", "joblib", "lazy_loader", "matplotlib", "pandas", "PIL", "platformdirs", "pooch", "pyarrow",
    "requests", "rich", "safetensors", "scipy", "sklearn", "threadpoolctl", "tomli_w", "treadle._native",
)  # fmt: skip
BLOCK = f"""
import sys
from importlib.machinery import PathFinder

class Blocking:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in {BLOCKED} or name.partition(".")[0] in {BLOCKED}:
            return None
        return PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Blocking
"""


def check(*arguments, **environment):
    command = [sys.executable, str(CHECK), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=600, env={**os.environ, **environment}
    )


@pytest.fixture(scope="module")
def dry_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dry")
    (folder / "sitecustomize.py").write_text(BLOCK)
    ran = check(
        "--device",
        "cpu",
        "--dry",
        "--rivals",
        "treadle,compiled,jax",
        "--out",
        str(folder / "out"),
        PYTHONPATH=str(folder),
    )
    return ran, folder / "out"


def test_a_dry_run_needs_pytorch_and_numpy_alone(dry_run):
    ran, out = dry_run
    assert ran.returncode == 0, ran.stderr + ran.stdout
    assert (out / "gpu_check.md").read_text() == ran.stdout
    assert (
        "**A dry run: it shows that everything runs, compiles nothing and measures nothing.**" in ran.stdout
    )
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
    assert all({"treadle", "compiled"} <= set(recipe["rivals"]) for recipe in recipes)


def test_every_option_of_training_has_a_case(dry_run):
    from treadle.maths.activations import ACTIVATIONS
    from treadle.maths.loss_table import LOSSES
    from treadle.optimizers import SCHEDULES

    ran, _ = dry_run
    names = [
        "the classic network",
        "tanh, cross_entropy, Adam, constant rate",
        *(f"activation {name}" for name in ACTIVATIONS.keys() - {"tanh"}),
        *(f"loss {name}" for name in LOSSES.keys() - {"cross_entropy"}),
        *(f"schedule {name}" for name in SCHEDULES.keys() - {"constant"}),
        "dropout",
        "batch normalisation",
        "flips",
        "shifts",
        "sample weights, some 0",
        "l2",
        "AdamW(",
        "SGD(",
        "a network for tables",
        "all together",
    ]
    for name in names:
        assert f"| {name}" in ran.stdout, name


def test_time_that_is_over_leaves_what_was_measured(monkeypatch, tmp_path):
    from gpu import agreement
    from gpu.processes import Ended
    from gpu.settings import Settings

    figures = {"loss": 1e-16, "state": 2e-16, "own_way": 3e-16, "logits": 4e-16}
    found = {"case": "dropout", "dtype": "float64", "steps": 9, **figures, "beyond": ["logits"]}
    answers = iter([{"device": "a device"}, {"cases": 2}, found])

    class Process:
        def __init__(self, module, task):
            assert (module, task["steps"]) == ("agreement_part", 9)

        def answer(self, until):
            for answer in answers:
                return answer
            raise Ended("out of time")

        def end(self):
            pass

    monkeypatch.setattr(agreement, "Process", Process)
    measured = agreement.measure(Settings("cuda", None, 9, 64, 1, ("treadle",), False), until=1.0)
    assert measured["found"] == [found]
    assert agreement.problems(measured) == [
        "dropout, float64: beyond its tolerance in logits",
        "agreement ended after 1 of 4: out of time",
    ]
    assert "| dropout | 1.0e-16 / - | 2.0e-16 / - | 3.0e-16 / - | 4.0e-16* / - |" in agreement.page(measured)


def test_a_section_that_fails_leaves_the_others(monkeypatch):
    import gpu_check

    class Broken:
        @staticmethod
        def measure(settings, until):
            raise ZeroDivisionError("of nothing")

    class Whole:
        @staticmethod
        def measure(settings, until):
            assert until == 105.0
            return {"conditions": {"device": "a device"}}

        @staticmethod
        def page(record):
            return "## It"

        problems = staticmethod(lambda record: [])

    monkeypatch.setattr(gpu_check, "SECTIONS", {"epochs": (Broken, 0.4), "agreement": (Whole, 0.5)})
    kept = []
    records, failures = gpu_check.measure_all(
        ("epochs", "agreement"), None, 100.0, 10.0, lambda *both: kept.append(tuple(map(dict, both)))
    )
    assert failures == {"epochs": "ZeroDivisionError: of nothing"}
    assert kept == [({}, failures), (records, failures)]
    words = dict.fromkeys(("processor", "processors", "system", "python", "date"), "x")
    text = gpu_check.page({**words, "dry": False, "seconds": 1.0}, records, failures)
    assert "- **the section epochs is missing: ZeroDivisionError: of nothing**" in text
    assert "- Device: a device" in text and text.endswith("## It")


def test_without_a_gpu_it_says_what_to_do(monkeypatch):
    from gpu.torch_device import description

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EngineUnavailable, match="finds no GPU here: take --device cpu --dry for a dry run"):
        description("cuda")


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


class Planted(TorchEngine):
    """Its learning rate is off by a factor, its losses too, and its logits by a constant."""

    def __init__(self, rate=1.0, loss=1.0, logits=0.0):
        super().__init__("cpu")
        self.factors, self.constant = (rate, loss), logits

    def predictor(self, parameters):
        right = super().predictor(parameters)
        plain = right._plain_logits
        right._plain_logits = lambda X: plain(X) + parameters.dtype.type(self.constant)
        return right

    def trainer(self, problem, parameters):
        rate, loss = self.factors

        class Trainer(TorchTrainer):
            def run_epoch(self, order, learning_rates):
                return super().run_epoch(order, learning_rates * rate) * loss

        return Trainer(problem, parameters, self.device)


def compared(engine, dtype, beside=None):
    from gpu.agreement_part import compare
    from gpu.cases import option_cases

    return compare(next(option_cases()), engine, beside, np.dtype(dtype), 9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_engine_that_agrees_is_within_its_tolerances_also_of_itself(dtype):
    found = compared(TorchEngine("cpu"), dtype, beside=TorchEngine("cpu"))
    assert found["beyond"] == []
    assert found["cpu_loss"] == found["cpu_state"] == 0 < found["state"]


@pytest.mark.parametrize(
    ("planted", "dtype", "beyond"),
    [
        (Planted(rate=1 + 1e-3), np.float32, ["state", "cpu_state"]),
        (Planted(rate=1 + 1e-9), np.float64, ["state", "cpu_state", "own_way"]),
        (Planted(loss=1 + 2e-6), np.float32, ["loss", "cpu_loss"]),
        (Planted(loss=math.nan), np.float64, ["loss", "cpu_loss", "own_way"]),
        (Planted(logits=1e-5), np.float32, ["logits"]),
    ],
)
def test_a_planted_error_is_named(planted, dtype, beyond):
    assert compared(planted, dtype, beside=TorchEngine("cpu"))["beyond"] == beyond


def test_the_normal_distribution_without_scipy_is_scipys():
    from gpu.bare_package import normal_distribution

    z = np.linspace(-37, 9, 95).reshape(5, 19)
    np.testing.assert_allclose(normal_distribution(z), ndtr(z), rtol=1e-13)
    assert normal_distribution(z.astype(np.float32)).dtype == np.float32


def test_rows_without_files_are_synthetic_and_said_to_be(monkeypatch, tmp_path):
    from gpu import data

    monkeypatch.setattr(data, "SYSTEM_FOLDER", tmp_path)
    X, y, source = data.training_rows(None, 500)
    assert X.shape == (500, 784) and X.dtype == np.uint8 and len(np.unique(y)) == 10
    assert source == "synthetic rows of Fashion-MNIST's shape: its files are not here"
    with pytest.raises(DataUnavailable, match="train-images"):
        data.training_rows(str(tmp_path), 500)


def test_a_part_that_fails_says_so_and_one_that_is_slow_is_ended():
    from gpu.processes import Ended, Process

    with pytest.raises(Ended, match=r"ModuleNotFoundError: No module named 'gpu\.nothing'"):
        Process("nothing", {}).answer(time.monotonic() + 60)
    slow = Process("nothing", {})
    with pytest.raises(Ended, match="out of time"):
        slow.answer(time.monotonic())


def record(losses, left_out):
    from recipe import Recipe

    rivals = {
        name: {"name": name, "versions": {}, "losses": of, "seconds": [2.0, 1.0]}
        for name, of in losses.items()
    }
    contest = {
        "recipe": asdict(Recipe()),
        "rivals": rivals,
        "setting_up": dict.fromkeys(rivals, 3.0),
        "foul": [],
    }
    return {"conditions": {}, "rows": 10, "recipes": [contest] * 4, "left_out": left_out}


class FakeProcess:
    """A rival whose loss falls, that notes until when its answers are waited for."""

    waited: ClassVar[list[float]] = []

    def __init__(self, module, task, environment):
        self.rival, self.loss = task["rival"], 2.3

    def ask(self, request):
        self.request = request

    def answer(self, until):
        from gpu.processes import Ended

        self.waited.append(until)
        if self.rival == "jax_scan" or time.monotonic() >= until:
            raise Ended("out of time")
        if not hasattr(self, "request"):
            return {"versions": {"it": "1"}, "conditions": {"device": "a device"}}
        time.sleep(0.02)
        self.loss *= 0.9
        return {"name": self.rival, "seconds": 0.02, "loss": self.loss}

    def end(self):
        pass


@pytest.mark.parametrize(("seconds", "rounds"), [(60.0, 3), (0.6, 1000)])
def test_rounds_end_when_the_time_does_and_whoever_fails_is_left_out(monkeypatch, seconds, rounds):
    from gpu import epochs
    from gpu.settings import Settings

    monkeypatch.setattr(epochs, "Process", FakeProcess)
    monkeypatch.setattr(FakeProcess, "waited", [])
    until = time.monotonic() + seconds
    settings = Settings("cuda", None, 9, 64, rounds, ("treadle", "eager", "jax"), False)
    measured = epochs.measure(settings, until)
    assert max(FakeProcess.waited) <= until and time.monotonic() <= until + 1
    assert measured["conditions"] == {"device": "a device"}
    assert measured["left_out"]["jax"] == "out of time"
    first = measured["recipes"][0]["rivals"]
    assert list(first) == ["treadle", "eager"] and not measured["recipes"][0]["foul"]
    n = len(first["eager"]["seconds"])
    assert n == len(first["treadle"]["seconds"]) and (n == 3 if rounds == 3 else 1 <= n < 1000)


def test_a_rival_that_fails_is_a_problem_and_one_that_is_not_installed_is_none():
    from gpu.epochs import page, problems

    losses = {"treadle": [2.0, 1.0, 0.5]}
    absent = {"jax": "ModuleNotFoundError: No module named 'jax'"}
    assert problems(record(losses, absent)) == []
    assert "- jax_scan is left out: ModuleNotFoundError" in page(record(losses, absent))
    assert "| treadle | 2 | 1.5000 | 1.0000 to 2.0000 | 1.00 (1.00 to 1.00) | 3.0 | 0.5000 |" in page(
        record(losses, absent)
    )
    assert problems(record(losses, {"compiled": "out of time"})) == ["torch_compiled: out of time"]
    short = record(losses, {}) | {"recipes": []}
    assert problems(short)[0] == "784-256-128-64-10, batches of 64: not measured, out of time"
