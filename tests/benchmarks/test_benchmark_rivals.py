"""The rivals train the recipe they are timed on, and the benchmark notices one that does not."""

import math
import subprocess
import sys
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def benchmarks_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.fixture
def measurements():
    from results import Measurement

    losses = [0.55, 0.40, 0.30]
    return [
        Measurement("treadle", {"numpy": "2.4"}, losses, [2.0, 1.0, 3.0]),
        Measurement("rival", {"torch": "2.13"}, losses, [6.0, 5.0, 4.0]),
        Measurement("third", {"jax": "0.10"}, losses, [0.5, 0.5, 0.6]),
    ]


@pytest.mark.parametrize(
    ("module", "packages"),
    [
        ("treadle_numpy", ()),
        ("reference_script", ("torch",)),
        ("torch_in_memory", ("torch",)),
        ("jax_scan", ("jax", "optax")),
        ("sklearn_mlp", ()),
    ],
)
def test_a_rival_trains_the_recipe(module, packages, fashion_mnist, request):
    for package in packages:
        pytest.importorskip(package, reason=f"{package} is a rival's, and installed by `make bench`")
    if module == "torch_in_memory":
        import torch

        request.addfinalizer(lambda: torch.set_flush_denormal(False))
    rival = import_module(module)
    # Fifteen whole batches and one of forty rows.
    X, y = np.array(fashion_mnist.X_train[:1000]), np.array(fashion_mnist.y_train[:1000])
    # One thread: on so few rows two would mostly wait for each other.
    with threadpool_limits(1):
        train_epoch = rival.prepare(X, y, seed=0)
        losses = [train_epoch() for _ in range(8)]
    # Five seeds of each gave 2.02 to 2.12 and 0.48 to 0.57. Half of the rows, batches of 128 or Glorot's
    # initialisation take the first epoch out of its bounds.
    assert 1.95 <= losses[0] <= 2.17
    assert 0.42 <= losses[-1] <= 0.62
    assert all(isinstance(version, str) for version in rival.versions().values())


def test_rivals_that_trained_alike_pass(measurements):
    from results import untrained

    assert untrained(measurements) == []


def test_losses_that_are_all_not_a_number_are_all_named(measurements):
    from results import untrained

    assert len(untrained([replace(m, losses=[0.5, math.nan]) for m in measurements])) == 3


@pytest.mark.parametrize(
    "losses",
    [
        [0.55, 0.40, math.nan],
        [0.55, math.nan, 0.30],
        [math.nan, 0.40, 0.30],
        [0.55, 0.40, math.inf],
        [0.55, 0.40, 0.34],
        [0.55, 0.40, 0.26],
        [0.60, 0.40, 0.30],
        [0.55, 0.55, 0.55],
    ],
)
def test_a_rival_that_did_not_train_the_recipe_is_named(measurements, losses):
    from results import untrained

    measurements[1] = replace(measurements[1], losses=losses)
    (sentence,) = untrained(measurements)
    assert sentence.startswith("rival did not train")


def test_the_table_holds_median_spread_and_ratio_to_the_first(measurements):
    from machine import description
    from results import as_json, as_markdown

    circumstances = {**description(), "threads": 2, "others": 0.125}
    table = as_markdown(measurements, circumstances, "2026-01-02")
    assert "| treadle | 2.000 | 1.000 | 3.000 | 1.00 | 0.3000 |" in table
    assert "| rival | 5.000 | 4.000 | 6.000 | 2.50 | 0.3000 |" in table
    assert "| rival | torch 2.13 |" in table
    assert circumstances["processor"] in table
    assert "Threads: 2" in table
    assert "0.12 processors on average" in table
    record = as_json(measurements, circumstances, "2026-01-02")
    assert record["rivals"][1]["seconds"] == [6.0, 5.0, 4.0]


def run_benchmark(*arguments):
    command = [sys.executable, str(BENCHMARKS / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_trial_prints_the_table_and_writes_nothing(fashion_mnist):
    before = {path: path.read_bytes() for path in BENCHMARKS.glob("results/*")}
    ran = run_benchmark("--rivals", "treadle_numpy", "--rounds", "1", "--rows", "640", "--threads", "1")
    assert ran.returncode == 0, ran.stderr
    assert "| treadle, NumPy engine |" in ran.stdout
    assert "n: 1 epoch each" in ran.stdout
    assert "A trial: nothing is written" in ran.stderr
    assert {path: path.read_bytes() for path in BENCHMARKS.glob("results/*")} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rivals", "keras"), "no rival is called keras; there are treadle_numpy, "),
        (("--rounds", "0"), "--rounds, --threads and --rows must be at least 1"),
        (("--rows", "0"), "--rounds, --threads and --rows must be at least 1"),
        (("--threads", "4096"), "--threads 4096 is more than the"),
    ],
)
def test_a_wrong_call_is_refused(arguments, message):
    ran = run_benchmark(*arguments)
    assert ran.returncode == 2
    assert message in ran.stderr


def test_work_of_this_process_is_seen_as_the_machines_work():
    from machine import busy_seconds

    before, start = busy_seconds(), time.process_time()
    if before is None:
        pytest.skip("this system does not count its processors' work in /proc/stat")
    while time.process_time() - start < 0.3:
        pass
    assert busy_seconds() - before >= 0.25
