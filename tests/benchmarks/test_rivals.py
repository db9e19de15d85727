"""The rivals train the recipe they are timed on, and the benchmark notices one that does not."""

import math
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture
def measurements():
    from results import Measurement

    losses = [0.55, 0.40, 0.30]
    return [
        Measurement("treadle", {"numpy": "2.4"}, losses, [2.0, 1.0, 3.0], 0.8),
        Measurement("rival", {"torch": "2.13"}, losses, [6.0, 5.0, 4.0]),
        Measurement("third", {"jax": "0.10"}, losses, [0.5, 0.5, 0.6]),
    ]


@pytest.mark.parametrize(
    ("module", "precision", "packages"),
    [
        ("treadle_numpy", "float32", ()),
        ("treadle_native", "float32", ("treadle._native",)),
        ("reference_script", "float32", ("torch",)),
        ("torch_in_memory", "float32", ("torch",)),
        ("torch_in_memory", "bfloat16", ("torch",)),
        ("torch_in_memory", "bfloat16 weights", ("torch",)),
        ("jax_scan", "float32", ("jax", "optax")),
        ("sklearn_mlp", "float32", ()),
    ],
)
def test_a_rival_trains_the_recipe(module, precision, packages, fashion_mnist, request):
    from recipe import Recipe

    for package in packages:
        pytest.importorskip(package, reason=f"{package} is a rival's, and installed by `make bench`")
    if module == "torch_in_memory":
        import torch

        request.addfinalizer(lambda: torch.set_flush_denormal(False))
    rival = import_module(f"rivals.{module}")
    recipe = Recipe(precision=precision)
    # Fifteen whole batches and one of forty rows.
    X, y = np.array(fashion_mnist.X_train[:1000]), np.array(fashion_mnist.y_train[:1000])
    # One thread: on so few rows two would mostly wait for each other.
    with threadpool_limits(1):
        train_epoch = rival.prepare(recipe, X, y, seed=0, threads=1)
        losses = [train_epoch() for _ in range(8)]
    # Five seeds of each gave 2.02 to 2.12 and 0.48 to 0.57. Half of the rows, batches of 128 or Glorot's
    # initialisation take the first epoch out of its bounds.
    assert 1.95 <= losses[0] <= 2.17
    assert 0.42 <= losses[-1] <= 0.62
    assert all(isinstance(version, str) for version in rival.versions().values())
    assert isinstance(rival.name(recipe), str)


def test_a_rival_trains_another_network_and_other_batches(fashion_mnist):
    from recipe import Recipe

    rival = import_module("rivals.treadle_numpy")
    X, y = np.array(fashion_mnist.X_train[:512]), np.array(fashion_mnist.y_train[:512])
    recipe = Recipe(sizes=(784, 32, 10), batch_size=256)
    train_epoch = rival.prepare(recipe, X, y, seed=0, threads=1)
    assert 2.1 <= train_epoch() <= 2.4  # two small steps from ln 10


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


def test_a_rival_is_held_to_its_own_tolerance(measurements):
    from results import untrained

    losses = [0.55, 0.40, 0.32]
    assert untrained([*measurements[:2], replace(measurements[2], losses=losses)])
    assert untrained([*measurements[:2], replace(measurements[2], losses=losses, tolerance=0.1)]) == []


def test_the_table_holds_median_spread_ratios_and_the_floor(measurements):
    from results import as_records, from_records, rivals_table

    lines = rivals_table(measurements, units=(0, 1)).splitlines()
    assert "times treadle | times rival | times the floor" in lines[0]
    assert lines[2] == (
        "| treadle | 2.000 | 1.000 to 3.000 | 1.00 (1.00 to 1.00) | 0.40 (0.20 to 0.75) | 2.50 | 0.3000 |"
    )
    assert lines[3] == (
        "| rival | 5.000 | 4.000 to 6.000 | 2.50 (1.33 to 5.00) | 1.00 (1.00 to 1.00) |  | 0.3000 |"
    )
    assert from_records(as_records(measurements)) == measurements
