"""Sets a rival's recipe up on the device, and trains an epoch a request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from gpu.data import training_rows
from recipe import Recipe


def play(task: dict[str, Any], requests: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rival's versions; then what became of each request.

    ``{"recipe": ...}`` sets a recipe up and trains its first epoch, which is part of that: it compiles and
    captures. ``{}`` trains one more. Either is answered with its seconds and the epoch's loss.
    """
    rival = import_module(f"rivals.{task['rival']}")
    X, y, source = training_rows(task["data"], task["rows"])
    ready: dict[str, Any] = {"versions": rival.versions()}
    if task["rival"] != "jax_scan":  # whose process has no PyTorch
        from gpu.torch_device import description

        ready["conditions"] = {**description(task["device"]), "data": source, "notes": task["notes"]}
    yield ready
    train_epoch: Callable[[], float] | None = None
    for request in requests:
        start = time.perf_counter()
        if "recipe" in request:
            recipe = Recipe(**request["recipe"])
            train_epoch = rival.prepare(recipe, X, y, 0, 1, task["device"])
            loss = train_epoch()
            yield {"name": rival.name(recipe), "seconds": time.perf_counter() - start, "loss": loss}
        else:
            assert train_epoch is not None
            loss = train_epoch()
            yield {"seconds": time.perf_counter() - start, "loss": loss}
